"""Build the Lambda layer: OPA, the extension that runs it, and one bundle of policies and data. See README.md.

python extension/build_layer.py --data settings/
"""  # noqa: INP001 - run as a program; what it imports is the package beside it

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click
from layer import architecture as architectures
from layer import contents, entry, pack, programs, purity
from layer.architecture import Architecture
from layer.programs import Workshop

from opalite.cli.opa import Progress
from opalite.engine import install, locate
from opalite.engine.bundle import Bundle, assemble
from opalite.engine.locate import OPA_VERSION
from opalite.errors import UsageError
from opalite.normalize import TYPES
from opalite.remediation.actions import ACTIONS

_PATH = click.Path(path_type=Path)
_LICENCE = Path(__file__).resolve().parents[1] / "LICENSE"
_NAMES = [each.name for each in architectures.ALL]


@dataclass(frozen=True, slots=True)
class Policies:
    """The bundle, also as a file."""

    bundle: Bundle
    written: Path


@click.command("build_layer", context_settings={"max_content_width": 100})
@click.option(
    "--architecture",
    type=click.Choice([*_NAMES, "host", "all"]),
    help="For which machines. host: this one, with the OPA that `opalite opa path` names, for --unpacked only. "
    "Without it: all; with --unpacked: host.",
)
@click.option(
    "--bundle", "bundles", type=_PATH, multiple=True, metavar="PATH|TAR", help="Policies of your own, too; repeatable."
)
@click.option(
    "--data", "overlays", type=_PATH, multiple=True, metavar="PATH",
    help="Parameters, exemptions and stages laid over those of the bundles; repeatable.",
)  # fmt: skip
@click.option("--no-shipped", is_flag=True, help="Without the policies and data that come with Opalite.")
@click.option("--output", type=_PATH, metavar="DIR", help="Where the .zip files go.  [default: dist]")
@click.option(
    "--unpacked", type=_PATH, metavar="DIR",
    help="Lay the files out in DIR, as Lambda has them in /opt; no .zip is made unless --output is given.",
)  # fmt: skip
def command(
    architecture: str | None,
    bundles: tuple[Path, ...],
    overlays: tuple[Path, ...],
    output: Path | None,
    unpacked: Path | None,
    *,
    no_shipped: bool,
) -> None:
    """Build the Lambda layer with OPA, the extension that runs it, and the policies.

    \b
    Examples:
      python extension/build_layer.py --bundle my-policies --data settings/
      python extension/build_layer.py --unpacked build/layer
    """
    name = architecture or ("host" if unpacked else "all")
    _refuse_contradictions(name, output, unpacked)
    progress = Progress(sys.stderr)
    try:
        host = install.install(progress, os.environ)
        bundle = assemble(
            host.path, bundles=bundles, overlays=overlays, with_shipped=not no_shipped, typed=TYPES, actions=ACTIONS
        )  # fmt: skip
        with programs.workshop(progress, os.environ) as shop:
            policies = Policies(bundle, shop.directory / "bundle.tar.gz")
            bundle.write(policies.written)
            programs_of_opa = {
                each: host.path if name == "host" else programs.opa(shop, each) for each in _chosen(name, shop)
            }
            own = [path for each, path in programs_of_opa.items() if shop.is_own(each)]
            purity.require_pure(own[0] if own else host.path, bundle, policies.written, shop.directory, shop.run)
            for each, opa in programs_of_opa.items():
                files = _files(shop, each, policies, opa, is_host=name == "host")
                _put(each, files, output=output if unpacked else output or Path("dist"), unpacked=unpacked)
    finally:
        progress.close()


def _refuse_contradictions(name: str, output: Path | None, unpacked: Path | None) -> None:
    if unpacked and name == "all":
        raise UsageError("--unpacked takes one architecture: name it by --architecture")
    if name == "host" and (output or not unpacked):
        raise UsageError(f"--architecture host is for --unpacked alone: a .zip is for {' or '.join(_NAMES)}")


def _chosen(name: str, shop: Workshop) -> Iterable[Architecture]:
    if name == "all":
        return architectures.ALL
    if name != "host":
        return [each for each in architectures.ALL if each.name == name]
    own = architectures.of_machine(shop.platform)
    if own is None:
        raise UsageError(f"the layer runs on Linux on {' or '.join(_NAMES)}, not on this machine: build a .zip")
    return [own]


def _files(
    shop: Workshop, architecture: Architecture, policies: Policies, opa: Path, *, is_host: bool
) -> dict[str, pack.Entry]:
    # What stays on this machine needs no licences of others.
    licences = {} if is_host else dict(programs.opa_licences(shop, architecture, opa))
    files = contents.entries(
        extension=programs.extension(shop, architecture),
        opa=opa,
        opa_version=locate.ask_version(opa) if is_host else OPA_VERSION,
        bundle=policies.bundle,
        written=policies.written,
        architecture=architecture,
        licences={"opalite/LICENSE": _LICENCE.read_bytes(), **licences},
    )
    pack.require_fitting(files)
    return files


def _put(
    architecture: Architecture, files: dict[str, pack.Entry], *, output: Path | None, unpacked: Path | None
) -> None:
    size = pack.unpacked_size(files) / 1e6
    if unpacked:
        pack.write_folder(unpacked, files)
        click.echo(f"{unpacked}  {size:.1f} MB")
    if output:
        path = output / f"opalite-layer-{architecture.name}.zip"
        digest = pack.write_zip(path, files)
        packed = path.stat().st_size
        click.echo(f"{path}  {packed / 1e6:.1f} MB, unpacked {size:.1f} MB  sha256 {digest}")
        if packed > pack.MOST_UPLOADED:
            click.echo(f"note: Lambda takes up to {pack.MOST_UPLOADED >> 20} MB at once: put {path} into S3", err=True)


if __name__ == "__main__":
    entry.run(command, "build_layer")

"""Put a release together: package, code, layers, templates, bill of materials, sums. See docs/release.md.

python release/build_release.py --version 0.1.0
"""  # noqa: INP001 - run as a program; what it imports is the package beside it

from __future__ import annotations

import os
import sys
import tempfile
from functools import partial
from pathlib import Path

import click

TOP = Path(__file__).resolve().parents[1]
sys.path.append(str(TOP / "extension"))

from layer import entry  # noqa: E402 - found by the path above
from shipment import assembly, checkout, executables  # noqa: E402 - they find the layer by the path above
from shipment.builders import CheckoutBuilders  # noqa: E402

from opalite.cli.opa import Progress  # noqa: E402
from opalite.engine import gobuild, watch  # noqa: E402

_PATH = click.Path(path_type=Path)


@click.command("build_release", context_settings={"max_content_width": 100})
@click.option("--version", help="The version that is expected; pyproject.toml must say the same.")
@click.option("--allow-dirty", is_flag=True, help="Also from what is not committed, or has no day yet: to try it.")
@click.option(
    "--bundle", "bundles", type=_PATH, multiple=True, metavar="PATH|TAR", help="Policies of your own, too; repeatable."
)
@click.option(
    "--data", "overlays", type=_PATH, multiple=True, metavar="PATH",
    help="Settings laid over those of the bundles; repeatable.",
)  # fmt: skip
@click.option("--output", type=_PATH, metavar="DIR", help="The folder to make.  [default: dist/opalite-VERSION]")
def command(
    version: str | None,
    bundles: tuple[Path, ...],
    overlays: tuple[Path, ...],
    output: Path | None,
    *,
    allow_dirty: bool,
) -> None:
    """Put a release into a folder. Nothing is uploaded.

    \b
    Examples:
      python release/build_release.py --version 0.1.0
      python release/build_release.py --bundle my-policies --data settings
    """
    made_from = checkout.look(TOP, version, os.environ, watch.run, allow_dirty=allow_dirty)
    options = [word for path in bundles for word in ("--bundle", str(path.resolve()))]
    options += [word for path in overlays for word in ("--data", str(path.resolve()))]
    output = output or TOP / "dist" / f"opalite-{made_from.version}"
    progress = Progress(sys.stderr)
    try:
        with tempfile.TemporaryDirectory(prefix="opalite-release-") as directory:
            go = gobuild.usable_go(Path(directory), progress, os.environ, watch.run)
            inspect = partial(
                executables.linked, go=go, directory=Path(directory), environ=os.environ, run=watch.run
            )  # fmt: skip
            builders = CheckoutBuilders(made_from, options, os.environ, watch.run)
            deployed = checkout.deployed_files(made_from, os.environ, watch.run)
            assembly.assemble(made_from, deployed, builders, inspect, output)
    finally:
        progress.close()
    click.echo(output)


if __name__ == "__main__":
    entry.run(command, "release")

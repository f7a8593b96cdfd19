"""All files of a release in one folder, which appears whole or not at all."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import shutil
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from layer import pack
from layer.architecture import ALL, Architecture
from layer.programs import EXTENSION

from opalite.errors import OutputError, UsageError
from shipment import libraries, notes, sbom, templates
from shipment.builders import Builders
from shipment.checkout import Checkout
from shipment.executables import Linked
from shipment.sbom import LayerContent

SUMS = "SHA256SUMS"
_ASIDE = ("LICENSE", "samconfig.toml")
_FUNCTION_LOCK, _LOCK = "handler/requirements.txt", "requirements.lock"
_RUNTIME = re.compile(r"^ +Runtime: (?P<name>\S+)$", re.MULTILINE)

Inspect = Callable[[Path], Linked]  # what is linked into an executable


@dataclass(frozen=True, slots=True)
class Layers:
    """What the layers hold; they have one bundle."""

    bundle_revision: str
    each: tuple[LayerContent, ...]


def assemble(checkout: Checkout, deployed: Sequence[str], builders: Builders, inspect: Inspect, output: Path) -> None:
    """`deployed`: names of the files below deploy/. A release that is at `output` is replaced."""
    if output.exists() and not (output / SUMS).is_file():
        raise UsageError(f"{output} is there and is no release: move it away, or name another folder by --output")
    builders.require_current_template()
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            folder = Path(tempfile.mkdtemp(dir=output.parent, prefix=f".{output.name}."))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            _fill(checkout, deployed, builders, inspect, folder)
            folder.chmod(0o755)
            if output.exists():
                shutil.rmtree(output)
            folder.rename(output)
    except OSError as error:
        raise OutputError(f"{error.filename or output}: {error.strerror or error}") from error


def _fill(checkout: Checkout, deployed: Sequence[str], builders: Builders, inspect: Inspect, folder: Path) -> None:
    builders.packages(folder)
    builders.layers(folder)
    for architecture in ALL:
        builders.function(architecture, folder / templates.function_name(architecture))
    for name in (*_ASIDE, *deployed):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(checkout.folder / name, folder / name)
    template = (checkout.folder / templates.TEMPLATE).read_text(encoding="utf-8")
    for architecture in ALL:
        made = templates.packaged(template, architecture, checkout.version)
        (folder / templates.packaged_name(architecture)).write_text(made, encoding="utf-8")
    templates.require_files(folder)
    layers = _layers(folder, inspect)
    (folder / sbom.NAME).write_text(sbom.document(_contents(checkout, folder, layers)), encoding="utf-8")
    versions = notes.Versions(
        bundle_revision=layers.bundle_revision,
        opa=layers.each[0].opa_version,
        go=", ".join(sorted({linked.go for each in layers.each for linked in (each.opa, each.extension)})),
        runtime=_runtime(template),
        python=platform.python_version(),
    )
    (folder / notes.NAME).write_text(notes.text(checkout, versions, _digests(folder)), encoding="utf-8")
    sums = [f"{digest}  {name}\n" for name, digest in sorted(_digests(folder).items())]
    (folder / SUMS).write_text("".join(sums), encoding="utf-8")


def _layers(folder: Path, inspect: Inspect) -> Layers:
    revisions, each = set[str](), list[LayerContent]()
    for architecture in ALL:
        revision, content = _layer(folder / templates.layer_name(architecture), architecture, inspect)
        revisions.add(revision)
        each.append(content)
    if len(revisions) != 1:
        raise OutputError(f"the layers have different bundles ({', '.join(sorted(revisions))}): build them again")
    return Layers(revisions.pop(), tuple(each))


def _layer(path: Path, architecture: Architecture, inspect: Inspect) -> tuple[str, LayerContent]:
    with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory(dir=path.parent, prefix=".layer-") as directory:
        described = json.loads(archive.read(pack.MARK))
        opa = inspect(Path(archive.extract("opalite/opa", directory)))
        extension = inspect(Path(archive.extract(f"extensions/{EXTENSION}", directory)))
    content = LayerContent(path.name, architecture.goarch, described["opa_version"], opa, extension)
    return str(described["bundle_revision"]), content


def _contents(checkout: Checkout, folder: Path, layers: Layers) -> sbom.Contents:
    project = tomllib.loads((checkout.folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = libraries.pinned((checkout.folder / _LOCK).read_text(encoding="utf-8"))
    function = libraries.pinned((checkout.folder / _FUNCTION_LOCK).read_text(encoding="utf-8"))
    command = libraries.needed(project["dependencies"])
    shipped = command | {library.name for library in function}
    wheels = [path.name for path in folder.glob("*.whl")]
    if len(wheels) != 1:
        raise OutputError(f"{len(wheels)} wheels were built, expected was one: remove the others and build again")
    return sbom.Contents(
        version=checkout.version,
        at=checkout.at,
        digests=_digests(folder),
        wheel=wheels[0],
        command=[library for library in locked if library.name in command],
        functions=[templates.function_name(architecture) for architecture in ALL],
        function=function,
        layers=layers.each,
        tools=[library for library in locked if library.name not in shipped],
    )


def _digests(folder: Path) -> Mapping[str, str]:
    return {path.relative_to(folder).as_posix(): _digest(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _runtime(template: str) -> str:
    found = _RUNTIME.search(template)
    return found["name"] if found else "unknown"

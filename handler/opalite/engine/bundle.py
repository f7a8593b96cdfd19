"""One bundle out of everything: the shipped policies, the organization's own, and the data with all overlays.

OPA refuses two bundles that share a root, and data below a bundle's root cannot be changed by REST: so the sources are
merged before OPA starts. Equal sources give equal bytes and so an equal revision.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import orjson

from opalite import catalog as catalogs
from opalite import settings_data
from opalite.adapters import documents
from opalite.engine import shipped
from opalite.engine.tools import inspect
from opalite.errors import UsageError
from opalite.model import JsonObject

if TYPE_CHECKING:
    from opalite.remediation.action import Action

_DATA_NAMES = tuple(f"data{suffix}" for suffix in documents.SUFFIXES)
_RESERVED = (
    "data.aws.",
    "data.opalite.",
    "data.catalog",
    "data.parameters",
    "data.exemptions",
    "data.remediation",
    "data.stages",
    "data.system",
)
_LARGEST_FILE = 64 * 1024 * 1024  # unpacked; a bundle is text written by people
_REVISION_CHARACTERS = 16


@dataclass(slots=True)
class Sources:
    """Rego modules and data documents of one bundle folder or archive."""

    modules: dict[str, bytes] = field(default_factory=dict)
    data: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bundle:
    """Policies and data as one OPA bundle, not yet written."""

    modules: Mapping[str, bytes]
    data: JsonObject

    @property
    def revision(self) -> str:
        """Changes with any policy or setting."""
        digest = sha256()
        for path, text in sorted(self.modules.items()):
            digest.update(b"%d %s %d\n" % (len(path), path.encode(), len(text)) + text)
        digest.update(orjson.dumps(self.data, option=orjson.OPT_SORT_KEYS))
        return digest.hexdigest()[:_REVISION_CHARACTERS]

    def write(self, path: Path) -> None:
        """The bundle as a .tar.gz; equal bundles are equal byte for byte."""
        manifest = {"revision": self.revision, "rego_version": 1}
        files = {
            ".manifest": orjson.dumps(manifest),
            "data.json": orjson.dumps(self.data, option=orjson.OPT_SORT_KEYS),
            **self.modules,
        }
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for name, text in sorted(files.items()):
                entry = tarfile.TarInfo(f"/{name}")
                entry.size = len(text)
                archive.addfile(entry, io.BytesIO(text))
        path.write_bytes(gzip.compress(raw.getvalue(), compresslevel=1, mtime=0))


def assemble(
    opa: Path,
    *,
    bundles: Sequence[Path],
    overlays: Sequence[Path],
    with_shipped: bool,
    typed: Iterable[str],
    actions: Mapping[str, Action] | None = None,
) -> Bundle:
    """The bundle of a run. Raises UsageError naming the file, the place and the remedy.

    `actions` of remediation, by which settings are checked; None: whoever remediates refuses what does not fit.
    """
    modules: dict[str, bytes] = {}
    settings: JsonObject = {root: {} for root in settings_data.ROOTS}
    data: JsonObject = {}
    entries: dict[str, JsonObject] = {}
    if with_shipped:
        policies, defaults = read(shipped.folder("policies")), read(shipped.folder("data"))
        modules |= {f"policies/{path}": text for path, text in policies.modules.items()}
        settings = settings_data.overlay(settings, defaults.data)
        entries |= defaults.data["catalog"]["policies"]
    elif not bundles:
        raise UsageError("--no-shipped leaves no policies: name some by --bundle")
    typed = frozenset(typed)
    for path in bundles:
        source = read(path)
        entries |= _own_policies(opa, path, typed, taken=entries if with_shipped else None)
        modules |= {f"{path.name}/{name}": text for name, text in source.modules.items()}
        own = {root: source.data.pop(root) for root in settings_data.ROOTS if root in source.data}
        source.data.pop("catalog", None)  # made anew from METADATA
        _refuse_faults(path, own, {"policies": entries}, actions)
        settings = settings_data.overlay(settings, own)
        data |= source.data
    for path in overlays:
        over = read_settings(path)
        _refuse_faults(path, over, {"policies": entries}, actions)
        settings = settings_data.overlay(settings, over)
    settings = settings_data.overlay({"parameters": _metadata_defaults(entries)}, settings)
    catalog = catalogs.from_entries(entries, idle=catalogs.idle(entries, settings["parameters"]))
    return Bundle(modules, {**data, **settings, "catalog": catalog})


def read(path: Path) -> Sources:
    """The modules and the data of a bundle folder or archive. Tests, schemas and examples stay outside."""
    if path.is_dir():
        return _gather(_files_of(path), str(path))
    if path.is_file():
        return _gather(_members_of(path), str(path))
    raise UsageError(f"{path}: there is no such bundle; name a folder or a .tar.gz")


def read_settings(path: Path) -> JsonObject:
    """A settings overlay: a folder of the shape of data/, or one file with the same roots as its first keys."""
    if path.is_dir():
        found = _gather(_files_of(path), str(path)).data
        if not found:
            raise UsageError(
                f"{path}: holds no settings; expected data.yaml in parameters/, exemptions/, stages/ or remediation/"
            )
        found.pop("catalog", None)  # a copy of data/ has one
        return found
    document = documents.load(path)
    if not isinstance(document, dict):
        raise UsageError(f"{path}: must be an object with any of {', '.join(settings_data.ROOTS)}")
    return document


def _metadata_defaults(entries: Mapping[str, JsonObject]) -> JsonObject:
    """What METADATA gives a parameter that nobody sets, where a policy finds it at once: looking it up costs more than judging."""
    return {
        policy_id: {"default": {name: schema["default"] for name, schema in properties.items() if "default" in schema}}
        for policy_id, entry in entries.items()
        if (properties := (entry.get("parameters") or {}).get("properties"))
    }


def _own_policies(
    opa: Path, path: Path, typed: frozenset[str], taken: Mapping[str, Any] | None
) -> dict[str, JsonObject]:
    inspection = inspect(opa, path)
    if taken is not None:
        for package, files in sorted(inspection["namespaces"].items()):
            if f"{package}.".startswith(_RESERVED) and any(file.endswith(".rego") for file in files):
                raise UsageError(
                    f"{path}: package {package.removeprefix('data.')} is the product's; put your own below `custom`"
                )
    document, faults = catalogs.document([inspection], typed=typed, schemas=shipped.schemas(), strict=False)
    if faults:
        raise UsageError(
            f"{path}: {faults[0]}"
            + (f" (and {len(faults) - 1} more; see `opalite policies lint`)" if faults[1:] else "")
        )
    for policy_id in document["policies"]:
        if taken and policy_id in taken:
            raise UsageError(f"{path}: policy {policy_id} is there already; a policy id belongs to one bundle")
    return document["policies"]  # type: ignore[no-any-return]


def _refuse_faults(
    path: Path, settings: JsonObject, catalog: Mapping[str, Any], actions: Mapping[str, Action] | None
) -> None:
    faults = list(settings_data.faults(settings, catalog, actions))
    if faults:
        raise UsageError(f"{path}: {faults[0]}" + (f" (and {len(faults) - 1} more)" if faults[1:] else ""))


def _gather(files: Iterator[tuple[str, bytes]], source: str) -> Sources:
    sources = Sources()
    for name, text in files:
        path = PurePosixPath(name)
        if path.suffix == ".rego":
            sources.modules[name] = text
        else:
            _graft(sources.data, path.parent.parts, documents.parse(text, f"{source}/{name}"), f"{source}/{name}")
    return sources


def _graft(data: JsonObject, folders: Sequence[str], document: Any, source: str) -> None:
    if document is None:  # an empty YAML file
        return
    if not isinstance(document, dict):
        raise UsageError(f"{source}: must be an object")
    for folder in folders:
        data = data.setdefault(folder, {})
    for key, value in document.items():
        if key in data:
            raise UsageError(f"{source}: {key!r} is given by another file of the bundle already")
        data[key] = value


def _wanted(name: str) -> bool:
    path = PurePosixPath(name)
    if path.suffix == ".rego":
        return not path.stem.endswith("_test")
    return path.name in _DATA_NAMES


def _files_of(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if (
            _wanted(name)
            and path.is_file()
            and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        ):
            try:
                yield name, path.read_bytes()
            except OSError as error:
                raise UsageError(f"{path}: cannot be read: {error.strerror}") from None


def _members_of(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(path, "r:*") as archive:
            for member in archive:
                name = member.name.lstrip("./")
                if not member.isfile() or not _wanted(name):
                    continue
                if member.size > _LARGEST_FILE:
                    raise UsageError(
                        f"{path}: {name} has {member.size} bytes; a bundle's files have at most {_LARGEST_FILE}"
                    )
                content = archive.extractfile(member)
                yield name, content.read() if content else b""
    except (tarfile.TarError, OSError, EOFError) as error:
        raise UsageError(f"{path}: is not a bundle archive: {error}") from None

"""Settings as people write them, file by file, so that each remark can name its file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from opalite.adapters import documents
from opalite.errors import UsageError

_NAMES = tuple(f"data{suffix}" for suffix in documents.SUFFIXES)


def read(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, Any, str]]:
    """(file, settings with the roots as first keys, why they cannot be read) of a folder like data/, or of one file.

    In a folder only the wanted roots are settings.
    """
    if not path.is_dir():
        yield str(path), *_document(path)
        return
    for file in sorted(path.rglob("data.*")):
        place = file.relative_to(path).parts
        if file.name not in _NAMES or any(part.startswith(".") for part in place):
            continue
        settings, fault = _document(file)
        if not isinstance(settings, dict):
            settings, fault = {}, "must be an object"
        for folder in reversed(place[:-1]):
            settings = {folder: settings}
        settings = {root: entries for root, entries in settings.items() if wanted(root)}
        if settings or (fault and wanted(place[0])):
            yield str(file), settings, fault


def _document(file: Path) -> tuple[Any, str]:
    try:
        document = documents.load(file)
    except UsageError as error:
        return {}, str(error).removeprefix(str(file)).removeprefix(":").strip()
    return ({} if document is None else document), ""  # an empty YAML file says nothing

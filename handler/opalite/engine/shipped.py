"""Where the shipped policies, data and samples lie: beside the package in a wheel, at the top of a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from opalite.errors import UsageError

_PACKAGE = Path(__file__).resolve().parents[1]


def folder(name: str) -> Path:
    """`policies`, `data` or `samples`."""
    for candidate in (_PACKAGE / "shipped" / name, _PACKAGE.parents[1] / name):
        if candidate.is_dir():
            return candidate
    raise UsageError(f"the shipped {name} are missing beside {_PACKAGE}: install opalite anew")


def schemas() -> dict[str, Any]:
    """The schemas of the normal forms, by resource type, which is their title."""
    found = [
        orjson.loads(path.read_bytes()) for path in sorted((folder("policies") / "schemas" / "aws").rglob("*.json"))
    ]
    return {schema["title"]: schema for schema in found}

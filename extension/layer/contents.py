"""What lies where in the layer: the contract with the function."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from layer.architecture import Architecture
from layer.pack import MARK, Entry
from layer.programs import EXTENSION
from opalite.engine.bundle import Bundle

FORMAT = 1  # of layer.json: another number when a member is taken away or means something else


def entries(
    *,
    extension: Path,
    opa: Path,
    opa_version: str,
    bundle: Bundle,
    written: Path,
    architecture: Architecture,
    licences: Mapping[str, bytes],
) -> dict[str, Entry]:
    """By name below /opt. Lambda starts every file in extensions/, so there is nothing else in it."""
    description = {
        "format": FORMAT,
        "architecture": architecture.name,
        "opa_version": opa_version,
        "bundle_revision": bundle.revision,
        "catalog": bundle.data["catalog"],
        "exemptions": bundle.data["exemptions"],
    }
    text = json.dumps(description, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return {
        f"extensions/{EXTENSION}": Entry(extension.read_bytes(), is_executable=True),
        "opalite/opa": Entry(opa.read_bytes(), is_executable=True),
        "opalite/bundle.tar.gz": Entry(written.read_bytes()),
        MARK: Entry(text.encode() + b"\n"),
        **{f"opalite/licenses/{name}": Entry(content) for name, content in licences.items()},
    }

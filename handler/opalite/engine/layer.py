"""What the layer says of itself: which OPA and which bundle lie in it, and the catalog by which the function routes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson

from opalite.errors import UsageError
from opalite.model import JsonObject

FORMAT = 1
NAME = "layer.json"
_KINDS = {"opa_version": str, "bundle_revision": str, "catalog": dict, "exemptions": dict}
_WORDS = {str: "a text", dict: "an object"}


@dataclass(frozen=True, slots=True)
class Layer:
    """`opalite/layer.json` of the layer, as extension/build_layer.py writes it."""

    opa_version: str
    bundle_revision: str
    catalog: JsonObject
    exemptions: JsonObject


def read(folder: Path) -> Layer:
    """Raises UsageError naming the file and the remedy."""
    path = folder / NAME
    try:
        document = orjson.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}): attach the layer, or set OPALITE_LAYER") from None
    except ValueError:
        raise UsageError(f"{path}: is not JSON: build the layer anew") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise UsageError(f"{path}: is not of format {FORMAT}: the layer is of another version than the function")
    try:
        layer = Layer(document["opa_version"], document["bundle_revision"], document["catalog"], document["exemptions"])
    except KeyError as error:
        raise UsageError(f"{path}: lacks {error}: build the layer anew") from None
    for name, kind in _KINDS.items():
        if not isinstance(document[name], kind) or (kind is str and not document[name]):
            raise UsageError(f"{path}: {name} is not {_WORDS[kind]}: build the layer anew")
    return layer

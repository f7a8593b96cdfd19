"""The form of every type without a schema: what Config recorded, keys untouched, JSON inside text decoded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from opalite.normalize.values import EXACT, GapError, decoded, once_decoded, unrecorded

if TYPE_CHECKING:
    from opalite.model import JsonObject
    from opalite.normalize.values import Recorded

# Far deeper than anything Config records, far less than the 254 levels that orjson writes.
MAX_DEPTH = 100
# A document inside text inside a document inside text: deeper ones stay text.
_MAX_NESTED_TEXTS = 3

# What has to be rewritten shows when serialized: text that begins like a document, floats without fraction.
# Text may look like either from within; then the walk is in vain, no more.
# (One pattern for all of it would be several times slower: Python searches quickly only for a fixed beginning.)
_WHOLE_FLOAT = re.compile(rb"\.0[,\]}]")


def configuration(recorded: Recorded, unknown: list[dict[str, str]]) -> JsonObject | None:
    if not recorded.configuration:
        unrecorded(recorded, unknown)
        return None
    supplementary: JsonObject | None = None
    if recorded.supplementary is None:
        reason = "the item has no supplementaryConfiguration"
        unknown.append({"path": "resource.configuration.supplementaryConfiguration", "reason": reason})
    else:
        read = once_decoded if recorded.encoded else decoded
        supplementary = {name: read(value) for name, value in recorded.supplementary.items()}
    document = {**recorded.configuration, "supplementaryConfiguration": supplementary}
    if _is_plain(document):
        return document
    try:
        return {key: _plain(value, MAX_DEPTH, _MAX_NESTED_TEXTS) for key, value in document.items()}
    except GapError as gap:
        unknown.append({"path": "resource.configuration", "reason": str(gap)})
        return None


def _is_plain(document: JsonObject) -> bool:
    """Most are; to serialize one and look is several times faster than to walk it."""
    try:
        serialized = orjson.dumps([[[[[[[[[[[[document]]]]]]]]]]]])  # as deep as the envelopes of a batch, and more
    except orjson.JSONEncodeError:
        return False
    return b'"{' not in serialized and b'"[' not in serialized and not _WHOLE_FLOAT.search(serialized)


def _plain(value: Any, depth: int, texts: int) -> Any:
    if type(value) is str and texts and value[:1] in {"{", "["}:
        try:
            inner = orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
        return _plain(inner, depth, texts - 1)
    if type(value) is float and value.is_integer() and abs(value) < EXACT:
        return int(value)
    if not isinstance(value, (dict, list)):
        return value
    if depth == 0:
        raise GapError(f"malformed: nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        return {key: _plain(each, depth - 1, texts) for key, each in value.items()}
    return [_plain(each, depth - 1, texts) for each in value]

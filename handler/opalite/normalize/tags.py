"""Tags in the shapes in which Config records them, and relationships in both of theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opalite.normalize.values import EXACT, GapError, decoded, objects, text

if TYPE_CHECKING:
    from opalite.model import JsonObject
    from opalite.normalize.values import Recorded

_SPELLINGS = (("key", "value"), ("tagKey", "tagValue"), ("tagName", "tagValue"), ("Key", "Value"))


def read_tags(
    body: JsonObject, recorded: Recorded, unknown: list[dict[str, str]], absent: str
) -> dict[str, str] | None:
    """The item's own if it has any, else those in its configuration; unknown if neither was recorded."""
    own = body.get("tags")
    try:
        found = None if own is None else _as_map(own)
    except GapError as gap:
        unknown.append({"path": "resource.tags", "reason": str(gap)})
        return None
    if found:
        return found
    for other in _elsewhere(recorded):
        try:
            found = _as_map(other)
        except GapError:
            continue
        if found:
            return found
    if found is None:
        unknown.append({"path": "resource.tags", "reason": absent})
    return found


def _elsewhere(recorded: Recorded) -> list[Any]:
    """In the order in which they are believed."""
    configuration, supplementary = recorded.configuration, recorded.supplementary
    places: list[Any] = []
    if configuration:
        places = [configuration[key] for key in ("tags", "Tags") if configuration.get(key) is not None]
    if supplementary:
        named = decoded(supplementary.get("Tags"))
        sets = decoded(supplementary.get("BucketTaggingConfiguration"))
        sets = sets.get("tagSets") if type(sets) is dict else None
        if named is not None:
            places.append(named)
        if type(sets) is list:
            places += [entry.get("tags") for entry in sets if type(entry) is dict and entry.get("tags")]
    return places


def _as_map(value: Any) -> dict[str, str]:
    """Sorted, so that a query's list and an event's map of the same tags become the same document."""
    if type(value) is list:
        value = _pairs(value)
    elif type(value) is not dict:
        raise GapError("malformed: expected a map or a list of tags")
    for content in value.values():
        if type(content) is not str:
            value = {key: _as_text(each) for key, each in value.items()}
            break
    return dict(sorted(value.items())) if len(value) > 1 else dict(value)


def _pairs(entries: list[Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in entries:
        if type(entry) is not dict:
            raise GapError("malformed: expected a list of tags with key and value")
        for key_name, value_name in _SPELLINGS:
            if key_name in entry:
                key, value = entry[key_name], _as_text(entry.get(value_name))
                break
        else:
            raise GapError("malformed: expected a list of tags with key and value")
        if type(key) is not str:
            raise GapError("malformed: expected text as the key of a tag")
        if found.setdefault(key, value) != value:
            raise GapError("malformed: one key is tagged with two values")
    return found


def _as_text(value: Any) -> str:
    if type(value) is str:
        return value
    if value is None:
        return ""
    if value is True or value is False:
        return "true" if value else "false"
    if type(value) is float and value.is_integer() and abs(value) < EXACT:
        return str(int(value))
    if type(value) is int or type(value) is float:
        return str(value)
    raise GapError("malformed: expected text as the value of a tag")


def read_relationships(body: JsonObject, unknown: list[dict[str, str]], absent: str) -> list[JsonObject] | None:
    recorded = body.get("relationships")
    reason = absent
    if recorded is not None:
        try:
            return [_relationship(entry) for entry in objects(recorded)]
        except GapError as gap:
            reason = str(gap)
    unknown.append({"path": "resource.relationships", "reason": reason})
    return None


def _relationship(entry: JsonObject) -> JsonObject:
    return {
        "type": text(entry.get("resourceType")),
        "id": text(entry.get("resourceId")),
        "name": text(entry.get("resourceName")),
        "relationship": text(entry.get("name") or entry.get("relationshipName")),
    }

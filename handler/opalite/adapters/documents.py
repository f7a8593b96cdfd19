"""YAML and JSON files written by people, read strictly: a key given twice is a mistake, not a choice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from opalite import strict_json
from opalite.errors import UsageError

SUFFIXES = (".json", ".yaml", ".yml")


def load(path: Path) -> Any:
    """The document in a file. Raises UsageError naming file and place."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    return parse(text, str(path))


def parse(text: bytes, source: str) -> Any:
    """The document in a text; JSON or YAML by the source's suffix."""
    if source.endswith(".json"):
        try:
            return strict_json.loads(text)
        except strict_json.JsonFault as error:
            raise UsageError(f"{source}: {error}") from None
    return _yaml(text, source)


def _yaml(text: bytes, source: str) -> Any:
    import yaml  # noqa: PLC0415 - 20 ms, needed only where there is YAML

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        pass

    def mapping(loader: Any, node: Any) -> dict[Any, Any]:
        loader.flatten_mapping(node)
        found: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise UsageError(
                    f"{source}:{key_node.start_mark.line + 1}: the key {key!r} is not a text: put it in quotes"
                )
            if key in found:
                raise UsageError(f"{source}:{key_node.start_mark.line + 1}: the key {key!r} is given twice")
            found[key] = loader.construct_object(value_node, deep=True)
        return found

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    # JSON knows no dates: an unquoted 2027-03-31 stays the text that it looks like.
    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in Loader.yaml_implicit_resolvers.items()
    }
    try:
        return yaml.load(text, Loader)  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise UsageError(f"{source}:{line}: is not YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"{source}: is not YAML: {str(error).splitlines()[0]}") from None

"""No request may leave the function: a bundle that could make OPA send one is refused before it is packed.

OPA itself says which built-ins do not depend on their arguments alone: the network, the clock and chance. It compiles
the bundle without them. Two of them are let through where they are harmless: `json.match_schema` and
`json.verify_schema` fetch what a schema refers to, so the schema must be written in the same file, without references.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from layer import constants
from opalite.engine import tools
from opalite.engine.bundle import Bundle
from opalite.engine.watch import Run, last_lines
from opalite.errors import EngineError, UsageError

_OF_SCHEMAS = frozenset({"json.match_schema", "json.verify_schema"})
_UNDEFINED = re.compile(r"undefined function (\S+)")
_WITH = re.compile(rb"\bwith\b")
_ALL_ERRORS = "100000"
_SECONDS = 120

_REMEDY = "it reaches out or answers differently each time: facts come in input.facts, the time is input.evaluated_at"


def require_pure(opa: Path, bundle: Bundle, written: Path, directory: Path, run: Run) -> None:
    """`written` is the bundle as a file. Raises UsageError with the file, the line and what to do."""
    capabilities = _capabilities(opa, directory, run)
    refused = {built_in["name"] for built_in in capabilities["builtins"] if built_in.get("nondeterministic")}
    errors = _errors(opa, written, capabilities, refused | _OF_SCHEMAS, directory, run)
    of_schemas = [error for error in errors if _undefined(error) in _OF_SCHEMAS]
    faults = [_told(error, refused) for error in errors if error not in of_schemas]
    if of_schemas and not faults:
        faults = list(_schema_faults(opa, bundle, {_file(error) for error in of_schemas}, directory))
    if of_schemas and not faults:  # what OPA finds once those are no errors any more
        again = _errors(opa, written, capabilities, refused - _OF_SCHEMAS, directory, run)
        faults = [_told(error, refused) for error in again]
    if faults:
        raise UsageError(faults[0] + (f" (and {len(faults) - 1} more)" if faults[1:] else ""))


def _capabilities(opa: Path, directory: Path, run: Run) -> dict[str, Any]:
    done = run([str(opa), "capabilities", "--current"], {}, directory, _SECONDS, lambda: None)
    if done.code:
        raise EngineError(f"`opa capabilities` failed: {last_lines(done.error)}")
    document: dict[str, Any] = json.loads(done.output)
    return document


def _errors(
    opa: Path, bundle: Path, capabilities: Mapping[str, Any], without: set[str], directory: Path, run: Run
) -> list[dict[str, Any]]:
    """What OPA says of the bundle when it lacks these built-ins, and may reach no host."""
    kept = [built_in for built_in in capabilities["builtins"] if built_in["name"] not in without]
    file = directory / "capabilities.json"
    file.write_text(json.dumps({**capabilities, "builtins": kept, "allow_net": []}), encoding="utf-8")
    command = [
        *(str(opa), "check", "--format", "json", "--max-errors", _ALL_ERRORS),
        *("--capabilities", str(file), "--bundle", str(bundle)),
    ]
    done = run(command, {}, directory, _SECONDS, lambda: None)
    if not done.code:
        return []
    try:
        errors: list[dict[str, Any]] = json.loads(done.output or done.error)["errors"]
    except (ValueError, KeyError, TypeError):
        raise EngineError(f"`opa check` failed: {last_lines(done.error or done.output)}") from None
    return errors


def _told(error: Mapping[str, Any], refused: set[str]) -> str:
    name = _undefined(error)
    message = " ".join(str(error["message"]).split())
    if name in refused:
        message = f"{name} may not be used in the layer: {_REMEDY}"
    return f"{_file(error)}:{(error.get('location') or {}).get('row', 1)}: {message}"


def _undefined(error: Mapping[str, Any]) -> str:
    found = _UNDEFINED.fullmatch(str(error["message"]))
    return found[1] if found else ""


def _file(error: Mapping[str, Any]) -> str:
    """Its name in the bundle."""
    return str((error.get("location") or {}).get("file", "the bundle")).removeprefix(".").removeprefix("/")


def _schema_faults(opa: Path, bundle: Bundle, files: set[str], directory: Path) -> Iterator[str]:
    """`files`: those in which OPA found calls of the two."""
    # `with data.a.schema as …` puts another value in the place of a constant, from wherever it stands.
    changing = [path for path, text in bundle.modules.items() if _WITH.search(text)]
    trees = {path: _tree(opa, bundle.modules[path], directory) for path in sorted({*changing, *files})}
    replaced = frozenset(name for path in changing for name in constants.replaced(trees[path]))
    for path in sorted(files):
        for row in constants.rows_of_loose_schemas(trees[path], replaced):
            yield (
                f"{path}:{row}: the schema may refer to other places, from which OPA would fetch it: "
                "write it as a constant in the same file, without keys that begin with $"
            )


def _tree(opa: Path, module: bytes, directory: Path) -> Mapping[str, Any]:
    file = directory / "module.rego"
    file.write_bytes(module)
    return tools.parse(opa, file)

"""What OPA's REST API answers to a query of a batch rule, as a value or as the right error. Pure.

https://www.openpolicyagent.org/docs/rest-api: an undefined document is 200 with an empty object; a failed evaluation is
500 with `code: internal_error` and one entry of `errors` per place.
"""

from __future__ import annotations

from typing import Any

import orjson

from opalite.errors import DecisionError, EngineError
from opalite.ports import BATCH_RULE, PolicyFault

_PROVENANCE = "provenance=true"
# A built-in that fails is an error instead of "undefined", which a policy could take for "all is well".
STRICT = "strict-builtin-errors=true"
_LONGEST_MESSAGE = 300
_LONGEST_NAME = 200


def path(rule: str = BATCH_RULE, *, provenance: bool = False) -> str:
    """Where a rule is asked. With provenance the answer tells by which bundle it was given."""
    return f"/v1/data/{rule}?{STRICT}{f'&{_PROVENANCE}' if provenance else ''}"


def result_of(status: int, body: bytes, *, revision: str | None = None, rule: str = BATCH_RULE) -> dict[str, Any]:
    """Results by key. Raises PolicyFault, DecisionError or EngineError for every other answer.

    `revision`: the only bundle by which they may have been given; None if that was not asked. `rule`: which was asked.
    """
    try:
        document = orjson.loads(body)
    except ValueError:
        raise EngineError(f"OPA answered HTTP {status} with something that is not JSON") from None
    if status == 200:
        return _results(document, revision, rule)
    message = _message(document)
    if status == 500 and _first_error(document) is not None:
        raise PolicyFault(message)
    raise EngineError(f"OPA answered HTTP {status}: {message}")


def _results(document: Any, revision: str | None, rule: str) -> dict[str, Any]:
    if revision is not None:
        _check_revision(document, revision)
    if isinstance(document, dict) and isinstance(document.get("result"), dict):
        return document["result"]  # type: ignore[no-any-return]
    raise DecisionError(
        f"OPA knows no data.{rule.replace('/', '.')}: its bundle is not one of Opalite's; "
        "check --bundle, --opa-url, or the layer"
    )


def _check_revision(document: Any, revision: str) -> None:
    provenance = document.get("provenance") if isinstance(document, dict) else None
    bundles = provenance.get("bundles") if isinstance(provenance, dict) else None
    entries = bundles.values() if isinstance(bundles, dict) else ()
    found = [entry.get("revision") if isinstance(entry, dict) else None for entry in entries]
    if found != [revision]:
        named = "+".join(sorted(str(name) if name else "?" for name in found))
        seen = f"by the bundle {named:.{_LONGEST_NAME}}" if named else "without naming a bundle"
        raise DecisionError(
            f"OPA judges {seen}, expected is {revision}: "
            "its answer is not used; extension and function must have the same layer"
        )


def _message(document: Any) -> str:
    if not isinstance(document, dict):
        return "no message"
    first = _first_error(document)
    if first is not None:
        place = first.get("location") or {}
        where = f"{place.get('file', '?')}:{place.get('row', '?')}: " if isinstance(place, dict) else ""
        text = f"{where}{first.get('message', '')}"
    else:
        text = str(document.get("message", "no message"))
    return " ".join(text.split())[:_LONGEST_MESSAGE]


def _first_error(document: Any) -> dict[str, Any] | None:
    """What went wrong in a policy. OPA's own troubles have none: then nothing was evaluated, and trying again may help."""
    errors = document.get("errors") if isinstance(document, dict) else None
    return errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else None

"""Whether the conditions of a policy hold for somebody: yes, no, or nobody can tell. Pure.

None stands for what nobody can tell: an operator or a key that is not known here proves neither that he is let in nor that he is not.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from opalite.doctor.statements import listed, matches

# By key in small letters. No values: he has none. A key that is not there: nobody knows.
Known = Mapping[str, Sequence[str]]
_PARTS: Final = 6  # of an ARN, with colons between
_TAG: Final = "aws:requesttag/"  # whoever assumes a role says all tags himself: he has none but those that are known


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether all conditions of a statement hold; `why`: what does not, or what cannot be told. It shows no value."""

    holds: bool | None
    why: tuple[str, ...] = ()


def judged(entry: Mapping[str, Any], known: Known) -> Judged:
    """Of one statement: one condition that does not hold is enough against it."""
    found = [
        (operator, str(key), _condition(operator, given, listed(values)), given)
        for operator, keys in (entry.get("Condition") or {}).items()
        for key, values in keys.items()
        for given in (_given(known, str(key).lower()),)
    ]
    holds = every(told for _, _, told, _ in found)
    if holds is None:
        return Judged(None, tuple(f"{operator} of {key}" for operator, key, told, _ in found if told is None))
    return Judged(holds, tuple(_words(operator, key, given) for operator, key, told, given in found if told is False))


def every(found: Iterable[bool | None]) -> bool | None:
    """Whether all are so."""
    seen = set(found)
    return False if False in seen else (None if None in seen else True)


def some(found: Iterable[bool | None]) -> bool | None:
    """Whether one is so."""
    seen = set(found)
    return True if True in seen else (None if None in seen else False)


def _given(known: Known, key: str) -> Sequence[str] | None:
    return known.get(key, () if key.startswith(_TAG) else None)


def _condition(operator: str, given: Sequence[str] | None, values: Sequence[str]) -> bool | None:
    """A key that he has not holds for what is denied of it, for `IfExists`, and for all of no values."""
    quantifier, _, name = operator.rpartition(":")
    plain = name.removesuffix("IfExists")
    compare = _COMPARED.get(plain.replace("Not", ""))
    if given is None or (compare is None and plain != "Null"):
        return None
    if plain == "Null":
        return str(not given).lower() in {value.lower() for value in values}
    negated = "Not" in plain
    if not given:
        return name != plain or quantifier == "ForAllValues" or (negated and quantifier != "ForAnyValue")
    one_by_one = [some(_compared(compare, one, value) for value in values) for one in given]
    if negated:
        one_by_one = [None if told is None else not told for told in one_by_one]
    return every(one_by_one) if quantifier == "ForAllValues" else some(one_by_one)


def _compared(compare: Callable[[str, str], bool | None] | None, one: str, value: str) -> bool | None:
    """`${…}` stands for something of the request, which is not looked up here."""
    return None if compare is None or "${" in value else compare(one, value)


def _arn(one: str, value: str) -> bool | None:
    """Part by part: a star does not reach beyond a colon, but in the last part."""
    parts, patterns = one.split(":", _PARTS - 1), value.split(":", _PARTS - 1)
    if len(parts) != _PARTS or len(patterns) != _PARTS:
        return None
    return all(matches(part, pattern) for part, pattern in zip(parts, patterns, strict=True))


_COMPARED: Final[Mapping[str, Callable[[str, str], bool | None]]] = {
    "ArnEquals": _arn,
    "ArnLike": _arn,
    "Bool": lambda one, value: one.lower() == value.lower(),
    "StringEquals": lambda one, value: one == value,
    "StringEqualsIgnoreCase": lambda one, value: one.casefold() == value.casefold(),
    "StringLike": matches,
}


def _words(operator: str, key: str, given: Sequence[str] | None) -> str:
    if "Not" in operator or operator.endswith("Null"):
        return f"{operator} of {key} does not hold"
    return f"{key} is another one" if given else f"{key} is demanded, and the function has none"

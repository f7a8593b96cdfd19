"""Missing tags: somebody is told, or they are set from the account's defaults. What is there is never changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opalite.model import JsonObject
from opalite.patterns import is_pattern
from opalite.remediation.action import Action, Found, Permission
from opalite.remediation.model import Call, Mode, Plan, State, Step
from opalite.remediation.reading import anything

_NAME = "tag_resource"
_API = "resourcegroupstaggingapi"
# https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_TagResources.html
_MOST_TAGS = 50
_KEY, _VALUE = 128, 256  # characters
# A change of the tags of these makes AWS update the stack itself.
_NEVER = "AWS::CloudFormation::"
# What means something else in RE2 than in Python, or nothing: then the policy has to say what it thinks of a value.
_OF_RE2 = re.compile(r"\\[pPzbBC]|\[:|\(\?")
_ANY = "any value"

_PARAMETERS: JsonObject = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "defaults": {
            "description": "Tag key to the value that is set where the tag is missing and the policy allows it; without any, "
            "somebody is told and nothing is set",
            "type": "object",
            "maxProperties": _MOST_TAGS,
            "propertyNames": {"pattern": "^(?![aA][wW][sS]:)(?!opalite:).", "maxLength": _KEY},
            "additionalProperties": {"type": "string", "minLength": 1, "maxLength": _VALUE},
            "default": {},
        },
    },
}


def plan(found: Found) -> Plan:
    """All that is wrong is mended by defaults, or nothing is set."""
    state = found.state.details
    tags: Mapping[str, str] | None = state["tags"]
    if tags is None:
        return Plan(action=_NAME, refusal=f"the tags of resources of {state['service']} cannot be read: tag it by hand")
    added, left = _sorted_out(found.decision.violations, tags, found.parameters["defaults"])
    refusal = _refusal(tags, added, left)
    if refusal:
        return Plan(action=_NAME, refusal=refusal)
    by_hand = [*left, *_by_hand(found.target.resource_type, state["service"])]
    if by_hand:
        return Plan(action=_NAME, instructions=(*by_hand, *_told(added)))
    return Plan(action=_NAME, steps=(_step(state["arn"], added),), instructions=tuple(_advice(tags)))


def simulated(state: State, plan: Plan) -> State:
    """With the tags that the plan sets."""
    added: JsonObject = {}
    for step in plan.steps:
        added |= step.call.parameters["Tags"]
    tags = {**(state.details["tags"] or {}), **added}
    return State({**state.item, "tags": tags}, {**state.details, "tags": tags})


def _step(arn: str, added: Mapping[str, str]) -> Step:
    keys = sorted(added)
    # AWS answers 200 and names what it did not tag.
    refusal = "FailedResourcesMap.*.ErrorCode | [0]"
    return Step(
        name="add_tags",
        reason=f"tags {', '.join(keys)} are missing, and the account has defaults for them",
        call=Call(
            _API, "TagResources", {"ResourceARNList": [arn], "Tags": {key: added[key] for key in keys}}, refusal=refusal
        ),
        inverse=Call(_API, "UntagResources", {"ResourceARNList": [arn], "TagKeys": keys}, refusal=refusal),
    )


def _sorted_out(
    violations: Sequence[JsonObject], tags: Mapping[str, str], defaults: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """The tags that defaults give, and what they do not mend, in words."""
    added: dict[str, str] = {}
    left: list[str] = []
    few: list[tuple[int, str]] = []
    spelled = {key.lower() for key in tags}
    for violation in violations:
        key, message = str(violation.get("subject") or ""), str(violation.get("message") or "")
        evidence = violation.get("evidence") or {}
        path = evidence.get("path") or []
        if path == ["tags"]:
            few.append((int(evidence.get("expected") or 0), message))
        elif evidence.get("actual") is not None or key.lower() in spelled:
            left.append(message)  # it is there, with a wrong value or in other letters: that is for a person to settle
        elif key in defaults and _is_allowed(defaults[key], evidence.get("expected")):
            added[key] = defaults[key]
        else:
            left.append(message)
    own = _own(tags) + len(added)
    left += [message for least, message in few if own < least]
    return added, left


def _own(tags: Mapping[str, str]) -> int:
    """How many tags count; those of AWS do not."""
    return sum(not key.lower().startswith("aws:") for key in tags)


def _is_allowed(value: str, expected: Any) -> bool:
    """Whether the policy takes the value, for sure."""
    if not value.strip():
        return False
    if expected == _ANY:
        return True
    if isinstance(expected, list):
        return value in expected
    pattern = expected.get("pattern") if isinstance(expected, dict) else None
    if not isinstance(pattern, str) or _OF_RE2.search(pattern):
        return False
    try:
        return is_pattern(pattern) and re.fullmatch(pattern, value, re.ASCII) is not None
    except (ValueError, re.error):
        return False


def _refusal(tags: Mapping[str, str], added: Mapping[str, str], left: Sequence[str]) -> str:
    if not left and not added:
        return "the policy does not name the tags that are wrong: see the finding"
    if not left and _own(tags) + len(added) > _MOST_TAGS:
        return f"it would have more than {_MOST_TAGS} tags: take some away first"
    return ""


def _by_hand(resource_type: str, service: str) -> Iterator[str]:
    """Why nothing may be set, whatever the defaults say."""
    if resource_type.startswith(_NEVER):
        yield "set the tags in the template and update the stack: setting them would update it as well"
    elif service not in anything.TAGGING:
        yield f"set the tags by the API of {service}"


def _told(added: Mapping[str, str]) -> Iterator[str]:
    for key in sorted(added):
        yield f"tag {key} is missing; the account's default for it would do"


def _advice(tags: Mapping[str, str]) -> Iterator[str]:
    if "aws:cloudformation:stack-name" in tags:
        yield "it belongs to a stack: set the tags in its template too, or an update of the stack may take them away"


ACTION = Action(
    name=_NAME,
    title="Set missing tags from the account's defaults, or ask for them",
    resource_types=("*",),
    read=anything.read,
    plan=plan,
    most=Mode.AUTO,
    permissions=(
        *anything.PERMISSIONS,
        Permission(
            ("tag:TagResources", "tag:UntagResources"),
            reason="neither can be narrowed to resources; nothing is tagged without the permissions of the service",
        ),
        Permission(
            tuple(sorted(action for actions in anything.TAGGING.values() for action in actions)),
            conditions={
                "ForAllValues:StringNotLike": {"aws:TagKeys": ["aws:*", "opalite:*"]},
                # Not all services tell whose the resource is.
                "StringEqualsIfExists": {"aws:ResourceAccount": "${AWS::AccountId}"},
            },
            reason="any type can be required to have tags; narrow aws:TagKeys to the keys of your defaults",
        ),
    ),
    parameters=_PARAMETERS,
    simulated=simulated,
)

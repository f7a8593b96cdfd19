"""Whatever is switched on: nothing names a resource that is not made then."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from architecture.cloudformation import ACCOUNT, ORGANIZATION, Stack, template

# By parameter, the values that conditions tell apart.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "Scope": ("organization", "account"),
    "RuleLayout": ("policy", "umbrella", "none"),
    "InvokedBy": ("organization-rules", "any-rule", "any-rule-by-permission"),
    "Remediation": ("on", "off"),
    "SecurityHub": ("on", "off"),
    "Notifications": ("on", "off"),
    "LogBucket": ("", "opalite-log-1"),
    "Runbooks": ("on", "off"),
}
# These hang on nothing else, so they are all there or all gone.
REST = (
    {},
    {
        "Approvers": f"arn:aws:iam::{ACCOUNT}:role/Approver", "DeliveryBucket": "deliveries", "SourceIdentity": "opalite",
        "NotificationEmail": "a@example.com", "AlarmEmail": "b@example.com", "ExemptFindings": "suppressed", "CreatorLookup": "on",
        "Architecture": "x86_64", "ObjectLock": "GOVERNANCE", "LogDays": "0", "RulesConcurrency": "0", "DeliveryKeyArn": "x",
    },
)  # fmt: skip
_NAMED = re.compile(r"\$\{([^!}.]+)[^}]*\}")


def combinations() -> Iterator[dict[str, str]]:
    common = {"OrganizationId": ORGANIZATION, "ExternalId": "opalite-3f2a", "LogKeyId": "1234"}
    for values in itertools.product(*CHOICES.values()):
        for rest in REST:
            yield {**common, **dict(zip(CHOICES, values, strict=True)), **rest}


def named(value: Any, stack: Stack) -> Iterator[str]:
    """The names of what a value is made of, in those branches that are taken."""
    if isinstance(value, list):
        for one in value:
            yield from named(one, stack)
    elif isinstance(value, dict):
        for name, body in value.items():
            if name == "Fn::If":
                yield from named(body[1] if stack.holds(body[0]) else body[2], stack)
            elif name == "Ref":
                yield body
            elif name == "Fn::GetAtt":
                yield body[0]
            elif name == "Fn::Sub":
                text, own = body if isinstance(body, list) else (body, {})
                yield from (one for one in _NAMED.findall(text) if one not in own)
                yield from named(list(own.values()), stack)
            else:
                yield from named(body, stack)


def dangling(stack: Stack) -> set[tuple[str, str]]:
    """By whom, and what."""
    document = stack.document
    made = {name for name, one in document["Resources"].items() if stack.holds(one.get("Condition"))}
    known = made | set(document.get("Parameters", ()))
    users = {name: one for name, one in document["Resources"].items() if name in made}
    users |= {
        f"output {name}": one for name, one in document.get("Outputs", {}).items() if stack.holds(one.get("Condition"))
    }
    found = {
        (user, name)
        for user, one in users.items()
        for name in named({key: part for key, part in one.items() if key != "Condition"}, stack)
        if name not in known and not name.startswith("AWS::")
    }
    waits = {
        (user, name)
        for user, one in users.items()
        for name in ([one["DependsOn"]] if isinstance(one.get("DependsOn"), str) else one.get("DependsOn", []))
        if name not in made
    }
    return found | waits


@pytest.mark.slow
def test_nothing_names_what_is_not_there_whatever_is_switched_on():
    document = template("template.yaml")
    wrong = {
        (user, name, *sorted(parameters.items()))
        for parameters in combinations()
        for user, name in dangling(Stack(document, parameters))
    }
    assert {one[:2] for one in wrong} == set()


@pytest.mark.parametrize("path", ["deploy/member.yaml", "deploy/invocation.yaml", "deploy/runbooks.yaml"])
def test_nor_do_the_others(path):
    document = template(path)
    switches = [
        name for name, one in document["Parameters"].items() if set(one.get("AllowedValues", ())) == {"on", "off"}
    ]
    for value in ("on", "off"):
        assert dangling(Stack(document, dict.fromkeys(switches, value))) == set()

"""Nothing is changed; somebody is told what is wrong, since when, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from opalite.model import JsonObject
from opalite.remediation.action import Action, Ask, Found
from opalite.remediation.model import Mode, Plan, State, Target
from opalite.remediation.reading import instance, loadbalancer

_NAME = "notify_owner"
_INSTANCE = "AWS::EC2::Instance"
_HOUR = timedelta(hours=1)
_HOURS_OF_A_MONTH = 730
# US dollars for each hour that it is there, in us-east-1; what goes through it comes on top.
# https://aws.amazon.com/elasticloadbalancing/pricing/, looked up in 2025.
_PRICES = {"application": 0.0225, "classic": 0.025, "gateway": 0.0125, "network": 0.0225}
_BASIS = "list price of us-east-1, 2025"


def read(ask: Ask, target: Target) -> State:
    """No more than the policies need."""
    return instance.read(ask, target) if target.resource_type == _INSTANCE else loadbalancer.read(ask, target)


def plan(found: Found) -> Plan:
    """Instructions only."""
    wrong = tuple(str(violation.get("message") or "") for violation in found.decision.violations)
    advice = tuple(_cost(found)) if found.target.resource_type in loadbalancer.TYPES else ()
    return Plan(action=_NAME, instructions=(*wrong, *advice) or (f"it does not comply with {found.target.policy_id}",))


def _cost(found: Found) -> Iterator[str]:
    price = _PRICES.get(str(found.state.details["kind"]))
    if price is None:
        return
    yield f"it costs about ${price * _HOURS_OF_A_MONTH:.2f} a month ({_BASIS}; an estimate without traffic)"
    since, hours = _idle(found)
    if since is not None:
        yield f"since {since}, when it was last used at the latest, that is about ${price * hours:.2f}"


def _idle(found: Found) -> tuple[str | None, float]:
    """Since when nobody has used it, as the policy found, and how many hours that is."""
    for violation in found.decision.violations:
        actual: JsonObject | object = (violation.get("evidence") or {}).get("actual")
        since = actual.get("since") if isinstance(actual, dict) else None
        if isinstance(since, str):
            try:
                hours = (datetime.fromisoformat(found.at) - datetime.fromisoformat(since)) / _HOUR
            except (ValueError, TypeError):  # what RFC 3339 allows and Python does not read, or a time without a zone
                continue
            if hours > 0:
                return since, hours
    return None, 0.0


ACTION = Action(
    name=_NAME,
    title="Tell the owner",
    resource_types=(_INSTANCE, *loadbalancer.TYPES),
    read=read,
    plan=plan,
    most=Mode.PLAN,
    permissions=(*instance.PERMISSIONS, *loadbalancer.PERMISSIONS),
    parameters={"type": "object", "additionalProperties": False, "properties": {}},
)

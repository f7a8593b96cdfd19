"""Who asks AWS for an action: the role of the action in the account of the target, and nobody else.

The function itself may change nothing; in its own account, too, it takes on the role.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from opalite.adapters.aws.cache import Now
from opalite.adapters.aws.sessions import AwsSessions, Role
from opalite.facts.live import LiveFacts
from opalite.ports import Facts, Service, Wanted
from opalite.remediation.action import Action, Ask
from opalite.remediation.model import Target

ACTIONS: Final = ("sts:AssumeRole", "sts:SetSourceIdentity")  # on the roles; the latter if a source identity is set

NOBODY: Final = "opalite"
_ACCOUNT: Final = "account"  # the kind of fact that only the organization's administrator can tell


def role_name(prefix: str, action: str) -> str:
    """As the roles of the member accounts are named."""
    return f"{prefix}{action.replace('_', '-')}"


class Asking:
    """Sessions by action, for one attempt after the other: what was learnt for one is not believed for the next.

    `own`: sessions and facts by the function's own credentials. `role`: all but the name and the name of the session.
    """

    def __init__(self, own: AwsSessions, own_facts: Facts, now: Now, *, prefix: str, role: Mapping[str, Any]) -> None:
        self._own = own
        self._own_facts = own_facts
        self._now = now
        self._prefix = prefix
        self._role = role
        self._session_name = NOBODY
        self._sessions: dict[str, AwsSessions] = {}
        self._facts: dict[str, Facts] = {}

    def begin(self, attempt_id: str) -> None:
        """In AWS CloudTrail every call then bears the name of the attempt."""
        self._session_name = f"{NOBODY}-{attempt_id}"
        self._sessions.clear()
        self._facts.clear()

    def __call__(self, action: Action, target: Target) -> Ask:
        """Meets remediation.parts.AskFor."""
        sessions = self.sessions(action)

        def ask(service: str) -> Service:
            return sessions.service(service, target.account_id, target.region)

        return ask

    def sessions(self, action: Action) -> AwsSessions:
        """With the role of the action, in every account."""
        found = self._sessions.get(action.name)
        if found is None:
            role = Role(role_name(self._prefix, action.name), session_name=self._session_name, **self._role)
            found = self._sessions[action.name] = self._own.by_role(role)
        return found

    def facts(self, action: Action) -> Facts:
        """What policies ask for: by the role of the action, but what only the function's own account may ask."""
        found = self._facts.get(action.name)
        if found is None:
            found = self._facts[action.name] = _Split(self._own_facts, LiveFacts(self.sessions(action), self._now))
        return found


class _Split:
    """Meets opalite.ports.Facts."""

    def __init__(self, own: Facts, others: Facts) -> None:
        self._own = own
        self._others = others

    def prepare(self, wanted: Iterable[Wanted]) -> None:
        asked = list(wanted)
        self._own.prepare(one for one in asked if one[0] == _ACCOUNT)
        self._others.prepare(one for one in asked if one[0] != _ACCOUNT)

    def lookup(self, kind: str, key: str, resource: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return self._of(kind).lookup(kind, key, resource)

    def why(self, kind: str, key: str, resource: Mapping[str, Any]) -> str | None:
        return self._of(kind).why(kind, key, resource)

    def _of(self, kind: str) -> Facts:
        return self._own if kind == _ACCOUNT else self._others


def units_of(facts: Facts) -> Callable[[Target], tuple[str, ...] | None]:
    """The organizational units above the account of a target, root first; None if nobody tells."""

    def units(target: Target) -> tuple[str, ...] | None:
        place = {"partition": target.partition, "account_id": target.account_id, "region": target.region}
        facts.prepare([(_ACCOUNT, target.account_id, place)])
        fact = facts.lookup(_ACCOUNT, target.account_id, place)
        found = (fact or {}).get("organizational_units")
        return None if found is None else tuple(found)

    return units

"""Whether a trust policy lets the function in, by all that is known of the function. Pure.

That the doctor gets into an account by a role of his own says nothing of the function: it comes with another external id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from opalite.doctor import statements
from opalite.doctor.conditions import Judged, Known, every, judged, some
from opalite.doctor.diagnosis import Reply
from opalite.doctor.settings import Entering

ASSUME: Final = "sts:AssumeRole"
NOT_NAMED: Final = "the role does not trust the function"
_NOT_IN: Final = "the role does not let the function in: "
_SESSION: Final = "opalite"  # as opalite.adapters.aws.sessions has it
# What AWS says of every request that a function makes with the credentials of its own role.
_ALWAYS: Final[Known] = {
    "aws:principalisawsservice": ("false",),
    "aws:principaltype": ("AssumedRole",),
    "aws:securetransport": ("true",),
    "aws:viaawsservice": ("false",),
    "sts:rolesessionname": (_SESSION,),
    "sts:transitivetagkeys": (),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """The function, as it comes to a member's role. `actions`: all that it needs of the trust policy."""

    role: str  # ARN
    actions: Sequence[str] = (ASSUME,)
    known: Known = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the function is let in, None if nobody can tell; and why not, or what cannot be told."""

    lets: bool | None
    why: str = ""


def caller(role: str, given: Entering, organization: Reply, organization_id: str) -> Caller:
    """The function of a role. Whether it is in an organization may be unknown; then so is what hangs on it."""
    actions = [ASSUME]
    if given.source_identity:
        actions.append("sts:SetSourceIdentity")
    if given.session_tags:
        actions.append("sts:TagSession")
    known: dict[str, Sequence[str]] = {
        **_ALWAYS,
        "aws:principalaccount": (account_of(role),),
        "aws:principalarn": (role,),
        "sts:externalid": _one(given.external_id),
        "sts:sourceidentity": _one(given.source_identity),
        "aws:tagkeys": tuple(given.session_tags),
        **{f"aws:requesttag/{key.lower()}": (value,) for key, value in given.session_tags.items()},
    }
    if organization_id or organization.absent:
        known["aws:principalorgid"] = _one(organization_id)
    return Caller(role, tuple(actions), known)


def answered(policy: object, one: Caller) -> Answer:
    """As AWS would: each action is allowed by a statement and denied by none. Raises ValueError for what is no policy."""
    told = [_action(policy, one, action) for action in one.actions]
    for state in (False, None):
        for answer in told:
            if answer.lets is state:
                return answer
    return Answer(lets=True)


def names(policy: object, role: str) -> bool:
    """Whether a role may be assumed by another one, or by its account, whatever else is demanded."""
    return any(_is_named(entry, role) is not False for entry in statements.allowing(policy, ASSUME))


def trusted(role: str) -> list[str]:
    """What a policy may name to let a role in: itself, or its account, which leaves it to the account who of it may."""
    account = account_of(role)
    return [role, account, f"{role.partition('::')[0]}::{account}:root", "*"]


def account_of(arn: str) -> str:
    """A principal is an ARN, or the id of an account; that of a role that is gone is some other text."""
    return next(iter(arn.split(":")[4:5]), arn)


def sweep_of(function: str | None, role: str) -> str:
    """The role of the sweep where the template has made the function's, by its name; empty elsewhere."""
    if function is None:
        return ""
    name, region = function.split(":")[6], function.split(":")[3]
    before, made, after = role.rpartition(f"/{name}-rules-{region}")
    return f"{before}/{name}-sweep-{region}" if made and not after else ""


def _one(value: str | None) -> Sequence[str]:
    return (value,) if value else ()


def _action(policy: object, one: Caller, action: str) -> Answer:
    allowing = [_judged(entry, one) for entry in statements.allowing(policy, action)]
    denying = [_judged(entry, one) for entry in statements.allowing(policy, action, effect="Deny")]
    allowed, denied = some(each.holds for each in allowing), some(each.holds for each in denying)
    if denied:
        return Answer(lets=False, why=f"{_NOT_IN}its trust denies {action}")
    if allowed is False:
        return Answer(lets=False, why=_refused(action, allowing))
    if allowed and denied is False:
        return Answer(lets=True)
    untold = [*(denying if denied is None else ()), *(allowing if allowed is None else ())]
    return Answer(
        lets=None, why=", ".join(dict.fromkeys(why for each in untold if each.holds is None for why in each.why))
    )


def _judged(entry: Mapping[str, Any], one: Caller) -> Judged:
    """Of a statement that does not name the function at all nothing is told."""
    named = _is_named(entry, one.role)
    if named is False:
        return Judged(holds=False)
    told = judged(entry, one.known)
    if named is None and told.holds is not False:
        principal = "NotPrincipal" if "NotPrincipal" in entry else "a principal that is a session"
        return Judged(None, (*told.why, principal))
    return Judged(every((named, told.holds)), told.why)


def _is_named(entry: Mapping[str, Any], role: str) -> bool | None:
    if "NotPrincipal" in entry:
        return None
    named = statements.principals(entry, "AWS")
    if set(trusted(role)) & set(named):
        return True
    partition, name = role.split(":")[1:2], role.rpartition("/")[2]
    session = f"arn:{''.join(partition)}:sts::{account_of(role)}:assumed-role/{name}/"
    return None if any(each.startswith(session) for each in named) else False


def _refused(action: str, allowing: Sequence[Judged]) -> str:
    """By the statement that comes nearest to letting it in."""
    near = sorted((each.why for each in allowing if each.why), key=len)
    if near:
        return _NOT_IN + ", ".join(near[0])
    return NOT_NAMED if action == ASSUME else f"{_NOT_IN}its trust does not allow {action}"

"""The member role: whether it can be assumed, and by whom it lets itself be assumed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from opalite.doctor import entering, statements
from opalite.doctor.diagnosis import Diagnosis, Reply, notice, quoted, skipped, unknown, well, wrong

CHECKS: Final = ("member_role", "role_trust", "test_evaluation")
_NAMED: Final = 5
_DEPLOY: Final = "deploy the member role there (docs/lambda.md), and let its trust name who assumes it"
_STRANGER: Final = "the member role lets the caller not in: it is not there, or trusts the function alone, as it should"
_OWN_ROLE: Final = "name a role by --role that the caller may assume in the accounts (docs/doctor.md)"
_NAME: Final = "name the function's role in its trust"
_AGREE: Final = "let the role's trust and the function's environment agree (docs/lambda.md)"
_TELL: Final = "rule_invocation shows afterwards whether it does; or say it by the conditions of docs/lambda.md"
_SWEEP: Final = "name it as well, if there is a sweep: it has the rules evaluated anew"
_OUT: Final = "deploy it there by a stack, or name it in ExcludedAccounts of the template"
_GET: Final = "aws iam get-role --role-name {name}  # in account ACCOUNT"


@dataclass(frozen=True, slots=True)
class Seen:
    """Of one account. `looking`: the role by which the doctor is there; `name`: the function's, with its path.

    `trusted`: ARNs that the trust must name, any of them; the function's role and its account. `caller`: the function, if it is
    known how it comes. `proven`: the doctor was let in as the function, with all that it says. `sweep`: the ARN of that one's role.
    """

    name: str
    looking: str | None
    entered: Reply
    role: Reply = field(default_factory=Reply)
    trusted: Sequence[str] = ()
    caller: entering.Caller | None = None
    proven: bool = False
    sweep: str = ""
    organization: str = ""  # its id, if known
    own: bool = False  # the account is the caller's
    management: bool = False  # it is the management account
    expected: bool = False  # the caller is one whom the role should let in


def diagnoses(seen: Seen) -> Iterator[Diagnosis]:
    """Of the role and its trust."""
    if seen.own:
        yield from (skipped(check, "in its own account the function needs no role") for check in CHECKS[:2])
        return
    yield _there(seen)
    if seen.management and not seen.entered.known:
        yield skipped(CHECKS[1], "the management account cannot be entered, which StackSets leave out")
    else:
        yield _trust(seen)


def tested(answer: Reply, *, by_function: bool) -> Diagnosis:
    """Of an evaluation in test mode. `by_function`: it was put with the rights that the function has."""
    check = "test_evaluation"
    if answer.permission and by_function:
        return wrong(check, answer.unknown, "allow the member role config:PutEvaluations")
    if not answer.known:
        return unknown(check, answer)
    if answer.absent or (answer.value or {}).get("FailedEvaluations"):
        return wrong(check, "AWS Config did not take the evaluation", "try again; then ask AWS Support")
    return well(check)


def _there(seen: Seen) -> Diagnosis:
    check = "member_role"
    if seen.name == seen.looking:
        return well(check) if seen.entered.known else _refused(seen)
    if seen.management and seen.entered.permission:
        message = "the doctor's role cannot be assumed in the management account, which StackSets leave out"
        return notice(check, message, _OUT)
    if not seen.role.known:
        return unknown(check, seen.role)
    if seen.role.absent:
        return wrong(check, f"there is no role {seen.name}", _DEPLOY, _GET.format(name=_short(seen.name)))
    return well(check, "it is there; whether it can be assumed, only its trust says")


def _refused(seen: Seen) -> Diagnosis:
    check = "member_role"
    if not seen.entered.permission:
        return unknown(check, seen.entered)
    if seen.management:
        message = "the member role cannot be assumed in the management account, which StackSets leave out"
        return notice(check, message, _OUT)
    if not seen.expected:
        return replace(unknown(check, Reply(unknown=_STRANGER)), remedy=_OWN_ROLE)
    return wrong(check, seen.entered.unknown, _DEPLOY, _GET.format(name=_short(seen.name)))


def _trust(seen: Seen) -> Diagnosis:
    check = "role_trust"
    if not seen.role.known:
        return unknown(check, seen.role)
    if seen.role.absent:
        return skipped(check, "there is no role")
    document = ((seen.role.value or {}).get("Role") or {}).get("AssumeRolePolicyDocument")
    try:
        allowed = statements.allowing(document, entering.ASSUME)
    except ValueError:
        return unknown(check, Reply(unknown="the role's trust policy cannot be read"))
    return _too_open(seen, allowed) or _entered(seen, document, allowed) or well(check)


def _too_open(seen: Seen, allowed: Sequence[Mapping[str, Any]]) -> Diagnosis | None:
    """Whoever gets in who should not: that is told before all else."""
    check, command = "role_trust", _update(seen)
    if any(_is_open(seen, entry) for entry in allowed):
        message = "the role demands neither aws:PrincipalOrgID nor sts:ExternalId of those who assume it"
        return wrong(check, message, "add the conditions of docs/lambda.md", command)
    if strangers := sorted({one for entry in allowed for one in _strangers(seen, entry)}):
        message = f"the role trusts account {', '.join(strangers[:_NAMED])} as well, of whatever organization"
        return wrong(check, message, "take that out of its trust, or add aws:PrincipalOrgID", command)
    return None


def _entered(seen: Seen, document: object, allowed: Sequence[Mapping[str, Any]]) -> Diagnosis | None:
    """Whether the function gets in, and the sweep, which has the same right."""
    check, command = "role_trust", _update(seen)
    if seen.caller is None:
        if seen.trusted and not any(set(seen.trusted) & set(statements.principals(one, "AWS")) for one in allowed):
            return wrong(check, entering.NOT_NAMED, _NAME, command)
        return None
    answer = entering.answered(document, seen.caller)
    if answer.lets is False:
        return wrong(check, answer.why, _NAME if answer.why == entering.NOT_NAMED else _AGREE, command)
    if answer.lets is None and not seen.proven:
        reply = Reply(unknown=f"nobody can tell from here whether the role lets the function in: {answer.why}")
        return replace(unknown(check, reply), remedy=_TELL)
    if seen.sweep and not entering.names(document, seen.sweep):
        return notice(check, f"the role does not name the sweep's role {_short(seen.sweep)}", _SWEEP, command)
    return None


def _update(seen: Seen) -> str:
    name = _short(seen.name)
    return f"aws iam update-assume-role-policy --role-name {name} --policy-document …  # in account ACCOUNT"


def _is_open(seen: Seen, entry: Mapping[str, Any]) -> bool:
    """Whoever is named, the external id alone is no secret: everybody must be of the organization."""
    of_organization = statements.demands(entry, "aws:PrincipalOrgID", seen.organization)
    if "*" in statements.principals(entry, "AWS"):
        return not of_organization
    if not statements.principals(entry, "AWS"):
        return False  # a service, or a federation
    return not (of_organization or statements.demands(entry, "sts:ExternalId"))


def _strangers(seen: Seen, entry: Mapping[str, Any]) -> Iterator[str]:
    """Accounts that are neither the function's nor by condition of the organization."""
    own = {entering.account_of(one) for one in seen.trusted} - {"*"}
    if own and not statements.demands(entry, "aws:PrincipalOrgID", seen.organization):
        named = map(entering.account_of, statements.principals(entry, "AWS"))
        yield from (one for one in named if one not in own | {"*"})


def _short(name: str) -> str:
    return quoted(name.rpartition("/")[2])

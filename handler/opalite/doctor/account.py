"""One account: what is asked there, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from opalite.doctor import entering, listed, recorder, roles, rules
from opalite.doctor.asking import Asking
from opalite.doctor.diagnosis import Diagnosis, Reply, skipped, unknown, well, wrong
from opalite.doctor.settings import Subject, unnamed
from opalite.ports import Place

ACTIONS: Final = (  # of the role by which the doctor looks, in each account
    "config:DescribeConfigRuleEvaluationStatus",
    "config:DescribeConfigRules",
    "config:DescribeConfigurationRecorderStatus",
    "config:DescribeConfigurationRecorders",
    "config:DescribeDeliveryChannelStatus",
    "config:DescribeDeliveryChannels",
    "config:PutEvaluations",
    "iam:GetRole",
    "securityhub:DescribeHub",
)
# The one type that AWS Config takes of an account without having recorded it.
_ACCOUNT_TYPE: Final = "AWS::::Account"
# As opalite.adapters.aws.members has them: the function refuses what comes of these.
_CLOSED: Final = frozenset({"CLOSED", "PENDING_ACTIVATION", "SUSPENDED"})
_STRANGE: Final = "AccountNotFoundException"
_TOKEN: Final = "TESTMODE"  # noqa: S105 - any text will do
_IN_REGION: Final = (*recorder.CHECKS, "security_hub", *rules.CHECKS, "test_evaluation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What is the same for all accounts. `organization_rules` and `types`: by Region."""

    subject: Subject
    own: str
    partition: str
    now: datetime
    regions: Sequence[str]
    management: str = ""
    organization: str = ""  # its id, if known
    alone: bool = False  # in no organization
    function_role: str = ""  # ARN
    caller: entering.Caller | None = None  # the function as it enters members, if that is known
    expected: bool = False  # the caller should be let into other accounts
    proven: bool = False  # the caller is the function, and says what it says
    organization_rules: Mapping[str, Reply] = field(default_factory=dict)
    types: frozenset[str] = frozenset()


def examined(asking: Asking, context: Context, account: str) -> list[Diagnosis]:
    """All that is to be said of one account."""
    return [one if one.account_id else one.at(account, one.region) for one in _examined(asking, context, account)]


def _examined(asking: Asking, context: Context, account: str) -> Iterator[Diagnosis]:
    if _is_left_out(context, account):
        why = "all rules of the organization leave the account out"
        yield from (skipped(check, why) for check in roles.CHECKS[:2])
        yield from _skipped(context, account, why)
        return
    home = Place(context.partition, account, context.regions[0])
    entered = Reply(value=True) if account == context.own else asking.entered(home)
    if gone := _gone(asking, context, account, entered):
        yield gone
        yield skipped("role_trust", gone.message)
        yield from _skipped(context, account, gone.message)
        return
    if context.subject.member_role is None and account != context.own:
        why = "no role was named by --role or by the function"
        yield from (unnamed(context.subject, check, why) for check in roles.CHECKS[:2])
    else:
        yield from roles.diagnoses(_role(asking, context, home, entered))
    if not entered.known and account == context.management:
        why = "the management account cannot be entered, which StackSets leave out"
        yield from _skipped(context, account, why)
        return
    seen = {}
    for region in context.regions:
        place = Place(context.partition, account, region)
        seen[region] = _recorder(asking, place)
        yield from (one.at(account, region) for one in _in_region(asking, context, place, seen[region]))
    yield from (one.at(account, region) for region, one in recorder.types(seen, context.types))


def _is_left_out(context: Context, account: str) -> bool:
    """Nobody expects a role, a recorder or anything else there."""
    if account in (context.own, *context.subject.accounts, *context.subject.listed):
        return False
    replies = [one for one in context.organization_rules.values() if one.value]
    return bool(replies) and not any(rules.copies(one, account).value for one in replies)


def _gone(asking: Asking, context: Context, account: str, entered: Reply) -> Diagnosis | None:
    """Why no role would help in an account that cannot be entered. Asked of those that somebody named: --all has active ones only."""
    if not entered.permission or context.alone or account not in context.subject.accounts:
        return None
    place = Place(context.partition, context.own, "")
    told = asking.ask("organizations", place, "DescribeAccount", member="Account", AccountId=account)
    states = _CLOSED & {str((told.value or {}).get(member)) for member in ("State", "Status")}
    if told.absent == _STRANGE:
        message = "the account is not in the organization"
    elif states:
        message = f"the account is {min(states)}"
    else:
        return None
    return wrong("member_role", message, "leave it out of --accounts: the function does not serve it")


def _skipped(context: Context, account: str, why: str) -> Iterator[Diagnosis]:
    """All that is said of an account by Region."""
    return (skipped(check, why).at(account, region) for region in context.regions for check in _IN_REGION)


def _in_region(asking: Asking, context: Context, place: Place, seen: recorder.Seen) -> Iterator[Diagnosis]:
    yield from recorder.diagnoses(seen)
    if context.subject.security_hub:
        yield _hub(asking.ask("securityhub", place, "DescribeHub"))
    else:
        yield skipped("security_hub", "findings are off")
    yield from _rules(asking, context, place)
    yield _tested(asking, context, place)


def _role(asking: Asking, context: Context, place: Place, entered: Reply) -> roles.Seen:
    subject = context.subject
    own = place.account_id == context.own
    name = subject.member_role or ""
    seen = roles.Seen(
        name,
        subject.role,
        entered,
        own=own,
        management=place.account_id == context.management,
        trusted=entering.trusted(context.function_role) if context.function_role else (),
        caller=context.caller,
        proven=context.proven,
        sweep=entering.sweep_of(subject.function, context.function_role),
        organization=context.organization,
        expected=context.expected,
    )
    if own or not entered.known:
        return replace(seen, role=entered)
    return replace(seen, role=asking.ask("iam", place._replace(region=""), "GetRole", RoleName=name.rpartition("/")[2]))


def _recorder(asking: Asking, place: Place) -> recorder.Seen:
    def asked(operation: str, member: str) -> Reply:
        return asking.ask("config", place, operation, member=member)

    return recorder.Seen(
        recorders=asked("DescribeConfigurationRecorders", "ConfigurationRecorders"),
        states=asked("DescribeConfigurationRecorderStatus", "ConfigurationRecordersStatus"),
        channels=asked("DescribeDeliveryChannels", "DeliveryChannels"),
        deliveries=asked("DescribeDeliveryChannelStatus", "DeliveryChannelsStatus"),
    )


def _hub(reply: Reply) -> Diagnosis:
    check = "security_hub"
    if not reply.known:
        return unknown(check, reply)
    if reply.absent:
        command = (
            "aws securityhub enable-security-hub --no-enable-default-standards --region REGION  # in account ACCOUNT"
        )
        return wrong(check, "Security Hub is not enabled", "enable it, best by its administrator", command)
    return well(check)


def _rules(asking: Asking, context: Context, place: Place) -> Iterator[Diagnosis]:
    function = context.subject.function
    if function is None:
        yield from (skipped(check, "no --function was named") for check in rules.CHECKS)
        return
    if place.region != function.split(":")[3]:
        yield from (skipped(check, "the function serves another Region") for check in rules.CHECKS)
        return
    found = asking.pages("config", place, "DescribeConfigRules", "ConfigRules")
    ours = tuple(
        rule for rule in found.value or () if rules.is_of((rule.get("Source") or {}).get("SourceIdentifier"), function)
    )
    states = Reply(())
    if ours:
        states = asking.pages("config", place, "DescribeConfigRuleEvaluationStatus", "ConfigRulesEvaluationStatus")
    organization = context.organization_rules.get(place.region, Reply(()))
    wanted = Reply(()) if place.account_id == context.management else rules.copies(organization, place.account_id)
    believed = context.subject.rules
    seen = rules.Account(
        wanted,
        replace(found, value=ours if found.known else None),
        states,
        alone=context.alone,
        missing=() if believed is None else listed.missing(ours, believed, place, context.own),
        refused=() if believed is None else listed.refused(ours, believed, place, context.own),
        own=place.account_id == context.own,
        plain=_plain(found, function),
    )
    yield from rules.account(seen, context.now, context.subject.stale_days)


def _plain(found: Reply, function: str) -> bool:
    """Whether there are rules of the function without the version or the alias that is named."""
    named = [(rule.get("Source") or {}).get("SourceIdentifier") for rule in found.value or ()]
    plain = rules.plain(function)
    return plain != function and plain in named


def _tested(asking: Asking, context: Context, place: Place) -> Diagnosis:
    """With the rights of the function, if the role by which we are there is the function's."""
    evaluation: dict[str, Any] = {
        "ComplianceResourceType": _ACCOUNT_TYPE,
        "ComplianceResourceId": place.account_id,
        "ComplianceType": "NOT_APPLICABLE",
        "Annotation": "a test of opalite doctor, which nobody keeps",
        "OrderingTimestamp": context.now,
    }
    answer = asking.ask("config", place, "PutEvaluations", Evaluations=[evaluation], ResultToken=_TOKEN, TestMode=True)
    subject = context.subject
    by_function = place.account_id != context.own and subject.role is not None and subject.role == subject.member_role
    return roles.tested(answer, by_function=by_function and not answer.permission.startswith("sts:"))

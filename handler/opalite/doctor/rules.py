"""The Config rules of the function: of the organization, and their copies in the accounts. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from opalite.doctor.diagnosis import Diagnosis, Reply, State, notice, quoted, skipped, unknown, well, wrong

CHECKS: Final = ("rule_copies", "rule_state", "rule_invocation", "rule_fresh")
# https://docs.aws.amazon.com/config/latest/APIReference/API_DescribeConfigRules.html: what most operations take as a name. AWS
# calls the copies of a rule `OrgConfigRule-<name>-<8 characters>`.
NAME_CHARACTERS: Final = 64
PREFIX: Final = "OrgConfigRule-"
_SUFFIX_CHARACTERS: Final = len("-abcdefgh")
_NAMED: Final = 5
_PLAIN_PARTS: Final = 7  # of the ARN of a function
_ALIAS: Final = "the Config rules name the plain function, not this version or alias"
_ALIAS_REMEDY: Final = "leave it out of --function, or let the rules name it"
_LIST: Final = "let OPALITE_RULES and the rules agree (docs/lambda.md)"
_LIVE: Final = frozenset({"ACTIVE", "EVALUATING"})
_TIMES: Final = ("LastSuccessfulEvaluationTime", "LastSuccessfulInvocationTime", "FirstActivatedTime")
_DETAILS: Final = "aws configservice get-organization-config-rule-detailed-status --organization-config-rule-name "
_STATUS: Final = "aws configservice describe-config-rule-evaluation-status --region REGION  # in account ACCOUNT"


@dataclass(frozen=True, slots=True)
class Organization:
    """The rules of the organization in one Region, those of our function only.

    `statuses`: of all rules. `failed`: by name, entries of GetOrganizationConfigRuleDetailedStatus that failed. `plain`: there are
    rules of the plain function, while ours is a version or an alias of it.
    """

    rules: Reply
    statuses: Reply
    failed: Mapping[str, Reply] = field(default_factory=dict)
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """`wanted`: names of the copies that must be there, a list. `rules`, `states`: those of our function, how they were evaluated.

    `alone`: there are no rules of an organization, so there must be rules of the account's own. `missing`: listed ones that are not
    there; `refused`: names of those that the function does not believe. `own`: the account is the function's. `plain`: as above.
    """

    wanted: Reply
    rules: Reply
    states: Reply
    alone: bool = False
    missing: Sequence[str] = ()
    refused: Sequence[str] = ()
    own: bool = False
    plain: bool = False


def of_function(rules: Reply, function: str) -> Reply:
    """Only those of DescribeOrganizationConfigRules that name the function."""
    if rules.value is None:
        return rules
    member = "OrganizationCustomRuleMetadata"
    return Reply(tuple(one for one in rules.value if is_of((one.get(member) or {}).get("LambdaFunctionArn"), function)))


def of_plain(rules: Reply, function: str) -> Reply:
    """Of the same, those that name the function without the version or the alias that it is; none if it is none."""
    return Reply(()) if plain(function) == function else of_function(rules, plain(function))


def plain(function: str) -> str:
    """The ARN of a function without version or alias."""
    return ":".join(function.split(":")[:_PLAIN_PARTS])


def is_of(named: Any, function: str) -> bool:
    """Whether a rule names the function, or a version or an alias of it."""
    return isinstance(named, str) and f"{named}:".startswith(f"{function}:")


def copies(rules: Reply, account: str) -> Reply:
    """What the copies are called, in an account that is not excluded."""
    if not rules.known:
        return rules
    return Reply(
        [
            PREFIX + str(one.get("OrganizationConfigRuleArn", "")).rpartition("/")[2]
            for one in rules.value or ()
            if account not in (one.get("ExcludedAccounts") or ())
        ]
    )


def failing(statuses: Reply, names: Sequence[str]) -> list[str]:
    """The names of those whose deployment failed somewhere."""
    return [name for name, status in _statuses(statuses).items() if name in names and status.endswith("_FAILED")]


def names(rules: Reply) -> list[str]:
    return [str(one.get("OrganizationConfigRuleName")) for one in rules.value or ()]


def organization(seen: Organization) -> Iterator[Diagnosis]:
    """Of the organization's rules in one Region; those of accounts have their account."""
    if not seen.rules.known:
        yield from (
            unknown(check, seen.rules) for check in ("rule_name", "organization_rules", "organization_rule_accounts")
        )
        return
    found = names(seen.rules)
    yield _names(found)
    yield _deployed(seen, found)
    yield from _accounts(seen, found)


def account(seen: Account, now: datetime, stale_days: int) -> Iterator[Diagnosis]:
    """Of one account and Region."""
    if not seen.rules.known:
        yield from (unknown(check, seen.rules) for check in CHECKS)
        return
    rules = list(seen.rules.value or ())
    there = {str(one.get("ConfigRuleName")) for one in rules}
    yield _copies(seen, there)
    yield _state(seen, rules)
    if not seen.states.known:
        yield from (unknown(check, seen.states) for check in ("rule_invocation", "rule_fresh"))
        return
    states = {str(one.get("ConfigRuleName")): one for one in seen.states.value or ()}
    silent = [name for name in sorted(there) if name not in states]
    if silent:
        reply = Reply(unknown=f"AWS Config tells no evaluation status of {_listed(silent)}")
        yield from (unknown(check, reply) for check in ("rule_invocation", "rule_fresh"))
        return
    yield _each(
        "rule_invocation", rules, lambda rule: _failed(states.get(str(rule.get("ConfigRuleName")), {})),
        "look into the function's log, and whether AWS Config may invoke it", _STATUS,
    )  # fmt: skip
    yield _fresh(rules, states, now - timedelta(days=stale_days), stale_days)


def _names(found: Sequence[str]) -> Diagnosis:
    room = NAME_CHARACTERS - len(PREFIX) - _SUFFIX_CHARACTERS
    long = [name for name in found if len(name) > room]
    if long:
        message = f"too long for what AWS adds to the name: {_listed(long)}"
        return wrong("rule_name", message, f"deploy it under a name of at most {room} characters")
    return well("rule_name") if found else skipped("rule_name", "there is no organization rule of the function")


def _deployed(seen: Organization, found: Sequence[str]) -> Diagnosis:
    check = "organization_rules"
    if not found and seen.plain:
        return wrong(check, _ALIAS, _ALIAS_REMEDY)
    if not found:
        return wrong(check, "no organization rule names the function", "deploy the rules (docs/lambda.md)")
    if not seen.statuses.known:
        return unknown(check, seen.statuses)
    statuses = _statuses(seen.statuses)
    failed = [f"{name} ({statuses[name]})" for name in found if statuses.get(name, "").endswith("_FAILED")]
    if failed:
        message = f"AWS has not deployed {_listed(failed)}"
        return wrong(check, message, "see organization_rule_accounts, then deploy them again", _DETAILS + "NAME")
    silent = [name for name in found if not statuses.get(name)]
    if silent:
        return unknown(check, Reply(unknown=f"AWS tells no status of {_listed(silent)}"))
    moving = [name for name in found if statuses.get(name, "").endswith("_IN_PROGRESS")]
    return notice(check, f"AWS is deploying {_listed(moving)}", "look again later") if moving else well(check)


def _accounts(seen: Organization, found: Sequence[str]) -> Iterator[Diagnosis]:
    check, clean = "organization_rule_accounts", True
    for name in found:
        reply = seen.failed.get(name)
        if reply is not None and not reply.known:
            clean = False
            yield unknown(check, reply)
        for entry in (reply.value or ()) if reply else ():
            clean = False
            message = (
                f"{name}: {entry.get('MemberAccountRuleStatus')} ({entry.get('ErrorCode') or 'no reason is told'})"
            )
            remedy = "is there a recorder, and is the account not suspended? Then deploy the rule again"
            yield wrong(check, message, remedy, _DETAILS + quoted(name)).at(str(entry.get("AccountId", "")))
    if not found:
        yield skipped(check, "there is no organization rule of the function")
    elif clean and not seen.statuses.known:
        yield unknown(check, seen.statuses)
    elif clean:
        yield well(check)


def _copies(seen: Account, there: set[str]) -> Diagnosis:
    if seen.alone:
        return skipped("rule_copies", "there are no rules of the organization")
    if not seen.wanted.known:
        return unknown("rule_copies", seen.wanted)
    missing = [name for name in seen.wanted.value or () if name not in there]
    if not missing:
        return well("rule_copies")
    remedy = "is there a recorder? AWS tries for some hours; then deploy the rule again"
    return wrong("rule_copies", f"there is no {_listed(missing)}", remedy, _DETAILS + "NAME")


def _state(seen: Account, rules: Sequence[Mapping[str, Any]]) -> Diagnosis:
    """Of the rules that there are, those that must be there, and those that are there in vain."""
    check = "rule_state"
    if seen.alone and not rules and seen.plain:
        return wrong(check, _ALIAS, _ALIAS_REMEDY)
    if seen.alone and not rules:
        return wrong(check, "no Config rule names the function", "deploy the rules (docs/lambda.md)")
    if seen.missing:
        message = f"OPALITE_RULES lists what is no Config rule of the function here: {_listed(seen.missing)}"
        return wrong(check, message, "deploy the rule, or take it out of OPALITE_RULES", _STATUS)
    told = _each(check, rules, _inactive, "see what deletes it, or deploy the rule again", _STATUS)
    if not seen.refused or told.state is State.WRONG:
        return told
    message = f"the function refuses the events of what OPALITE_RULES does not list: {_listed(seen.refused)}"
    return wrong(check, message, _LIST) if seen.own else notice(check, message, "whose is it? " + _LIST)


def _each(
    check: str, rules: Sequence[Mapping[str, Any]], fault: Callable[[Mapping[str, Any]], str], remedy: str, command: str
) -> Diagnosis:
    """One diagnosis of all rules of an account."""
    if not rules:
        return skipped(check, "there is no rule of the function")
    faults = [f"{rule.get('ConfigRuleName')} ({why})" for rule in rules if (why := fault(rule))]
    return wrong(check, _listed(faults), remedy, command) if faults else well(check)


def _inactive(rule: Mapping[str, Any]) -> str:
    state = str(rule.get("ConfigRuleState", "ACTIVE"))
    return "" if state in _LIVE else state


def _failed(state: Mapping[str, Any]) -> str:
    """The reason, if nothing succeeded after the last failure."""
    for what in ("Invocation", "Evaluation"):
        failed, succeeded = _time(state.get(f"LastFailed{what}Time")), _time(state.get(f"LastSuccessful{what}Time"))
        if failed is not None and (succeeded is None or failed > succeeded):
            return str(state.get("LastErrorCode") or "no reason is told")
    return ""


def _fresh(
    rules: Sequence[Mapping[str, Any]], states: Mapping[str, Mapping[str, Any]], since: datetime, days: int
) -> Diagnosis:
    """A rule that is evaluated by changes only may be quiet where nothing changes."""
    check = "rule_fresh"
    if not rules:
        return skipped(check, "there is no rule of the function")
    old = [rule for rule in rules if _last(states.get(str(rule.get("ConfigRuleName")), {})) < since]
    scheduled = [str(rule.get("ConfigRuleName")) for rule in old if _scheduled(rule)]
    remedy = "have them evaluated: wait for the sweep, or"
    command = (
        "aws configservice start-config-rules-evaluation --config-rule-names NAME --region REGION  # in account ACCOUNT"
    )
    if scheduled:
        return wrong(check, f"not evaluated for {days} days: {_listed(scheduled)}", remedy, command)
    if old:
        found = _listed([str(rule.get("ConfigRuleName")) for rule in old])
        return notice(check, f"not evaluated for {days} days, perhaps for want of changes: {found}", remedy, command)
    return well(check)


def _last(state: Mapping[str, Any]) -> datetime:
    """When it was evaluated last; of one that never was, when it was made: a new one may wait for its first time."""
    times = [moment for name in _TIMES if (moment := _time(state.get(name))) is not None]
    return max(times, default=datetime.min.replace(tzinfo=UTC))


def _scheduled(rule: Mapping[str, Any]) -> bool:
    details = (rule.get("Source") or {}).get("SourceDetails") or ()
    return any(one.get("MessageType") == "ScheduledNotification" for one in details)


def _time(value: Any) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


def _statuses(reply: Reply) -> dict[str, str]:
    return {
        str(one.get("OrganizationConfigRuleName")): str(one.get("OrganizationRuleStatus", ""))
        for one in reply.value or ()
    }


def _listed(found: Sequence[str]) -> str:
    return ", ".join(found[:_NAMED]) + (f" (+{len(found) - _NAMED} more)" if len(found) > _NAMED else "")

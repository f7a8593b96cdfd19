"""The function: whether Lambda runs it, and whether AWS Config may invoke it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from opalite.doctor import statements
from opalite.doctor.diagnosis import Diagnosis, Reply, notice, skipped, unknown, well, wrong
from opalite.doctor.organization import RULES

CHECKS: Final = (
    "function_state", "function_layer", "function_architecture", "function_timeout", "function_memory",
    "function_destination", "function_concurrency", "function_permission",
)  # fmt: skip
LEAST_SECONDS: Final = 60  # an OPA that stands still is noticed after 20; and delivery is tried up to five times
LEAST_MEGABYTES: Final = 256
_INVOKE: Final = "lambda:InvokeFunction"
_INVOKE_URL: Final = "lambda:InvokeFunctionUrl"
# What says of everybody who it must be. Nothing else does, least of all that a function URL is used.
_NARROWING: Final = (
    "aws:PrincipalAccount", "aws:PrincipalArn", "aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:SourceAccount", "aws:SourceArn",
    "aws:SourceOrgID", "aws:SourceOrgPaths",
)  # fmt: skip
_CONFIG: Final = "config.amazonaws.com"
_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Seen:
    """What Lambda says. `accounts`: whose Config rules are to invoke the function."""

    arn: str
    configuration: Reply
    destination: Reply = field(default_factory=Reply)
    concurrency: Reply = field(default_factory=Reply)
    policy: Reply = field(default_factory=Reply)
    by_resource_policy: bool = False  # PutResourcePolicy has set it, as the template does, and not AddPermission
    accounts: Sequence[str] = ()
    organization: str = ""  # its id, if known

    @property
    def told(self) -> dict[str, Any]:
        """The configuration as Lambda tells it; empty if it does not."""
        return dict(self.configuration.value or {})


def diagnoses(seen: Seen) -> Iterator[Diagnosis]:
    """All but those of the layer."""
    yield _state(seen)
    if seen.configuration.value is None:
        why = "the function was not found" if seen.configuration.absent else "nothing is known of the function"
        others = (check for check in CHECKS if check != "function_state")
        given = unknown if not seen.configuration.known else None
        yield from (given(check, seen.configuration) if given else skipped(check, why) for check in others)
        return
    yield _least(
        "function_timeout", "time-out", seen.told.get("Timeout"), LEAST_SECONDS, "s", f"--timeout 300 {_name(seen)}"
    )
    yield _least(
        "function_memory",
        "memory",
        seen.told.get("MemorySize"),
        LEAST_MEGABYTES,
        " MB",
        f"--memory-size 512 {_name(seen)}",
    )
    yield _destination(seen)
    yield _concurrency(seen)
    yield _permission(seen)


def failed_queue(seen: Seen) -> str | None:
    """The ARN of the queue that failed events go to, if it is one."""
    target = _target(seen)
    return target if target.split(":")[2:3] == ["sqs"] else None


def _name(seen: Seen) -> str:
    return f"--function-name {seen.arn}"


def _state(seen: Seen) -> Diagnosis:
    check, reply = "function_state", seen.configuration
    if not reply.known:
        return unknown(check, reply)
    if reply.absent:
        return wrong(check, f"{seen.arn}: there is no such function", "deploy it, or name the right one by --function")
    state, update = seen.told.get("State", "Active"), seen.told.get("LastUpdateStatus", "Successful")
    command = f"aws lambda get-function-configuration {_name(seen)}"
    if state not in ("Active", "Pending"):
        reason = seen.told.get("StateReasonCode", "no reason is told")
        return wrong(check, f"the function is {state} ({reason})", "mend the reason, then deploy it again", command)
    if update == "Failed":
        reason = seen.told.get("LastUpdateStatusReasonCode", "no reason is told")
        return wrong(check, f"its last update failed ({reason})", "mend the reason, then deploy it again", command)
    if state == "Pending" or update == "InProgress":
        return notice(check, "the function is being made or updated", "look again in a minute")
    return well(check)


def _least(check: str, what: str, value: Any, least: int, unit: str, change: str) -> Diagnosis:
    if not isinstance(value, int):
        return unknown(check, Reply(unknown=f"Lambda does not tell the {what}"))
    if value < least:
        return wrong(
            check, f"the {what} is {value}{unit}", f"give it {least}{unit} or more",
            f"aws lambda update-function-configuration {change}",
        )  # fmt: skip
    return well(check)


def _target(seen: Seen) -> str:
    config = (seen.destination.value or {}).get("DestinationConfig") or {}
    named = (config.get("OnFailure") or {}).get("Destination")
    return str(named or (seen.told.get("DeadLetterConfig") or {}).get("TargetArn") or "")


def _destination(seen: Seen) -> Diagnosis:
    check = "function_destination"
    if _target(seen):
        return well(check)
    if not seen.destination.known:
        return unknown(check, seen.destination)
    return wrong(
        check, "events that fail three times are lost: there is no on-failure destination", "name a queue",
        f"aws lambda put-function-event-invoke-config {_name(seen)} "
        "--destination-config OnFailure={Destination=QUEUE_ARN}",
    )  # fmt: skip


def _concurrency(seen: Seen) -> Diagnosis:
    check = "function_concurrency"
    if not seen.concurrency.known:
        return unknown(check, seen.concurrency)
    reserved = (seen.concurrency.value or {}).get("ReservedConcurrentExecutions")
    command = f"aws lambda put-function-concurrency --reserved-concurrent-executions 100 {_name(seen)}"
    if reserved is None:
        message = "no concurrency is reserved: a burst of events can take all of the account's"
        return notice(check, message, "reserve some", command)
    if reserved == 0:
        return wrong(check, "the reserved concurrency is 0: nothing is ever run", "raise it", command)
    return well(check)


def _permission(seen: Seen) -> Diagnosis:
    check = "function_permission"
    if not seen.policy.known:
        return unknown(check, seen.policy)
    policy = (seen.policy.value or {}).get("Policy", '{"Statement": []}')
    try:
        allowed = statements.allowing(policy, _INVOKE)
        by_url = statements.allowing(policy, _INVOKE_URL)
        denied = statements.allowing(policy, _INVOKE, effect="Deny")
    except ValueError:
        return unknown(check, Reply(unknown="the policy of the function cannot be read"))
    if any(_is_everybody(entry) for entry in (*allowed, *by_url)):
        remedy = "take the statement with the principal * out of its policy"
        return wrong(check, "everybody may invoke the function", remedy, _look(seen))
    ours = [entry for entry in allowed if _CONFIG in statements.principals(entry, "Service")]
    if not ours:
        remedy = (
            "let AWS Config in: deploy the stack again, or add the permission, as narrow as docs/decisions/0020 has it"
        )
        return wrong(check, "AWS Config may not invoke the function", remedy, _add(seen))
    against = [entry for entry in denied if {"*", _CONFIG} & set(statements.principals(entry, "Service"))]
    left = [one for one in seen.accounts if not _is_let_in(_caller(seen, one), ours, against)]
    if left:
        shown = ", ".join(left[:_NAMED]) + (" …" if len(left) > _NAMED else "")
        message = f"AWS Config of {len(left)} accounts may not invoke the function: {shown}"
        return wrong(
            check, message, "let the conditions of its policy hold for them, or take out what denies it", _look(seen)
        )
    return well(check)


def _is_everybody(entry: Mapping[str, Any]) -> bool:
    named = "*" in statements.principals(entry, "AWS")
    return named and not any(statements.demands(entry, key) for key in _NARROWING)


def _is_let_in(
    caller: Mapping[str, Sequence[str]], ours: Sequence[Mapping[str, Any]], against: Sequence[Mapping[str, Any]]
) -> bool:
    """Whether AWS Config may invoke the function for one account. A denial counts if its conditions are known to hold."""
    return any(statements.lets(one, caller) for one in ours) and not any(
        statements.lets(one, caller) for one in against
    )


def _look(seen: Seen) -> str:
    if seen.by_resource_policy:
        return f"aws lambda get-resource-policy --resource-arn {seen.arn}"
    return f"aws lambda get-policy {_name(seen)}"


def _add(seen: Seen) -> str:
    """For rules of the own account. For an organization's it is the template's matter: a command would let in everybody's."""
    own = seen.arn.split(":")[4]
    if set(seen.accounts) != {own} or seen.by_resource_policy:
        return ""
    return (
        f"aws lambda add-permission {_name(seen)} --statement-id config --action {_INVOKE} --principal {_CONFIG} "
        f"--source-account {own}"
    )


def _caller(seen: Seen, account: str) -> dict[str, Sequence[str]]:
    """The condition keys of an invocation by AWS Config, as far as AWS documents them, for a rule of the account."""
    _, partition, _, region = seen.arn.split(":")[:4]
    rule = f"arn:{partition}:config:{region}:{account}:config-rule"
    found: dict[str, Sequence[str]] = {
        "aws:sourceaccount": [account],
        "aws:sourcearn": [f"{rule}/aws-service-rule/{RULES}/config-rule-000000", f"{rule}/config-rule-000000"],
    }
    return found | ({"aws:sourceorgid": [seen.organization]} if seen.organization else {})

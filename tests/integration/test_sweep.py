"""The whole sweep: its composition root, an AWS organization on the loopback, and in the end what AWS Config makes of it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from emulation.aws import ACCOUNTS, LocalAws
from emulation.lambda_environment import LocalLambda
from emulation.organization import MANAGEMENT
from opalite import app
from opalite.config_rule.function import Function
from opalite.engine import orphans
from opalite.engine.bundle import assemble
from opalite.errors import AwsError, DeliveryError, InvocationError, UsageError
from opalite.normalize import TYPES
from opalite.sweep.app import Sweeper
from opalite.sweep.walk import BUSY_ROUNDS, BUSY_SECONDS

ADMIN, MEMBER, OTHER = ACCOUNTS
EVERYBODY = [*ACCOUNTS, MANAGEMENT]
ROLE = "OpaliteMember"
FUNCTION = "arn:aws:lambda:eu-west-1:111111111111:function:opalite"
SWEEP = f"{FUNCTION}-sweep"
REQUEST = "9b2f6f0e-31c4-4ad5-8d0e-0a4a54a1f7c2"

AT = "2026-11-29T04:00:00.000Z"
NIGHTLY = {"id": "7bf73129", "detail-type": "Scheduled Event", "source": "aws.events", "time": "2026-11-29T04:00:00Z"}
WITHIN, BEFORE, AFTER = "2026-11-28T18:00:00Z", "2026-11-28T03:00:00Z", "2026-11-29T04:00:01Z"
LONG_AGO = "2026-01-01T00:00:00.000+0000"

BY_FACTS = {"policies": "aws.s3.bucket.encryption"}  # METADATA: schedule
PLAIN = {"policies": "aws.ec2.securitygroup.restricted_ingress"}
IDLE = {"policies": "aws.any.resource.required_tags"}
TIME, DATA = "time or facts can change the verdict", "policies or settings have changed"
EXPIRED = "an exemption has expired"


def in_all(accounts: list[str], *names: str) -> dict[str, list[str]]:
    return {account: list(names) for account in accounts}


def exemption(expires: str, **scope: Any) -> dict[str, Any]:
    return {"scope": scope, "owner": "net", "ticket": "NET-1", "reason": "a bastion", "expires": expires}


def exemptions(expires: str, policy: str = PLAIN["policies"], **scope: Any) -> dict[str, Any]:
    return {"exemptions": {policy: {"EX-2026-001": exemption(expires, **scope)}}}


@dataclass(slots=True)
class Context:
    """What Lambda says of an invocation. `step`: seconds that pass each time that somebody asks for those that are left."""

    left: float = 900.0
    step: float = 0.0
    invoked_function_arn: str = SWEEP
    aws_request_id: str = REQUEST

    def get_remaining_time_in_millis(self) -> int:
        self.left -= self.step
        return int(self.left * 1000)


@dataclass(slots=True)
class Swept:
    """A sweep that has been deployed."""

    aws: LocalAws
    sweeper: Sweeper
    log: io.StringIO
    slept: list[float] = field(default_factory=list)

    def __call__(self, event: Any = None, context: Context | None = None) -> dict[str, Any]:
        self.log.seek(0)
        self.log.truncate()
        return self.sweeper.handle(event or NIGHTLY, context or Context())

    def handed(self) -> list[Any]:
        """The events that it has handed to itself since somebody looked."""
        taken = list(self.aws.functions.invoked)
        self.aws.functions.invoked.clear()
        assert {arn for arn, _ in taken} <= {SWEEP}
        return [event for _, event in taken]

    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def lines(self, message: str) -> list[dict[str, Any]]:
        """Log lines of one kind, without what all have."""
        common = ("level", "message", "timestamp", "service", "function_request_id", "cold_start")
        return [
            {name: value for name, value in line.items() if name not in common}
            for line in self.documents()
            if line.get("message") == message
        ]

    def metrics(self) -> dict[str, float]:
        """Those without dimensions."""
        for document in self.documents():
            if "_aws" in document and document["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]:
                names = [metric["Name"] for metric in document["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
                return {name: document[name][0] for name in names}
        return {}

    def started(self) -> dict[str, list[str]]:
        """Names by which the rules were made, by account; each was started once."""
        found: dict[str, list[str]] = {}
        for account, names in self.aws.config.started:
            given = [self.aws.config.rules.named(account, name).given_name for name in names]
            found.setdefault(account, []).extend(given)
        assert all(len(names) == len(set(names)) for names in found.values())
        return {account: sorted(names) for account, names in sorted(found.items())}


@pytest.fixture
def aws(monkeypatch) -> Iterator[LocalAws]:
    """Three accounts and the one that manages the organization; in all the member role can be assumed."""
    with LocalAws() as running:
        for account in EVERYBODY:
            running.allow_role(account, ROLE)
        running.functions.add(FUNCTION, changed_at=LONG_AGO)
        running.functions.add(SWEEP)
        yield running
        assert running.config.violations == []


@pytest.fixture(scope="session")
def layer_of(opa, tmp_path_factory) -> Callable[[Mapping[str, Any] | None], Path]:
    """A folder with what a layer has of policies and settings. `overlay`: what is laid over the shipped ones."""
    made: dict[str, Path] = {}

    def layer(overlay: Mapping[str, Any] | None) -> Path:
        text = json.dumps(overlay or {}, sort_keys=True)
        if text not in made:
            folder = made[text] = tmp_path_factory.mktemp("layer")
            (folder / "overlay.json").write_text(text)
            bundle = assemble(opa.path, bundles=(), overlays=(folder / "overlay.json",), with_shipped=True, typed=TYPES)
            bundle.write(folder / "bundle.tar.gz")
            description = {
                "format": 1,
                "opa_version": opa.version,
                "bundle_revision": bundle.revision,
                "catalog": bundle.data["catalog"],
                "exemptions": bundle.data["exemptions"],
            }
            (folder / "layer.json").write_text(json.dumps(description))
        return made[text]

    return layer


@pytest.fixture
def variables(aws, layer_of, monkeypatch) -> Callable[..., None]:
    """Set the environment of a function; a variable that is None is not set."""

    def setting(overlay: Mapping[str, Any] | None = None, **more: str | None) -> None:
        for name in [name for name in os.environ if name.startswith(("AWS_", "OPALITE_"))]:
            monkeypatch.delenv(name)
        given = {
            **aws.environ(),
            "OPALITE_LAYER": str(layer_of(overlay)),
            "OPALITE_MEMBER_ROLE": ROLE,
            "OPALITE_ACCOUNTS": "organization",
            "OPALITE_FUNCTION_ARN": FUNCTION,
            **more,
        }
        for name, value in given.items():
            if value is not None:
                monkeypatch.setenv(name, value)

    return setting


@pytest.fixture
def deploy(aws, variables, monkeypatch) -> Callable[..., Swept]:
    def deployed(overlay: Mapping[str, Any] | None = None, **more: str | None) -> Swept:
        variables(overlay, **more)
        log, slept = io.StringIO(), []
        monkeypatch.setattr(time, "sleep", slept.append)  # botocore's pauses
        with contextlib.redirect_stdout(log):
            return Swept(aws, Sweeper(os.environ, sleep=slept.append), log, slept)

    return deployed


@pytest.fixture
def sweep(deploy) -> Swept:
    """With the shipped policies and settings."""
    return deploy()


# What is started


def test_every_night_the_rules_are_started_whose_verdicts_time_or_facts_change(aws, sweep):
    for account in EVERYBODY:
        aws.config.rule(account, "all")
        aws.config.rule(account, "facts", parameters=BY_FACTS)
        aws.config.rule(account, "tags", parameters={"tags": "encryption"})
        aws.config.rule(account, "nightly", parameters=BY_FACTS, message_types=("ScheduledNotification",))
        aws.config.rule(account, "plain", parameters=PLAIN)
        aws.config.rule(account, "asleep", parameters=IDLE)
        aws.config.rule(account, "refused", parameters={"bucket": "mine"})
        aws.config.rule(account, "gone", parameters={"policies": "aws.s3.bucket.that_was"})
        aws.config.rule(account, "strangers", function_arn=f"{FUNCTION}-other")
        aws.config.rule(account, "members", organization=False)
    assert sweep() == {"accounts": 4, "rules": 32, "started": 16, "busy": 0, "failed": [], "unreached": 0}
    assert sweep.started() == in_all(EVERYBODY, "all", "facts", "nightly", "tags")
    assert sorted(sweep.lines("started"), key=lambda line: line["member_account_id"]) == [
        {"member_account_id": account, "config_rules": 4, "busy": 0, "reasons": [TIME]} for account in EVERYBODY
    ]
    assert sweep.lines("swept") == [{"accounts": 4, "rules": 32, "started": 16, "busy": 0, "failed": 0, "unreached": 0}]
    # 3 roles, 4 times 2 calls of Config, one of Lambda and of Organizations.
    assert sweep.metrics() == {"RulesStarted": 16, "ApiCalls": 13}
    assert aws.calls == {
        "config:DescribeConfigRules": 4,
        "config:StartConfigRulesEvaluation": 4,
        "lambda:GetFunctionConfiguration": 1,
        "organizations:ListAccounts": 1,
        "sts:AssumeRole": 3,
    }
    assert sweep.handed() == []
    assert sweep.slept == []


def test_rules_that_are_listed_are_started_where_they_are_listed(aws, deploy):
    listed = aws.config.rule(MEMBER, "mine", parameters=BY_FACTS, organization=False)
    aws.config.rule(OTHER, "mine", parameters=BY_FACTS, organization=False)
    aws.config.rule(ADMIN, "own", parameters=BY_FACTS, organization=False)
    aws.config.rule(OTHER, "own", parameters=BY_FACTS, organization=False)
    sweep = deploy(OPALITE_RULES=f"own,{listed.arn}")
    sweep()
    assert sweep.started() == {ADMIN: ["own"], MEMBER: ["mine"]}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("2026-11-28T03:49:59.000+0000", False),
        ("2026-11-28T03:50:00.001+0000", True),  # ten minutes that belong to the sweep before as well
        ("2026-11-28T18:00:00.000+0000", True),
        ("2026-11-29T04:00:00.000+0000", True),
        ("2026-11-29T04:00:01.000+0000", False),  # the next sweep will see that
    ],
)
def test_after_a_change_of_the_function_all_its_rules_are_started(aws, sweep, changed, expected):
    for name, parameters in {"plain": PLAIN, "asleep": IDLE, "facts": BY_FACTS, "refused": {"tags": "none"}}.items():
        aws.config.rule(MEMBER, name, parameters=parameters)
    aws.functions.add(FUNCTION, changed_at=changed)
    sweep()
    assert sweep.started() == {MEMBER: ["asleep", "facts", "plain"] if expected else ["facts"]}
    assert [line["reasons"] for line in sweep.lines("started")] == [[DATA] if expected else [TIME]]


def test_the_period_of_the_schedule_can_be_set(aws, deploy):
    aws.config.rule(MEMBER, "plain", parameters=PLAIN)
    aws.functions.add(FUNCTION, changed_at="2026-11-27T05:00:00.000+0000")
    assert deploy(OPALITE_SWEEP_HOURS="24")()["started"] == 0
    assert deploy(OPALITE_SWEEP_HOURS="48")()["started"] == 1


def test_by_hand_everything_can_be_started_without_asking_when_the_function_was_changed(aws, sweep):
    aws.config.rule(MEMBER, "plain", parameters=PLAIN)
    aws.deny("lambda", "GetFunctionConfiguration")
    sweep({"time": "2026-11-29T12:00:00Z", "everything": True, "accounts": [MEMBER, MEMBER]})
    assert sweep.started() == {MEMBER: ["plain"]}


@pytest.mark.parametrize(
    ("overlay", "expected"),
    [
        (exemptions(WITHIN, accounts=[MEMBER]), [MEMBER]),
        (exemptions(WITHIN, accounts=[MEMBER, OTHER], regions=["eu-west-1"]), [MEMBER, OTHER]),
        (exemptions(WITHIN, resources=["sg-*"]), EVERYBODY),
        (exemptions(WITHIN, organizational_units=["ou-opal-prod0000"]), EVERYBODY),
        (exemptions(WITHIN, accounts=["444444444444"]), []),
        (exemptions(WITHIN, "aws.s3.bucket.tls_only", accounts=[MEMBER]), []),
        (exemptions(BEFORE, accounts=[MEMBER]), []),
        (exemptions(AFTER, accounts=[MEMBER]), []),
    ],
)
def test_when_an_exemption_has_expired_the_rules_of_its_policy_are_started_where_it_may_have_held(
    aws, deploy, overlay, expected
):
    sweep = deploy(overlay)
    for account in EVERYBODY:
        aws.config.rule(account, "plain", parameters=PLAIN)
        aws.config.rule(account, "other", parameters={"policies": "aws.s3.bucket.public_access_block"})
    sweep()
    assert sweep.started() == {account: ["plain"] for account in expected}
    assert [line["reasons"] for line in sweep.lines("started")] == [[EXPIRED]] * len(expected)


# Whose accounts


def test_without_an_organization_only_accounts_of_the_list_and_the_own_one_are_swept(aws, deploy):
    for account in EVERYBODY:
        aws.config.rule(account, "all")
    sweep = deploy(OPALITE_ACCOUNTS=OTHER)
    assert sweep()["accounts"] == 2
    assert sweep.started() == {ADMIN: ["all"], OTHER: ["all"]}
    assert aws.calls["organizations:ListAccounts"] == 0


def test_without_a_role_only_the_own_account_is_swept(aws, deploy):
    for account in EVERYBODY:
        aws.config.rule(account, "all")
    sweep = deploy(OPALITE_ACCOUNTS=None, OPALITE_MEMBER_ROLE=None)
    assert sweep()["failed"] == []
    assert sweep.started() == {ADMIN: ["all"]}
    assert aws.calls["sts:AssumeRole"] == 0


def test_accounts_that_are_suspended_are_left_out(aws, sweep):
    for account in EVERYBODY:
        aws.config.rule(account, "all")
    aws.organization.set_status(MEMBER, "SUSPENDED")
    sweep()
    assert sweep.started() == in_all([ADMIN, OTHER, MANAGEMENT], "all")


def test_accounts_that_the_rules_leave_out_are_not_even_entered(aws, deploy):
    """The management account has no member role, and would fail each night."""
    for account in EVERYBODY:
        aws.config.rule(account, "all")
    aws.deny("sts", "AssumeRole", MANAGEMENT)
    swept = deploy(OPALITE_EXCLUDED_ACCOUNTS=f"{MANAGEMENT},{ADMIN}")
    assert swept()["failed"] == []
    assert swept.started() == in_all([ADMIN, MEMBER, OTHER], "all")


def test_if_nobody_tells_which_accounts_there_are_nothing_is_swept(aws, sweep):
    aws.config.rule(MEMBER, "all")
    aws.deny("organizations", "ListAccounts")
    with pytest.raises(AwsError, match="the function must run in the delegated administrator's account"):
        sweep()
    assert aws.config.started == []
    assert sweep.metrics()["Failures"] == 1


# Limits of AWS Config


def test_many_rules_are_started_twenty_five_at_a_time(aws, sweep):
    names = [f"rule-{number:02}" for number in range(60)]
    for name in names:
        aws.config.rule(MEMBER, name, parameters=BY_FACTS)
    assert sweep()["started"] == 60
    assert sweep.started() == {MEMBER: names}
    assert [len(started) for _, started in aws.config.started] == [25, 25, 10]


# Asked for with the other, and alone; boto3 takes the first of these codes for throttling, and has 4 attempts.
@pytest.mark.parametrize(("code", "times"), [("LimitExceededException", 8), ("ResourceInUseException", 2)])
def test_a_rule_that_is_being_evaluated_is_started_when_that_is_over(aws, sweep, code, times):
    for name in ("busy", "free"):
        aws.config.rule(MEMBER, name, parameters=BY_FACTS)
        aws.config.rule(OTHER, name, parameters=BY_FACTS)
    aws.config.busy(MEMBER, "busy", code=code, times=times)
    assert sweep() == {"accounts": 4, "rules": 4, "started": 4, "busy": 0, "failed": [], "unreached": 0}
    assert sweep.started() == {MEMBER: ["busy", "free"], OTHER: ["busy", "free"]}
    assert sweep.slept.count(BUSY_SECONDS) == 1
    assert sweep.metrics()["RulesStarted"] == 4
    assert "RulesBusy" not in sweep.metrics()


def test_a_rule_that_stays_busy_is_left_to_the_next_invocation(aws, sweep):
    rule = aws.config.rule(MEMBER, "busy", parameters=BY_FACTS)
    aws.config.busy(MEMBER, "busy", times=1000)
    assert sweep() == {"accounts": 4, "rules": 1, "started": 0, "busy": 1, "failed": [MEMBER], "unreached": 0}
    assert sweep.slept.count(BUSY_SECONDS) == BUSY_ROUNDS
    assert sweep.lines("account failed") == [
        {"member_account_id": MEMBER, "reason": f"AWS Config is still evaluating {rule.name}, or throttles"}
    ]
    counts = sweep.metrics()
    assert (counts["RulesBusy"], counts["AccountsFailed"]) == (1, 1)
    assert sweep.handed() == [{"time": AT, "everything": False, "accounts": [MEMBER], "attempt": 2}]


def test_a_rule_that_is_gone_when_it_is_started_does_not_keep_the_others_from_it(aws, sweep):
    aws.config.rule(MEMBER, "stays", parameters=BY_FACTS)
    aws.config.rule(MEMBER, "goes", parameters=BY_FACTS)
    aws.fail("config", "StartConfigRulesEvaluation", code="NoSuchConfigRuleException", times=1)
    assert sweep()["started"] == 2
    assert sweep.started() == {MEMBER: ["goes", "stays"]}


def test_a_call_that_is_throttled_is_tried_again(aws, sweep):
    aws.config.rule(MEMBER, "all")
    aws.fail("config", "DescribeConfigRules", account=MEMBER, times=2)
    aws.fail("config", "StartConfigRulesEvaluation", account=MEMBER, times=2)
    assert sweep()["failed"] == []
    assert sweep.started() == {MEMBER: ["all"]}
    assert sweep.metrics()["ApiRetries"] == 4


def test_throttling_that_does_not_end_is_left_to_the_next_invocation(aws, sweep):
    for account in (MEMBER, OTHER):
        aws.config.rule(account, "all")
    aws.fail("config", "StartConfigRulesEvaluation", account=MEMBER, times=None)
    aws.fail("config", "DescribeConfigRules", account=MANAGEMENT, times=None)
    assert sweep()["failed"] == [MEMBER, MANAGEMENT]
    assert sweep.started() == {OTHER: ["all"]}
    [event] = sweep.handed()
    assert event == {"time": AT, "everything": False, "accounts": [MEMBER, MANAGEMENT], "attempt": 2}
    aws.mend()
    assert sweep(event) == {"accounts": 2, "rules": 1, "started": 1, "busy": 0, "failed": [], "unreached": 0}
    assert sweep.started() == {MEMBER: ["all"], OTHER: ["all"]}


# Accounts that fail


def test_an_account_without_the_role_is_told_by_name_after_three_attempts_and_the_others_are_swept_once(aws, sweep):
    for account in EVERYBODY:
        aws.config.rule(account, "all")
    aws.forbid_role(OTHER, ROLE)
    assert sweep() == {"accounts": 4, "rules": 3, "started": 3, "busy": 0, "failed": [OTHER], "unreached": 0}
    reason = f"role {ROLE} of account {OTHER} cannot be assumed"
    assert sweep.lines("account failed") == [{"member_account_id": OTHER, "reason": reason}]
    assert sweep.metrics()["AccountsFailed"] == 1
    for attempt in (2, 3):
        [event] = sweep.handed()
        assert event == {"time": AT, "everything": False, "accounts": [OTHER], "attempt": attempt}
        if attempt == 2:
            assert sweep(event)["failed"] == [OTHER]
    with pytest.raises(DeliveryError) as caught:
        sweep(event)
    assert str(caught.value) == f"Config rules were not evaluated anew in 1 accounts: {OTHER}: {reason}"
    assert sweep.handed() == []
    assert sweep.metrics()["Failures"] == 1
    assert sweep.started() == in_all([ADMIN, MEMBER, MANAGEMENT], "all")
    aws.allow_role(OTHER, ROLE)  # and the event that was kept is sent again
    assert sweep(event)["failed"] == []
    assert sweep.started() == in_all(EVERYBODY, "all")


def test_the_last_attempt_leaves_an_event_that_holds_only_the_accounts_that_failed(aws, sweep):
    for account in EVERYBODY:
        aws.config.rule(account, "all")
    aws.forbid_role(OTHER, ROLE)
    last = {"time": AT, "accounts": [MEMBER, OTHER], "attempt": 3}
    assert sweep(last)["failed"] == [OTHER]
    assert sweep.handed() == [{"time": AT, "everything": False, "accounts": [OTHER], "attempt": 4}]


def test_the_own_account_may_lack_permissions_like_any_other(aws, sweep):
    for account in EVERYBODY:
        aws.config.rule(account, "all")
    aws.deny("config", "DescribeConfigRules", ADMIN)
    assert sweep()["failed"] == [ADMIN]
    assert sweep.started() == in_all([MEMBER, OTHER, MANAGEMENT], "all")


# Time


def test_what_there_is_no_time_for_is_handed_on_until_all_is_done(aws, sweep):
    for account in EVERYBODY:
        aws.config.rule(account, "all")
    events: list[Any] = [NIGHTLY]
    done = []
    while events:
        done.append(sweep(events.pop(), Context(left=47.5, step=1.0)))
        events += sweep.handed()
    assert [each["accounts"] for each in done] == [2, 2]
    assert [each["unreached"] for each in done] == [2, 0]
    assert sweep.started() == in_all(EVERYBODY, "all")


def test_who_goes_on_knows_what_the_first_has_found(aws, sweep):
    """Even if the function is changed once more in between."""
    for account in EVERYBODY:
        aws.config.rule(account, "plain", parameters=PLAIN)
    aws.functions.add(FUNCTION, changed_at="2026-11-28T18:00:00.000+0000")
    sweep(context=Context(left=46.5, step=1.0))
    [event] = sweep.handed()
    assert event == {"time": AT, "everything": True, "accounts": EVERYBODY[1:], "attempt": 1}
    aws.functions.add(FUNCTION, changed_at="2026-11-29T04:05:00.000+0000")
    sweep(event)
    assert sweep.started() == in_all(EVERYBODY, "plain")


def test_a_function_that_has_too_little_time_for_any_account_fails(aws, sweep):
    with pytest.raises(DeliveryError, match="give the function more time"):
        sweep(context=Context(left=30.0))
    assert sweep.handed() == []


def test_if_the_rest_cannot_be_handed_on_the_sweep_fails(aws, sweep):
    aws.deny("lambda", "Invoke")
    with pytest.raises(AwsError, match=f"^{SWEEP}: it cannot be invoked: lambda:Invoke is denied in account {ADMIN}"):
        sweep(context=Context(left=46.5, step=1.0))


# What is not as it must be


def test_if_nobody_tells_when_the_function_was_changed_nothing_is_swept(aws, sweep):
    """For it could have been, and then all is due; the event does the same again when the permission is there."""
    aws.config.rule(MEMBER, "all")
    aws.deny("lambda", "GetFunctionConfiguration")
    with pytest.raises(
        AwsError, match=f"^{FUNCTION}: nobody tells when it was changed: lambda:GetFunctionConfiguration"
    ):
        sweep()
    aws.mend()
    aws.functions.add(FUNCTION, changed_at="soon")
    with pytest.raises(AwsError, match=f"^{FUNCTION}: when it was changed cannot be read: 'soon'$"):
        sweep()
    assert aws.config.started == []
    assert sweep.handed() == []


@pytest.mark.parametrize(
    ("arn", "message"),
    [
        (None, "OPALITE_FUNCTION_ARN: is not set; it says which Config rules are ours"),
        ("opalite", "OPALITE_FUNCTION_ARN: 'opalite' is not the ARN of a Lambda function"),
    ],
)
def test_without_the_arn_of_the_rules_function_nothing_starts(deploy, arn, message):
    with pytest.raises(UsageError) as caught:
        deploy(OPALITE_FUNCTION_ARN=arn)
    assert str(caught.value) == message


@pytest.mark.parametrize("arn", [FUNCTION.replace(ADMIN, MEMBER), FUNCTION.replace("eu-west-1", "us-east-1")])
def test_the_function_of_another_place_is_refused_for_nobody_there_is_swept(deploy, arn):
    with pytest.raises(UsageError) as caught:
        deploy(OPALITE_FUNCTION_ARN=arn)()
    assert str(caught.value) == f"OPALITE_FUNCTION_ARN: {arn} is not in account {ADMIN}, eu-west-1, as the sweep is"


def test_a_function_that_is_not_there_fails(deploy):
    with pytest.raises(AwsError, match="there is no such function in account 111111111111, eu-west-1"):
        deploy(OPALITE_FUNCTION_ARN=f"{FUNCTION}-of-old")()


@pytest.mark.parametrize("event", [{"accounts": [MEMBER]}, {"invokingEvent": "{}"}, ["x"]])
def test_an_event_of_others_is_refused_before_anything_is_asked(aws, sweep, event):
    with pytest.raises(InvocationError):
        sweep(event)
    assert aws.calls == {}


def test_an_environment_that_is_not_of_lambda_is_refused(sweep):
    with pytest.raises(InvocationError):
        sweep(context=Context(invoked_function_arn="opalite-sweep"))


def test_sessions_serve_the_next_sweep_and_a_role_that_was_refused_is_asked_again(aws, sweep):
    for account in EVERYBODY:
        aws.config.rule(account, "all")
    aws.forbid_role(OTHER, ROLE)
    assert sweep()["failed"] == [OTHER]
    aws.allow_role(OTHER, ROLE)
    assert sweep()["failed"] == []
    assert aws.calls["sts:AssumeRole"] == 4


# In Lambda, and with the function of the rules


def test_the_handler_starts_in_lambda_without_an_extension(aws, layer_of, repository):
    for account in EVERYBODY:
        aws.config.rule(account, "all")
    aws.forbid_role(OTHER, ROLE)
    env = {
        **aws.environ(),
        "OPALITE_LAYER": str(layer_of(None)),
        "OPALITE_MEMBER_ROLE": ROLE,
        "OPALITE_ACCOUNTS": "organization",
        "OPALITE_FUNCTION_ARN": FUNCTION,
    }
    handler = "opalite.sweep.app.lambda_handler"
    with LocalLambda(handler, task_root=repository / "handler", env=env, timeout=300, arn=SWEEP) as function:
        result = function.invoke(NIGHTLY)
        assert result.error is None, function.log
        assert result.payload == {
            "accounts": 4, "rules": 3, "started": 3, "busy": 0, "failed": [OTHER], "unreached": 0,
        }  # fmt: skip
        [(arn, event)] = aws.functions.invoked
        assert arn == SWEEP
        last = {**event, "attempt": 3}
        [*_, failed] = function.invoke_async(last, retries=0)
        assert failed.error == "Unhandled"
        assert [letter["requestPayload"] for letter in function.dead_letters] == [last]
    assert any('"RulesStarted":[3.0]' in line for line in function.log)


@dataclass(slots=True)
class RulesFunction:
    """The function of the rules, and what it has written."""

    aws: LocalAws
    function: Function

    def __call__(self, event: Any) -> Any:
        return self.function.handle(event, Context(invoked_function_arn=FUNCTION))


@pytest.fixture
def rules_function(aws, opa, layer_of, variables) -> Iterator[Callable[..., RulesFunction]]:
    """It asks an OPA of its own, run as the extension runs it."""
    folder = Path(tempfile.mkdtemp(prefix="opalite-"))  # the path of a socket must be short
    running: list[orphans.Child] = []
    engines: list[Any] = []

    def made(overlay: Mapping[str, Any]) -> RulesFunction:
        socket = folder / "opa.sock"
        command = [
            str(opa.path), "run", "--server", "--addr", f"unix://{socket}", "--log-level", "error",
            "--skip-version-check", "--bundle", str(layer_of(overlay) / "bundle.tar.gz"),
        ]  # fmt: skip
        running.append(orphans.start(command, env={"HOME": str(folder)}, stderr=subprocess.DEVNULL))
        variables(overlay, OPALITE_OPA_SOCKET=str(socket))
        with contextlib.redirect_stdout(io.StringIO()):
            parts = app.parts(os.environ)
        engines.append(parts.engine)
        return RulesFunction(aws, Function(parts))

    yield made
    for engine in engines:
        engine.close()
    for child in running:
        child.end(2)
    shutil.rmtree(folder)


@pytest.fixture
def bastion(repository) -> dict[str, Any]:
    """A security group of the member that lets everybody in by SSH."""
    text = (repository / "tests" / "data" / "items" / "ec2-security-group.event.json").read_text(encoding="utf-8")
    item: dict[str, Any] = json.loads(text.replace("111122223333", MEMBER).replace("eu-central-1", "eu-west-1"))
    item |= {"resourceId": "sg-0bastion", "ARN": f"arn:aws:ec2:eu-west-1:{MEMBER}:security-group/sg-0bastion"}
    item["configuration"]["ipPermissions"] = [
        {
            "fromPort": 22, "toPort": 22, "ipProtocol": "tcp", "ipv6Ranges": [], "prefixListIds": [],
            "userIdGroupPairs": [], "ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}], "ipRanges": ["0.0.0.0/0"],
        }
    ]  # fmt: skip
    return item


def test_an_exemption_that_expires_makes_a_resource_non_compliant_though_it_has_not_changed(
    aws, deploy, rules_function, bastion
):
    overlay = exemptions(WITHIN, accounts=[MEMBER], resources=["sg-0bastion"])
    function, sweep = rules_function(overlay), deploy(overlay)
    rule = aws.config.rule(MEMBER, "plain", parameters=PLAIN)
    key = ("AWS::EC2::SecurityGroup", "sg-0bastion")

    function(aws.config.change_event(bastion, rule, notified_at="2026-11-20T10:00:00.000Z"))
    held = aws.config.results(MEMBER, rule)[key]
    assert (held["complianceType"], held["annotation"].partition(":")[0]) == (
        "COMPLIANT",
        "exempt until 2026-11-28 by EX-2026-001 (NET-1)",
    )

    sweep({"time": "2026-11-28T04:00:00Z"})
    assert aws.config.started == []
    sweep(NIGHTLY)
    assert aws.config.started == [(MEMBER, (rule.name,))]

    # AWS Config sends the last recorded item of each resource in the rule's scope, in a notification of now.
    function(aws.config.change_event(bastion, rule, notified_at="2026-11-29T04:00:12.000Z", recorded=False))
    told = aws.config.results(MEMBER, rule)[key]
    assert (told["complianceType"], told["annotation"].partition(" [")[0], told["orderingTimestamp"]) == (
        "NON_COMPLIANT",
        "tcp port 22 is open to 0.0.0.0/0 (ingress.0)",
        held["orderingTimestamp"],
    )

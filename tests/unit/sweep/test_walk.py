"""From account to account: what is started, what stays busy, what fails, and what there was no time for."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from opalite.adapters.aws.config_results import Started
from opalite.catalog import Catalog, from_entries
from opalite.errors import AwsError, DeliveryError
from opalite.ports import Absent, Denied, Place
from opalite.sweep.at_once import AT_ONCE, HAND_ON_SECONDS, RESERVE_SECONDS
from opalite.sweep.due import Judged, Window
from opalite.sweep.walk import BUSY_ROUNDS, BUSY_SECONDS, Walk, Walked

OWN = "444455556666"
FUNCTION = f"arn:aws:lambda:eu-west-1:{OWN}:function:opalite"
TIME = "time or facts can change the verdict"
POLICY = {"title": "t", "version": "1.0.0", "severity": "LOW", "resource_types": ["AWS::S3::Bucket"]}
JUDGED = Judged(
    function_arn=FUNCTION,
    listed=frozenset(),
    own_account=OWN,
    catalog=Catalog(from_entries({"aws.s3.bucket.plain": POLICY, "aws.s3.bucket.timed": {**POLICY, "schedule": True}})),
    exemptions={},
    window=Window("2026-11-28T03:50:00.000Z", "2026-11-29T04:00:00.000Z"),
    everything=False,
)


def place(number):
    return Place("aws", f"{number:012}", "eu-west-1")


def rule(name, account, policy="timed", function=FUNCTION):
    path = "aws-service-rule/config-multiaccountsetup.amazonaws.com/config-rule-3fa9zk"
    return {
        "ConfigRuleName": name,
        "ConfigRuleArn": f"arn:aws:config:eu-west-1:{account}:config-rule/{path}",
        "Source": {"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": function},
        "InputParameters": f'{{"policies": "aws.s3.bucket.{policy}"}}',
    }


class Clock:
    """How much time is left of an invocation: it gets less by sleeping, and by `step` each time that somebody looks."""

    def __init__(self, seconds=900.0, step=0.0):
        self.left = seconds
        self.slept = []
        self._step = step

    def __call__(self):
        self.left -= self._step
        return self.left

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.left -= seconds


class Looked(Clock):
    """Shows what `look` says, and nobody sleeps by it."""

    def __init__(self, look):
        super().__init__()
        self._look = look

    def __call__(self):
        return self._look()

    def sleep(self, seconds):
        raise AssertionError(f"nobody should sleep for {seconds} s")


class Config:
    """AWS Config of all accounts. `refuses`: by name of a rule, how often it is busy; `error`: by account, what is raised."""

    def __init__(self, **refuses):
        self.described = {}
        self.errors = {}
        self.refuses = Counter(refuses)
        self.started = []
        self.at_once = 0
        self._lock = threading.Lock()
        self._now = 0

    def rules(self, at):
        with self._lock:
            self._now += 1
            self.at_once = max(self.at_once, self._now)
        try:
            if error := self.errors.get(at.account_id):
                raise error
            return self.described.get(at.account_id, [rule("timed", at.account_id)])
        finally:
            with self._lock:
                self._now -= 1

    def start(self, at, names):
        with self._lock:
            busy = tuple(name for name in names if self.refuses[name] > 0)
            self.refuses.subtract(busy)
            self.started.append((at.account_id, tuple(names)))
        if "broken" in names:
            raise AwsError("config:StartConfigRulesEvaluation: down", "InternalError")
        return Started(tuple(name for name in names if name not in busy), busy)


@pytest.fixture
def notes():
    return []


@pytest.fixture
def walk(notes):
    def walked(config, places, clock=None, judged=JUDGED, **more):
        clock = clock or Clock()

        def report(name, **fields):
            notes.append((name, fields))

        return Walk(config, judged, remaining=clock, sleep=clock.sleep, report=report, **more).walk(places)

    return walked


def test_in_every_account_the_rules_that_are_due_are_started_in_one_call(walk, notes):
    config = Config()
    one, two, three = (place(number).account_id for number in (1, 2, 3))
    config.described = {
        one: [rule("b", one), rule("plain", one, "plain"), rule("a", one)],
        two: [rule("stranger", two, function=f"{FUNCTION}-other")],
        three: [rule("plain", three, "plain")],
    }
    assert walk(config, [place(1), place(2), place(3)]) == Walked(accounts=3, rules=4, started=2)
    assert config.started == [(one, ("a", "b"))]
    assert notes == [("started", {"member_account_id": one, "config_rules": 2, "busy": 0, "reasons": [TIME]})]


def test_without_accounts_there_is_nothing_to_do(walk):
    assert walk(Config(), [], Clock(0)) == Walked()


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (Denied("role OpaliteMember of account 000000000002 cannot be assumed"), None),
        (AwsError("config:DescribeConfigRules: Rate exceeded", "ThrottlingException"), None),
        (Absent("ResourceNotFoundException"), "AWS Config answers ResourceNotFoundException"),
    ],
)
def test_an_account_that_fails_does_not_keep_the_others_from_being_swept(walk, notes, error, why):
    config = Config()
    config.errors["000000000002"] = error
    found = walk(config, [place(number) for number in range(1, 30)])
    why = why or str(error)
    assert found == Walked(accounts=29, rules=28, started=28, failed={"000000000002": why})
    assert len(config.started) == 28
    assert notes[-1] == ("account failed", {"member_account_id": "000000000002", "reason": why})


def test_an_account_in_which_starting_fails_is_failed(walk):
    config = Config()
    config.described["000000000001"] = [rule("broken", "000000000001")]
    assert walk(config, [place(1)]).failed == {"000000000001": "config:StartConfigRulesEvaluation: down"}


def test_a_fault_of_ours_is_not_taken_for_a_failure_of_an_account(walk):
    config = Config()
    config.errors["000000000002"] = KeyError("ConfigRules")
    with pytest.raises(KeyError):
        walk(config, [place(number) for number in range(1, 30)])


def test_some_accounts_are_done_at_once(walk):
    met = threading.Barrier(AT_ONCE, timeout=30)

    class Meeting(Config):
        def rules(self, at):
            met.wait()  # which all of them reach, or nobody leaves
            return super().rules(at)

    assert walk(Meeting(), [place(number) for number in range(3 * AT_ONCE)]).started == 3 * AT_ONCE


# Config rules that are just being evaluated


def test_busy_rules_are_started_a_minute_later_once_all_accounts_are_done(walk, notes):
    config, clock = Config(slow=1, slower=2), Clock()
    one, two = "000000000001", "000000000002"
    config.described[one] = [rule(name, one) for name in ("timed", "slow", "slower")]
    assert walk(config, [place(1), place(2)], clock) == Walked(accounts=2, rules=4, started=4)
    assert clock.slept == [BUSY_SECONDS, BUSY_SECONDS]
    assert sorted(config.started[:2]) == [(one, ("slow", "slower", "timed")), (two, ("timed",))]
    assert config.started[2:] == [(one, ("slow", "slower")), (one, ("slower",))]
    assert [fields["reasons"] for _, fields in notes] == [[TIME], [TIME], [], []]


def test_a_rule_that_config_says_it_is_evaluating_is_not_asked_for_before_a_minute_has_passed(walk, notes):
    config, clock = Config(), Clock()
    one, two = "000000000001", "000000000002"
    config.described = {
        one: [rule("a", one), rule("b", one) | {"ConfigRuleState": "EVALUATING"}],
        two: [
            rule(name, two, policy) | {"ConfigRuleState": "EVALUATING"}
            for name, policy in (("c", "timed"), ("d", "plain"))
        ],
    }
    assert walk(config, [place(1), place(2)], clock) == Walked(accounts=2, rules=4, started=3)
    assert config.started[0] == (one, ("a",))
    assert sorted(config.started[1:]) == [(one, ("b",)), (two, ("c",))]
    assert clock.slept == [BUSY_SECONDS]
    assert sorted((fields["member_account_id"], fields["config_rules"], fields["busy"]) for _, fields in notes) == [
        (one, 1, 0),
        (one, 1, 1),
        (two, 0, 1),
        (two, 1, 0),
    ]


def test_rules_that_stay_busy_are_left_to_the_next_invocation(walk):
    config, clock = Config(a=99, b=99, c=99, d=99), Clock()
    config.described["000000000001"] = [rule(name, "000000000001") for name in "abcd"]
    found = walk(config, [place(1)], clock)
    why = "AWS Config is still evaluating a, b, c (+1 more), or throttles"
    busy = {place(1): ("a", "b", "c", "d")}
    assert found == Walked(accounts=1, rules=4, busy=busy, failed={"000000000001": why})
    assert clock.slept == [BUSY_SECONDS] * BUSY_ROUNDS
    assert BUSY_SECONDS * (BUSY_ROUNDS + 1) < 900


def test_nobody_waits_for_busy_rules_longer_than_there_is_time(walk):
    config, clock = Config(timed=99), Clock(2 * BUSY_SECONDS + RESERVE_SECONDS)
    why = "AWS Config is still evaluating timed, or throttles"
    found = walk(config, [place(1)], clock)
    assert (found.busy, found.failed) == ({place(1): ("timed",)}, {"000000000001": why})
    assert clock.slept == [BUSY_SECONDS] * 2


def test_an_account_that_fails_while_it_is_waited_for_is_failed(walk):
    class Failing(Config):
        def start(self, at, names):
            if self.started:
                raise Denied("the role is gone")
            return super().start(at, names)

    found = walk(Failing(timed=1), [place(1)])
    assert found == Walked(accounts=1, rules=1, failed={"000000000001": "the role is gone"})


def test_busy_rules_that_there_was_no_time_to_ask_again_stay_busy(walk):
    # After the pause there is too little left to begin with any account.
    config, clock = Config(timed=9), Clock(BUSY_SECONDS + RESERVE_SECONDS + 10, step=2.0)
    places = [place(number) for number in range(2)]
    found = walk(config, places, clock)
    assert set(found.busy) == set(places)
    assert found.failed.keys() == {each.account_id for each in places}


# Time


def test_accounts_for_which_there_is_no_time_are_left(walk):
    clock = Clock(RESERVE_SECONDS + 10, step=1.0)
    found = walk(Config(), [place(number) for number in range(30)], clock)
    assert 0 < found.accounts < 30
    assert found.started == found.accounts
    assert found.unreached == tuple(place(number).account_id for number in range(found.accounts, 30))
    assert found.failed == {}


def test_without_time_for_a_single_account_the_sweep_fails_for_it_would_never_end(walk):
    with pytest.raises(
        DeliveryError, match=r"^the sweep has no time for a single account: give the function more time$"
    ):
        walk(Config(), [place(1)], Clock(RESERVE_SECONDS - 1))


def test_with_time_for_one_account_it_gets_on(walk):
    config = Config()
    found = walk(config, [place(1), place(2)], Clock(RESERVE_SECONDS + 1, step=1.0))
    assert (found.accounts, found.unreached) == (1, ("000000000002",))


class Hanging(Config):
    """Accounts below `silent` do not answer before the test is over. `hanging`: those who wait for that."""

    def __init__(self, silent):
        super().__init__()
        self.over = threading.Event()
        self.answered = self.hanging = 0
        self._silent = silent

    def rules(self, at):
        if int(at.account_id) < self._silent:
            self._count(hanging=1)
            self.over.wait(10)
            self._count(hanging=-1)
        self._count(answered=1)
        return super().rules(at)

    def _count(self, hanging=0, answered=0):
        with self._lock:
            self.hanging += hanging
            self.answered += answered


SOON = HAND_ON_SECONDS + 0.2
LATE = "AWS did not answer in time"


def test_when_all_hang_the_rest_is_handed_on(walk):
    config = Hanging(99)
    seconds = iter([900.0] * AT_ONCE + [SOON, 0.0])
    found = walk(config, [place(number) for number in range(20)], Looked(lambda: next(seconds)))
    assert config.hanging == AT_ONCE
    config.over.set()
    unreached = tuple(place(number).account_id for number in range(AT_ONCE, 20))
    failed = {place(number).account_id: LATE for number in range(AT_ONCE)}
    assert found == Walked(accounts=AT_ONCE, failed=failed, unreached=unreached)


def test_those_who_answer_are_told_apart_from_those_who_hang(walk):
    config = Hanging(4)
    clock = Looked(lambda: 900.0 if config.answered < AT_ONCE - 4 else SOON)
    found = walk(config, [place(number) for number in range(AT_ONCE)], clock)
    assert config.hanging == 4
    config.over.set()
    failed = {place(number).account_id: LATE for number in range(4)}
    assert found == Walked(accounts=AT_ONCE, rules=AT_ONCE - 4, started=AT_ONCE - 4, failed=failed)


# Findings


class Ender:
    """How many findings there are in each account, or the error that is raised."""

    def __init__(self, **of):
        self.of = {f"{name[1:]:0>12}": value for name, value in of.items()}
        self.asked = []

    def end(self, at):
        self.asked.append(at.account_id)
        found = self.of.get(at.account_id, 0)
        if isinstance(found, Exception):
            raise found
        return found


ONE, TWO, THREE = (place(number).account_id for number in (1, 2, 3))


def test_findings_are_ended_once_the_rules_of_all_accounts_are_started(walk, notes):
    ender = Ender(_1=2, _3=1)
    found = walk(Config(), [place(1), place(2), place(3)], findings=ender)
    assert found == Walked(accounts=3, rules=3, started=3, ended=3)
    assert sorted(ender.asked) == [ONE, TWO, THREE]
    told = [tuple(fields.values()) for name, fields in notes if name == "ended"]
    assert sorted(told) == [(ONE, 2), (THREE, 1)]


def test_findings_that_cannot_be_ended_are_no_failure_of_the_rules(walk, notes):
    ender = Ender(_1=Denied("no GetFindings"), _2=DeliveryError("not taken"), _3=5)
    found = walk(Config(), [place(1), place(2), place(3)], findings=ender)
    unended = {ONE: "no GetFindings", TWO: "not taken"}
    assert found == Walked(accounts=3, rules=3, started=3, ended=5, unended=unended)
    assert ("findings not ended", {"member_account_id": ONE, "reason": "no GetFindings"}) in notes


def test_an_account_that_fails_altogether_is_told_once(walk):
    config, error = Config(), Denied("the role cannot be assumed")
    config.errors[ONE] = error
    found = walk(config, [place(1)], findings=Ender(_1=error))
    assert found == Walked(accounts=1, failed={ONE: str(error)})


def test_where_only_findings_are_to_be_ended_no_rules_are_asked_for(walk):
    config = Config()
    config.errors[ONE] = AssertionError("nobody should ask")
    assert walk(config, [place(1)], findings=Ender(_1=1), with_rules=False) == Walked(accounts=1, ended=1)


def test_findings_for_which_there_is_no_time_are_left_though_the_rules_are_started(walk):
    clock = Clock(RESERVE_SECONDS + 4.5, step=1.0)
    found = walk(Config(), [place(1), place(2), place(3)], clock, findings=Ender(_1=1))
    assert (found.accounts, found.started, found.unreached) == (3, 3, ())
    assert found.unseen == (ONE, TWO, THREE)[found.ended :]


def test_without_time_for_the_findings_of_a_single_account_the_sweep_fails(walk):
    with pytest.raises(DeliveryError, match=r"^the sweep has no time for a single account"):
        walk(Config(), [place(1)], Clock(RESERVE_SECONDS - 1), findings=Ender(), with_rules=False)

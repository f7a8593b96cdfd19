"""Telling AWS Config: nothing lost, nothing doubled, and what was not taken is told."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters
from hypothesis import given
from hypothesis import strategies as st

from opalite.adapters.aws.evaluations import (
    ACTIONS,
    ATTEMPTS,
    FIRST_WAIT_SECONDS,
    LONGEST_WAIT_SECONDS,
    RESERVE_SECONDS,
    Evaluations,
)
from opalite.adapters.aws.sessions import AwsSessions
from opalite.errors import AwsError, DeliveryError
from opalite.model import Evaluation
from opalite.ports import Absent, Denied, Place
from unit.adapters.aws.sending import Closed, Time, refusal

MEMBER, REGION, TOKEN = "111122223333", "eu-west-1", "the token"
MODEL = get_session().get_service_model("config")
BUCKET, VOLUME = "AWS::S3::Bucket", "AWS::EC2::Volume"
HERE = "config:PutEvaluations in account 111122223333, eu-west-1: not taken: "
THROTTLED = AwsError("config:PutEvaluations: too fast", "ThrottlingException")


@pytest.fixture
def config(accounts):
    """AWS Config of the member account; in the end every request must have been one that it would take."""
    sessions = accounts()
    yield sessions
    for account, region, operation, parameters in sessions.asked:
        assert (account, region) == (MEMBER, REGION)
        assert f"config:{operation}" in ACTIONS
        validate_parameters(parameters, MODEL.operation_model(operation).input_shape)
        assert len(parameters["Evaluations"]) <= 100
        assert all(len(entry["Annotation"]) <= 256 for entry in parameters["Evaluations"])


@pytest.fixture
def put(config, time, place):
    """`put` with the longest waits."""
    evaluations = Evaluations(config, sleep=time.sleep, jitter=lambda: 1.0)

    def call(given, **more):
        return evaluations.put(place, given, TOKEN, **{"test_mode": False, "deadline": time} | more)

    return call


def evaluation(name="a", compliance_type="COMPLIANT", *, kind=BUCKET, at="2026-03-04T05:06:07.089Z", annotation="fine"):
    return Evaluation(kind, name, compliance_type, annotation, at)


def many(count):
    return [evaluation(f"b{number:03}") for number in range(count)]


def entry(name="a", compliance_type="COMPLIANT", *, kind=BUCKET, at=datetime(2026, 3, 4, 5, 6, 7, 89000, UTC)):
    return {
        "ComplianceResourceType": kind,
        "ComplianceResourceId": name,
        "ComplianceType": compliance_type,
        "Annotation": "fine",
        "OrderingTimestamp": at,
    }


def script(config, *answers):
    """One after the other; after them AWS Config takes everything. A set names the ids that fail."""
    left = list(answers)

    def answer(parameters):
        told = left.pop(0) if left else set()
        if isinstance(told, Exception):
            raise told
        sent = parameters["Evaluations"]
        return {"FailedEvaluations": [one for one in sent if one["ComplianceResourceId"] in told]}

    config.tell(MEMBER, "PutEvaluations", answer)


def sent(config):
    """The ids of each call."""
    return [[one["ComplianceResourceId"] for one in parameters["Evaluations"]] for *_, parameters in config.asked]


# What is sent


def test_an_evaluation_is_sent_as_it_is(config, put):
    script(config)
    given = [evaluation(), evaluation("b", "NON_COMPLIANT", kind=VOLUME, at="2026-03-04T06:06:07.089+01:00")]
    assert put(given) == 2
    entries = [entry(), entry("b", "NON_COMPLIANT", kind=VOLUME)]
    expected = {"Evaluations": entries, "ResultToken": TOKEN}
    assert config.asked == [(MEMBER, REGION, "PutEvaluations", expected)]


def test_nothing_to_say_is_one_call(config, put):
    script(config)
    assert put([]) == 0
    assert config.asked == [(MEMBER, REGION, "PutEvaluations", {"Evaluations": [], "ResultToken": TOKEN})]


def test_a_test_run_says_so(config, put):
    script(config)
    assert put([evaluation()], test_mode=True) == 1
    assert config.asked[0][3]["TestMode"] is True


def test_a_hundred_at_once(config, put):
    script(config)
    assert put(many(250)) == 250
    assert [len(ids) for ids in sent(config)] == [100, 100, 50]


@pytest.mark.parametrize("reverse", [False, True])
def test_of_two_about_one_resource_the_later_one_is_sent(config, put, reverse):
    script(config)
    given = [
        evaluation("a", "COMPLIANT", at="2026-03-04T05:06:07.089Z"),
        evaluation("a", "NON_COMPLIANT", at="2026-03-04T06:06:07.088+01:00"),
        evaluation("a", "NOT_APPLICABLE", kind=VOLUME),
    ]
    assert put(given[::-1] if reverse else given) == 2
    entries = config.asked[0][3]["Evaluations"]
    assert sorted(entries, key=str) == sorted([entry(), entry("a", "NOT_APPLICABLE", kind=VOLUME)], key=str)


@pytest.mark.parametrize("reverse", [False, True])
def test_of_two_as_of_the_same_time_the_one_that_proves_nothing_is_sent(config, put, reverse):
    script(config)
    given = [evaluation("a", "COMPLIANT"), evaluation("a", "NON_COMPLIANT")]
    assert put(given[::-1] if reverse else given) == 1
    assert config.asked[0][3]["Evaluations"] == [entry("a", "NON_COMPLIANT")]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (evaluation("x", annotation=""), "its annotation must have 1 to 256 characters"),
        (evaluation("x", annotation="x" * 257), "its annotation must have 1 to 256 characters"),
        (evaluation("x", "INSUFFICIENT_DATA"), "its compliance type is none that AWS Config takes"),
        (evaluation("x", at="yesterday"), "its ordering timestamp is no time"),
        (evaluation("x", kind="A" * 257), "its type must have 1 to 256 characters, its id 1 to 768"),
        (evaluation("x" * 769), "its type must have 1 to 256 characters, its id 1 to 768"),
        (evaluation(""), "its type must have 1 to 256 characters, its id 1 to 768"),
    ],
    ids=["no annotation", "long annotation", "type of compliance", "time", "long type", "long id", "no id"],
)
def test_what_config_would_refuse_keeps_nothing_else_from_being_sent(config, put, wrong, reason):
    script(config)
    told = refusal(put, [wrong, evaluation()])
    assert told == f"{HERE}{wrong.resource_type} {wrong.resource_id}: {reason}"
    assert sent(config) == [["a"]]


def test_when_nothing_can_be_sent_there_is_no_empty_call(config, put):
    script(config)
    refusal(put, [evaluation(annotation="")])
    assert config.asked == []


# What is sent again


def test_what_config_names_as_failed_is_sent_again(config, put, time):
    script(config, {"b001", "b003"}, {"b003"})
    assert put(many(5)) == 5
    assert sent(config)[1:] == [["b001", "b003"], ["b003"]]
    assert time.slept == [0.5, 1.0]


def test_only_the_evaluation_of_that_type_is_sent_again(config, put):
    answers = [{"FailedEvaluations": [entry(kind=VOLUME)]}, {}]
    config.tell(MEMBER, "PutEvaluations", lambda _: answers.pop(0))
    assert put([evaluation(), evaluation(kind=VOLUME)]) == 2
    assert config.asked[1][3]["Evaluations"] == [entry(kind=VOLUME)]


def test_what_keeps_failing_is_told_by_name_and_the_rest_is_taken(config, put, time):
    script(config, *[{"b001", "b003"}] * 9)
    assert refusal(put, many(150)) == (
        f"{HERE}AWS::S3::Bucket b001, AWS::S3::Bucket b003: AWS Config named it as failed (attempt 5 was the last)"
    )
    assert len(config.asked) == 2 + (ATTEMPTS - 1)
    assert time.slept == [0.5, 1.0, 2.0, 4.0]


def test_waits_have_full_jitter_and_do_not_grow_for_ever(config, time, place):
    script(config, *[{"a"}] * 9)
    jitter = iter([0.0, 0.25, 0.5, 0.75])
    evaluations = Evaluations(config, sleep=time.sleep, jitter=lambda: next(jitter))
    with pytest.raises(DeliveryError):
        evaluations.put(place, [evaluation()], TOKEN, test_mode=False, deadline=time)
    assert time.slept == [0.0, 0.25, 1.0, 3.0]
    assert FIRST_WAIT_SECONDS * 2 ** (ATTEMPTS - 2) <= LONGEST_WAIT_SECONDS


@pytest.mark.parametrize(
    "error",
    [
        THROTTLED,
        AwsError("config:PutEvaluations: slower", "TooManyRequestsException"),
        AwsError("config:PutEvaluations: broken", "InternalFailure"),
        AwsError("config:PutEvaluations: no answer"),
    ],
    ids=lambda error: error.code,
)
def test_a_throttled_call_is_tried_again(config, put, time, error):
    script(config, error)
    assert put(many(150)) == 150
    assert [len(ids) for ids in sent(config)] == [100, 50, 100]
    assert time.slept == [0.5]


def test_an_empty_call_is_tried_again(config, put):
    script(config, THROTTLED, THROTTLED)
    assert put([]) == 0
    assert sent(config) == [[], [], []]


def test_an_empty_call_that_is_never_taken_is_told(config, put):
    script(config, *[THROTTLED] * 9)
    assert refusal(put, []) == f"{HERE}config:PutEvaluations: too fast (attempt 5 was the last)"


def test_a_call_that_is_refused_for_one_evaluation_is_halved_until_the_others_are_taken(config, put):
    def answer(parameters):
        ids = [one["ComplianceResourceId"] for one in parameters["Evaluations"]]
        if "b042" in ids:
            raise AwsError("config:PutEvaluations: not taken", "InvalidParameterValueException")
        return {"FailedEvaluations": []}

    config.tell(MEMBER, "PutEvaluations", answer)
    assert refusal(put, many(100)) == f"{HERE}AWS::S3::Bucket b042: config:PutEvaluations: not taken"
    taken = [ids for ids in sent(config) if "b042" not in ids]
    assert sorted(name for ids in taken for name in ids) == [f"b{number:03}" for number in range(100) if number != 42]
    assert len(config.asked) < 20


# What ends it


def test_a_token_that_is_not_valid_ends_it(config, put):
    script(config, set(), AwsError("config:PutEvaluations: no", "InvalidResultTokenException"))
    assert refusal(put, many(215)) == (
        f"{HERE}"
        + "".join(f"AWS::S3::Bucket b{number}, " for number in range(100, 110))
        + "+105 more: the result token is not (any longer) valid; "
        "AWS Config evaluates anew on the next change or re-evaluation"
    )
    assert len(config.asked) == 2


def test_a_rule_that_is_gone_ends_it(config, put):
    script(config, Absent("NoSuchConfigRuleException"))
    assert refusal(put, [evaluation()]) == f"{HERE}AWS::S3::Bucket a: the Config rule is not there any more"
    assert len(config.asked) == 1


def test_a_refusal_names_the_permission_and_the_account(config, put):
    script(config, Denied("config:PutEvaluations is denied in account 111122223333 (AccessDeniedException)"))
    assert refusal(put, many(101)).endswith(
        "+91 more: config:PutEvaluations is denied in account 111122223333 (AccessDeniedException); "
        "the function needs config:PutEvaluations in account 111122223333"
    )
    assert len(config.asked) == 1


def test_a_role_that_cannot_be_assumed_is_told(time, place):
    put = Evaluations(Closed(), sleep=time.sleep, jitter=lambda: 1.0).put
    with pytest.raises(DeliveryError) as raised:
        put(place, [evaluation()], TOKEN, test_mode=False, deadline=time)
    assert str(raised.value) == (
        f"{HERE}AWS::S3::Bucket a: role Opalite of account 111122223333 cannot be assumed: "
        "is the member role deployed there, and does it trust this function?"
    )


def test_what_was_to_be_sent_again_is_not_sent_after_the_end(config, put):
    script(config, {"b001"}, AwsError("config:PutEvaluations: no", "InvalidResultTokenException"))
    assert refusal(put, many(101)).startswith(
        f"{HERE}AWS::S3::Bucket b100, AWS::S3::Bucket b001: the result token is not"
    )
    assert len(config.asked) == 2


def test_all_reasons_are_told_together_with_ten_names_in_all(config, put):
    script(config, {f"b{number:03}" for number in range(8)}, *[{f"b{number:03}" for number in range(8)}] * 9)
    wrong = [evaluation(f"w{number}", annotation="") for number in range(4)]
    assert refusal(put, [*wrong, *many(9)]) == (
        f"{HERE}{', '.join(f'AWS::S3::Bucket w{number}' for number in range(4))}: "
        "its annotation must have 1 to 256 characters; "
        f"{', '.join(f'AWS::S3::Bucket b{number:03}' for number in range(6))}, +2 more: "
        "AWS Config named it as failed (attempt 5 was the last)"
    )


def test_reasons_beyond_the_tenth_name_have_a_count(config, put):
    script(config, *[{"a"}] * 9)
    wrong = [evaluation(f"w{number}", annotation="") for number in range(10)]
    assert refusal(put, [*wrong, evaluation()]).endswith(
        "; +1 more: AWS Config named it as failed (attempt 5 was the last)"
    )


def test_a_failure_of_what_was_not_sent_is_told(config, put):
    answers = [{"FailedEvaluations": [entry("A"), entry("B"), entry("b")]}, {}]
    config.tell(MEMBER, "PutEvaluations", lambda _: answers.pop(0))
    assert refusal(put, [evaluation(), evaluation("b")]) == (f"{HERE}AWS Config named 2 as failed that were not sent")
    assert sent(config) == [["a", "b"], ["b"]]


def test_a_message_is_one_line_whatever_the_id_is(config, put):
    script(config, *[{"a\nb\x1b[0m\u2028c"}] * 9)
    assert "AWS::S3::Bucket a?b?[0m?c: " in refusal(put, [evaluation("a\nb\x1b[0m\u2028c")])


# Time


def test_nothing_is_tried_again_when_time_runs_out(config, put, time):
    script(config, THROTTLED)
    time.left = RESERVE_SECONDS + 0.4
    assert refusal(put, [evaluation()]) == (
        f"{HERE}AWS::S3::Bucket a: config:PutEvaluations: too fast (attempt 1 was the last)"
    )
    assert time.slept == []


def test_time_is_used_up_to_the_reserve(config, put, time):
    script(config, THROTTLED)
    time.left = RESERVE_SECONDS + FIRST_WAIT_SECONDS
    assert put([evaluation()]) == 1
    assert time.left == RESERVE_SECONDS


def test_what_there_was_no_time_for_is_told(config, put, time):
    def answer(_):
        time.left -= 1
        return {}

    config.tell(MEMBER, "PutEvaluations", answer)
    time.left = RESERVE_SECONDS + 0.5
    assert refusal(put, many(102)) == (f"{HERE}AWS::S3::Bucket b100, AWS::S3::Bucket b101: no time was left to send it")
    assert len(config.asked) == 1


# Whatever happens


class Moody:
    """Takes, names as failed, or throttles, as it is drawn; remembers what it took."""

    def __init__(self, moods):
        self.moods = moods
        self.taken = Counter()

    def service(self, *_):
        return self

    def ask(self, operation, *, Evaluations, ResultToken):  # noqa: N803 - as AWS spells them
        assert len(Evaluations) <= 100
        mood = self.moods.pop() if self.moods else "takes all"
        if mood == "throttles":
            raise THROTTLED
        if mood == "refuses":
            raise AwsError("no", "InvalidParameterValueException")
        failed = Evaluations[::2] if mood == "takes every other" else []
        self.taken.update(one["ComplianceResourceId"] for one in Evaluations if one not in failed)
        return {"FailedEvaluations": failed}


@given(
    st.lists(st.integers(0, 400).map(str), max_size=450),
    st.lists(st.sampled_from(["throttles", "takes every other", "takes all", "refuses"]), max_size=25),
)
def test_none_is_lost_and_none_is_taken_twice(names, moods):
    config, time = Moody(moods), Time()
    evaluations = Evaluations(config, sleep=time.sleep, jitter=lambda: 0.5)
    try:
        count = evaluations.put(
            Place("aws", MEMBER, REGION), [evaluation(name) for name in names], TOKEN, test_mode=False, deadline=time
        )
    except DeliveryError:
        assert config.taken.keys() < set(names) or not names
    else:
        assert config.taken.keys() == set(names)
        assert count == len(set(names))
    assert all(times == 1 for times in config.taken.values())


# Through boto3


def test_boto3_takes_the_call_and_its_answers_are_understood(scripted, clock, time):
    failed = {name: value for name, value in entry("b").items() if name != "Annotation"}
    for answer in ({"FailedEvaluations": [failed]}, {"FailedEvaluations": []}, "InvalidResultTokenException"):
        scripted.answer("config", "put_evaluations", answer)
    evaluations = Evaluations(AwsSessions(clock, own=scripted), sleep=time.sleep, jitter=lambda: 1.0)
    place = Place("aws", "123456789012", REGION)
    given = [evaluation(), evaluation("b")]
    assert evaluations.put(place, given, TOKEN, test_mode=True, deadline=time) == 2
    with pytest.raises(DeliveryError, match="the result token is not"):
        evaluations.put(place, given, TOKEN, test_mode=False, deadline=time)


@pytest.mark.parametrize(
    "code", ["NoSuchConfigRuleException", "AccessDeniedException", "InvalidParameterValueException"]
)
def test_errors_of_boto3_are_told(scripted, clock, time, code):
    scripted.answer("config", "put_evaluations", code)
    evaluations = Evaluations(AwsSessions(clock, own=scripted), sleep=time.sleep, jitter=lambda: 1.0)
    reasons = {
        "NoSuchConfigRuleException": "the Config rule is not there any more",
        "AccessDeniedException": "the function needs config:PutEvaluations in account 123456789012",
        "InvalidParameterValueException": "AWS does not take what was sent",
    }
    with pytest.raises(DeliveryError, match=reasons[code]):
        evaluations.put(Place("aws", "123456789012", REGION), [evaluation()], TOKEN, test_mode=False, deadline=time)

"""Telling Security Hub: in the account and region that a finding is about, nothing lost, and what was not taken is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters
from hypothesis import given
from hypothesis import strategies as st

from opalite.adapters.aws.batches import ATTEMPTS, RESERVE_SECONDS
from opalite.adapters.aws.security_hub import (
    ACTIONS,
    CALL_BYTES,
    FINDING_BYTES,
    FINDINGS_PER_CALL,
    OFF_SECONDS,
    SecurityHub,
)
from opalite.adapters.aws.sessions import AwsSessions
from opalite.errors import AwsError, DeliveryError
from opalite.ports import Denied
from unit.adapters.aws.sending import Closed, Time, Turns, refusal

OWN, MEMBER, OTHER, REGION = "123456789012", "111122223333", "444455556666", "eu-west-1"
MODEL = get_session().get_service_model("securityhub")
NOW = datetime(2026, 3, 4, tzinfo=UTC)
NOT_TAKEN = "securityhub:BatchImportFindings: not taken: "
THROTTLED = AwsError("securityhub:BatchImportFindings: too fast", "TooManyRequestsException")
OFF = (
    "securityhub:BatchImportFindings is denied in account 111122223333 (InvalidAccessException): "
    "is Security Hub enabled in eu-west-1?"
)


@pytest.fixture
def accounts(accounts):
    """In the end every request must have been one that Security Hub would take."""
    sessions = accounts()
    yield sessions
    for account, region, operation, parameters in sessions.asked:
        assert f"securityhub:{operation}" in ACTIONS
        validate_parameters(parameters, MODEL.operation_model(operation).input_shape)
        check_call(account, region, parameters["Findings"])


def check_call(account, region, findings):
    assert 1 <= len(findings) <= FINDINGS_PER_CALL
    assert len(json.dumps({"Findings": findings})) <= 6 * 1024 * 1024
    assert len({one["Id"] for one in findings}) == len(findings)
    for one in findings:
        assert len(json.dumps(one)) <= FINDING_BYTES
        assert one["AwsAccountId"] == account
        assert one["ProductArn"] == f"arn:aws:securityhub:{region}:{account}:product/{account}/default"


@pytest.fixture
def hub(accounts, clock, time):
    return SecurityHub(accounts, clock, sleep=time.sleep, jitter=lambda: 1.0)


@pytest.fixture
def put(hub, time):
    """`put`, and what it heard of."""

    def call(given):
        call.taken = []
        hub.put(given, deadline=time, taken=call.taken.extend)
        return call.taken

    return call


def finding(name="a", account=MEMBER, region=REGION, *, at="2026-03-04T05:06:07.089Z", text="It is open."):
    return {
        "SchemaVersion": "2018-10-08",
        "Id": name,
        "ProductArn": f"arn:aws:securityhub:{region}:{account}:product/{account}/default",
        "GeneratorId": "opalite/aws.s3.bucket.encryption",
        "AwsAccountId": account,
        "CreatedAt": "2026-03-04T05:06:07.089Z",
        "UpdatedAt": at,
        "Title": "Buckets are encrypted",
        "Description": text,
        "Severity": {"Label": "HIGH"},
        "Resources": [{"Type": "AwsS3Bucket", "Id": f"arn:aws:s3:::{name}"}],
    }


def many(count, **more):
    return [finding(f"f{number:03}", **more) for number in range(count)]


def script(accounts, *answers, account=MEMBER):
    """One after the other; after them everything is taken. A mapping names the ids that fail, with their codes."""
    left = list(answers)

    def answer(parameters):
        told = left.pop(0) if left else {}
        if isinstance(told, Exception):
            raise told
        failed = [{"Id": name, "ErrorCode": code, "ErrorMessage": "secret"} for name, code in told.items()]
        sent = len(parameters["Findings"])
        return {"FailedCount": len(failed), "SuccessCount": sent - len(failed), "FailedFindings": failed}

    accounts.tell(account, "BatchImportFindings", answer)


def sent(accounts):
    return [[one["Id"] for one in parameters["Findings"]] for *_, parameters in accounts.asked]


# What is sent, and where


def test_a_finding_is_sent_as_it_is(accounts, put):
    script(accounts)
    assert put([finding()]) == ["a"]
    assert accounts.asked == [(MEMBER, REGION, "BatchImportFindings", {"Findings": [finding()]})]


def test_nothing_to_say_is_no_call(accounts, put):
    assert put([]) == []
    assert accounts.asked == []


def test_each_finding_goes_to_its_own_account_and_region(accounts, put):
    for account in (MEMBER, OTHER):
        script(accounts, account=account)
    given = [finding("a"), finding("b", OTHER), finding("c", region="eu-central-1"), finding("d")]
    assert put(given) == ["a", "d", "b", "c"]
    places = [(account, region, [one["Id"] for one in told["Findings"]]) for account, region, _, told in accounts.asked]
    assert places == [(MEMBER, REGION, ["a", "d"]), (OTHER, REGION, ["b"]), (MEMBER, "eu-central-1", ["c"])]


def test_a_hundred_at_once(accounts, put):
    script(accounts)
    assert len(put(many(250))) == 250
    assert [len(ids) for ids in sent(accounts)] == [100, 100, 50]


def test_no_call_is_larger_than_six_megabytes(accounts, put):
    script(accounts)
    assert len(put(many(60, text="x" * 200_000))) == 60
    assert [len(ids) for ids in sent(accounts)] == [29, 29, 2]
    assert CALL_BYTES <= 6 * 1024 * 1024


def test_the_same_finding_of_two_regions_is_two(accounts, put):
    script(accounts)
    assert put([finding(), finding(region="eu-central-1")]) == ["a", "a"]


@pytest.mark.parametrize("reverse", [False, True])
def test_of_two_findings_of_one_id_the_later_one_is_sent(accounts, put, reverse):
    script(accounts)
    given = [finding(at="2026-03-04T05:06:07.089Z"), finding(at="2026-03-04T06:06:07.090+01:00")]
    assert put(given[::-1] if reverse else given) == ["a"]
    assert accounts.asked[0][3] == {"Findings": [given[1]]}


WRONG_PRODUCT = "its product is not the default one of its account"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"ProductArn": f"arn:aws:securityhub:{REGION}::product/aws/config"}, f"x: {WRONG_PRODUCT}"),
        ({"AwsAccountId": OTHER}, f"x: {WRONG_PRODUCT}"),
        ({"ProductArn": None}, f"x: {WRONG_PRODUCT}"),
        ({"UpdatedAt": "yesterday"}, "x: its UpdatedAt is no time"),
        ({"UpdatedAt": None}, "x: its UpdatedAt is no time"),
        ({"Id": ""}, "a finding has no id"),
        ({"Id": None}, "a finding has no id"),
    ],
)
def test_what_cannot_be_sent_keeps_nothing_else_from_being_sent(accounts, put, changed, told):
    script(accounts)
    assert refusal(put, [{**finding("x"), **changed}, finding()]) == f"{NOT_TAKEN}{told}"
    assert put.taken == ["a"]


def test_a_finding_that_is_too_large_is_told(accounts, put):
    script(accounts)
    room = FINDING_BYTES - len(json.dumps(finding("x", text="")))
    assert put([finding("x", text="y" * room)]) == ["x"]
    assert refusal(put, [finding("x", text="y" * (room + 1)), finding()]) == (
        f"{NOT_TAKEN}x: it has 240001 bytes; at most 240000 are taken"
    )
    assert put.taken == ["a"]


# What is sent again


@pytest.mark.parametrize("code", ["InternalException", "LimitExceededException", "InternalError"])
def test_what_security_hub_names_as_failed_is_sent_again(accounts, put, time, code):
    script(accounts, {"f001": code, "f003": code}, {"f003": code})
    assert put(many(5)) == ["f000", "f002", "f004", "f001", "f003"]
    assert sent(accounts)[1:] == [["f001", "f003"], ["f003"]]
    assert time.slept == [0.5, 1.0]


def test_what_keeps_failing_is_told_by_id_with_its_code_and_without_the_words(accounts, put):
    script(accounts, *[{"f001": "InternalError", "f002": "odd words: secret"}] * 9)
    assert refusal(put, many(4)) == (
        f"{NOT_TAKEN}f001: Security Hub refuses it (InternalError) (attempt 5 was the last); "
        "f002: Security Hub refuses it (without a code) (attempt 5 was the last)"
    )
    assert put.taken == ["f000", "f003"]
    assert len(accounts.asked) == ATTEMPTS


def test_a_finding_that_is_malformed_is_not_sent_again(accounts, put):
    script(accounts, {"f001": "InvalidInput"})
    assert refusal(put, many(3)) == f"{NOT_TAKEN}f001: Security Hub refuses it (InvalidInput)"
    assert (put.taken, len(accounts.asked)) == (["f000", "f002"], 1)


def test_a_failure_that_names_nothing_that_was_sent_proves_nothing_taken(accounts, put):
    answers = [
        {"FailedCount": 1, "SuccessCount": 0, "FailedFindings": [{"Id": "other", "ErrorCode": "InternalError"}]},
        {"FailedCount": 1, "SuccessCount": 0, "FailedFindings": []},
        {"FailedCount": 0, "SuccessCount": 1},
    ]
    accounts.tell(MEMBER, "BatchImportFindings", lambda _: answers.pop(0))
    assert put([finding()]) == ["a"]
    assert len(accounts.asked) == 3


@pytest.mark.parametrize("code", ["TooManyRequestsException", "LimitExceededException", "ThrottlingException"])
def test_a_throttled_call_is_tried_again_after_a_wait_in_which_none_is_made(accounts, put, time, code):
    script(accounts, AwsError("too fast", code))
    assert len(put(many(150))) == 150
    assert [len(ids) for ids in sent(accounts)] == [100, 100, 50]
    assert time.slept == [0.5]


def test_a_call_that_is_refused_for_one_finding_is_halved_until_the_others_are_taken(accounts, put):
    def answer(parameters):
        if "f042" in {one["Id"] for one in parameters["Findings"]}:
            raise AwsError("securityhub:BatchImportFindings: not taken", "InvalidInputException")
        return {"FailedCount": 0, "SuccessCount": len(parameters["Findings"])}

    accounts.tell(MEMBER, "BatchImportFindings", answer)
    assert refusal(put, many(100)) == f"{NOT_TAKEN}f042: securityhub:BatchImportFindings: not taken"
    assert sorted(put.taken) == [f"f{number:03}" for number in range(100) if number != 42]


def test_time_is_not_exceeded(accounts, put, time):
    script(accounts, THROTTLED)
    time.left = RESERVE_SECONDS + 0.4
    assert refusal(put, [finding()]) == (
        f"{NOT_TAKEN}a: securityhub:BatchImportFindings: too fast (attempt 1 was the last)"
    )


def test_each_call_waits_for_its_turn(accounts, clock, time):
    turns = Turns()
    script(accounts)
    hub = SecurityHub(accounts, clock, sleep=time.sleep, jitter=lambda: 1.0, pace=turns)
    hub.put(many(120), deadline=time)
    name = "securityhub:BatchImportFindings in account 111122223333, eu-west-1"
    assert turns.waited == [(name, 600.0), (name, 599.5), (name, 599.5)]
    assert [len(ids) for ids in sent(accounts)] == [100, 20]


# What is refused


def test_a_refusal_names_the_permission_and_keeps_no_other_account_from_being_told(accounts, put):
    script(accounts, account=OTHER)
    told = refusal(put, [finding(), finding("b"), finding("c", OTHER)])
    assert told == (
        f"{NOT_TAKEN}a, b: BatchImportFindings is denied in account 111122223333; "
        "the function needs securityhub:BatchImportFindings in account 111122223333"
    )
    assert put.taken == ["c"]
    script(accounts)
    assert put([finding()]) == ["a"]


def test_a_role_that_cannot_be_assumed_is_told(clock, time):
    put = SecurityHub(Closed(), clock, sleep=time.sleep, jitter=lambda: 1.0).put
    assert refusal(put, [finding()], deadline=time) == (
        f"{NOT_TAKEN}a: role Opalite of account 111122223333 cannot be assumed: "
        "is the member role deployed there, and does it trust this function?"
    )


def test_a_hub_that_is_not_enabled_is_told_once_and_asked_again_after_a_while(accounts, hub, put, clock):
    script(accounts, Denied(OFF), account=MEMBER)
    script(accounts, account=OTHER)
    given = [*many(120), finding("other", OTHER)]
    assert refusal(put, given) == f"{NOT_TAKEN}120 of a hub that is not enabled: {OFF}"
    assert put.taken == ["other"]
    assert hub.off() == {(MEMBER, REGION): OFF}
    clock.forward(OFF_SECONDS - 1)
    assert put(given) == ["other"]
    assert sum(account == MEMBER for account, *_ in accounts.asked) == 1
    clock.forward(1)
    assert hub.off() == {}
    assert len(put(given)) == 121


def test_another_region_of_the_account_is_asked_all_the_same(accounts, put):
    script(accounts, Denied(OFF))
    refusal(put, [finding()])
    assert put([finding(), finding("b", region="eu-central-1")]) == ["b"]


# Whatever happens


@given(
    st.lists(
        st.tuples(st.integers(0, 300).map(str), st.sampled_from([MEMBER, OTHER]), st.sampled_from("xäß😀")), max_size=40
    ),
    st.integers(1, 60_000),
)
def test_every_call_is_within_the_limits_and_each_finding_is_sent_once(drawn, length):
    sent = []

    class Taking:
        def service(self, _, account, region):
            self.place = (account, region)
            return self

        def ask(self, operation, *, Findings):  # noqa: N803 - as AWS spells it
            check_call(*self.place, Findings)
            sent.extend((one["AwsAccountId"], one["Id"]) for one in Findings)
            return {"FailedCount": 0, "SuccessCount": len(Findings)}

    given = [finding(name, account, text=letter * length) for name, account, letter in drawn]
    small = {(one["AwsAccountId"], one["Id"]) for one in given if len(json.dumps(one)) <= FINDING_BYTES}
    hub, time = SecurityHub(Taking(), lambda: NOW, sleep=None, jitter=None), Time()
    try:
        hub.put(given, deadline=time)
    except DeliveryError:
        assert any(len(json.dumps(one)) > FINDING_BYTES for one in given)
    assert len(sent) == len(set(sent))
    assert set(sent) == small


# Through boto3


def test_findings_reach_the_hub_of_the_member(sessions, as_account, clock, time):
    client = as_account("securityhub")
    client.enable_security_hub()
    hub, taken = SecurityHub(sessions, clock, sleep=time.sleep, jitter=lambda: 1.0), []
    hub.put(many(3), deadline=time, taken=taken.extend)
    hub.put([finding("f001", text="It is closed.", at="2026-03-05T05:06:07.089Z")], deadline=time)
    stored = {one["Id"]: one["Description"] for one in client.get_findings()["Findings"]}
    assert taken == ["f000", "f001", "f002"]
    assert stored == {"f000": "It is open.", "f001": "It is closed.", "f002": "It is open."}


def test_boto3_takes_the_call_and_its_answers_are_understood(scripted, clock, time):
    failed = [{"Id": "a", "ErrorCode": "InternalError", "ErrorMessage": "words"}]
    for answer in (
        {"FailedCount": 1, "SuccessCount": 0, "FailedFindings": failed},
        {"FailedCount": 0, "SuccessCount": 1},
        "InvalidAccessException",
    ):
        scripted.answer("securityhub", "batch_import_findings", answer)
    hub = SecurityHub(AwsSessions(clock, own=scripted), clock, sleep=time.sleep, jitter=lambda: 1.0)
    hub.put([finding(account=OWN)], deadline=time)
    with pytest.raises(DeliveryError) as raised:
        hub.put([finding(account=OWN)], deadline=time)
    assert str(raised.value) == f"{NOT_TAKEN}1 of a hub that is not enabled: {OFF.replace(MEMBER, OWN)}"
    hub.put([finding(account=OWN)], deadline=time)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("AccessDeniedException", "the function needs securityhub:BatchImportFindings in account 123456789012"),
        ("InvalidInputException", r"AWS does not take what was sent \(InvalidInputException\)"),
    ],
)
def test_errors_of_boto3_are_told(scripted, clock, time, code, told):
    scripted.answer("securityhub", "batch_import_findings", code)
    hub = SecurityHub(AwsSessions(clock, own=scripted), clock, sleep=time.sleep, jitter=lambda: 1.0)
    with pytest.raises(DeliveryError, match=told):
        hub.put([finding(account=OWN)], deadline=time)

"""Updating findings: in the account and region that they are about, few calls, and what was not updated is told by finding."""

from __future__ import annotations

import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters

from opalite.adapters.aws.batches import ATTEMPTS, RESERVE_SECONDS
from opalite.adapters.aws.sessions import AwsSessions
from opalite.adapters.aws.workflows import ACTIONS, FINDINGS_PER_CALL, Workflows
from opalite.errors import AwsError, DeliveryError
from unit.adapters.aws.sending import Closed, Turns, refusal

OWN, MEMBER, OTHER, REGION = "123456789012", "111122223333", "444455556666", "eu-west-1"
MODEL = get_session().get_service_model("securityhub")
NOT_TAKEN = "securityhub:BatchUpdateFindings: not taken: "
EXEMPT, ENDED = ("SUPPRESSED", "Exempt until 2026-03-31 by EX-1 (SEC-1)."), ("NEW", "Not suppressed any more.")


@pytest.fixture
def accounts(accounts):
    """In the end every request must have been one that Security Hub would take."""
    sessions = accounts()
    yield sessions
    for account, region, operation, parameters in sessions.asked:
        assert f"securityhub:{operation}" in ACTIONS
        validate_parameters(parameters, MODEL.operation_model(operation).input_shape)
        assert 1 <= len(parameters["FindingIdentifiers"]) <= FINDINGS_PER_CALL
        assert {one["ProductArn"] for one in parameters["FindingIdentifiers"]} == {product(account, region)}


@pytest.fixture
def put(accounts, time):
    """`put`, and what it heard of."""
    workflows = Workflows(accounts, sleep=time.sleep, jitter=lambda: 1.0)

    def call(given):
        call.taken = []
        workflows.put(given, deadline=time, taken=call.taken.extend)
        return call.taken

    return call


def product(account, region):
    return f"arn:aws:securityhub:{region}:{account}:product/{account}/default"


def update(name="a", account=MEMBER, region=REGION, said=EXEMPT):
    status, text = said
    return {
        "FindingIdentifiers": [{"Id": name, "ProductArn": product(account, region)}],
        "Workflow": {"Status": status},
        "Note": {"Text": text, "UpdatedBy": "opalite"},
    }


def many(count, **more):
    return [update(f"f{number:03}", **more) for number in range(count)]


def script(accounts, *answers, account=MEMBER):
    """One after the other; after them everything is updated. A mapping names the ids that are not, with their codes."""
    left = list(answers)

    def answer(parameters):
        told = left.pop(0) if left else {}
        if isinstance(told, Exception):
            raise told
        done = [one for one in parameters["FindingIdentifiers"] if one["Id"] not in told]
        failed = [
            {"FindingIdentifier": one, "ErrorCode": told[one["Id"]], "ErrorMessage": "secret"}
            for one in parameters["FindingIdentifiers"]
            if told.get(one["Id"])
        ]
        return {"ProcessedFindings": done, "UnprocessedFindings": failed}

    accounts.tell(account, "BatchUpdateFindings", answer)


def sent(accounts):
    return [[one["Id"] for one in parameters["FindingIdentifiers"]] for *_, parameters in accounts.asked]


def test_an_update_is_sent_as_it_is(accounts, put):
    script(accounts)
    assert put([update()]) == ["a"]
    assert accounts.asked == [(MEMBER, REGION, "BatchUpdateFindings", update())]


def test_nothing_to_say_is_no_call(accounts, put):
    assert (put([]), accounts.asked) == ([], [])


def test_what_says_the_same_in_one_account_and_region_is_one_call(accounts, put):
    for account in (MEMBER, OTHER):
        script(accounts, account=account)
    given = [
        update("a"), update("b", said=ENDED), update("c"), update("d", OTHER), update("e", region="eu-central-1"), update("f")
    ]  # fmt: skip
    assert put(given) == ["a", "c", "f", "b", "d", "e"]
    places = [(account, region, told["Workflow"]["Status"]) for account, region, _, told in accounts.asked]
    assert places == [
        (MEMBER, REGION, "SUPPRESSED"),
        (MEMBER, REGION, "NEW"),
        (OTHER, REGION, "SUPPRESSED"),
        (MEMBER, "eu-central-1", "SUPPRESSED"),
    ]


def test_a_hundred_at_once(accounts, put):
    script(accounts)
    assert len(put(many(250))) == 250
    assert [len(ids) for ids in sent(accounts)] == [100, 100, 50]


@pytest.mark.parametrize("code", ["ConcurrentUpdateError", "FindingNotFound", "InternalFailure"])
def test_what_may_pass_is_sent_again(accounts, put, time, code):
    """A finding may not be found just after it was imported."""
    script(accounts, {"f001": code, "f003": code}, {"f003": code})
    assert put(many(5)) == ["f000", "f002", "f004", "f001", "f003"]
    assert sent(accounts)[1:] == [["f001", "f003"], ["f003"]]
    assert time.slept == [0.5, 1.0]


def test_what_is_never_updated_is_told_by_id_with_its_code_and_without_the_words(accounts, put):
    script(accounts, *[{"f001": "FindingNotFound", "f002": "odd words: secret"}] * 9)
    assert refusal(put, many(4)) == (
        f"{NOT_TAKEN}f001: Security Hub does not update it (FindingNotFound) (attempt 5 was the last); "
        "f002: Security Hub does not update it (without a code) (attempt 5 was the last)"
    )
    assert (put.taken, len(accounts.asked)) == (["f000", "f003"], ATTEMPTS)


@pytest.mark.parametrize("code", ["InvalidInput", "FindingSizeExceeded"])
def test_what_would_fail_again_is_not_sent_again(accounts, put, code):
    script(accounts, {"f001": code})
    assert refusal(put, many(3)) == f"{NOT_TAKEN}f001: Security Hub does not update it ({code})"
    assert (put.taken, len(accounts.asked)) == (["f000", "f002"], 1)


def test_what_security_hub_says_nothing_of_is_not_taken_for_updated(accounts, put):
    script(accounts, {"f001": None})
    assert put(many(3)) == ["f000", "f002", "f001"]
    script(accounts, *[{"f001": None}] * 9)
    assert refusal(put, many(3)) == (
        f"{NOT_TAKEN}f001: Security Hub does not say that it has updated it (attempt 5 was the last)"
    )


def test_a_throttled_call_is_tried_again_after_a_wait(accounts, put, time):
    script(accounts, AwsError("too fast", "TooManyRequestsException"))
    assert len(put(many(150))) == 150
    assert ([len(ids) for ids in sent(accounts)], time.slept) == ([100, 100, 50], [0.5])


def test_a_call_that_is_refused_for_one_finding_is_halved_until_the_others_are_taken(accounts, put):
    def answer(parameters):
        if "f042" in {one["Id"] for one in parameters["FindingIdentifiers"]}:
            raise AwsError("securityhub:BatchUpdateFindings: not taken", "InvalidInputException")
        return {"ProcessedFindings": parameters["FindingIdentifiers"], "UnprocessedFindings": []}

    accounts.tell(MEMBER, "BatchUpdateFindings", answer)
    assert refusal(put, many(100)) == f"{NOT_TAKEN}f042: securityhub:BatchUpdateFindings: not taken"
    assert sorted(put.taken) == [f"f{number:03}" for number in range(100) if number != 42]


def test_a_refusal_names_the_permission_once_and_keeps_no_other_account_from_being_told(accounts, put):
    script(accounts, account=OTHER)
    told = refusal(put, [update("a"), update("b", said=ENDED), update("c", OTHER)])
    assert told == (
        f"{NOT_TAKEN}a, b: BatchUpdateFindings is denied in account 111122223333; "
        "the function needs securityhub:BatchUpdateFindings in account 111122223333"
    )
    assert (put.taken, accounts.calls[MEMBER, "BatchUpdateFindings"]) == (["c"], 1)
    script(accounts)
    assert put([update()]) == ["a"]


def test_a_role_that_cannot_be_assumed_is_told(time):
    put = Workflows(Closed(), sleep=time.sleep, jitter=lambda: 1.0).put
    assert refusal(put, [update()], deadline=time) == (
        f"{NOT_TAKEN}a: role Opalite of account 111122223333 cannot be assumed: "
        "is the member role deployed there, and does it trust this function?; "
        "the function needs securityhub:BatchUpdateFindings in account 111122223333"
    )


def test_another_product_is_told_and_not_updated(accounts, put):
    script(accounts)
    foreign = {
        **update("x"),
        "FindingIdentifiers": [{"Id": "x", "ProductArn": "arn:aws:securityhub:eu-west-1::product/aws/config"}],
    }
    assert refusal(put, [foreign, update()]) == f"{NOT_TAKEN}x: its product is not the default one of an account"
    assert put.taken == ["a"]


def test_time_is_not_exceeded(accounts, put, time):
    script(accounts, AwsError("too fast", "TooManyRequestsException"))
    time.left = RESERVE_SECONDS + 0.4
    assert refusal(put, [update()]) == f"{NOT_TAKEN}a: too fast (attempt 1 was the last)"


def test_each_call_waits_for_its_turn(accounts, time):
    turns = Turns()
    script(accounts)
    Workflows(accounts, sleep=time.sleep, jitter=lambda: 1.0, pace=turns).put(many(120), deadline=time)
    name = "securityhub:BatchUpdateFindings in account 111122223333, eu-west-1"
    assert turns.waited == [(name, 600.0), (name, 599.5), (name, 599.5)]
    assert [len(ids) for ids in sent(accounts)] == [100, 20]


def test_boto3_takes_the_call_and_its_answers_are_understood(scripted, clock, time):
    failed = [
        {
            "FindingIdentifier": {"Id": "f001", "ProductArn": product(OWN, REGION)},
            "ErrorCode": "InvalidInput",
            "ErrorMessage": "x",
        }
    ]
    done = [{"Id": "f000", "ProductArn": product(OWN, REGION)}]
    for answer in ({"ProcessedFindings": done, "UnprocessedFindings": failed}, "AccessDeniedException"):
        scripted.answer("securityhub", "batch_update_findings", answer)
    workflows, taken = Workflows(AwsSessions(clock, own=scripted), sleep=time.sleep, jitter=lambda: 1.0), []
    with pytest.raises(DeliveryError) as raised:
        workflows.put(many(2, account=OWN), deadline=time, taken=taken.extend)
    assert (taken, str(raised.value)) == (["f000"], f"{NOT_TAKEN}f001: Security Hub does not update it (InvalidInput)")
    with pytest.raises(
        DeliveryError, match="the function needs securityhub:BatchUpdateFindings in account 123456789012"
    ):
        workflows.put([update(account=OWN)], deadline=time)

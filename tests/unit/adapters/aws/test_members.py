"""Which accounts are of the organization."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters

from opalite.adapters.aws.cache import BRIEF_SECONDS
from opalite.adapters.aws.members import ACTIONS, MEMBER_SECONDS, Members
from opalite.errors import AwsError
from opalite.ports import Absent, Denied

OWN, MEMBER, STRANGER = "123456789012", "111122223333", "444455556666"
MODEL = get_session().get_service_model("organizations")


@pytest.fixture
def organization(accounts):
    """Organizations, asked as the caller; in the end every request must have been one that it would take."""
    sessions = accounts()
    yield sessions
    for account, region, operation, parameters in sessions.asked:
        assert (account, region) == (OWN, "")
        assert f"organizations:{operation}" in ACTIONS
        validate_parameters(parameters, MODEL.operation_model(operation).input_shape)


@pytest.fixture
def members(organization, clock):
    return Members(organization, clock)


def account(name=MEMBER, **state):
    return {"Id": name, **state}


def described(**state):
    return lambda asked: {"Account": account(asked["AccountId"], **state)}


@pytest.mark.parametrize(
    ("state", "is_member"),
    [
        ({"State": "ACTIVE", "Status": "ACTIVE"}, True),
        ({"State": "ACTIVE"}, True),
        ({"Status": "ACTIVE"}, True),
        ({"State": "PENDING_CLOSURE"}, True),
        ({"State": "SUSPENDED"}, False),
        ({"State": "CLOSED", "Status": "ACTIVE"}, False),
        ({"State": "PENDING_ACTIVATION", "Status": "ACTIVE"}, False),
    ],
    ids=lambda value: " ".join(value.values()) if isinstance(value, dict) else None,
)
def test_an_account_counts_while_its_resources_are_there(organization, members, state, is_member):
    organization.tell(OWN, "DescribeAccount", described(**state))
    assert members.is_member(MEMBER) is is_member
    assert organization.asked == [(OWN, "", "DescribeAccount", {"AccountId": MEMBER})]


@pytest.mark.parametrize("state", [{"State": "OF_TOMORROW"}, {}], ids=["of tomorrow", "none"])
def test_a_state_that_nobody_knows_is_taken_neither_for_yes_nor_for_no(organization, members, state):
    organization.tell(OWN, "DescribeAccount", described(**state))
    with pytest.raises(AwsError, match="is in no state that is known"):
        members.is_member(MEMBER)


def test_an_account_of_elsewhere_is_no_member(organization, members):
    organization.tell(OWN, "DescribeAccount", Absent("AccountNotFoundException"))
    assert members.is_member(STRANGER) is False


@pytest.mark.parametrize("text", ["", "11112222333", "1111222233334", "11112222333x", "111122223333\n", "١١١١٢٢٢٢٣٣٣٣"])
def test_what_is_no_account_is_not_asked_for(organization, members, text):
    assert members.is_member(text) is False
    assert organization.asked == []


def test_a_member_is_believed_for_an_hour(organization, members, clock):
    organization.tell(OWN, "DescribeAccount", described(State="ACTIVE"))
    for seconds in (0, MEMBER_SECONDS - 1):
        clock.forward(seconds)
        assert members.is_member(MEMBER)
    organization.tell(OWN, "DescribeAccount", Absent("AccountNotFoundException"))
    clock.forward(1)
    assert not members.is_member(MEMBER)
    assert organization.calls == {(OWN, "DescribeAccount"): 2}


def test_that_one_is_no_member_is_believed_briefly(organization, members, clock):
    organization.tell(OWN, "DescribeAccount", Absent("AccountNotFoundException"))
    assert [members.is_member(MEMBER), members.is_member(MEMBER)] == [False, False]
    organization.tell(OWN, "DescribeAccount", described(State="ACTIVE"))
    clock.forward(BRIEF_SECONDS)
    assert members.is_member(MEMBER)
    assert organization.calls == {(OWN, "DescribeAccount"): 2}


@pytest.mark.parametrize(
    "error",
    [
        Denied("organizations:DescribeAccount is denied in account 123456789012 (AccessDeniedException)"),
        AwsError("organizations:DescribeAccount: too fast", "TooManyRequestsException"),
    ],
)
def test_a_failure_says_nothing_and_is_not_kept(organization, members, error):
    organization.tell(OWN, "DescribeAccount", error)
    with pytest.raises(AwsError, match="organizations:DescribeAccount"):
        members.is_member(MEMBER)
    organization.tell(OWN, "DescribeAccount", described(State="ACTIVE"))
    assert members.is_member(MEMBER)


def test_a_refusal_says_where_the_function_must_run(organization, members):
    organization.tell(OWN, "DescribeAccount", Denied("organizations:DescribeAccount is denied in account 1 (X)"))
    organization.tell(OWN, "ListAccounts", Denied("organizations:ListAccounts is denied in account 1 (X)"))
    for operation, question in (("DescribeAccount", lambda: members.is_member(MEMBER)), ("ListAccounts", members.all)):
        with pytest.raises(AwsError) as raised:
            question()
        where = "the function must run in the delegated administrator's account"
        assert str(raised.value) == f"organizations:{operation} is denied in account 1 (X): {where}"
        assert raised.value.code == "AccessDenied"


def test_an_answer_about_another_account_is_none(organization, members):
    organization.tell(OWN, "DescribeAccount", {"Account": account(STRANGER, State="ACTIVE")})
    with pytest.raises(AwsError, match="the answer is not about account 111122223333"):
        members.is_member(MEMBER)


def test_many_threads_ask_once(organization, members):
    organization.tell(OWN, "DescribeAccount", described(State="ACTIVE"))
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(members.is_member, [MEMBER] * 32)) == [True] * 32
    assert organization.calls == {(OWN, "DescribeAccount"): 1}


def test_all_active_accounts_sorted(organization, members):
    organization.tell(
        OWN,
        "ListAccounts",
        {"Accounts": [account(STRANGER, State="ACTIVE"), account("000000000001", State="SUSPENDED")]},
        {"Accounts": []},
        {"Accounts": [account(MEMBER, Status="ACTIVE"), account("000000000002", State="PENDING_CLOSURE")]},
    )
    assert members.all() == [MEMBER, STRANGER]
    assert organization.asked == [(OWN, "", "ListAccounts", {})]


def test_an_organization_as_boto3_tells_it(sessions, clock):
    organizations = boto3.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    made = organizations.create_account(Email="shop@example.com", AccountName="shop")
    member = made["CreateAccountStatus"]["AccountId"]
    members = Members(sessions, clock)
    assert [members.is_member(name) for name in (OWN, member, STRANGER)] == [True, True, False]
    assert members.all() == sorted([OWN, member])


def test_what_is_not_found_but_the_account_says_nothing_of_it(organization, members):
    organization.tell(OWN, "DescribeAccount", Absent("ResourceNotFoundException"))
    with pytest.raises(AwsError, match="nothing is told of account"):
        members.is_member(MEMBER)

"""Asking Security Hub which findings are active: what is asked for, how fast, and how far."""

from __future__ import annotations

import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters

from opalite.adapters.aws.active_findings import ACTIONS, PAGES, RESERVE_SECONDS, SECONDS_PER_PAGE, ActiveFindings
from opalite.errors import AwsError, DeliveryError
from opalite.ports import Denied, Place

MEMBER, REGION = "111122223333", "eu-west-1"
PLACE = Place("aws", MEMBER, REGION)
PRODUCT = f"arn:aws:securityhub:{REGION}:{MEMBER}:product/{MEMBER}/default"
MODEL = get_session().get_service_model("securityhub")


@pytest.fixture
def ask(accounts):
    """What is found, and what is raised in the end, and the seconds slept."""

    def asked(*pages, left=lambda: 600.0):
        sessions = accounts().tell(MEMBER, "GetFindings", *pages)
        slept, found, error = [], [], None
        findings = ActiveFindings(sessions, sleep=slept.append).active(PLACE, PRODUCT, "opalite/", left)
        try:
            found.extend(findings)  # those before an error, too
        except (DeliveryError, AwsError, Denied) as raised:
            error = raised
        ((account, region, operation, parameters),) = sessions.asked
        assert (account, region, f"securityhub:{operation}") == (MEMBER, REGION, *ACTIONS)
        validate_parameters(parameters, MODEL.operation_model(operation).input_shape)
        assert parameters == {
            "Filters": {
                "ProductArn": [{"Value": PRODUCT, "Comparison": "EQUALS"}],
                "GeneratorId": [{"Value": "opalite/", "Comparison": "PREFIX"}],
                "RecordState": [{"Value": "ACTIVE", "Comparison": "EQUALS"}],
            },
            "MaxResults": 100,
        }
        return found, error, slept

    return asked


def page(*names, more=True):
    return {"Findings": [{"Id": name} for name in names], **({"NextToken": "t"} if more else {})}


def test_all_pages_are_read_no_faster_than_security_hub_takes_calls(ask):
    found, error, slept = ask(page("a", "b"), page(), page("c", more=False))
    assert ([one["Id"] for one in found], error) == (["a", "b", "c"], None)
    assert slept == [SECONDS_PER_PAGE] * 2


def test_where_security_hub_is_not_enabled_there_are_none(ask):
    off = Denied("securityhub:GetFindings is denied in account 111122223333 (InvalidAccessException): is it enabled?")
    assert ask(off) == ([], None, [])


@pytest.mark.parametrize("error", [Denied("securityhub:GetFindings is denied"), AwsError("throttled")])
def test_what_was_found_before_an_error_is_told(ask, error):
    found, raised, _ = ask(page("a"), error)
    assert ([one["Id"] for one in found], raised) == (["a"], error)


def test_with_too_little_time_no_further_page_is_asked_for(ask):
    found, error, slept = ask(page("a"), page("b"), left=lambda: RESERVE_SECONDS - 1)
    assert ([one["Id"] for one in found], slept) == (["a"], [])
    where = f"securityhub:GetFindings in account {MEMBER}, {REGION}"
    assert str(error) == f"{where}: no time was left for all active findings"


def test_no_member_can_keep_us_reading_for_ever(ask):
    found, error, _ = ask(*[page("a")] * (PAGES + 5))
    assert len(found) == PAGES
    assert str(error).endswith(": there are more than 10000 active findings")

"""At most so many in a window of time: counted in the table of standings, in its own place, and never above the limit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters

from opalite.adapters.aws.allowance import ACTIONS, KEPT_SECONDS, PREFIX, TableAllowance, key
from opalite.adapters.aws.standings import Standings
from opalite.errors import AwsError
from opalite.ports import Absent, Denied
from unit.adapters.aws.one_at_a_time import OneAtATime
from unit.adapters.aws.standings_table import REGION, TABLE

OWN = "123456789012"
MODEL = get_session().get_service_model("dynamodb")
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
NAME = "remediation/aws.s3.bucket.encryption/111122223333"
HOUR = 3600


@pytest.fixture
def allowance(table, sessions):
    return TableAllowance(sessions, TABLE, REGION)


def take(allowance, *, at=NOON, name=NAME, limit=3):
    return allowance.take(name, limit=limit, seconds=HOUR, at=at)


def test_as_many_as_the_limit_says_and_no_more(allowance):
    assert [take(allowance) for _ in range(5)] == [True, True, True, False, False]


def test_the_next_window_begins_anew(allowance):
    last = NOON + timedelta(seconds=HOUR - 1)
    assert [take(allowance, at=at, limit=1) for at in (NOON, last, NOON + timedelta(hours=1))] == [True, False, True]


def test_each_name_has_an_allowance_of_its_own(allowance):
    assert [take(allowance, name=name, limit=1) for name in ("a", "b", "a")] == [True, True, False]


def test_the_counter_has_these_attributes_and_deletes_itself(allowance, table):
    for _ in range(4):
        take(allowance)
    begins = int(NOON.timestamp())
    assert table.scan(TableName=TABLE)["Items"] == [
        {
            "finding_id": {"S": f"allowance/{NAME}/3600s/{begins}"},
            "taken": {"N": "3"},
            "expires": {"N": str(begins + HOUR + KEPT_SECONDS)},
        }
    ]


def test_no_key_is_that_of_a_standing():
    """Keys of standings are finding ids; see publish.life."""
    assert key("x", seconds=1, begins=2).startswith(PREFIX)
    assert not "opalite/aws/…".startswith(PREFIX)


def test_those_who_read_standings_do_not_meet_it(allowance, sessions):
    take(allowance)
    standings = Standings(sessions, TABLE, REGION, sleep=None, jitter=None)
    finding_id = "opalite/aws/111122223333/eu-west-1/AWS::S3::Bucket/reports/aws.s3.bucket.encryption"
    assert standings.get([finding_id]) == ({}, {})


def test_of_many_at_once_no_more_than_the_limit_are_taken(table, sessions):
    shared = OneAtATime(sessions)
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: take(TableAllowance(shared, TABLE, REGION), limit=7), range(24)))
    assert sum(taken) == 7


def test_what_is_asked_is_what_dynamodb_takes(accounts):
    sessions = accounts().tell(OWN, "UpdateItem", {})
    take(TableAllowance(sessions, TABLE, REGION))
    ((account, region, operation, parameters),) = sessions.asked
    assert (account, region, (f"dynamodb:{operation}",)) == (OWN, REGION, ACTIONS)
    validate_parameters(parameters, MODEL.operation_model(operation).input_shape)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (AwsError("too fast", "ThrottlingException"), "too fast"),
        (Denied("UpdateItem is denied"), f"UpdateItem is denied: table {TABLE} cannot be used"),
        (Absent("gone"), f"dynamodb:UpdateItem: there is no table {TABLE} in account {OWN}, {REGION}"),
    ],
)
def test_what_cannot_be_told_is_an_error(accounts, answer, told):
    with pytest.raises(AwsError) as raised:
        take(TableAllowance(accounts().tell(OWN, "UpdateItem", answer), TABLE, REGION))
    assert str(raised.value) == told

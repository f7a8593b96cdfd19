"""Records as they lie in the bucket, and what people are told once something was taken back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opalite.errors import InvocationError
from opalite.remediation.attempt import read, written
from opalite.remediation.model import Result
from opalite.remediation.notice import message
from unit.remediation.aws.cases import ATTEMPT

TOLD = "Delete the original after 30 days"


def test_a_record_of_the_bucket_is_one_if_nothing_that_it_takes_was_left_out():
    assert read({**written(ATTEMPT), "redacted": []}) == read(written(ATTEMPT))
    assert read({**written(ATTEMPT), "redacted": ["/approval/token"]}) == read(written(ATTEMPT))


@pytest.mark.parametrize(
    "place", ["/applied/0/inverse/parameters/Password", "/details_before/rules/0", "/plan/steps/0", 7]
)
def test_a_record_in_which_something_was_left_out_is_not_carried_out(place):
    with pytest.raises(
        InvocationError, match=r"was left out of the record, as a secret: only the ledger has all of it$"
    ):
        read({**written(ATTEMPT), "redacted": ["/approval/token", place]})


def test_what_was_up_to_people_is_not_told_any_more_once_it_was_taken_back():
    done = replace(ATTEMPT, result=Result.APPLIED, plan=replace(ATTEMPT.plan, instructions=(TOLD,)))
    undone = replace(done, result=Result.UNDONE, undoes="0123456789abcdef0123", applied=())

    assert (TOLD in message(done, {}).text, message(done, {}).document["instructions"]) == (True, [TOLD])
    assert (TOLD in message(undone, {}).text, message(undone, {}).document["instructions"]) == (False, [])

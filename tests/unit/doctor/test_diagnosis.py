"""Commands can be given as they are: with the place, and with names that others chose as they chose them."""

from __future__ import annotations

import shlex

import pytest

from opalite.doctor.diagnosis import filled, quoted, wrong
from unit.doctor.cloud import MEMBER, REGION


@pytest.mark.parametrize(
    "name",
    [
        "default", "REGIONAL-ACCOUNT-recorder", "ACCOUNT", "REGION", "my-REGION", "ACCOUNT.REGION", "a REGION b",
        "it's in REGION of ACCOUNT", "'REGION'", '"ACCOUNT"', "x' REGION '", '" REGION "', "$REGION",
    ],
)  # fmt: skip
def test_a_name_is_no_placeholder(name):
    command = f"aws x --region REGION --name {quoted(name)} --account ACCOUNT  # in account ACCOUNT"
    words = shlex.split(filled(wrong("recorder", "off", "", command).at(MEMBER, REGION)), comments=True)
    assert words == ["aws", "x", "--region", REGION, "--name", name, "--account", MEMBER]


def test_what_is_not_known_stays_as_it_is():
    command = "aws x --region REGION # in account ACCOUNT"
    assert filled(wrong("recorder", "off", "", command)) == command
    assert filled(wrong("recorder", "off", "", command).at(MEMBER)) == f"aws x --region REGION # in account {MEMBER}"

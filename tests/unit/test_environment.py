"""The function's environment: what an operator sets is taken exactly, or refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.environment import VARIABLES, Environment, read
from opalite.errors import UsageError

LEAST = {"AWS_REGION": "eu-west-1"}
ONE, OTHER = "111122223333", "444455556666"
ARN = f"arn:aws:config:eu-west-1:{ONE}:config-rule/config-rule-3fa9zk"
WITH_BUCKET = {"OPALITE_DELIVERY_BUCKET": "config-logs-444455556666"}
WITH_ROLE = {"OPALITE_MEMBER_ROLE": "OpaliteMember"}
ALL = {
    **LEAST,
    **WITH_BUCKET,
    **WITH_ROLE,
    "OPALITE_ACCOUNTS": f"{ONE}, {OTHER}",
    "OPALITE_CREATOR_LOOKUP": "on",
    "OPALITE_DELIVERY_OWNER": OTHER,
    "OPALITE_DELIVERY_PREFIX": "o-exmp1/logs",
    "OPALITE_EXCLUDED_ACCOUNTS": "999999999999",
    "OPALITE_EXEMPT_FINDINGS": "suppressed",
    "OPALITE_EXTERNAL_ID": "opalite-3f2a",
    "OPALITE_FUNCTION_ARN": f"arn:aws:lambda:eu-west-1:{ONE}:function:opalite",
    "OPALITE_LAYER": "/opt/other",
    "OPALITE_LOG_BUCKET": "opalite-log-111122223333",
    "OPALITE_LOG_KEY": "alias/opalite-log",
    "OPALITE_LOG_LEVEL": "debug",
    "OPALITE_LOG_OWNER": ONE,
    "OPALITE_LOG_PREFIX": "decisions",
    "OPALITE_NOTICE_DAYS": "7",
    "OPALITE_OWNER_TAGS": "owner,team",
    "OPALITE_PASSED_FINDINGS": "on",
    "OPALITE_REFRESH_DAYS": "45",
    "OPALITE_SECURITY_HUB": "on",
    "OPALITE_STATE_TABLE": "opalite-standings",
    "OPALITE_TOPIC_ARN": f"arn:aws:sns:eu-west-1:{ONE}:opalite",
    "OPALITE_OPA_SOCKET": "/tmp/other/opa.sock",  # noqa: S108 - a name, nothing is made there
    "OPALITE_RULES": f"{ARN},nightly check",
    "OPALITE_SESSION_TAGS": "team=platform, purpose=a=b,empty=",
    "OPALITE_SOURCE_IDENTITY": "opalite",
    "OPALITE_SWEEP_HOURS": "168",
}


def refusal(**variables):
    with pytest.raises(UsageError) as caught:
        read({**LEAST, **variables})
    return str(caught.value)


def test_without_any_setting():
    environment = read(LEAST)
    assert environment == Environment(region="eu-west-1")
    assert (environment.layer, environment.socket) == (Path("/opt/opalite"), "/tmp/opalite/opa.sock")  # noqa: S108
    assert (environment.member_role, environment.external_id, environment.source_identity) == (None, None, None)
    assert (environment.accounts, environment.rules, dict(environment.session_tags)) == (frozenset(), frozenset(), {})
    assert (environment.delivery_bucket, environment.delivery_prefix, environment.delivery_owner) == (None, "", None)
    assert (environment.log_level, environment.sweep_hours, environment.function_arn) == ("INFO", 24, None)


def test_with_every_setting():
    assert ALL.keys() - LEAST.keys() == VARIABLES.keys()
    assert read(ALL) == Environment(
        region="eu-west-1",
        layer=Path("/opt/other"),
        socket="/tmp/other/opa.sock",  # noqa: S108
        member_role="OpaliteMember",
        external_id="opalite-3f2a",
        source_identity="opalite",
        session_tags={"team": "platform", "purpose": "a=b", "empty": ""},
        accounts=frozenset({ONE, OTHER}),
        excluded_accounts=frozenset({"999999999999"}),
        rules=frozenset({ARN, "nightly check"}),
        delivery_bucket="config-logs-444455556666",
        delivery_prefix="o-exmp1/logs",
        delivery_owner=OTHER,
        log_bucket="opalite-log-111122223333",
        log_key="alias/opalite-log",
        log_level="DEBUG",
        log_owner=ONE,
        log_prefix="decisions",
        notice_days=7,
        creator_lookup=True,
        owner_tags=("owner", "team"),
        passed_findings=True,
        refresh_days=45,
        suppress_exempt=True,
        security_hub=True,
        state_table="opalite-standings",
        topic_arn=f"arn:aws:sns:eu-west-1:{ONE}:opalite",
        sweep_hours=168,
        function_arn=f"arn:aws:lambda:eu-west-1:{ONE}:function:opalite",
    )


@pytest.mark.parametrize("name", sorted(VARIABLES))
@pytest.mark.parametrize("nothing", ["", "  "])
def test_an_empty_variable_is_as_good_as_none(name, nothing):
    assert read({**LEAST, name: nothing}) == read(LEAST)


@pytest.mark.parametrize("name", sorted(VARIABLES))
def test_space_around_a_value_is_no_part_of_it(name):
    assert read({**ALL, name: f" {ALL[name]}\n"}) == read(ALL)


def test_accounts_are_all_of_the_organization_by_one_word():
    assert read({**LEAST, "OPALITE_ACCOUNTS": " organization "}).accounts is None


def test_a_sweep_may_be_hourly_or_weekly():
    assert [read({**LEAST, "OPALITE_SWEEP_HOURS": hours}).sweep_hours for hours in ("1", "168")] == [1, 168]


def test_commas_too_many_are_no_names():
    environment = read({**LEAST, "OPALITE_ACCOUNTS": f",{ONE},,", "OPALITE_RULES": ","})
    assert (environment.accounts, environment.rules) == (frozenset({ONE}), frozenset())


@pytest.mark.parametrize(
    "environ", [{"AWS_DEFAULT_REGION": "us-east-1"}, {"AWS_REGION": "", "AWS_DEFAULT_REGION": "us-east-1"}]
)
def test_outside_of_lambda_the_default_region_will_do(environ):
    assert read(environ).region == "us-east-1"


def test_what_belongs_to_others_is_left_alone():
    assert read({**LEAST, "OPALITE_DEBUG": "1", "OPALITE_OPA": "/usr/bin/opa", "PATH": "/bin"}) == read(LEAST)


def test_a_region_there_must_be():
    with pytest.raises(UsageError, match=r"AWS_REGION: is not set; Lambda sets it, elsewhere set it yourself"):
        read({})


@pytest.mark.parametrize("name", ["OPALITE_ACCOUNT", "OPALITE_", "OPALITE_accounts", "OPALITE_POLICY_URL"])
def test_a_misspelt_name_is_refused_even_when_empty(name):
    assert refusal(**{name: ""}) == f"{name}: there is no such setting; there are {', '.join(VARIABLES)}"


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        (
            {"OPALITE_ACCOUNTS": f"{ONE},1234"},
            "OPALITE_ACCOUNTS: '1234' is not the id of an account; write 12 digits each, or `organization`",
        ),
        (
            {"OPALITE_ACCOUNTS": f"organization,{ONE}"},
            "OPALITE_ACCOUNTS: 'organization' is not the id of an account; write 12 digits each, or `organization`",
        ),
        (
            {"OPALITE_ACCOUNTS": "١١١١٢٢٢٢٣٣٣٣"},
            "OPALITE_ACCOUNTS: '١١١١٢٢٢٢٣٣٣٣' is not the id of an account; write 12 digits each, or `organization`",
        ),
        (
            {"OPALITE_ACCOUNTS": f"{ONE}\n{OTHER}"},
            "OPALITE_ACCOUNTS: has characters that cannot be printed; write one line of text",
        ),
        (
            {"OPALITE_RULES": f"{ARN}:extra"},
            f"OPALITE_RULES: '{ARN}:extra' is neither the ARN nor the name of a Config rule",
        ),
        (
            {"OPALITE_RULES": "arn:aws:lambda:eu-west-1:111122223333:function:opalite"},
            "OPALITE_RULES: 'arn:aws:lambda:eu-west-1:111122223333:function:opalite' is neither the ARN nor the name of a Config rule",
        ),
        ({"OPALITE_RULES": "r" * 129}, f"OPALITE_RULES: '{'r' * 129}' is neither the ARN nor the name of a Config rule"),
        ({"OPALITE_DELIVERY_BUCKET": "s3://logs"}, "OPALITE_DELIVERY_BUCKET: 's3://logs' is not the name of a bucket"),
        ({"OPALITE_DELIVERY_BUCKET": "Logs"}, "OPALITE_DELIVERY_BUCKET: 'Logs' is not the name of a bucket"),
        ({"OPALITE_DELIVERY_PREFIX": "p"}, "OPALITE_DELIVERY_BUCKET: is not set, but its prefix or owner is"),
        ({"OPALITE_DELIVERY_OWNER": OTHER}, "OPALITE_DELIVERY_BUCKET: is not set, but its prefix or owner is"),
        (
            {**WITH_BUCKET, "OPALITE_DELIVERY_OWNER": "1"},
            "OPALITE_DELIVERY_OWNER: '1' is not the id of an account; write 12 digits",
        ),
        (
            {"OPALITE_EXTERNAL_ID": "x"},
            "OPALITE_MEMBER_ROLE: is not set, but an external id, a source identity or tags for its sessions are",
        ),
        (
            {"OPALITE_SESSION_TAGS": "a=b"},
            "OPALITE_MEMBER_ROLE: is not set, but an external id, a source identity or tags for its sessions are",
        ),
        (
            {**WITH_ROLE, "OPALITE_SESSION_TAGS": "a=b,c"},
            "OPALITE_SESSION_TAGS: 'c' is not a tag; write key=value, with commas between",
        ),
        (
            {**WITH_ROLE, "OPALITE_SESSION_TAGS": "=b"},
            "OPALITE_SESSION_TAGS: '=b' is not a tag; write key=value, with commas between",
        ),
        ({**WITH_ROLE, "OPALITE_SESSION_TAGS": "a=b,a=c"}, "OPALITE_SESSION_TAGS: the tag 'a' is given twice"),
        (
            {"OPALITE_LOG_LEVEL": "verbose"},
            "OPALITE_LOG_LEVEL: 'verbose' is not a level; there are DEBUG, INFO, WARNING, ERROR",
        ),
        ({"OPALITE_LOG_PREFIX": "a"}, "OPALITE_LOG_BUCKET: is not set, but its prefix, owner or key is"),
        (
            {"OPALITE_SECURITY_HUB": "on"},
            "OPALITE_STATE_TABLE: is not set, but Security Hub or a topic is, which need it",
        ),
        ({"OPALITE_EXEMPT_FINDINGS": "suppressed"}, "OPALITE_SECURITY_HUB: is not set, but what its findings are to be is"),
        ({"OPALITE_EXEMPT_FINDINGS": "on"}, "OPALITE_EXEMPT_FINDINGS: 'on' is neither `warning` nor `suppressed`"),
        ({"OPALITE_REFRESH_DAYS": "3"}, "OPALITE_SECURITY_HUB: is not set, but what its findings are to be is"),
        ({"OPALITE_OWNER_TAGS": "team"}, "OPALITE_TOPIC_ARN: is not set, but what is told there is"),
        ({"OPALITE_SECURITY_HUB": "yes"}, "OPALITE_SECURITY_HUB: 'yes' is neither `on` nor `off`"),
        ({"OPALITE_REFRESH_DAYS": "81"}, "OPALITE_REFRESH_DAYS: '81' is not a number of days from 1 to 80"),
        ({"OPALITE_STATE_TABLE": "a b"}, "OPALITE_STATE_TABLE: 'a b' is not the name of a DynamoDB table"),
        ({"OPALITE_SWEEP_HOURS": "0"}, "OPALITE_SWEEP_HOURS: '0' is not a number of hours from 1 to 168"),
        ({"OPALITE_SWEEP_HOURS": "169"}, "OPALITE_SWEEP_HOURS: '169' is not a number of hours from 1 to 168"),
        ({"OPALITE_SWEEP_HOURS": "1.5"}, "OPALITE_SWEEP_HOURS: '1.5' is not a number of hours from 1 to 168"),
        ({"OPALITE_SWEEP_HOURS": "-1"}, "OPALITE_SWEEP_HOURS: '-1' is not a number of hours from 1 to 168"),
        ({"OPALITE_SWEEP_HOURS": "٢٤"}, "OPALITE_SWEEP_HOURS: '٢٤' is not a number of hours from 1 to 168"),
        (
            {"OPALITE_FUNCTION_ARN": "opalite"},
            "OPALITE_FUNCTION_ARN: 'opalite' is not the ARN of a Lambda function",
        ),
        ({"OPALITE_MEMBER_ROLE": "a\x07b"}, "OPALITE_MEMBER_ROLE: has characters that cannot be printed; write one line of text"),
        ({"OPALITE_OPA_SOCKET": "a\u202eb"}, "OPALITE_OPA_SOCKET: has characters that cannot be printed; write one line of text"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_its_variable_and_the_remedy(variables, says):
    assert refusal(**variables) == says


@given(st.sampled_from(sorted(VARIABLES)), st.text(max_size=20) | st.text("0123456789", max_size=6000))
def test_any_text_is_a_setting_or_refused_by_its_name(name, value):
    try:
        read({**ALL, name: value})
    except UsageError as error:
        assert str(error).startswith("OPALITE_")  # noqa: PT017 - either is right

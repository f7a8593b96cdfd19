"""No secret gets into what is kept, and what policies judge by stays."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.publish.redaction import REDACTED, Redaction

# Made of pieces, so that this file holds nothing that looks like a key.
ACCESS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"
PEM = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE\n-----END"
SIGNED = "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxMjM0NTY3ODkw.abc"
ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-AbCdEf"


def redacted(document):
    redaction = Redaction()
    return redaction.document(document, ""), redaction.paths


@pytest.mark.parametrize(
    "name",
    [
        "password", "Password", "masterUserPassword", "MASTER_PASSWORD", "db-passwd", "clientSecret", "secret_key", "SecretString",
        "authToken", "sessionToken", "Credentials", "privateKey", "apiKey", "x-api-key", "secretAccessKey", "UserData",
        "connectionString", "dbpassword", "passphrase", "password2",
    ],
)  # fmt: skip
def test_a_value_that_is_named_like_a_secret_is_replaced(name):
    assert redacted({"a": {name: "hunter2hunter2"}}) == ({"a": {name: REDACTED}}, [f"/a/{name}"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("passwordLastUsed", "2026-11-01T00:00:00.000Z"), ("maxPasswordAge", 90), ("minimumPasswordLength", 14),
        ("httpTokens", "optional"), ("http_tokens", "required"), ("tokenExpiry", "P1D"), ("passwordResetRequired", True),
        ("secretArn", ARN), ("secret", ARN), ("masterUserSecret", {"secretArn": ARN, "secretStatus": "active"}),
        ("clientToken", "c0ffee"), ("ClientRequestToken", "c0ffee"), ("creation_token", "efs"),
        ("kmsKeyId", "1234abcd"), ("keyName", "ops"), ("Environment", "production"), ("environment", {"image": "linux"}),
        ("password", None), ("token", True), ("secret", ""), ("action", "secretsmanager:GetSecretValue"),
        ("privateIpAddress", "10.0.0.1"), ("url", "https://example.org:8443/a@b"),
        ("secrets", [{"name": "DB", "valueFrom": ARN}]),
    ],
)  # fmt: skip
def test_what_only_speaks_of_a_secret_stays(name, value):
    assert redacted({name: value}) == ({name: value}, [])


def test_environment_variables_lose_their_values_and_keep_their_names():
    document = {
        "environment": {"variables": {"APP_NAME": "shop", "PORT": 8080}},
        "containers": [{"environment": [{"name": "MODE", "value": "dark"}], "image": "web:1"}],
        "build": {"environmentVariables": [{"name": "A", "type": "PLAINTEXT", "value": "b"}]},
        "options": [
            {"namespace": "aws:elasticbeanstalk:application:environment", "optionName": "MODE", "value": "dark"},
            {"namespace": "aws:autoscaling:asg", "optionName": "MaxSize", "value": "4"},
        ],
    }
    assert redacted(document) == (
        {
            "environment": {"variables": {"APP_NAME": REDACTED, "PORT": 8080}},
            "containers": [{"environment": [{"name": "MODE", "value": REDACTED}], "image": "web:1"}],
            "build": {"environmentVariables": [{"name": "A", "type": "PLAINTEXT", "value": REDACTED}]},
            "options": [
                {"namespace": "aws:elasticbeanstalk:application:environment", "optionName": "MODE", "value": REDACTED},
                {"namespace": "aws:autoscaling:asg", "optionName": "MaxSize", "value": "4"},
            ],
        },
        [
            "/environment/variables/APP_NAME",
            "/containers/0/environment/0/value",
            "/build/environmentVariables/0/value",
            "/options/0/value",
        ],
    )


def test_an_entry_of_name_and_value_is_replaced_by_its_name():
    tags = [{"key": "db-password", "value": "hunter2"}, {"key": "team", "value": "shop"}]
    assert redacted({"tags": tags}) == (
        {"tags": [{"key": "db-password", "value": REDACTED}, {"key": "team", "value": "shop"}]},
        ["/tags/0/value"],
    )


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"run with {ACCESS_KEY} now", f"run with {REDACTED} now"),
        (f"cert: {PEM}", REDACTED),
        (f"token {SIGNED}", f"token {REDACTED}"),
        ("postgres://app:hunter2@db/shop", f"postgres://{REDACTED}@db/shop"),
        ("Server=db;Password=hunter2;Port=1", f"Server=db;Password={REDACTED};Port=1"),
        ('{"password": "hunter2", "user": "app"}', f'{{"password": "{REDACTED}", "user": "app"}}'),
        ("mysql --password hunter2 -h db", f"mysql --password {REDACTED} -h db"),
        ("Bearer abcdefghijklmnop.qrstuv", REDACTED),
        (f"{ACCESS_KEY}X is longer than a key", f"{ACCESS_KEY}X is longer than a key"),
        ("nothing here: password must be long", "nothing here: password must be long"),
    ],
)
def test_a_text_loses_what_looks_like_a_key_wherever_it_stands(text, kept):
    assert redacted({"description": [text]}) == ({"description": [kept]}, [] if text == kept else ["/description/0"])


def test_a_name_that_looks_like_a_key_is_replaced_too():
    assert redacted({"a": {ACCESS_KEY: 1}}) == ({"a": {REDACTED: 1}}, ["/a"])


def test_paths_are_json_pointers():
    assert redacted({"a/b": {"c~d.password": "hunter2"}})[1] == ["/a~1b/c~0d.password"]


def test_what_was_found_in_the_item_is_found_in_messages_as_well():
    redaction = Redaction()
    redaction.document({"loginPassword": "hunter2!", "variables": {"REGION": "eu-west-1"}}, "/judged")
    assert redaction.text("the password hunter2! is weak in eu-west-1", "/annotation") == (
        f"the password {REDACTED} is weak in eu-west-1"
    )
    assert redaction.paths == ["/judged/loginPassword", "/judged/variables/REGION", "/annotation"]


def test_evidence_is_replaced_by_the_path_that_it_names():
    redaction = Redaction()
    evidence = {"path": ["login", "0", "password"], "actual": "weak", "expected": "a strong one"}
    assert redaction.evidence(evidence, "/e") == {**evidence, "actual": REDACTED}
    assert redaction.evidence({"path": "odd", "actual": [1]}, "/e") == {"path": "odd", "actual": [1]}
    assert redaction.evidence("odd", "/e") == "odd"
    assert redaction.paths == ["/e/actual"]


def test_a_number_is_a_secret_where_it_is_named_so():
    assert redacted({"passcode": 1234, "credentials": {"pin": 1234, "id": 5}}) == (
        {"passcode": REDACTED, "credentials": {"pin": REDACTED, "id": 5}},
        ["/passcode", "/credentials/pin"],
    )


names = st.sampled_from(["password", "db_password", "clientSecret", "sessionToken", "privateKey", "API-KEY"])
others = st.text(max_size=8)
secrets = st.text("abcdefghijklmnopqrstuvwxyz0123456789!", min_size=12, max_size=30)


@given(st.lists(others | st.integers(0, 3), max_size=6), names, secrets, st.lists(others, max_size=3))
def test_a_secret_is_found_however_deep_it_lies_and_wherever_it_is_repeated(steps, name, secret, around):
    document = {name: secret}
    for step in steps:
        document = [None] * step + [document] if isinstance(step, int) else {step: document}
    redaction = Redaction()
    kept = redaction.document(document, "")
    said = redaction.text(secret.join(["", *around, ""]), "")
    evidence = redaction.evidence({"path": ["a"], "actual": {"x": [f"<{secret}>"]}}, "")
    assert secret not in json.dumps([kept, said, evidence])
    assert redaction.paths

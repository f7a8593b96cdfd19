"""How a role is assumed, and what of it would be refused everywhere."""

from __future__ import annotations

import botocore.session
import pytest

from opalite.adapters.aws.sessions import AwsSessions, Role
from opalite.errors import AwsError, UsageError

OWN, MEMBER = "123456789012", "111122223333"


def test_how_a_role_is_assumed_is_what_aws_is_told(clock):
    role = Role("R", "id-1", "opalite", {"team": "audit", "empty": ""}, "opalite-fn", 900)
    assert role.parameters() == {
        "RoleSessionName": "opalite-fn",
        "DurationSeconds": 900,
        "ExternalId": "id-1",
        "SourceIdentity": "opalite",
        "Tags": [{"Key": "team", "Value": "audit"}, {"Key": "empty", "Value": ""}],
    }
    assert Role("R").parameters() == {"RoleSessionName": "opalite", "DurationSeconds": 3600}


def test_the_arn_of_a_role_is_made_of_partition_account_and_name_with_its_path(clock, credentials, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "cn-north-1")
    asked = []
    own = botocore.session.get_session()
    own.register("provide-client-params.sts.AssumeRole", lambda params, **_: asked.append(params))
    own.register("before-send.sts", lambda **_: (_ for _ in ()).throw(AwsError("not sent")))
    sessions = AwsSessions(clock, role=Role("audit/R", external_id="id-1"), own=own)
    sessions.known_as(OWN, "aws-cn")
    with pytest.raises(AwsError, match="not sent"):
        sessions.service("ec2", MEMBER, "cn-north-1")
    assert asked == [
        {
            "RoleArn": "arn:aws-cn:iam::111122223333:role/audit/R",
            "RoleSessionName": "opalite",
            "DurationSeconds": 3600,
            "ExternalId": "id-1",
        }
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"external_id": "x"}, "external_id has 1 characters, it must be 2 to 1224 letters, digits and _+=,.@:/-"),
        ({"external_id": ""}, "external_id has 0 characters, it must be 2 to 1224 letters, digits and _+=,.@:/-"),
        (
            {"external_id": "a" * 1225},
            "external_id has 1225 characters, it must be 2 to 1224 letters, digits and _+=,.@:/-",
        ),
        (
            {"external_id": "a secret"},
            "external_id has 8 characters, it must be 2 to 1224 letters, digits and _+=,.@:/-",
        ),
        (
            {"source_identity": "a:b"},
            "source_identity has 3 characters, it must be 2 to 64 letters, digits and _+=,.@-",
        ),
        ({"session_name": "ü" * 9}, "session_name has 9 characters, it must be 2 to 64 letters, digits and _+=,.@-"),
        ({"session_name": "a" * 65}, "session_name has 65 characters, it must be 2 to 64 letters, digits and _+=,.@-"),
        ({"seconds": 899}, "a session cannot last 899 seconds: set 900 to 43200"),
        ({"seconds": 43_201}, "a session cannot last 43201 seconds: set 900 to 43200"),
        ({"tags": {str(n): "" for n in range(51)}}, "a session cannot have 51 tags: set at most 50"),
        (
            {"tags": {"aws:x": ""}},
            "'aws:x' is not the key of a tag: it must be 1 to 128 letters, digits, spaces and _.:/=+-@",
        ),
        ({"tags": {"": ""}}, "'' is not the key of a tag: it must be 1 to 128 letters, digits, spaces and _.:/=+-@"),
        (
            {"tags": {"a*": ""}},
            "'a*' is not the key of a tag: it must be 1 to 128 letters, digits, spaces and _.:/=+-@",
        ),
        ({"tags": {"a": "b" * 257}}, "the value of tag a must be at most 256 letters, digits, spaces and _.:/=+-@"),
        ({"tags": {"a": "b\n"}}, "the value of tag a must be at most 256 letters, digits, spaces and _.:/=+-@"),
        ({"tags": {"a": "", "A": ""}}, "two of the tags differ by capitals only, which is no difference to AWS"),
    ],
)
def test_what_sts_would_refuse_in_every_account_is_refused_at_once(options, says):
    with pytest.raises(UsageError) as caught:
        Role("R", **options)
    assert str(caught.value) == f"role R: {says}"


def test_the_limits_of_sts_themselves_are_taken():
    tags = {"k" * 128: "v" * 256} | {f"Kostenstelle für {number}": "1/2" for number in range(49)}
    Role("R", "a" * 1224, "ab", tags, "a" * 64, 43_200)

"""What people read when a key is of no use, or somebody stands in the way of one: no riddle, and no advice that does harm."""

from __future__ import annotations

from typing import Any

import pytest

from opalite.cli.remediation_output import list_attempts, shown_text
from opalite.cli.remediation_ways import Ways, judged_by
from opalite.cli.session import EngineOptions
from opalite.normalize.policy import policy
from opalite.remediation.applying import Applied, Progress, StepError, apply
from opalite.remediation.attempt import Attempt
from opalite.remediation.model import Call, Mode, Result, Target, Trigger, TriggerKind
from opalite.remediation.planning.bucket_users import NewKey, hindrance
from opalite.remediation.planning.key_check import check_step

ACCOUNT = "111122223333"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/0a8d3c5e-1111"
FIT = {
    "Arn": KEY,
    "KeyManager": "CUSTOMER",
    "KeyState": "Enabled",
    "KeySpec": "SYMMETRIC_DEFAULT",
    "KeyUsage": "ENCRYPT_DECRYPT",
}


class _Kms:
    def __init__(self, metadata: dict[str, Any]) -> None:
        self._metadata = metadata

    def ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        assert (operation, parameters) == ("DescribeKey", {"KeyId": KEY})
        return {"KeyMetadata": self._metadata}


def checked(**members: Any) -> int | None:
    return apply(lambda _: _Kms({**FIT, **members}), [check_step(KEY, "why")], {}, lambda _: None)


def test_a_key_that_is_fit_is_gone_on_with():
    assert checked() is None


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"KeyManager": "AWS"}, "a key that AWS manages"),
        ({"KeyState": "Disabled"}, "a key that is not enabled"),
        ({"KeyState": "PendingDeletion"}, "a key that is not enabled"),
        ({"KeySpec": "RSA_4096"}, "a key that is not symmetric"),
        ({"KeySpec": "RSA_4096", "KeyUsage": "SIGN_VERIFY"}, "a key that is not symmetric"),
        ({"KeyUsage": "GENERATE_VERIFY_MAC"}, "a key that is not for encryption"),
        ({"KeyUsage": None}, "a key that is not for encryption"),
    ],
)
def test_a_key_that_is_not_fit_fails_at_once_in_plain_words(members, told):
    with pytest.raises(StepError, match=f"^check_key: it ended as {told}$") as caught:
        checked(**members)
    assert caught.value.certain


def refused(principal: Any, **more: Any) -> str | None:
    allowed = {"Effect": "Allow", "Principal": principal, "Action": "s3:PutObject", "Resource": "*", **more}
    details = {
        "unreadable": "",
        "website": False,
        "grants": [],
        "acls": False,
        "public_acls_ignored": True,
        "replication": [],
        "statements": policy({"Version": "2012-10-17", "Statement": [allowed]})["statements"],
    }
    return hindrance(details, ACCOUNT, NewKey("aws:kms", KEY, {}, ()))


@pytest.mark.parametrize(
    "principal",
    [
        "*",
        {"AWS": "*"},
        {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        {"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1EXAMPLE"},
    ],
)
def test_for_whom_no_key_can_be_prepared_nobody_is_told_to(principal):
    told = refused(principal) or ""
    assert "could not use the key" in told
    assert "prepared_principals" not in told
    assert "let the key's policy name it" not in told


def test_others_are_told_to_be_prepared():
    assert refused({"AWS": "444455556666"}) == (
        "the bucket's policy (statement 1) lets 444455556666 read or write objects, who could not use the key: let the key's policy "
        "name it; then tell it in prepared_principals"
    )


def test_commands_that_are_printed_say_all_that_they_need():
    options = EngineOptions(data=("my settings", "more"), bundle=("mine",), with_shipped=False, opa="/opt/opa")
    ways = Ways(" --records kept", " --role-prefix mend-", judged_by(options))
    assert ways.resume("a1") == (
        "opalite remediate resume a1 --records kept --role-prefix mend- --data 'my settings' --data more --bundle mine --no-shipped "
        "--opa /opt/opa"
    )
    assert ways.undo("a1") == "opalite remediate undo a1 --records kept --role-prefix mend-"
    assert ways.show("a1") == "opalite remediate show a1 --records kept"


BALANCER = f"arn:aws:elasticloadbalancing:eu-west-1:{ACCOUNT}:loadbalancer/app/{'a' * 32}/50dc6c495c0c9188"
AT = "2026-11-29T12:00:00.000Z"


def ended(inverse: Call | None) -> Attempt:
    return Attempt(
        id="a1",
        target=Target(
            policy_id="aws.elasticloadbalancingv2.loadbalancer.in_use",
            partition="aws",
            account_id=ACCOUNT,
            region="eu-west-1",
            resource_type="AWS::ElasticLoadBalancingV2::LoadBalancer",
            resource_id=BALANCER,
        ),
        trigger=Trigger(kind=TriggerKind.COMMAND, event_id="command", at=AT),
        began_at=AT,
        changed_at=AT,
        mode=Mode.APPROVE,
        action="delete_load_balancer",
        result=Result.APPLIED,
        reason="the resource is gone, as it should be",
        applied=(Applied("delete", Progress.DONE, inverse=inverse),),
    )


@pytest.mark.parametrize(
    ("inverse", "last"),
    [
        (None, "The record: opalite remediate show a1"),
        (Call("ec2", "StartInstances"), "To take it back: opalite remediate undo a1"),
    ],
)
def test_undo_is_offered_only_where_something_can_be_taken_back(inverse, last):
    assert shown_text(ended(inverse), {}, Ways("")).splitlines()[-1] == last


def test_load_balancers_are_told_apart_in_the_list(capsys):
    list_attempts([ended(None)], "text")
    assert capsys.readouterr().out.endswith("/50dc6c495c0c9188\n")

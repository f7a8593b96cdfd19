"""The roles of the templates, compared with the calls that the functions make with everything switched on."""

from __future__ import annotations

import contextlib
import io
import os

import pytest

from architecture.cloudformation import ACCOUNT, Stack, template
from architecture.permissions import is_allowed, listed, of_role
from architecture.test_template import ALL_ON
from architecture.test_template_permissions import MEMBER as ROLES
from emulation.aws import ACCOUNTS
from integration.deployment.conftest import Context
from integration.outputs.test_creators import REQUIRED, TAGS
from integration.outputs.test_lives import BASTION, EXEMPTED, INGRESS
from opalite.facts import live
from opalite.sweep.app import Sweeper

ADMIN, MEMBER, OTHER = ACCOUNTS
KEYS = "aws.s3.bucket.encryption"
FUNCTION = f"arn:aws:lambda:eu-west-1:{ADMIN}:function:opalite"
# What IAM calls the operations that have another name there.
NAMES = {"lambda:Invoke": "lambda:InvokeFunction", "sns:PublishBatch": "sns:Publish"}
# Neither asked here nor superfluous: facts about other types than those of the scene, which tests/integration/test_live.py asks for;
# and pages of a schedule about which the query index says nothing.
ELSEWHERE = {
    *(action for kind in ("image", "load_balancer", "resource_policy") for action in live.ACTIONS[kind]),
    "config:BatchGetResourceConfig", "config:GetDiscoveredResourceCounts", "config:ListDiscoveredResources",
}  # fmt: skip


@pytest.fixture
def calls(scene, deploy, rule, group, bucket, key, history):
    """What was called with which account's credentials: by the function, and by the sweep."""
    assert ACCOUNT == ADMIN
    aws = scene.aws
    units = {"overrides": [{"organizational_units": ["ou-none-00000000"], "set": {"ports": [22]}}]}
    settings = {**EXEMPTED, "parameters": {INGRESS: units, **REQUIRED["parameters"]}}
    function = deploy(settings, OPALITE_EXEMPT_FINDINGS="suppressed", OPALITE_CREATOR_LOOKUP="on")
    keys = aws.config.rule(MEMBER, "keys", parameters={"policies": KEYS})
    tagging = aws.config.rule(MEMBER, "tagging", parameters={"policies": TAGS})
    own = aws.config.rule(ADMIN, "ingress", parameters={"policies": INGRESS})
    for event in (
        aws.config.change_event(group("sg-1", opened=22, tags={}), rule),
        aws.config.change_event(group("sg-1", opened=22, tags={}), tagging),
        aws.config.change_event(group("sg-2", ADMIN, opened=22), own),
        aws.config.change_event(bucket(key=key), keys),
        aws.config.oversized_event(group("sg-3", opened=22), rule),
    ):
        function(event)
    aws.deny("kms", "DescribeKey")
    function(aws.config.change_event(bucket(at="09:15:30.412", key=key.replace("key/", "key/0")), keys))
    aws.mend()
    aws.config.record(group(BASTION, opened=22))
    function(aws.config.schedule_event(MEMBER, rule))
    function(aws.config.schedule_event(ADMIN, own))
    judged = len(aws.calls_made)
    aws.functions.add(FUNCTION, changed_at="2026-03-02T18:00:00.000+0000")
    aws.functions.add(f"{FUNCTION}-sweep")
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
        patch.setenv("OPALITE_FUNCTION_ARN", FUNCTION)
        with contextlib.suppress(Exception):  # the management account has no member role
            Sweeper(os.environ, sleep=lambda _: None).handle({"time": "2026-03-03T04:00:00Z"}, Context())
    made = [(call.account, NAMES.get(call.action, call.action)) for call in aws.calls_made]
    return set(made[:judged]), set(made[judged:])


def test_the_roles_allow_what_is_called_and_nothing_that_is_not(calls):
    judging, sweeping = calls
    home = Stack(template("template.yaml"), ALL_ON)
    rules, sweep = of_role(home, "RulesRole"), of_role(home, "SweepRole")
    member = of_role(Stack(template("deploy/member.yaml"), ROLES), "MemberRole")
    asked = {action for account, action in judging | sweeping if account != ADMIN}

    assert ADMIN in {account for account, _ in judging} & {account for account, _ in sweeping}
    assert {action for action in asked if not is_allowed(member, action)} == set()
    assert {action for account, action in judging if account == ADMIN and not is_allowed(rules, action)} == set()
    assert {action for account, action in sweeping if account == ADMIN and not is_allowed(sweep, action)} == set()

    allowed = {action for one in member for action in listed(one["Action"])}
    assert allowed - asked - ELSEWHERE == set()
    assert {action for action in ELSEWHERE if action not in allowed} == set()

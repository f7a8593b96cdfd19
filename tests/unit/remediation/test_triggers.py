"""What the function is invoked with: only what it says of where to look is taken from it, and only in the forms that are agreed."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.errors import InvocationError
from opalite.ports import Place
from opalite.remediation.approving import Signed
from opalite.remediation.model import Request, Target, Trigger, TriggerKind
from opalite.remediation.reports import Seen
from opalite.remediation.triggers import Advance, Ask, Due, Expire, Message, Run, Triggers

ADMIN, MEMBER, REGION = "111111111111", "222222222222", "eu-west-1"
POLICY, GROUP, TYPE = "aws.ec2.securitygroup.restricted_ingress", "sg-0f4d2c1b3a5968778", "AWS::EC2::SecurityGroup"
FINDING = f"opalite/aws/{MEMBER}/{REGION}/{TYPE}/{GROUP}/{POLICY}"
PRODUCT = f"arn:aws:securityhub:{REGION}:{MEMBER}:product/{MEMBER}/default"
RULE = (
    f"arn:aws:config:{REGION}:{MEMBER}:config-rule/aws-service-rule/"
    "config-multiaccountsetup.amazonaws.com/config-rule-3fa9zk"
)
ATTEMPT = "0123456789abcdef0123"
UPDATED = "2026-11-29T09:14:07.518Z"
TRIGGERS = Triggers(Place("aws", ADMIN, REGION), lambda kind: [POLICY, "acme.tags.all.owner"] if kind == TYPE else [])
EVENTS = Path(__file__).resolve().parents[2] / "data" / "events" / "remediation"


def event(name):
    return json.loads((EVENTS / f"{name}.json").read_text())


def parsed(what, triggers=TRIGGERS):
    return triggers.parse(what, request_id="6f1c0b52", at="2026-11-29T12:00:00.000Z")


def refusal(what):
    with pytest.raises(InvocationError) as caught:
        parsed(what)
    return str(caught.value)


def target(policy=POLICY, group=GROUP):
    return Target(
        policy_id=policy, partition="aws", account_id=MEMBER, region=REGION, resource_type=TYPE, resource_id=group
    )


def finding(**changes):
    told = event("finding_imported")
    told["detail"]["findings"][0].update(changes)
    return told


def test_a_finding_that_has_failed():
    trigger = Trigger(
        kind=TriggerKind.FINDING,
        event_id=f"{FINDING}/{UPDATED}",
        at=UPDATED,
        finding_id=FINDING,
        product_arn=PRODUCT,
        workflow_status="NEW",
    )
    assert parsed(event("finding_imported")) == Seen(MEMBER, (Request(target(), trigger),), 0)


def test_a_finding_in_the_region_that_collects_them_keeps_its_own_region():
    told = event("finding_imported")
    told |= {"region": "us-east-1", "account": ADMIN}
    (request,) = parsed(told).requests
    assert (request.target, parsed(told).account_id) == (target(), ADMIN)


def test_a_custom_action():
    seen = parsed(event("custom_action"))
    other = "sg-0a1b2c3d4e5f60718"
    by = f"Security Hub action OpaliteRemediate in {ADMIN}"
    assert (seen.account_id, seen.ignored) == (ADMIN, 1)
    assert [request.target for request in seen.requests] == [target(), target(group=other)]
    assert [request.trigger for request in seen.requests] == [
        Trigger(
            kind=TriggerKind.CUSTOM_ACTION,
            event_id=f"action/3c6f0b1e-9d57-4b0e-a1c8-51a1f9e2d7aa/{FINDING.replace(GROUP, group)}",
            at=UPDATED,
            by=by,
            finding_id=FINDING.replace(GROUP, group),
            product_arn=PRODUCT,
            workflow_status=status,
        )
        for group, status in ((GROUP, "NEW"), (other, "NOTIFIED"))
    ]


def test_a_custom_action_may_point_at_what_does_not_fail_any_more():
    told = event("custom_action")
    told["detail"]["findings"][0]["Compliance"]["Status"] = "PASSED"
    assert len(parsed(told).requests) == 2


def test_what_a_config_rule_has_found():
    trigger = Trigger(
        kind=TriggerKind.COMPLIANCE_CHANGE,
        event_id=f"{RULE}/{TYPE}/{GROUP}/2026-11-29T09:14:18.204Z",
        at="2026-11-29T09:14:20Z",
    )
    requests = tuple(Request(target(policy), trigger) for policy in (POLICY, "acme.tags.all.owner"))
    assert parsed(event("compliance_change")) == Seen(MEMBER, requests)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("messageType",), "ConfigurationItemChangeNotification"),
        (("newEvaluationResult",), None),
        (("newEvaluationResult", "complianceType"), "COMPLIANT"),
        (("newEvaluationResult", "complianceType"), "NOT_APPLICABLE"),
    ],
)
def test_what_a_config_rule_does_not_complain_of_is_ignored(place, value):
    told = event("compliance_change")
    within = told["detail"]
    for name in place[:-1]:
        within = within[name]
    within[place[-1]] = value
    assert parsed(told) == Seen(MEMBER, (), 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("configRuleARN", "arn:aws:lambda:eu-west-1:222222222222:function:x"),
        ("awsAccountId", ADMIN),
        ("awsRegion", "us-east-1"),
        ("configRuleARN", RULE.replace("arn:aws:", "arn:aws-cn:")),
    ],
)
def test_a_config_rule_of_another_place_is_refused(name, value):
    told = event("compliance_change")
    told["detail"][name] = value
    assert refusal(told) == "configRuleARN: is not of the account and the Region of the event"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"ProductArn": f"arn:aws:securityhub:{REGION}::product/aws/securityhub"}, "ProductArn: is not the default"),
        ({"ProductArn": PRODUCT.replace(MEMBER, ADMIN)}, "ProductArn: is not the default"),
        ({"ProductArn": PRODUCT.replace("arn:aws:", "arn:aws-cn:")}, "ProductArn: is not the default"),
        ({"AwsAccountId": ADMIN}, "ProductArn: is not the default"),
        ({"ProductFields": {}}, "opalite/policy_id: expected one line"),
        ({"ProductFields": None}, "ProductFields: expected an object"),
        ({"GeneratorId": "opalite/aws.s3.bucket.encryption"}, "opalite/policy_id: is not the policy"),
        ({"UpdatedAt": 7}, "UpdatedAt: expected one line"),
        ({"Id": "two\nlines"}, "Id: expected one line"),
    ],
)
def test_a_finding_that_contradicts_itself_is_refused(changes, why):
    assert refusal(finding(**changes)).startswith(why)


@pytest.mark.parametrize(
    "changes",
    [
        {"GeneratorId": "security-control/EC2.2"},
        {"GeneratorId": None},
        {"Compliance": {"Status": "PASSED"}},
        {"Compliance": None},
        {"Workflow": {"Status": "NOTIFIED"}},
        {"Workflow": {"Status": "RESOLVED"}},
        {"Workflow": {}},
        {"RecordState": "ARCHIVED"},
    ],
)
def test_what_is_foreign_or_taken_up_is_ignored(changes):
    assert parsed(finding(**changes)) == Seen(MEMBER, (), 1)


STRANGE = [None, "a text", 7, True, [], [event("finding_imported")["detail"]["findings"][0]]]


@pytest.mark.parametrize("strange", STRANGE)
@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("name", ["finding_imported", "custom_action"])
def test_a_finding_that_is_no_object_keeps_no_other_from_being_done(name, place, strange):
    told, whole = event(name), parsed(event(name))
    told["detail"]["findings"].insert(place, strange)
    seen = parsed(told)
    assert (seen.requests, seen.ignored) == (whole.requests, whole.ignored)
    assert [str(fault) for fault in seen.faults] == [f"findings[{place}]: expected an object"]


def test_every_finding_that_is_not_of_its_form_is_told_in_their_order():
    told = event("finding_imported")
    good = told["detail"]["findings"][0]
    told["detail"]["findings"] = [None, {**good, "UpdatedAt": 7}, good, {**good, "GeneratorId": "x"}, "a text"]
    seen = parsed(told)
    assert (len(seen.requests), seen.ignored) == (1, 1)
    assert [str(fault) for fault in seen.faults] == [
        "findings[0]: expected an object",
        "UpdatedAt: expected one line of at most 1024 characters",
        "findings[4]: expected an object",
    ]


@pytest.mark.parametrize("findings", [[None], ["a text", 7], [None, {"GeneratorId": "security-control/EC2.2"}]])
def test_an_event_of_nothing_but_what_is_no_finding_or_not_ours_is_refused(findings):
    told = event("finding_imported")
    told["detail"]["findings"] = findings
    assert refusal(told) == "findings[0]: expected an object"


@pytest.mark.parametrize("findings", [None, {}, {"0": {}}, [], "a text", 7])
def test_an_event_without_a_list_of_findings_is_refused(findings):
    told = event("finding_imported")
    told["detail"]["findings"] = findings
    assert refusal(told) == "the event has no findings"


def test_what_a_finding_says_of_the_decision_is_not_read():
    told = finding(Title="\n", Severity={"Label": "LOW"}, Resources=[], Note={"Text": "approve me"})
    assert parsed(told) == parsed(event("finding_imported"))


def test_a_queue_gives_its_messages_one_by_one():
    (one, two) = parsed(event("queue"))
    assert TRIGGERS.message(one) == parsed(event("finding_imported"))
    assert TRIGGERS.message(two) == parsed(event("compliance_change"))


@pytest.mark.parametrize(
    "body",
    ['{"due": true}', '{"run": {}}', "{", "[]", '{"a": 1, "a": 2}', '{"Records": []}', "null", '"\ud800"'],
)
def test_no_command_comes_by_the_queue(body):
    with pytest.raises(InvocationError, match="message m1"):
        TRIGGERS.message(Message("m1", body))


@pytest.mark.parametrize("what", [{"due": True}, {"detail-type": "Opalite Remediation Due", "source": "opalite"}])
def test_the_schedule(what):
    assert parsed(what) == Due()


def test_the_tasks_of_the_state_machine():
    approval = {
        "attempt": ATTEMPT,
        "plan": "0" * 64,
        "expires": "2026-12-01T00:00:00Z",
        "approver": "anna",
        "signature": "eA==",
    }
    signed = Signed(ATTEMPT, "0" * 64, "2026-12-01T00:00:00Z", "anna", b"x")
    assert parsed({"advance": ATTEMPT}) == Advance(ATTEMPT)
    assert parsed({"advance": ATTEMPT, "approval": approval}) == Advance(ATTEMPT, signed)
    assert parsed({"advance": ATTEMPT, "approval": {"approval": approval}}) == Advance(ATTEMPT, signed)
    assert parsed({"ask": ATTEMPT, "token": "AAAAKgAAAAIAAAAA"}) == Ask(ATTEMPT, "AAAAKgAAAAIAAAAA")
    assert parsed({"expire": ATTEMPT}) == Expire(ATTEMPT)
    other = {**approval, "attempt": ATTEMPT[::-1]}
    assert refusal({"advance": ATTEMPT, "approval": other}) == f"the approval is not for attempt {ATTEMPT}"


def test_a_command():
    body = {"policy_id": POLICY, "account": MEMBER, "region": REGION, "type": TYPE, "id": GROUP}
    at = "2026-11-29T12:00:00.000Z"
    trigger = Trigger(kind=TriggerKind.COMMAND, event_id="run/6f1c0b52", at=at)
    again = Trigger(kind=TriggerKind.COMMAND, event_id="run/7d3f", at=at)
    assert parsed({"run": body}) == Run(Request(target(), trigger))
    assert parsed({"run": {**body, "request": "7d3f"}}) == Run(Request(target(), again))
    assert refusal({"run": {**body, "mode": "auto"}}).startswith("run: expected account, id")
    assert refusal({"run": {**body, "type": "anything"}}) == "run: type is not the type of a resource"


def test_what_is_refused_is_not_repeated():
    assert refusal({"secret\nvalue": "hunter2"}) == (
        "the event has 'secret\\nvalue': see docs/remediation/function.md for the forms of events"
    )
    assert "hunter2" not in refusal({"detail-type": "x", "source": "hunter2"})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)


@given(st.sampled_from(["finding_imported", "custom_action", "compliance_change", "queue"]), st.data())
def test_an_event_of_which_anything_is_changed_is_taken_or_refused(name, data):
    told = event(name)
    places = []

    def walk(value, at):
        if isinstance(value, dict):
            for key, inner in value.items():
                places.append((value, key))
                walk(inner, key)
        if isinstance(value, list):
            for index, inner in enumerate(value):
                places.append((value, index))
                walk(inner, index)

    told = copy.deepcopy(told)
    walk(told, None)
    within, key = data.draw(st.sampled_from(range(len(places))).map(places.__getitem__))
    within[key] = data.draw(_JSON)
    try:
        seen = parsed(told)
        requests = seen.requests if isinstance(seen, Seen) else ()
        if isinstance(seen, tuple):
            requests = [request for one in seen for request in TRIGGERS.message(one).requests]
    except InvocationError as refused:
        requests, told = [], str(refused)
        assert told.isprintable()
    for request in requests:
        assert request.target.partition == "aws"
        assert request.target.account_id == MEMBER


@given(_JSON)
def test_anything_else_is_refused(what):
    if what != {"due": True}:
        refusal(what)

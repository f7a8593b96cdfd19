"""Changes for tests of notifications, and what is asked of their messages."""

from __future__ import annotations

import json

from opalite.model import Case, Decision, Message, Outcome, Severity, Standing
from opalite.publish.life import Change
from opalite.publish.notification import messages

ACCOUNT = "111122223333"
INGRESS = "aws.ec2.securitygroup.restricted_ingress"
TAGGED = "aws.any.resource.required_tags"
UNUSED = "aws.elasticloadbalancing.loadbalancer.in_use"
ENTRIES = {
    INGRESS: {
        "title": "Security groups keep SSH and RDP from the world",
        "remediation": {"summary": "Remove the rule.", "action": "revoke_ingress"},
        "related_resources": [{"ref": "https://example.com/groups", "description": "Groups"}],
    },
    TAGGED: {"title": "Resources carry the required tags", "remediation": {"summary": "", "action": "tag_resource"}},
    UNUSED: {"title": "Load balancers are in use", "remediation": {"summary": "Ask.", "action": "notify_owner"}},
}
SSH = {
    "message": "tcp port 22 is open to 0.0.0.0/0",
    "subject": "ingress.0",
    "evidence": {"path": ["ingress", "0", "source"], "actual": "0.0.0.0/0", "expected": "a narrower range"},
}
EXEMPTION = {"id": "EX-1", "ticket": "SEC-9", "expires": "2026-12-31T00:00:00Z"}
STAMP = "2026-11-28T09:14:07.518Z"


def news(change=Change.NEW_FAILURE, *, tags=None, name="bastion", partition="aws", **fields):
    given_fields = {
        "account_id": ACCOUNT,
        "region": "eu-west-1",
        "resource_type": "AWS::EC2::SecurityGroup",
        "resource_id": "sg-0f4d2c1b3a5968778",
        "arn": None,
        "capture_time": STAMP,
        "evaluated_at": STAMP,
        "policy_id": INGRESS,
        "policy_version": "1.0.0",
        "outcome": Outcome.FAIL,
        "compliance_type": "NON_COMPLIANT",
        "severity": Severity.HIGH,
        "annotation": "tcp port 22 is open to 0.0.0.0/0 [e5a6122204a5]",
        "violations": [SSH],
        "unknown": [],
        "reasons": [],
        "exemption": None,
        "stage": "enforce",
        "decision_id": "e5a6" * 16,
        "bundle_revision": "r1",
        "opa_version": "1.22.2",
        "input_digest": "d1",
        **fields,
    }
    decision = Decision(**given_fields)
    standing = Standing(
        finding_id=f"opalite/{partition}/{decision.account_id}/{decision.resource_id}/{decision.policy_id}"[:512],
        outcome=decision.outcome,
        stage="enforce",
        severity=decision.severity,
        capture_time=STAMP,
        evaluated_at=STAMP,
        decision_id=decision.decision_id,
        since="2026-11-27T08:00:00.000Z",
        first_observed_at="2026-10-01T08:00:00.000Z",
        content="c1",
        status="FAILED",
        sent_at=STAMP,
        pending=(),
    )
    resource = {
        "type": decision.resource_type,
        "id": decision.resource_id,
        "name": name,
        "partition": partition,
        "tags": tags,
    }
    return (
        change,
        Case(decision, {"version": 1, "resource": resource, "facts": {}, "unknown": [], "gone": None}),
        standing,
    )


def one(*changes, **options) -> Message:
    (message,) = messages(changes, ENTRIES, **options)
    return message


def owners(*changes, **options) -> list[str]:
    return [message.attributes["owner"] for message in messages(changes, ENTRIES, **options)]


def weight(message):
    """All bytes of a message with a text for people and a document for programs, at their longest."""
    body = json.dumps({"default": json.dumps(message.document), "email": message.text, "sms": message.subject})
    attributes = sum(
        len(name) + len(value.encode()) + len("String.Array") for name, value in message.attributes.items()
    )
    return len(body) + attributes + len(message.subject)

"""A deployment that goes wrong: hundreds of failures in one schedule are few calls and few messages."""

from __future__ import annotations

from collections import Counter

import pytest

from emulation.aws import ACCOUNTS

MEMBER = ACCOUNTS[1]
NOON = "2026-03-02T12:00:00.250Z"
COUNT, PAGE = 500, 100


@pytest.mark.slow
def test_five_hundred_failures_of_one_schedule(scene, function, rule, group):
    for number in range(COUNT):
        owner = "payments" if number % 5 else "web"
        scene.aws.config.record(group(f"sg-{number:05}", opened=22, tags={"owner": owner}))
    event = scene.aws.config.schedule_event(MEMBER, rule, notified_at=NOON)
    assert function(event)["delivered"] == {"NON_COMPLIANT": COUNT}
    messages = scene.messages()
    assert Counter(message["owner"] for message in messages) == {"payments": COUNT // PAGE, "web": COUNT // PAGE}
    assert Counter(message["count"] for message in messages) == {80: 5, 20: 5}
    named = [change["resource_id"] for message in messages for change in message["changes"]]
    assert sorted(named) == [f"sg-{number:05}" for number in range(COUNT)]
    assert [len(names) for _, names in scene.hubs.calls] == [PAGE] * (COUNT // PAGE)
    calls = ("dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "s3:PutObject", "sns:PublishBatch")
    assert [scene.aws.calls[name] for name in calls] == [5, COUNT, 2 * COUNT + 5, 5, 5]  # 5: whose turn it is
    assert (len(scene.findings()), len(scene.records()), scene.pending()) == (COUNT, COUNT, {})

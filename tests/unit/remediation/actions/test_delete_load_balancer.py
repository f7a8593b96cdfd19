"""What proves that nobody uses a load balancer."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.remediation.actions.delete_load_balancer import ACTION, plan
from opalite.remediation.reading.loadbalancer import CLASSIC, NEXT
from unit.remediation.actions.cases import AT, found, target

ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/shop/50dc6c495c0c9188"
TODAY = date.fromisoformat(AT[:10])


def day(past):
    return (TODAY - timedelta(days=past)).isoformat()


IDLE = {"created": day(400), "busy": [], "told": sorted(day(past) for past in range(91))}


def planned(traffic=IDLE, resource_type=NEXT, days=30, **more):
    details = {
        "kind": "application" if resource_type == NEXT else "classic",
        "description": {},
        "attributes": [{"Key": "deletion_protection.enabled", "Value": "false"}],
        "tags": {},
        "listeners": [{"ListenerArn": "x"}],
        "target_groups": [],
        "targets": 0,
        "behind": [],
        "auto_scaling_groups": [],
        "endpoint_services": [],
        **more,
    }
    item = {"supplementaryConfiguration": {} if traffic is None else {"Traffic": traffic}}
    case = found(ACTION, target("x", resource_type, ARN), details, item=item, days=days)
    return plan(case)


@given(
    days=st.integers(7, 90),
    busy=st.sets(st.integers(0, 91), max_size=3),
    silent=st.sets(st.integers(1, 91), max_size=3),
    created=st.integers(0, 120),
    listeners=st.booleans(),
)
def test_every_day_must_be_proved(days, busy, silent, created, listeners):
    traffic = {
        "created": day(created),
        "busy": sorted(day(past) for past in busy),
        "told": sorted(day(past) for past in set(range(91)) - silent),
    }
    made = planned(traffic, days=days, listeners=[{}] if listeners else [])
    proved = (
        all(past > days for past in busy)
        and created >= days
        and (not listeners or not any(1 <= past <= days for past in silent))
    )
    assert (bool(made.steps), bool(made.refusal)) == (proved, not proved)


@pytest.mark.parametrize(
    "strange",
    [
        {"traffic": None},
        {"traffic": {"problem": "cloudwatch:GetMetricData is denied"}},
        {"traffic": {**IDLE, "busy": [day(0)]}},
        {"targets": 1},
        {"attributes": []},
        {"attributes": [{"Key": "deletion_protection.enabled", "Value": "true"}]},
        {"tags": {"opalite:keep": ""}},
        {"tags": {"aws:cloudformation:stack-name": "shop"}},
        {"tags": {"aws:servicecatalog:x": "y"}},
        {"tags": {"kubernetes.io/cluster/x": "owned"}},
        {"auto_scaling_groups": ["web"]},
        {"endpoint_services": ["vpce-svc-1"]},
        {"behind": ["arn:aws:elasticloadbalancing:::targetgroup/x"]},
    ],
)
def test_whatever_speaks_against_it_is_heard(strange):
    made = planned(**strange)
    assert (made.steps, bool(made.refusal)) == ((), True)


def test_targets_without_a_listener_get_nothing():
    assert len(planned(targets=3, listeners=[]).steps) == 1


def test_a_classic_one_says_nothing_while_it_does_nothing():
    made = planned({"created": day(400), "busy": [], "told": None}, CLASSIC, attributes={})
    assert [(step.call.service, step.call.operation, step.inverse) for step in made.steps] == [
        ("elb", "DeleteLoadBalancer", None)
    ]

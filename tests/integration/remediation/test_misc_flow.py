"""The whole flow with actions that need a person, do not mend, or leave nothing behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from integration.remediation import test_instances as instances
from integration.remediation import test_load_balancers as balancers
from integration.remediation import test_run_automation as automations
from integration.remediation.driver import ACCOUNT, REGION, client
from integration.remediation.flow.scene import Scene, make_table, settled
from opalite.adapters.aws.sessions import AwsSessions
from opalite.facts.live import LiveFacts
from opalite.remediation.flow import Remediation
from opalite.remediation.model import Target
from opalite.remediation.undoing import undo

TAGS = "aws.any.resource.required_tags"
INSTANCES = "aws.ec2.instance.approved_image"
BALANCERS = "aws.elasticloadbalancingv2.loadbalancer.in_use"
HEADERS = "aws.elasticloadbalancingv2.loadbalancer.drop_invalid_headers"
RUNBOOK = {"document": automations.NAME, "role": "mender"}
PARAMETERS = {
    TAGS: {"default": {"required": {"Owner": None}}},
    INSTANCES: {"default": {"images": {}}},
    BALANCERS: {"default": {"days": 0}},
}


CHOSEN = {
    TAGS: ("tag_resource", {"defaults": {"Owner": "team-platform"}}),
    INSTANCES: ("quarantine_instance", {}),
    BALANCERS: ("delete_load_balancer", {}),
    HEADERS: ("run_automation", RUNBOOK),
}
SETTINGS = {
    "parameters": PARAMETERS,
    "remediation": {
        policy_id: {"default": {"mode": "auto", "action": action, "parameters": parameters}}
        for policy_id, (action, parameters) in CHOSEN.items()
    },
}


@pytest.fixture(scope="module")
def ready(opa, tmp_path_factory):
    with settled(opa, tmp_path_factory.mktemp("settings"), SETTINGS) as running:
        yield running


def now():
    return datetime.now(UTC)  # noqa: TID251 - moto counts by the real clock


@pytest.fixture
def scene(ready, aws):
    make_table()
    made = Scene(ready.engine, ready.catalog, ready.entries)
    made.now = now()
    automation = automations.Automation()

    def ask(action, target):
        def service(name):
            return automation if name == "ssm" else made.sessions.service(name, target.account_id, target.region)

        return service

    made.parts = replace(made.parts, ask=ask, facts=lambda _: LiveFacts(AwsSessions(now), now))
    made.flow = Remediation(made.parts)
    return made


def target(policy_id, resource_type, resource_id):
    return Target(
        policy_id=policy_id,
        partition="aws",
        account_id=ACCOUNT,
        region=REGION,
        resource_type=resource_type,
        resource_id=resource_id,
    )


def approved(scene, waiting):
    assert (waiting.result, waiting.mode) == ("waiting", "approve")  # the settings say auto, the action says no
    return scene.flow.approve(waiting.id, scene.signed(waiting))


def taken_back(scene, attempt):
    return undo(scene.parts, attempt, scene.request(attempt.target, kind="command").trigger)


def to_the_end(scene, attempt):
    while attempt.result == "deferred":
        scene.later(minutes=5)
        attempt = scene.flow.go_on(attempt.id)
    return attempt


def test_missing_tags_are_set_and_taken_back(scene):
    topic = client("sns").create_topic(Name="orders")["TopicArn"]
    attempt = scene.considered(target(TAGS, "AWS::SNS::Topic", topic))
    assert (attempt.result, attempt.reason) == ("applied", "the policy passes")
    back = taken_back(scene, attempt)
    assert (back.result, back.reason) == ("undone", "it is as it was before")


def test_an_instance_is_cut_off_by_a_person_and_connected_again(scene):
    instance_id = instances.launched()
    attempt = to_the_end(scene, approved(scene, scene.considered(target(INSTANCES, instances.TYPE, instance_id))))
    assert (attempt.result, attempt.reason) == ("alerted", "done; the rest is up to a person")
    assert taken_back(scene, attempt).result == "undone"


def test_a_load_balancer_is_deleted_by_a_person(scene):
    arn = balancers.balancer()
    attempt = to_the_end(scene, approved(scene, scene.considered(target(BALANCERS, balancers.NEXT, arn))))
    assert attempt.result == "applied"


def test_a_runbook_is_waited_for(scene):
    arn = automations.balancer()
    attempt = scene.considered(target(HEADERS, balancers.NEXT, arn))
    assert attempt.result == "deferred"
    scene.later(minutes=5)
    attempt = scene.flow.go_on(attempt.id)
    assert (attempt.result, attempt.reason) == ("applied", "the policy passes")

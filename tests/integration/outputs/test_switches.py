"""Outputs are off until they are switched on, and then nothing of them is loaded or called."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from emulation.aws import ACCOUNTS
from integration.outputs.scene import BUCKET, ON, TABLE, TOPIC_ARN

MEMBER = ACCOUNTS[1]
NOON = "2026-03-02T12:00:00.250Z"
SERVICES = {"s3", "dynamodb", "securityhub", "sns"}
OFF = dict.fromkeys(ON)
LOADED = """
import os, sys
from opalite import app
app.parts(os.environ)
print(*sorted(name for name in sys.modules if name.startswith("opalite.")))
"""
OF_OUTPUTS = {
    "opalite.config_rule.outputs",
    "opalite.config_rule.suppressing",
    *(
        f"opalite.publish.{name}"
        for name in ("addressees", "closing", "finding", "life", "log_object", "notification", "record")
    ),
    *(
        f"opalite.adapters.aws.{name}"
        for name in ("allowance", "log_bucket", "pace", "security_hub", "standings", "topics")
    ),
    *(f"opalite.{name}" for name in ("publish.suppression", "adapters.aws.workflows")),
}


def asked(scene) -> set[str]:
    return SERVICES & {call.service for call in scene.aws.calls_made}


@pytest.mark.parametrize(
    ("variables", "services"),
    [
        ({}, set()),
        ({"OPALITE_LOG_BUCKET": BUCKET}, {"s3"}),
        ({"OPALITE_STATE_TABLE": TABLE}, {"dynamodb"}),
        ({"OPALITE_STATE_TABLE": TABLE, "OPALITE_SECURITY_HUB": "on"}, {"dynamodb", "securityhub"}),
        ({"OPALITE_STATE_TABLE": TABLE, "OPALITE_SECURITY_HUB": "off"}, {"dynamodb"}),
        ({"OPALITE_STATE_TABLE": TABLE, "OPALITE_TOPIC_ARN": TOPIC_ARN}, {"dynamodb", "sns"}),
    ],
    ids=["nothing", "log", "state", "findings", "no findings", "notifications"],
)
def test_only_what_is_switched_on_is_called(scene, deploy, rule, group, variables, services):
    function = deploy(**{**OFF, **variables})
    function(scene.aws.config.change_event(group("sg-1", opened=22), rule))
    function(scene.aws.config.schedule_event(MEMBER, rule, notified_at=NOON))
    assert asked(scene) == services


def test_an_output_that_is_switched_on_later_tells_of_what_is_still_open(scene, deploy, rule, group):
    event = scene.aws.config.change_event(group("sg-1", opened=22), rule)
    deploy(OPALITE_SECURITY_HUB=None, OPALITE_TOPIC_ARN=None)(event)
    assert scene.pending() == {f"{MEMBER} sg-1 restricted_ingress": ("securityhub",)}
    deploy()(scene.aws.config.schedule_event(MEMBER, rule, notified_at=NOON))
    assert [(one.status, one.updated) for one in scene.findings().values()] == [("FAILED", NOON)]
    assert (scene.changes(), scene.pending()) == ([], {})  # nobody wants to hear of what is long known


def test_a_test_of_aws_config_tells_nobody(scene, function, rule, group):
    change = scene.aws.config.change_event(group("sg-1", opened=22), rule, resultToken="TESTMODE")
    schedule = scene.aws.config.schedule_event(MEMBER, rule, notified_at=NOON, resultToken="TESTMODE")
    assert function(change)["outcomes"] == {"aws.ec2.securitygroup.restricted_ingress": "fail"}
    assert function(schedule)["delivered"] == {"NON_COMPLIANT": 1}
    assert [put.test_mode for put in scene.aws.config.put_calls] == [True, True]
    assert (asked(scene), scene.objects(), scene.standings()) == (set(), {}, {})
    assert (scene.findings(), scene.messages()) == ({}, [])


@pytest.mark.parametrize("variables", [{}, ON], ids=["off", "on"])
def test_what_is_off_is_not_loaded(layers, repository, variables):
    layer = layers()
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(repository / "handler"),
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "OPALITE_LAYER": str(layer.folder),
        "OPALITE_OPA_SOCKET": layer.socket,
        **variables,
    }
    done = subprocess.run([sys.executable, "-c", LOADED], env=environ, check=True, capture_output=True, text=True)
    assert OF_OUTPUTS & set(done.stdout.split()) == (OF_OUTPUTS if variables else set())

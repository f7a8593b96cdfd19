"""An instance that should not run is stopped, if that loses nothing. It is not mended by that: it has to be replaced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opalite.model import JsonObject
from opalite.remediation.action import Action, Found, Permission
from opalite.remediation.model import Call, Mode, Plan, Step, Until
from opalite.remediation.reading import instance as reading

_NAME = "stop_instance"
_STOPPED = frozenset({"stopped", "stopping"})
_ENDED = frozenset({"terminated", "shutting-down"})
_REPLACE = "the instance still breaks the policy: replace it by one from an approved image, then terminate it"
_INSTANCES = "arn:${AWS::Partition}:ec2:*:${AWS::AccountId}:instance/*"
_KEYS = "arn:${AWS::Partition}:kms:*:${AWS::AccountId}:key/*"

_PARAMETERS: JsonObject = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "lose_public_address": {
            "description": "Stop it even if AWS then takes back its public address, and gives it another one at the next start",
            "type": "boolean",
            "default": False,
        },
    },
}


def plan(found: Found) -> Plan:
    """One step, or why not."""
    details = found.state.details
    instance: JsonObject = details["instance"]
    state = str((found.state.item["configuration"].get("state") or {}).get("name"))
    if state in _ENDED:
        return Plan(action=_NAME, instructions=(f"it is {state}: there is nothing left to stop",), mends=False)
    if state in _STOPPED:
        return Plan(action=_NAME, instructions=(f"it is {state}", _REPLACE), mends=False)
    refusal = next(_refusals(details, instance, state, found.parameters), "")
    if refusal:
        return Plan(action=_NAME, refusal=refusal)
    return Plan(
        action=_NAME, steps=(_step(found.target.resource_id),), instructions=tuple(_advice(instance)), mends=False
    )


def _step(instance_id: str) -> Step:
    ids = {"InstanceIds": [instance_id]}
    return Step(
        name="stop",
        reason="it runs from an image that is not approved",
        call=Call("ec2", "StopInstances", ids),
        inverse=Call("ec2", "StartInstances", ids),
        until=Until(
            Call("ec2", "DescribeInstances", ids),
            "Reservations[0].Instances[0].State.Name",
            wanted=("stopped",),
            failed=("terminated", "shutting-down"),
            seconds=30,
        ),
    )


def _refusals(details: JsonObject, instance: JsonObject, state: str, parameters: Any) -> Iterator[str]:
    """In the order of what a person should hear first."""
    if state != "running":
        yield f"it is {state}: look again when it runs"
    yield from refusals_of_both(details, instance)
    if instance["root_device"] != "ebs":
        yield "its root disk is in its host and would be lost: save what is needed, and terminate it"
    if details["instance_store"] is not False:
        yield "its type has disks in the host, whose data would be lost: save them and stop it by hand, or quarantine it"
    if instance["lifecycle"] is not None:
        yield f"it is of kind {instance['lifecycle']}, which AWS stops and starts by rules of its own: end the request"
    if instance["hibernation"]:
        yield "it can hibernate, and what is in its memory would be lost: hibernate it by hand"
    protected: JsonObject = details["protected"]
    if protected["disableApiStop"] is not False:
        yield "it is protected from being stopped, or nobody knows: lift the protection first, if that is right"
    if protected["disableApiTermination"] is not False:
        yield "it is protected from termination, or nobody knows, so it is too important to stop unasked: stop it by hand"
    lent = [entry["id"] for entry in instance["interfaces"] if entry["lent_address"]]
    if lent and not parameters["lose_public_address"]:
        yield "its public address would be lost: quarantine it, stop it by hand, or set lose_public_address"


def refusals_of_both(details: JsonObject, instance: JsonObject) -> Iterator[str]:
    """What speaks against stopping as well as against isolating: others look after the instance."""
    group = details["tags"].get("aws:autoscaling:groupName")
    if group is not None:
        yield f"it belongs to Auto Scaling group {group}, which would replace it: give the group another image"
    if instance["managed_by"] is not None:
        yield f"it is managed by {instance['managed_by']}: change it there"
    if reading.KEEP in details["tags"]:
        yield f"its tag {reading.KEEP} asks that it be let alone"


def _advice(instance: JsonObject) -> Iterator[str]:
    yield _REPLACE
    if any(entry["lent_address"] for entry in instance["interfaces"]):
        yield "its public address is lost: whatever names it has to be told the new one"
    if instance["profile"] is not None:
        yield f"credentials that it got by {instance['profile']} are valid for some hours: revoke the role's sessions if in doubt"


ACTION = Action(
    name=_NAME,
    title="Stop an instance from an image that is not approved",
    resource_types=("AWS::EC2::Instance",),
    read=reading.read_for_stop,
    plan=plan,
    most=Mode.APPROVE,
    permissions=(
        *reading.STOP_PERMISSIONS,
        Permission(
            ("ec2:StartInstances", "ec2:StopInstances"),
            (_INSTANCES,),
            {
                "Null": {
                    "aws:ResourceTag/aws:autoscaling:groupName": "true",
                    f"aws:ResourceTag/{reading.KEEP}": "true",
                }
            },
        ),
        Permission(
            ("kms:CreateGrant",),
            (_KEYS,),
            {
                "Bool": {"kms:GrantIsForAWSResource": "true"},
                "StringLike": {"kms:ViaService": "ec2.*.amazonaws.com"},
            },
            reason="an instance with encrypted volumes starts again only for those who may let EC2 use the keys",
        ),
    ),
    parameters=_PARAMETERS,
)

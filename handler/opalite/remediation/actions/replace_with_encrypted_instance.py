"""An RDS DB instance that is not encrypted as it should be → one that is, under the same name. The original is kept.

What is planned follows from what exists: each thing has a name that never changes, so that any attempt goes on where another has
ended. See reading/rds.py for names and tags, reading/rds_settings.py for what is carried over, rds_replacement_steps.py for the steps.
"""

from __future__ import annotations

from opalite.model import JsonObject
from opalite.remediation.action import Action, Found, Permission
from opalite.remediation.model import Mode, Plan, State
from opalite.remediation.planning.rds_replacement import ASKED, CUT, KEY, key, left, view
from opalite.remediation.planning.rds_replacement_steps import steps
from opalite.remediation.planning.rds_replacement_words import instructions, refusal
from opalite.remediation.reading import rds
from opalite.remediation.reading.rds import TAG_KEEP, TAG_MADE, TAG_REPLACED

_NAME = "replace_with_encrypted_instance"

_PARAMETERS: JsonObject = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "key_arn": {
            "description": "ARN of the KMS key to encrypt with, in the instance's Region; empty: the key behind alias",
            "type": "string",
            "pattern": f"^(?:{KEY.pattern})?$",
            "default": "",
        },
        "alias": {
            "description": "Alias of the account's own key, below alias/opalite/; it must exist in each account and Region",
            "type": "string",
            "pattern": f"^{rds.ALIASES}[A-Za-z0-9/_-]{{1,240}}$",
            "default": "alias/opalite/rds",
        },
        "writes": {
            "description": "How writes are kept away while the copy is made. asked: whoever approves has stopped the writers, and the "
            "instance can be read until names are swapped; cut: the original is renamed first, so that nobody finds it",
            "enum": [ASKED, CUT],
            "default": ASKED,
        },
        "snapshot_hours": {
            "description": "With asked: how old the snapshot of an earlier attempt may be for another one to go on with it",
            "type": "integer",
            "minimum": 1,
            "maximum": 168,
            "default": 4,
        },
        "keep_days": {
            "description": "How many days the original is to be kept; people delete it, nobody else does",
            "type": "integer",
            "minimum": 1,
            "maximum": 365,
            "default": 30,
        },
    },
}

_RDS = "arn:${AWS::Partition}:rds:*:${AWS::AccountId}"
_OURS = f"aws:ResourceTag/{TAG_MADE}"
_PERMISSIONS = (
    Permission(
        ["rds:DescribeBlueGreenDeployments", "rds:DescribeDBInstances", "rds:DescribeDBProxies", "rds:DescribeDBProxyTargets",
         "rds:DescribeDBSnapshots", "kms:ListAliases"],
        reason="they list: what there is is not known before",
    ),
    Permission(
        ["rds:CreateDBSnapshot"],
        [f"{_RDS}:db:*", f"{_RDS}:snapshot:*-opalite-plain-*", f"{_RDS}:snapshot:*-opalite-undone-*"],
        reason="the original has any name; snapshots only under ours, that of a replacement that is taken back without a tag",
    ),
    Permission(
        ["rds:CopyDBSnapshot"],
        [f"{_RDS}:snapshot:*-opalite-plain-*", f"{_RDS}:snapshot:*-opalite-encrypted-*"],
    ),
    Permission(
        ["rds:RestoreDBInstanceFromDBSnapshot"],
        [f"{_RDS}:db:*-opalite-new-*", f"{_RDS}:snapshot:*-opalite-encrypted-*", f"{_RDS}:subgrp:*", f"{_RDS}:og:*", f"{_RDS}:pg:*"],
        {"StringLike": {f"aws:RequestTag/{TAG_MADE}": "db-*"}},
        reason="the groups are those of the original",
    ),
    Permission(
        ["rds:AddTagsToResource"],
        [f"{_RDS}:db:*-opalite-new-*", f"{_RDS}:snapshot:*-opalite-plain-*", f"{_RDS}:snapshot:*-opalite-encrypted-*"],
        {"StringLike": {f"aws:RequestTag/{TAG_MADE}": "db-*"}},
        reason="what is made is tagged as it is made, with the tags of the original",
    ),
    Permission(
        ["rds:AddTagsToResource", "rds:RemoveTagsFromResource"],
        [f"{_RDS}:db:*"],
        {"ForAllValues:StringEquals": {"aws:TagKeys": [TAG_KEEP, TAG_REPLACED]}, "Null": {"aws:TagKeys": "false"}},
        reason="the original has any name, and gets only these two tags",
    ),
    Permission(
        ["rds:ModifyDBInstance"],
        [f"{_RDS}:db:*"],
        reason="the original has any name, and IAM has no condition for what is modified",
    ),
    Permission(["rds:DeleteDBInstance"], [f"{_RDS}:db:*-opalite-new-*"], {"StringLike": {_OURS: "db-*"}}),
    Permission(
        ["rds:DeleteDBSnapshot"],
        [f"{_RDS}:snapshot:*-opalite-plain-*", f"{_RDS}:snapshot:*-opalite-encrypted-*"],
        {"StringLike": {_OURS: "db-*"}},
    ),
    Permission(
        ["kms:DescribeKey"],
        ["arn:${AWS::Partition}:kms:*:*:key/*"],
        reason="RDS wants it of whoever copies, and the policy asks whose key it is; which key is a setting",
    ),
    Permission(
        ["kms:CreateGrant"],
        ["arn:${AWS::Partition}:kms:*:*:key/*"],
        {"StringLike": {"kms:ViaService": "rds.*.amazonaws.com*"}, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        reason="RDS uses the key for whoever copies and restores; which key is a setting, and its policy has to agree",
    ),
    Permission(
        ["iam:PassRole"],
        ["arn:${AWS::Partition}:iam::${AWS::AccountId}:role/*"],
        {"StringEquals": {"iam:PassedToService": "monitoring.rds.amazonaws.com"}},
        reason="the role of enhanced monitoring is that of the original",
    ),
)  # fmt: skip


def plan(found: Found) -> Plan:
    """Total: what is missing, or why nothing is done. Once all is done, what people have to do with the original."""
    seen = view(found)
    arn = key(seen)
    if why := refusal(found, seen, arn):
        return Plan(action=_NAME, refusal=why)
    told = instructions(found, seen)
    todo = steps(seen, arn or "")
    return Plan(action=_NAME, steps=todo, instructions=told, successor=seen.names.instance if todo else None)


def simulated(state: State, plan: Plan) -> State:
    """With the key of the replacement, so that it is known before anything is made whether the policy takes it."""
    asked = [step.call.parameters["KmsKeyId"] for step in plan.steps if "KmsKeyId" in step.call.parameters]
    details = state.details
    made = [
        thing["key"]
        for thing in (*details["snapshots"].values(), *details["others"].values())
        if _is_ours(thing, details)
    ]
    arn = next((key for key in (*asked, *made) if key), None)
    told = {"storageEncrypted": arn is not None, "kmsKeyId": arn}
    return State({**state.item, "configuration": {**state.item["configuration"], **told}}, details)


def _is_ours(thing: JsonObject, details: JsonObject) -> bool:
    return bool(thing["tags"].get(TAG_MADE) == details["resource_id"])


ACTION = Action(
    name=_NAME,
    title="Replace the DB instance by an encrypted copy of the same name, and keep the original",
    resource_types=("AWS::RDS::DBInstance",),
    read=rds.read_instance,
    plan=plan,
    most=Mode.APPROVE,
    permissions=_PERMISSIONS,
    parameters=_PARAMETERS,
    simulated=simulated,
    left=left,
)

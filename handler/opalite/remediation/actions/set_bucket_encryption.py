"""set_bucket_encryption: new objects of a bucket are encrypted with a customer managed key, which is made if there is none.

The order of calls: CreateKey, CreateAlias, EnableKeyRotation (as far as they are missing), PutBucketEncryption.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from opalite.model import JsonObject
from opalite.remediation.action import Action, Ask, Found, only
from opalite.remediation.model import OUTPUT, Call, Mode, Plan, State, Step, Target
from opalite.remediation.planning.bucket_encryption_terms import BUCKET_KEY_ONLY, PARAMETERS, PERMISSIONS, instructions
from opalite.remediation.planning.bucket_key_terms import BucketKeyTerms
from opalite.remediation.planning.bucket_users import NewKey, hindrance
from opalite.remediation.planning.key_check import check_step
from opalite.remediation.planning.new_bucket_key import ALIASES, TAG, key_steps
from opalite.remediation.reading.bucket import bucket, bucket_item
from opalite.remediation.reading.key import keys

NAME = "set_bucket_encryption"
_KNOWN = frozenset({"account", "bucket_key", "encryption", "key"})  # subjects of the policy's violations
_KEY_ARN = re.compile(r"arn:([^:]+):kms:([^:]+):([0-9]{12}):key/[A-Za-z0-9-]+")
_DSSE = "aws:kms:dsse"
_ENCRYPT = "encrypt_bucket"


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A key, and what has to be done before it can be used. `arn`: None while it does not exist."""

    arn: str | None
    steps: tuple[Step, ...] = ()
    named: tuple[str, ...] | None = None


class _RefusedError(Exception):
    """Why nothing is planned."""


def read(ask: Ask, target: Target) -> State:
    """The bucket, and the keys that come into question. Raises Absent if the bucket is gone."""
    state = bucket(ask, target)
    found = keys(ask, aliases=ALIASES, tag=TAG, terms=BucketKeyTerms(target))
    return State(state.item, {**state.details, "keys": found})


def plan(found: Found) -> Plan:
    """Total: a refusal wherever something is unclear."""
    try:
        return _planned(found)
    except _RefusedError as refused:
        return Plan(action=NAME, refusal=str(refused))


def simulated(state: State, planned: Plan) -> State | None:
    """The bucket after the plan; None if its key does not exist yet, because nobody knows anything of it then."""
    step = next((step for step in planned.steps if step.name == _ENCRYPT), None)
    if step is None:
        return state
    rules = step.call.parameters["ServerSideEncryptionConfiguration"]["Rules"]
    key = rules[0]["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID")
    if isinstance(key, Mapping):
        return None
    body = {
        **state.item,
        "supplementaryConfiguration": bucket_item(_target(state.item), rules, {})["supplementaryConfiguration"],
    }
    return replace(state, item=body, details={**state.details, "rules": rules})


def left(details: JsonObject) -> JsonObject:
    """The bucket's encryption and policy: keys are others' as well, and a key that is in danger is a reason to undo."""
    kept: JsonObject = only(details, "rules", "statements", "unreadable")
    return kept


def _target(body: JsonObject) -> Target:
    return Target(
        policy_id="",
        partition=body["ARN"].split(":")[1],
        account_id=body["awsAccountId"],
        region=body["awsRegion"],
        resource_type=body["resourceType"],
        resource_id=body["resourceId"],
    )


def _planned(found: Found) -> Plan:
    details = found.state.details
    rules = details["rules"]
    if rules is not None and len(rules) != 1:
        raise _RefusedError(
            f"the bucket has {len(rules)} encryption rules, where S3 knows one: set its encryption by hand"
        )
    rule = dict(rules[0]) if rules else {}
    subjects = {str(violation.get("subject")) for violation in found.decision.violations}
    if not subjects or not subjects <= _KNOWN:
        raise _RefusedError("the policy tells something that this action does not know: set the encryption by hand")
    if subjects == {"bucket_key"} and "ApplyServerSideEncryptionByDefault" in rule:
        step = _encrypt(found.target, rules, {**rule, "BucketKeyEnabled": True})
        return Plan(action=NAME, steps=() if rule.get("BucketKeyEnabled") else (step,), instructions=BUCKET_KEY_ONLY)
    chosen = _chosen(found, subjects)
    wanted = _rule(rule, chosen.arn)
    key = NewKey(
        algorithm=wanted["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"],
        arn=chosen.arn,
        prepared=found.parameters["prepared_principals"],
        named=chosen.named,
    )
    if why := hindrance(details, found.target.account_id, key):
        raise _RefusedError(why)
    if wanted == rule:
        raise _RefusedError(
            "the bucket is encrypted as this action does it, and the policy asks for more: add the key to allowed_keys, or name "
            "another in key_arn"
        )
    steps = (*chosen.steps, _encrypt(found.target, rules, wanted))
    return Plan(
        action=NAME,
        steps=steps,
        instructions=instructions(found, wanted, made=chosen.arn is None),
        locks=(f"kms/{found.target.account_id}/{found.target.region}/{found.parameters['alias']}",)
        if chosen.steps
        else (),
    )


def _chosen(found: Found, subjects: set[str]) -> _Chosen:
    if arn := found.parameters["key_arn"]:
        return _given(found.target, arn)
    alias = found.parameters["alias"]
    known = found.state.details["keys"]
    behind = next((key for key in known if alias in key["aliases"]), None)
    if behind is not None and behind["unusable"]:
        raise _RefusedError(
            f"{alias} belongs to a key that nobody should rely on ({behind['unusable']}): mend the key or give the alias to another, "
            "or say that you vouch for one by naming it in key_arn"
        )
    if behind is None:  # what an attempt has left that broke off
        behind = next((key for key in known if key["tag"] == alias and not key["unusable"]), None)
    if behind is None and subjects & {"key", "account"}:
        raise _RefusedError(f"the policy allows certain keys only: name one in key_arn, or give it the alias {alias}")
    steps = key_steps(found.target, alias, behind, found.parameters["key_tags"])
    named = None if behind is None or behind["named"] is None else tuple(behind["named"])
    return _Chosen(None if behind is None else behind["arn"], steps, () if named is None else named)


def _given(target: Target, arn: str) -> _Chosen:
    """A key that the settings name; it is looked at before anything is done with it."""
    found = _KEY_ARN.fullmatch(arn)
    if found is None or found[1] != target.partition or found[2] != target.region:
        raise _RefusedError(
            f"key_arn is not the ARN of a key in {target.region}: S3 takes keys of the bucket's Region only"
        )
    return _Chosen(arn, (check_step(arn, "the key must be there, enabled, symmetric and not of AWS"),), None)


def _rule(rule: JsonObject, arn: str | None) -> JsonObject:
    """The rule with the key, and whatever else stands in it. DSSE stays DSSE, which has no bucket keys."""
    default = rule.get("ApplyServerSideEncryptionByDefault") or {}
    dsse = default.get("SSEAlgorithm") == _DSSE
    key: Any = {OUTPUT: "key_arn"} if arn is None else arn
    return {
        **rule,
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": _DSSE if dsse else "aws:kms", "KMSMasterKeyID": key},
        "BucketKeyEnabled": rule.get("BucketKeyEnabled", False) if dsse else True,
    }


def _encrypt(target: Target, rules: list[JsonObject] | None, wanted: JsonObject) -> Step:
    named = {"Bucket": target.resource_id, "ExpectedBucketOwner": target.account_id}

    def put(to: list[JsonObject]) -> Call:
        return Call("s3", "PutBucketEncryption", {**named, "ServerSideEncryptionConfiguration": {"Rules": to}})

    return Step(
        name=_ENCRYPT,
        reason="new objects are encrypted with the key",
        call=put([wanted]),
        inverse=put(rules) if rules else Call("s3", "DeleteBucketEncryption", named),
    )


ACTION = Action(
    name=NAME,
    title="Encrypt new objects of a bucket with a customer managed key",
    resource_types=("AWS::S3::Bucket",),
    read=read,
    plan=plan,
    most=Mode.AUTO,
    permissions=PERMISSIONS,
    parameters=PARAMETERS,
    simulated=simulated,
    left=left,
)

"""Who works with the objects of a bucket and could not any more, once new ones are encrypted with a KMS key. Pure, and cautious.

Whoever uses an object must be let use its key, too. Within the account the key's policy sees to that; others are refused by KMS:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from opalite.model import JsonObject
from opalite.remediation.matching import matches

# Of all that S3 lets one do, what reads or writes the content of an object.
_READS_OR_WRITES = (
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:GetObjectVersionForReplication",
    "s3:PutObject",
    "s3:ReplicateObject",
)
_PUT = "s3:PutObject"
_LOG_DELIVERY = "/groups/s3/LogDelivery"
# Why a user of a bucket cannot simply go on, and what there is to do.
_SERVICES = {
    "cloudfront.amazonaws.com": "let the distribution use the key (AWS:SourceArn in the key's policy)",
    "delivery.logs.amazonaws.com": "let it use the key, if it delivers no logs of load balancers, which take SSE-S3 only",
    "logging.s3.amazonaws.com": "let it use the key",
}
_NAME_IT = "let the key's policy name it"
_NAME_THEM = (
    "name the accounts instead, or set aws:PrincipalAccount to this one; exempt the bucket if it is to be public"
)
# Whom no key could be prepared for.
_NEVER = {
    "logdelivery.elasticloadbalancing.amazonaws.com": "access logs of load balancers take SSE-S3 only: exempt the bucket"
}
_HEADER = "s3:x-amz-server-side-encryption"
_KEY_HEADER = f"{_HEADER}-aws-kms-key-id"
_ACCOUNT = re.compile(r"arn:[^:]+:(?:iam|sts)::([0-9]{12}):")


@dataclass(frozen=True, slots=True)
class NewKey:
    """What new objects shall be encrypted with. `arn`: None for a key that is still to be made.

    `prepared`: who may use the key already, says a person. `named`: whom the key's policy names; None if that is not known.
    """

    algorithm: str
    arn: str | None
    prepared: Mapping[str, str]
    named: Sequence[str] | None


def hindrance(details: JsonObject, account_id: str, key: NewKey) -> str | None:
    """The first reason why the bucket must be left alone, with what a person can do."""
    return next(_hindrances(details, account_id, key), None)


def _hindrances(details: JsonObject, account_id: str, key: NewKey) -> Iterator[str]:
    if details["unreadable"]:
        yield f"the bucket's policy cannot be told ({details['unreadable']}): see who uses the bucket, and set the key by hand"
    if details["website"]:
        yield "the bucket is a website, whose visitors are anonymous, and KMS serves nobody anonymous: put CloudFront before it"
    yield from _by_acl(details)
    for number, statement in enumerate(details["statements"], 1):
        name = statement["sid"] or f"statement {number}"
        if told := _demand(statement, key):
            yield f"the bucket's policy ({name}) {told}: change the policy first"
        for kind, principal in _strangers(statement, account_id):
            if not _is_prepared(principal, key):
                yield _told_of(name, kind, principal, key)
    for rule in details["replication"]:
        if not rule["kms"]:
            yield (
                f"replication rule {rule['id']!r} leaves out what KMS keys have encrypted: set SourceSelectionCriteria."
                "SseKmsEncryptedObjects and a replica key, and let its role use both keys"
            )


def _by_acl(details: JsonObject) -> Iterator[str]:
    for grant in details["grants"]:
        if grant["to"].endswith(_LOG_DELIVERY):
            yield "the bucket receives server access logs by its ACL, and log delivery needs the key: use a bucket policy for it"
        else:
            yield f"the bucket's ACL lets {grant['to']} in, who could not use the key: disable ACLs (BucketOwnerEnforced)"
    if details["acls"] and not details["public_acls_ignored"]:
        yield (
            "objects may be public by their ACLs, and KMS serves nobody anonymous: disable ACLs (BucketOwnerEnforced), or have "
            "public ones ignored (IgnorePublicAcls)"
        )


def _strangers(statement: JsonObject, account_id: str) -> Iterator[tuple[str, str]]:
    """Whom else than its own account a statement lets read or write objects, by kind."""
    if statement["effect"] != "Allow" or not _concerns(statement, _READS_OR_WRITES):
        return
    if statement["not_principals"] is not None:
        yield "AWS", "*"
    for kind, principals in (statement["principals"] or {}).items():
        for principal in principals:
            if kind != "AWS" or not _is_own(principal, statement, account_id):
                yield kind, principal


def _concerns(statement: JsonObject, actions: Sequence[str]) -> bool:
    if statement["not_actions"]:
        return any(not any(matches(pattern, action) for pattern in statement["not_actions"]) for action in actions)
    return any(matches(pattern, action) for pattern in statement["actions"] for action in actions)


def _is_own(principal: str, statement: JsonObject, account_id: str) -> bool:
    if principal == "*":
        return any(
            condition["operator"] == "StringEquals"
            and condition["key"] == "aws:principalaccount"
            and condition["values"] == [account_id]
            for condition in statement["conditions"]
        )
    found = _ACCOUNT.match(principal)
    return (found[1] if found else principal) == account_id


def _is_prepared(principal: str, key: NewKey) -> bool:
    """A key that is still to be made serves nobody else; of a key that can be read, the policy must bear a person's word out."""
    if key.arn is None or principal not in key.prepared:
        return False
    return key.named is None or principal in key.named


def _told_of(name: str, kind: str, principal: str, key: NewKey) -> str:
    who = "everybody" if principal == "*" else principal
    remedy = f"{_SERVICES.get(principal, _NAME_IT)}; then tell it in prepared_principals"
    if principal == "*":
        remedy = _NAME_THEM
    elif principal in _NEVER:
        remedy = _NEVER[principal]
    elif kind == "CanonicalUser" or "CloudFront Origin Access Identity" in principal:
        remedy = "an origin access identity cannot use KMS: change to origin access control"
    elif principal in key.prepared and key.arn is not None:
        remedy = "it is said to be prepared, but the key's policy does not name it"
    return f"the bucket's policy ({name}) lets {who} read or write objects, who could not use the key: {remedy}"


def _demand(statement: JsonObject, key: NewKey) -> str | None:
    """What a statement demands of uploads that they could not, or would never, meet with the key."""
    if not _concerns(statement, (_PUT,)):
        return None
    for condition in statement["conditions"]:
        operator = condition["operator"].removesuffix("IfExists")
        if condition["key"] == _HEADER and not _suits(
            statement["effect"], operator, condition["values"], key.algorithm
        ):
            return f"sets another encryption of uploads than {key.algorithm}"
        if condition["key"] == _KEY_HEADER and not _suits(
            statement["effect"], operator, condition["values"], key.arn or ""
        ):
            return "sets another key of uploads"
    return None


def _suits(effect: str, operator: str, values: Sequence[str], wanted: str) -> bool:
    if operator == "Null":
        return True  # that the header is there or is not, whatever it says
    if effect == "Deny" and operator in {"StringEquals", "StringLike"}:
        return not any(matches(value, wanted) for value in values)
    allowing = {"StringNotEquals", "StringNotLike"} if effect == "Deny" else {"StringEquals", "StringLike"}
    return operator in allowing and any(value.lower() == wanted.lower() for value in values)

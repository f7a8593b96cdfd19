"""What arrives by other doors than a snapshot: history files, AWS's APIs, JSON Lines, and events."""

# ruff: noqa: INP001 - a script's neighbour, not a package
from __future__ import annotations

import story
from shapes import JsonObject, Place, compact, deleted, digest, group, permission, uuid
from shapes_compute import instance, role
from shapes_messages import secret
from shapes_rds import db_instance
from shapes_storage import bucket, key_arn
from story import WORLD4
from told import FAIL, NOT_APPLICABLE, PASS, PRODUCTION, PRODUCTION_US, SANDBOX, SECURITY, UNDETERMINED, Told, told

_SSH_TO_ALL = permission("tcp", (22, 22), WORLD4, note="debugging")
_SSH_FROM_OFFICE = permission("tcp", (22, 22), "198.51.100.17/32")


def group_history() -> list[Told]:
    """How an open door was noticed: opened by hand, closed again, the group deleted in the end."""
    opened = group(PRODUCTION, "incident-4711", _SSH_TO_ALL, configurationItemCaptureTime="2026-11-18T18:02:11.340Z")
    narrowed = group(
        PRODUCTION, "incident-4711", _SSH_FROM_OFFICE, configurationItemCaptureTime="2026-11-18T18:41:57.009Z"
    )
    gone = deleted(narrowed, "2026-11-19T09:15:30.771Z")
    return [
        told(opened, restricted_ingress=FAIL),
        told(narrowed, restricted_ingress=PASS),
        told(gone, restricted_ingress=NOT_APPLICABLE),
    ]


def bucket_history() -> list[Told]:
    """A bucket that was moved from the default encryption to the organization's key."""
    before = bucket(SECURITY, "org-findings", configurationItemCaptureTime="2026-11-19T07:20:45.600Z")
    after = bucket(
        SECURITY,
        "org-findings",
        "aws:kms",
        key_arn(SECURITY, "org-audit"),
        configurationItemCaptureTime="2026-11-19T07:32:02.118Z",
    )
    return [told(before, encryption=FAIL), told(after, encryption=PASS)]


def one_resource() -> list[Told]:
    """The newest item first, as the API orders them."""
    built = instance(PRODUCTION_US, "release-runner", story.GOLDEN)
    drifted = instance(
        PRODUCTION_US,
        "release-runner",
        story.WITHDRAWN,
        configurationItemCaptureTime="2026-11-19T20:10:03.482Z",
    )
    gone = deleted(drifted, "2026-11-19T22:00:41.917Z")
    return [
        told(gone, approved_image=NOT_APPLICABLE),
        told(drifted, approved_image=FAIL),
        told(built, approved_image=PASS),
    ]


def batch() -> list[Told]:
    return [
        told(bucket(PRODUCTION, "payroll-archive", "aws:kms", key_arn(PRODUCTION, "payroll")), encryption=PASS),
        told(group(PRODUCTION, "payroll-admin", permission("tcp", (3380, 3400), WORLD4)), restricted_ingress=FAIL),
        told(instance(PRODUCTION, "payroll-batch", story.NOT_DESCRIBED), approved_image=UNDETERMINED),
        told(
            db_instance(PRODUCTION, "payroll-reports", key_arn(PRODUCTION, "payroll")),
            encryption=PASS,
            required_tags=FAIL,  # batch-get leaves tags out, but RDS repeats them
        ),
    ]


def selected() -> list[Told]:
    return [
        told(bucket(SANDBOX, "sandbox-notebooks", "aws:kms", "alias/aws/s3"), encryption=PASS),
        told(group(SANDBOX, "hackday-redis", permission("tcp", (6379, 6379), WORLD4)), restricted_ingress=PASS),
        told(group(SANDBOX, "hackday-all", permission("-1", None, WORLD4)), restricted_ingress=FAIL),
        told(instance(SANDBOX, "try-untagged", story.GOLDEN_UNTESTED), approved_image=FAIL),
        told(secret(SANDBOX, "hackday/token", key_arn(SANDBOX, "hackday")), encryption=UNDETERMINED),
    ]


def exported() -> list[Told]:
    return [
        told(instance(SECURITY, "forensics-1", story.GOLDEN_TAGGED, "stopped"), approved_image=PASS),
        told(group(SECURITY, "forensics", permission("tcp", (22, 22), "10.20.0.0/16")), restricted_ingress=PASS),
        told(bucket(SECURITY, "forensics-images", "aws:kms", key_arn(SECURITY, "org-audit")), encryption=PASS),
    ]


def events() -> dict[str, tuple[JsonObject, list[Told]]]:
    """Events by file name; what each is judged as stands beside it."""
    changed = group(PRODUCTION, "shop-admin", _SSH_TO_ALL, configurationItemCaptureTime="2026-11-19T14:26:08.551Z")
    closed = group(PRODUCTION, "shop-admin", _SSH_FROM_OFFICE, configurationItemCaptureTime="2026-11-19T15:02:44.020Z")
    gone = deleted(instance(SANDBOX, "hackday-tmp", story.LOOKALIKE), "2026-11-19T16:40:12.305Z")
    left = bucket(PRODUCTION, "shop-returns", configurationItemCaptureTime="2026-11-19T17:11:30.900Z")
    large = bucket(PRODUCTION, "shop-partner-feed", configurationItemCaptureTime="2026-11-19T17:45:02.644Z")
    scheduled = {
        "awsAccountId": PRODUCTION.account,
        "messageType": "ScheduledNotification",
        "recordVersion": "1.0",
    }
    return {
        "change.json": (
            rule_event(PRODUCTION, "restricted-ingress", change(changed, port_opened())),
            [told(changed, restricted_ingress=FAIL)],
        ),
        "sns-change.json": (sns(change(closed, port_opened())), [told(closed, restricted_ingress=PASS)]),
        "deleted.json": (
            rule_event(SANDBOX, "approved-image", change(gone, instance_gone())),
            [told(gone, approved_image=NOT_APPLICABLE)],
        ),
        "left-scope.json": (
            rule_event(PRODUCTION, "bucket-encryption", change(left, None), left=True),
            [told(left, encryption=NOT_APPLICABLE)],
        ),
        "oversized.json": (
            rule_event(PRODUCTION, "bucket-encryption", oversized(large)),
            [told(large, encryption=UNDETERMINED)],
        ),
        "scheduled.json": (
            rule_event(PRODUCTION, "approved-image", scheduled | notified("2026-11-20T00:00:00.000Z")),
            [],
        ),
    }


def examples() -> dict[str, dict[str, JsonObject]]:
    """Items for the policies of samples/custom, by the policy's folder and the example's name."""
    here, image, of_rds = PRODUCTION, story.GOLDEN, "/aws-service-role/rds.amazonaws.com/"
    return {
        "ec2/instance/patch_group": {
            "pass_weekly": instance(here, "shop-worker-1", image, tags={"PatchGroup": "linux-weekly"}),
            "fail_untagged": instance(here, "shop-api-1", image),
            "fail_unknown_group": instance(here, "timesheet-import", image, tags={"PatchGroup": "none"}),
            "not_applicable_terminated": instance(here, "shop-api-0", image, "terminated"),
        },
        "iam/role/permissions_boundary": {
            "pass_workload": role(here, "shop-instance", "ec2.amazonaws.com", "workload"),
            "fail_without": role(here, "shop-thumbnailer-role", "lambda.amazonaws.com"),
            "fail_another": role(here, "ci-deploy", "codebuild.amazonaws.com", "all-but-billing"),
            "not_applicable_of_a_service": role(here, "AWSServiceRoleForRDS", "rds.amazonaws.com", path=of_rds),
        },
    }


def port_opened() -> JsonObject:
    added = {"previousValue": None, "updatedValue": _SSH_TO_ALL, "changeType": "CREATE"}
    return {"changedProperties": {"Configuration.IpPermissions.0": added}, "changeType": "UPDATE"}


def instance_gone() -> JsonObject:
    before = instance(SANDBOX, "hackday-tmp", story.LOOKALIKE, "terminated")["configuration"]
    return {
        "changedProperties": {"Configuration": {"previousValue": before, "updatedValue": None, "changeType": "DELETE"}},
        "changeType": "DELETE",
    }


def notified(instant: str) -> JsonObject:
    return {"notificationCreationTime": instant}


def change(item: JsonObject, diff: JsonObject | None) -> JsonObject:
    """The invoking event of a change; Config notifies within the second."""
    body = {"configurationItemDiff": diff, "configurationItem": item}
    return (
        body
        | notified(item["configurationItemCaptureTime"][:-4] + "999Z")
        | {"messageType": "ConfigurationItemChangeNotification", "recordVersion": "1.3"}
    )


def oversized(item: JsonObject) -> JsonObject:
    """The invoking event of an item too large to be sent: a summary, and where the whole item lies."""
    absent = ("relatedEvents", "relationships", "configuration", "supplementaryConfiguration", "tags")
    summary = {"changeType": "UPDATE"} | {name: value for name, value in item.items() if name not in absent}
    account, region, kind, name = (item[key] for key in ("awsAccountId", "awsRegion", "resourceType", "resourceId"))
    folder = f"AWSLogs/{account}/Config/{region}/2026/11/19/OversizedChangeNotification/{kind}/{name}"
    object_name = f"{account}_Config_{region}_ChangeNotification_{kind}_{name}_20261119T174503Z_0.json.gz"
    delivery = {
        "s3BucketLocation": f"org-config/{folder}/{object_name}",
        "errorCode": None,
        "errorMessage": None,
    }
    body = {"configurationItemSummary": summary, "s3DeliverySummary": delivery}
    return (
        body
        | notified("2026-11-19T17:45:03.120Z")
        | {"messageType": "OversizedConfigurationItemChangeNotification", "recordVersion": "1.0"}
    )


def rule_event(place: Place, rule: str, invoking: JsonObject, *, left: bool = False) -> JsonObject:
    """What AWS Config hands to the function of an organization's rule."""
    rule_id = f"config-rule-{digest('rule', rule)[:6]}"
    owner = f"arn:aws:config:{place.region}:{place.account}:config-rule"
    recorder = "aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
    return {
        "version": "1.0",
        "invokingEvent": compact(invoking),
        "ruleParameters": "{}",
        "resultToken": "TESTMODE",
        "eventLeftScope": left,
        "executionRoleArn": f"arn:aws:iam::{place.account}:role/{recorder}",
        "configRuleArn": f"{owner}/aws-service-rule/config-multiaccountsetup.amazonaws.com/{rule_id}",
        "configRuleName": f"OrgConfigRule-{rule}-{digest('org rule', rule)[:8]}",
        "configRuleId": rule_id,
        "accountId": place.account,
        "evaluationMode": "DETECTIVE",
    }


def sns(message: JsonObject) -> JsonObject:
    """A message of the delivery channel's topic, as SNS posts it."""
    item = message["configurationItem"]
    account, region = item["awsAccountId"], item["awsRegion"]
    topic = f"arn:aws:sns:{region}:{account}:config-changes"
    subject = f"[AWS Config:{region}] {item['resourceType']} {item['resourceId']} Updated in Account {account}"
    head = {
        "Type": "Notification",
        "MessageId": uuid("message", item["resourceId"]),
        "TopicArn": topic,
        "Subject": subject,
    }
    return head | {
        "Message": compact(message),
        "Timestamp": message["notificationCreationTime"],
        "SignatureVersion": "1",
    }

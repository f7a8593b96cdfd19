"""What is asked once, in the caller's own account."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from opalite.doctor import function as functions
from opalite.doctor import layer, outputs, rules
from opalite.doctor import organization as organizations
from opalite.doctor.asking import Asking
from opalite.doctor.diagnosis import Diagnosis, Reply, skipped
from opalite.doctor.settings import Subject, unnamed
from opalite.ports import Place

ACTIONS: Final = (  # of the caller, in the function's account
    "cloudwatch:GetMetricData",
    "config:DescribeOrganizationConfigRuleStatuses",
    "config:DescribeOrganizationConfigRules",
    "config:GetOrganizationConfigRuleDetailedStatus",
    "dynamodb:DescribeTable",
    "dynamodb:DescribeTimeToLive",
    "dynamodb:GetItem",
    "lambda:GetFunctionConcurrency",
    "lambda:GetFunctionConfiguration",
    "lambda:GetFunctionEventInvokeConfig",
    "lambda:GetLayerVersion",
    "lambda:GetPolicy",
    "lambda:GetResourcePolicy",
    "organizations:DescribeAccount",
    "organizations:DescribeOrganization",
    "organizations:ListAWSServiceAccessForOrganization",
    "organizations:ListAccounts",
    "organizations:ListDelegatedAdministrators",
    "s3:GetBucketLocation",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetEncryptionConfiguration",
    "sns:GetTopicAttributes",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
)
# https://docs.aws.amazon.com/config/latest/APIReference/API_GetOrganizationConfigRuleDetailedStatus.html
_FAILURES: Final = ("CREATE_FAILED", "UPDATE_FAILED", "DELETE_FAILED")
# As opalite.adapters.aws.standing_item and opalite.remediation.aws.ledger have them.
STANDINGS: Final = (("finding_id",), "expires")
LEDGER: Final = (("pk", "sk"), "expires")
LEDGER_INDEX: Final = ("due", ("due", "due_at"))
PROBE_KEY: Final = ".doctor/probe"
_AGE_MINUTES: Final = 15


def configuration(asking: Asking, subject: Subject, home: Place) -> Reply:
    """Of the function, if one was named."""
    if subject.function is None:
        return Reply()
    return asking.ask("lambda", home, "GetFunctionConfiguration", FunctionName=subject.function)


def is_caller(asking: Asking, home: Place, role: str) -> bool:
    """Whether the caller has assumed the role of that ARN; its path is not told of a session."""
    arn = str((asking.ask("sts", home, "GetCallerIdentity").value or {}).get("Arn", ""))
    _, _, name = role.rpartition("/")
    return bool(name) and arn.split(":")[4:5] == role.split(":")[4:5] and f":assumed-role/{name}/" in arn


def organization(asking: Asking, home: Place, *, hub: bool) -> organizations.Seen:
    """Who administers what; nothing else is asked where there is no organization."""
    everywhere = home._replace(region="")
    found = asking.ask("organizations", everywhere, "DescribeOrganization", member="Organization")
    seen = organizations.Seen(home.account_id, found, hub=hub)
    if found.value is None:
        return seen
    operation, member = "ListDelegatedAdministrators", "DelegatedAdministrators"
    return replace(
        seen,
        delegated={
            principal: asking.pages("organizations", everywhere, operation, member, ServicePrincipal=principal)
            for principal in organizations.DELEGATED.values()
        },
        trusted=asking.pages(
            "organizations", everywhere, "ListAWSServiceAccessForOrganization", "EnabledServicePrincipals"
        ),
    )


def organization_rules(asking: Asking, subject: Subject, home: Place) -> tuple[Reply, Iterator[Diagnosis]]:
    """The organization's rules of the function, and what is to be said of them."""
    if subject.function is None:
        checks = ("rule_name", "organization_rules", "organization_rule_accounts")
        return Reply(()), (skipped(check, "no --function was named") for check in checks)
    every = _organization_rules(asking, home)
    found = rules.of_function(every, subject.function)
    statuses = asking.pages("config", home, "DescribeOrganizationConfigRuleStatuses", "OrganizationConfigRuleStatuses")
    failed = {name: _failed(asking, home, name) for name in rules.failing(statuses, rules.names(found))}
    return found, rules.organization(
        rules.Organization(found, statuses, failed, plain=bool(rules.of_plain(every, subject.function).value))
    )


def naming(asking: Asking, subject: Subject, home: Place) -> list[str]:
    """The names of the organization's rules of the function, as far as anybody says: one that serves its own account needs none."""
    if subject.function is None:
        return []
    return rules.names(rules.of_function(_organization_rules(asking, home), subject.function))


def _organization_rules(asking: Asking, home: Place) -> Reply:
    return asking.pages("config", home, "DescribeOrganizationConfigRules", "OrganizationConfigRules")


def _failed(asking: Asking, home: Place, name: str) -> Reply:
    """The accounts in which it failed. Only those are asked for: there may be 10,000 others."""
    entries: tuple[Any, ...] = ()
    for status in _FAILURES:
        reply = asking.pages(
            "config",
            home,
            "GetOrganizationConfigRuleDetailedStatus",
            "OrganizationConfigRuleDetailedStatus",
            OrganizationConfigRuleName=name,
            Filters={"MemberAccountRuleStatus": status},
        )
        if reply.value is None:
            return reply
        entries += reply.value
    return Reply(entries)


def function(
    asking: Asking, subject: Subject, home: Place, told: Reply, accounts: Sequence[str], organization_id: str
) -> functions.Seen | None:
    """What Lambda says of the function, None if none was named."""
    if subject.function is None:
        return None
    seen = functions.Seen(subject.function, told, accounts=accounts, organization=organization_id)
    if told.value is None:
        return seen
    name = {"FunctionName": subject.function}
    policy = asking.ask("lambda", home, "GetPolicy", **name)
    by_resource_policy = False
    if policy.absent:  # there are two ways to set one, and AWS does not say whether this one tells of both
        other = asking.ask("lambda", home, "GetResourcePolicy", ResourceArn=subject.function)
        by_resource_policy = not other.absent
        policy = policy if other.absent else other
    return replace(
        seen,
        destination=asking.ask("lambda", home, "GetFunctionEventInvokeConfig", **name),
        concurrency=asking.ask("lambda", home, "GetFunctionConcurrency", **name),
        policy=policy,
        by_resource_policy=by_resource_policy,
    )


def layers(
    asking: Asking,
    home: Place,
    seen: functions.Seen,
    meant: layer.LayerFile | None,
    fetch: Callable[[str], layer.LayerFile | None],
    installed: Mapping[str, Any],
) -> Iterator[Diagnosis]:
    """Of the layer. It is fetched only if it has to be compared, and is not the very zip that was meant."""
    arn = layer.ours(seen.told)
    version = asking.ask("lambda", home, "GetLayerVersionByArn", Arn=arn) if arn else None
    content = (version.value or {}).get("Content") or {} if version else {}
    attached = None
    if meant is not None and content.get("Location") and content.get("CodeSha256") != meant.digest:
        attached = fetch(str(content["Location"]))
    versions = (version,) if version else ()
    yield from layer.diagnoses(layer.Seen(seen.arn, seen.told, versions, meant, attached, installed))


def failed_events(asking: Asking, subject: Subject, home: Place, seen: functions.Seen, now: datetime) -> Diagnosis:
    """Of the queue that --queue names, or that is the function's on-failure destination."""
    arn = functions.failed_queue(seen)
    url = subject.queue
    if url is None:
        if arn is None:
            return unnamed(subject, "failed_events", "no queue is known: name it by --queue")
        place = Place(home.partition, home.account_id, arn.split(":")[3])
        named = asking.ask(
            "sqs",
            place,
            "GetQueueUrl",
            member="QueueUrl",
            QueueName=arn.split(":")[5],
            QueueOwnerAWSAccountId=arn.split(":")[4],
        )
        if named.value is None:
            return outputs.queue(outputs.Queue(named))
        url = named.value
    attributes = asking.ask("sqs", home, "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])
    waiting = ((attributes.value or {}).get("Attributes") or {}).get("ApproximateNumberOfMessages", "0")
    age = Reply()
    if waiting != "0":
        age = _age(asking, home, url.rpartition("/")[2], now)
    return outputs.queue(outputs.Queue(attributes, age))


def _age(asking: Asking, home: Place, queue: str, now: datetime) -> Reply:
    """Of the oldest message, in seconds, as CloudWatch has it."""
    metric = {
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateAgeOfOldestMessage",
        "Dimensions": [{"Name": "QueueName", "Value": queue}],
    }
    query = {"Id": "age", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}
    told = asking.ask(
        "cloudwatch",
        home,
        "GetMetricData",
        MetricDataQueries=[query],
        StartTime=now - timedelta(minutes=_AGE_MINUTES),
        EndTime=now,
    )
    values = [
        value for result in (told.value or {}).get("MetricDataResults") or () for value in result.get("Values") or ()
    ]
    return Reply(max(values, default=None))


def outputs_told(asking: Asking, subject: Subject, home: Place) -> Iterator[Diagnosis]:
    """Of bucket, tables and topic, as far as there are any."""
    yield from _bucket(asking, subject, home)
    if subject.state_table:
        seen = _table(asking, home, subject.state_table, STANDINGS)
        yield from outputs.table(seen, "state_table", "state_table_expiry")
    else:
        yield from (
            unnamed(subject, check, "there is no table of standings") for check in ("state_table", "state_table_expiry")
        )
    if subject.topic:
        place = home._replace(region=subject.topic.split(":")[3])
        yield from outputs.topic(subject.topic, asking.ask("sns", place, "GetTopicAttributes", TopicArn=subject.topic))
    else:
        yield from (unnamed(subject, check, "there is no topic") for check in outputs.TOPIC_CHECKS)
    yield from _remediation(asking, subject.remediation_table, home)


def _bucket(asking: Asking, subject: Subject, home: Place) -> Iterator[Diagnosis]:
    name = subject.log_bucket
    if not name:
        yield from (unnamed(subject, check, "there is no decision log") for check in outputs.BUCKET_CHECKS)
        return
    given = {"Bucket": name} | ({"ExpectedBucketOwner": subject.log_owner} if subject.log_owner else {})
    written = None
    if subject.write:
        prefix = f"{subject.log_prefix.rstrip('/')}/" if subject.log_prefix else ""
        written = asking.ask("s3", home, "PutObject", Key=prefix + PROBE_KEY, Body=b"", **given)
    yield from outputs.bucket(
        outputs.Bucket(
            name,
            asking.ask("s3", home, "GetBucketLocation", **given),
            asking.ask("s3", home, "GetBucketEncryption", **given),
            asking.ask("s3", home, "GetPublicAccessBlock", **given),
            written,
        )
    )


def _remediation(asking: Asking, name: str | None, home: Place) -> Iterator[Diagnosis]:
    if not name:
        checks = ("remediation_switch", "remediation_table", "remediation_expiry")
        yield from (skipped(check, "no --remediation-table was named") for check in checks)
        return
    index, keys = LEDGER_INDEX
    seen = replace(_table(asking, home, name, LEDGER), index=index, index_keys=keys)
    yield from outputs.table(seen, "remediation_table", "remediation_expiry")
    key = {"pk": {"S": "switch"}, "sk": {"S": "stop"}}
    yield outputs.switch(asking.ask("dynamodb", home, "GetItem", TableName=name, Key=key, ConsistentRead=True))


def _table(asking: Asking, home: Place, name: str, form: tuple[tuple[str, ...], str]) -> outputs.Table:
    keys, expires = form
    table, expiry = (
        asking.ask("dynamodb", home, operation, TableName=name) for operation in ("DescribeTable", "DescribeTimeToLive")
    )
    return outputs.Table(name, table, expiry, keys, expires)

"""The emulated AWS keeps its promises to real boto3 clients."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from emulation import dialects
from emulation.aws import LocalAws
from emulation.faults import Call

ADMIN, MEMBER, OTHER, MANAGEMENT = "111111111111", "222222222222", "333333333333", "999999999999"
REGION = "eu-west-1"
ITEMS = Path(__file__).resolve().parents[1] / "data" / "items"
ONCE = Config(retries={"total_max_attempts": 1})
CAPTURED = "2026-03-02T08:15:30.412Z"


@pytest.fixture
def slept():
    return []


@pytest.fixture
def aws(slept, monkeypatch):
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # reading them takes seconds
    with LocalAws() as running:
        running.faults.sleep = slept.append
        yield running


@pytest.fixture
def bucket(item):
    return item("s3-bucket.event") | {"awsAccountId": MEMBER, "awsRegion": REGION}


@pytest.fixture
def rule(aws):
    return aws.config.rule(MEMBER, "opalite", parameters={"tags": "encryption"})


@pytest.fixture
def config(aws):
    """The member's AWS Config, as the function reaches it."""
    return aws.client("config", MEMBER, role="OpaliteMember", config=ONCE)


def code_of(call, **parameters):
    """The code of the error that AWS answers with."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"]


def evaluation(resource_id="orders", verdict="COMPLIANT", at=CAPTURED, **more):
    return {
        "ComplianceResourceType": "AWS::S3::Bucket",
        "ComplianceResourceId": resource_id,
        "ComplianceType": verdict,
        "OrderingTimestamp": at,
        **more,
    }


def held(verdict, at=CAPTURED, annotation=None):
    return {"complianceType": verdict, "annotation": annotation, "orderingTimestamp": at}


def parsed(event):
    return event | {name: json.loads(event[name]) for name in ("invokingEvent", "ruleParameters")}


def envelope(notice, **more):
    start = f"arn:aws:config:{REGION}:{MEMBER}:config-rule/aws-service-rule/config-multiaccountsetup.amazonaws.com/"
    return {
        "version": "1.0",
        "invokingEvent": notice,
        "ruleParameters": {"tags": "encryption"},
        "resultToken": "result-token-000001-of-222222222222",
        "eventLeftScope": False,
        "executionRoleArn": f"arn:aws:iam::{MEMBER}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig",
        "configRuleArn": f"{start}config-rule-0b4fee",
        "configRuleName": "OrgConfigRule-opalite-c635950c",
        "configRuleId": "config-rule-0b4fee",
        "accountId": MEMBER,
        "evaluationMode": "DETECTIVE",
        **more,
    }


def test_the_event_of_a_change_has_the_shape_of_aws_and_the_item_is_recorded(aws, rule, bucket, config):
    event = aws.config.change_event(bucket, rule, diff={"changeType": "UPDATE", "changedProperties": {}})
    notice = {
        "configurationItemDiff": {"changeType": "UPDATE", "changedProperties": {}},
        "configurationItem": bucket,
        "notificationCreationTime": "2026-03-02T08:15:31.162Z",
        "messageType": "ConfigurationItemChangeNotification",
        "recordVersion": "1.3",
    }
    assert parsed(event) == envelope(notice)
    keys = [{"resourceType": "AWS::S3::Bucket", "resourceId": bucket["resourceId"]}]
    assert len(config.batch_get_resource_config(resourceKeys=keys)["baseConfigurationItems"]) == 1


def test_the_event_of_an_oversized_item_has_its_summary_only(aws, rule, bucket):
    event = aws.config.oversized_event(bucket, "opalite", recorded=False, eventLeftScope=True, evaluationMode=None)
    expected = envelope(
        {
            "configurationItemSummary": {
                "changeType": "UPDATE",
                **{key: value for key, value in bucket.items() if key not in NOT_IN_SUMMARIES},
            },
            "notificationCreationTime": "2026-03-02T08:15:31.162Z",
            "messageType": "OversizedConfigurationItemChangeNotification",
            "recordVersion": "1.0",
        },
        eventLeftScope=True,
    )
    expected.pop("evaluationMode")
    assert parsed(event) == expected
    assert len(event["invokingEvent"]) < 1_000


NOT_IN_SUMMARIES = {"configuration", "supplementaryConfiguration", "tags", "relatedEvents", "relationships"}


def test_the_event_of_a_schedule_names_no_resource(aws, rule):
    event = aws.config.schedule_event(MEMBER, rule, notified_at="2026-03-02T12:00:00.250Z")
    notice = {
        "awsAccountId": MEMBER,
        "notificationCreationTime": "2026-03-02T12:00:00.250Z",
        "messageType": "ScheduledNotification",
        "recordVersion": "1.0",
    }
    assert parsed(event) == envelope(notice)


def test_a_rule_of_an_account_has_the_name_and_the_arn_that_it_was_given(aws, config):
    own = aws.config.rule(MEMBER, "own", organization=False, scope={"TagKey": "team"}, function_arn="arn:aws:lambda:x")
    event = aws.config.schedule_event(MEMBER, "own")
    assert (event["configRuleArn"], event["configRuleName"]) == (own.arn, "own")
    assert config.describe_config_rules(ConfigRuleNames=["own"])["ConfigRules"] == [
        {
            "ConfigRuleName": "own",
            "ConfigRuleArn": f"arn:aws:config:{REGION}:{MEMBER}:config-rule/{own.id}",
            "ConfigRuleId": own.id,
            "Scope": {"TagKey": "team"},
            "Source": {
                "Owner": "CUSTOM_LAMBDA",
                "SourceIdentifier": "arn:aws:lambda:x",
                "SourceDetails": [
                    {"EventSource": "aws.config", "MessageType": name}
                    for name in (
                        "ConfigurationItemChangeNotification",
                        "OversizedConfigurationItemChangeNotification",
                        "ScheduledNotification",
                    )
                ],
            },
            "ConfigRuleState": "ACTIVE",
            "EvaluationModes": [{"Mode": "DETECTIVE"}],
        }
    ]


PAIRS = [
    (path.name.split(".")[0], form)
    for path in sorted(ITEMS.glob("*.event.json"))
    for form in ("api", "batch-get", "select")
    if path.with_name(path.name.replace(".event.", f".{form}.")).exists()
    and (path.name, form) != ("ec2-volume.event.json", "select")  # of another state, and only some columns
]
TIMES = ("configurationItemCaptureTime", "resourceCreationTime")


@pytest.mark.parametrize(("name", "form"), PAIRS)
def test_items_are_spelt_in_each_dialect_as_aws_spells_them(item, name, form):
    event, recorded = item(f"{name}.event"), item(f"{name}.{form}")
    made = {"api": dialects.history, "batch-get": dialects.base, "select": dialects.row}[form](event)
    assert _comparable(made, event) == _comparable(recorded, event)


@pytest.mark.parametrize("form", ["api", "batch-get", "select"])
def test_an_item_of_an_api_can_be_recorded_as_well(aws, item, config, form):
    spelt = {"api": dialects.history, "batch-get": dialects.base, "select": dialects.row}[form](item("s3-bucket.event"))
    kept = aws.config.record(spelt | {"accountId": MEMBER, "awsRegion": REGION})
    key = {"resourceType": "AWS::S3::Bucket", "resourceId": "orders-archive-eu"}
    (told,) = config.get_resource_config_history(**key)["configurationItems"]
    assert told["configurationItemCaptureTime"] == datetime(2026, 3, 2, 8, 15, 30, 412_000, UTC)
    recorded = item("s3-bucket.event")["supplementaryConfiguration"]
    del recorded["BucketAccelerateConfiguration"], kept["supplementaryConfiguration"]["BucketAccelerateConfiguration"]
    assert kept["supplementaryConfiguration"] == recorded


def _comparable(item, event):
    """Without that in which recordings differ among themselves: times, the order of tags, nulls in the configuration."""
    item = {key: value for key, value in item.items() if key != "recordingFrequency"}
    for key in TIMES:
        item[key] = _instant(item.get(key, event.get(key)))
    if isinstance(item.get("tags"), list):
        item["tags"] = sorted(item["tags"], key=lambda tag: tag["key"])
    if isinstance(item["configuration"], str):
        item["configuration"] = ["text", json.loads(item["configuration"], object_pairs_hook=_without_nulls)]
    return item


def _without_nulls(pairs):
    return {key: value for key, value in pairs if value is not None}


def _instant(value):
    """A time, as text, in seconds or in milliseconds."""
    if value is None:
        return None
    if isinstance(value, str):
        return datetime.fromisoformat(value).timestamp()
    return value / 1000 if value > 1e11 else value


def test_of_several_evaluations_the_newest_counts(aws, rule, config):
    token = aws.config.token(MEMBER, rule)
    old, new = "2026-03-01T00:00:00.000Z", "2026-03-03T00:00:00.000Z"
    for one in (
        evaluation(at=CAPTURED),
        evaluation(verdict="NON_COMPLIANT", at=new, Annotation="why"),
        evaluation(at=old),
    ):
        assert config.put_evaluations(Evaluations=[one], ResultToken=token)["FailedEvaluations"] == []
    assert aws.config.results(MEMBER, "opalite") == {
        ("AWS::S3::Bucket", "orders"): held("NON_COMPLIANT", new, "why"),
    }
    assert [put.evaluations[0]["OrderingTimestamp"] for put in aws.config.put_calls] == [CAPTURED, new, old]


def test_a_result_token_is_good_for_its_rule_and_account_only(aws, rule, config):
    token = aws.config.token(MEMBER, rule)
    other = aws.client("config", OTHER)
    put = {"Evaluations": [evaluation()], "ResultToken": token}
    assert code_of(other.put_evaluations, **put) == "InvalidResultTokenException"
    assert code_of(config.put_evaluations, **put | {"ResultToken": "made up"}) == "InvalidResultTokenException"
    aws.config.remove_rule(MEMBER, rule)
    assert code_of(config.put_evaluations, **put) == "NoSuchConfigRuleException"
    aws.config.expire_tokens()
    assert code_of(config.put_evaluations, **put) == "InvalidResultTokenException"
    assert (aws.config.put_calls, aws.config.violations) == ([], [])


def test_in_test_mode_any_token_is_taken_and_nothing_is_kept(aws, rule, config):
    config.put_evaluations(Evaluations=[evaluation()], ResultToken="TESTMODE", TestMode=True)
    config.put_evaluations(Evaluations=[], ResultToken=aws.config.token(MEMBER, rule))
    assert [(put.rule, len(put.evaluations), put.test_mode) for put in aws.config.put_calls] == [
        (None, 1, True),
        (rule.name, 0, False),
    ]
    assert aws.config.results(MEMBER, rule) == {}


def test_evaluations_can_be_made_to_fail_for_some_time(aws, rule, config):
    aws.config.fail_evaluations("b", times=2)
    put = {"Evaluations": [evaluation("a"), evaluation("b")], "ResultToken": aws.config.token(MEMBER, rule)}
    failed = [
        [one["ComplianceResourceId"] for one in config.put_evaluations(**put)["FailedEvaluations"]] for _ in "123"
    ]
    assert failed == [["b"], ["b"], []]
    assert {key[1] for key in aws.config.results(MEMBER, rule)} == {"a", "b"}


HISTORY = {"resourceType": "AWS::S3::Bucket", "resourceId": "orders"}


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("put_evaluations", {"Evaluations": [evaluation()] * 101}, "InvalidParameterValueException"),
        ("put_evaluations", {"Evaluations": [evaluation(Annotation="x" * 257)]}, "InvalidParameterValueException"),
        ("put_evaluations", {"Evaluations": [evaluation("x" * 769)]}, "InvalidParameterValueException"),
        ("put_evaluations", {"Evaluations": [evaluation(verdict="FINE")]}, "InvalidParameterValueException"),
        (
            "put_evaluations",
            {"Evaluations": [evaluation(verdict="INSUFFICIENT_DATA")]},
            "InvalidParameterValueException",
        ),
        (
            "put_evaluations",
            {"Evaluations": [evaluation() | {"ComplianceResourceType": "AWS::Account"}]},
            "InvalidParameterValueException",
        ),
        ("get_resource_config_history", HISTORY | {"limit": 101}, "InvalidLimitException"),
        ("get_resource_config_history", HISTORY | {"resourceType": "AWS::Logs::LogGroup"}, "ValidationException"),
        ("get_resource_config_history", HISTORY | {"nextToken": "made up"}, "InvalidNextTokenException"),
        (
            "get_resource_config_history",
            HISTORY | {"earlierTime": "2026-03-02", "laterTime": "2026-03-01"},
            "InvalidTimeRangeException",
        ),
        ("select_resource_config", {"Expression": "SELECT x" + " " * 4089}, "InvalidParameterValueException"),
        ("select_resource_config", {"Expression": "SELECT x WHERE y LIKE 'z'"}, "InvalidExpressionException"),
        ("select_resource_config", {"Expression": "SELECT x", "Limit": 101}, "InvalidLimitException"),
        ("batch_get_resource_config", {"resourceKeys": [HISTORY] * 101}, "ValidationException"),
        ("describe_config_rules", {"ConfigRuleNames": ["x"] * 26}, "InvalidParameterValueException"),
        ("start_config_rules_evaluation", {"ConfigRuleNames": ["x"] * 26}, "InvalidParameterValueException"),
        ("get_compliance_details_by_config_rule", {"ConfigRuleName": "x" * 65}, "InvalidParameterValueException"),
        (
            "get_compliance_details_by_config_rule",
            {"ConfigRuleName": "own", "ComplianceTypes": ["INSUFFICIENT_DATA"]},
            "InvalidParameterValueException",
        ),
        ("list_discovered_resources", {"resourceType": "AWS::S3::Bucket", "limit": 101}, "InvalidLimitException"),
    ],
)
def test_a_request_beyond_the_limits_of_aws_is_refused_and_noted(aws, config, bucket, operation, parameters, code):
    own = aws.config.rule(MEMBER, "own", organization=False)
    aws.config.record(bucket | {"resourceId": "orders"})
    if operation == "put_evaluations":
        parameters = parameters | {"ResultToken": aws.config.token(MEMBER, own)}
    assert code_of(getattr(config, operation), **parameters) == code
    name = config.meta.method_to_api_mapping[operation]
    assert [line.split(": ")[:2] for line in aws.config.violations] == [[f"{name} in account {MEMBER}", code]]
    assert aws.config.put_calls == []


def test_an_item_of_a_deleted_resource_is_in_its_history_and_nowhere_else(aws, config, item, bucket):
    gone = item("kms-key.deleted") | {"awsAccountId": MEMBER, "awsRegion": REGION}
    key = {"resourceType": "AWS::KMS::Key", "resourceId": gone["resourceId"]}
    aws.config.record(bucket)
    aws.config.record(gone)
    (told,) = config.get_resource_config_history(**key)["configurationItems"]
    assert (told["configurationItemStatus"], told["configuration"]) == ("ResourceDeleted", "null")
    assert told["configurationItemCaptureTime"] == datetime(2026, 3, 2, 8, 15, 30, 412_000, UTC)
    assert config.batch_get_resource_config(resourceKeys=[key])["baseConfigurationItems"] == []
    assert config.list_discovered_resources(resourceType="AWS::KMS::Key")["resourceIdentifiers"] == []
    listed = config.list_discovered_resources(resourceType="AWS::KMS::Key", includeDeletedResources=True)
    assert [entry["resourceId"] for entry in listed["resourceIdentifiers"]] == [gone["resourceId"]]
    rows = config.select_resource_config(Expression="SELECT resourceType")["Results"]
    assert rows == ['{"resourceType":"AWS::S3::Bucket"}']
    assert config.get_discovered_resource_counts()["resourceCounts"] == [
        {"resourceType": "AWS::S3::Bucket", "count": 1}
    ]


def days(config, **more):
    """The days of the history, page by page."""
    pages = config.get_paginator("get_resource_config_history").paginate(**HISTORY, **more)
    return [[each["configurationItemCaptureTime"].day for each in page["configurationItems"]] for page in pages]


def test_a_page_of_a_history_spans_seven_days_and_may_be_shorter_than_its_limit(aws, config, bucket):
    for day in (1, 2, 8, 9, 20):
        aws.config.record(
            bucket | {"resourceId": "orders", "configurationItemCaptureTime": f"2026-03-{day:02}T00:00:00Z"}
        )
    assert days(config) == [[20], [9, 8, 2], [1]]
    assert days(config, chronologicalOrder="Forward") == [[1, 2, 8], [9], [20]]
    assert days(config, earlierTime="2026-03-02", laterTime="2026-03-08", limit=1) == [[8], [2]]
    aws.config.pages.rows, aws.config.pages.empty = 2, 1
    assert days(config, earlierTime="2026-03-02") == [[], [20], [9, 8], [2]]
    assert (
        code_of(config.get_resource_config_history, **HISTORY | {"resourceId": "x"}) == "ResourceNotDiscoveredException"
    )
    aws.config.recorder_off.add(MEMBER)
    assert code_of(config.get_resource_config_history, **HISTORY) == "NoAvailableConfigurationRecorderException"


def test_a_query_gives_the_columns_that_it_names_of_what_meets_its_conditions(aws, config, item, bucket):
    aws.config.record(bucket | {"resourceId": "it's"})
    aws.config.record(item("ec2-volume.event") | {"awsAccountId": MEMBER, "awsRegion": REGION})
    aws.config.record(bucket | {"resourceId": "elsewhere", "awsRegion": "eu-central-1"})

    def rows(expression):
        return [json.loads(row) for row in config.select_resource_config(Expression=expression)["Results"]]

    both = "resourceType IN ('AWS::S3::Bucket', 'AWS::EC2::Volume')"
    assert [row["resourceType"] for row in rows(f"SELECT resourceType WHERE {both}")] == [
        "AWS::EC2::Volume",
        "AWS::S3::Bucket",
    ]
    assert rows(f"SELECT configuration.name, resourceName, nothing WHERE {both} AND resourceId = 'it''s'") == [
        {"configuration": {"name": "orders-archive-eu"}, "resourceName": "orders-archive-eu"}
    ]
    assert {"tags", "configuration"} & rows("select * where resourceType = 'AWS::S3::Bucket'")[0].keys() == set()
    aws.config.not_queried.add("AWS::S3::Bucket")
    assert len(rows("SELECT resourceId")) == 1


def test_keys_can_be_left_unprocessed_for_some_time(aws, config, bucket):
    aws.config.record(bucket | {"resourceId": "orders"})
    aws.config.leave_unprocessed(("AWS::S3::Bucket", "orders"))
    answers = [config.batch_get_resource_config(resourceKeys=[HISTORY]) for _ in "12"]
    told = [(len(one["baseConfigurationItems"]), one["unprocessedResourceKeys"]) for one in answers]
    assert told == [(0, [HISTORY]), (1, [])]


def test_what_a_rule_holds_is_told_by_rule_and_by_resource(aws, config):
    for name in ("one", "two"):
        aws.config.rule(MEMBER, name, organization=False)
        verdicts = {"a": "COMPLIANT", "b": "NON_COMPLIANT", "c": "NOT_APPLICABLE"}
        evaluations = [evaluation(resource_id, verdict, Annotation=name) for resource_id, verdict in verdicts.items()]
        config.put_evaluations(Evaluations=evaluations, ResultToken=aws.config.token(MEMBER, name))
    pages = config.get_paginator("get_compliance_details_by_config_rule").paginate(
        ConfigRuleName="one", ComplianceTypes=["COMPLIANT", "NON_COMPLIANT"], PaginationConfig={"PageSize": 1}
    )
    assert [[_short(result) for result in page["EvaluationResults"]] for page in pages] == [
        [("one", "a", "COMPLIANT", "one")],
        [("one", "b", "NON_COMPLIANT", "one")],
    ]
    details = config.get_compliance_details_by_resource(ResourceType="AWS::S3::Bucket", ResourceId="c")
    assert [_short(result) for result in details["EvaluationResults"]] == [
        ("one", "c", "NOT_APPLICABLE", "one"),
        ("two", "c", "NOT_APPLICABLE", "two"),
    ]
    status = config.describe_config_rule_evaluation_status()["ConfigRulesEvaluationStatus"]
    assert [(rule["ConfigRuleName"], rule["FirstEvaluationStarted"]) for rule in status] == [
        ("one", True),
        ("two", True),
    ]


def _short(result):
    identifier = result["EvaluationResultIdentifier"]
    assert identifier["OrderingTimestamp"] == datetime(2026, 3, 2, 8, 15, 30, 412_000, UTC)
    qualifier = identifier["EvaluationResultQualifier"]
    return qualifier["ConfigRuleName"], qualifier["ResourceId"], result["ComplianceType"], result["Annotation"]


def test_rules_are_evaluated_anew_unless_they_are_busy_or_not_there(aws, config):
    for name in ("one", "two"):
        aws.config.rule(MEMBER, name, organization=False)
    aws.config.busy(MEMBER, "two", code="ResourceInUseException")
    start = config.start_config_rules_evaluation
    assert code_of(start, ConfigRuleNames=["one", "two"]) == "ResourceInUseException"
    assert code_of(start, ConfigRuleNames=["three"]) == "NoSuchConfigRuleException"
    start(ConfigRuleNames=["one", "two"])
    assert aws.config.started == [(MEMBER, ("one", "two"))]


def test_rules_and_items_are_not_seen_from_another_region(aws, rule, bucket):
    aws.config.record(bucket)
    there = aws.client("config", MEMBER, region="us-east-1")
    assert there.describe_config_rules()["ConfigRules"] == []
    assert code_of(there.describe_config_rules, ConfigRuleNames=[rule.name]) == "NoSuchConfigRuleException"
    assert there.select_resource_config(Expression="SELECT resourceId")["Results"] == []


@pytest.fixture
def function_client(aws):
    """A client of the function itself: counted, and not tried again by boto3."""
    return lambda service, **more: aws.client(service, role="OpaliteFunction", config=ONCE, **more)


def test_the_environment_leads_boto3_to_the_role_of_the_function(aws, monkeypatch):
    for name, value in aws.environ().items():
        monkeypatch.setenv(name, value)
    identity = boto3.Session().client("sts").get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (
        ADMIN,
        f"arn:aws:sts::{ADMIN}:assumed-role/OpaliteFunction/opalite",
    )
    assert aws.calls_made == [Call(ADMIN, "sts", "GetCallerIdentity", REGION)]


def test_every_operation_is_known_by_name_whatever_the_protocol(aws, function_client):
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="delivery", CreateBucketConfiguration={"LocationConstraint": REGION})
    own = function_client("s3")
    own.put_object(Bucket="delivery", Key="AWSLogs/a b/ü:1.json.gz", Body=b"item")
    own.list_objects_v2(Bucket="delivery", Prefix="AWSLogs/")
    body = own.get_object(Bucket="delivery", Key="AWSLogs/a b/ü:1.json.gz", ExpectedBucketOwner=ADMIN)["Body"].read()
    function_client("ec2").describe_vpcs()
    function_client("elbv2").describe_load_balancers()
    function_client("elb").describe_load_balancers()
    function_client("cloudwatch").list_metrics()
    function_client("kms").list_keys()
    function_client("lambda").list_functions()
    aws.client("kms").list_keys()  # the test's own
    assert body == b"item"
    assert aws.calls_made == [
        Call(ADMIN, *action.split(":"), REGION)
        for action in (
            "s3:PutObject", "s3:ListObjectsV2", "s3:GetObject", "ec2:DescribeVpcs",
            "elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeLoadBalancers",
            "cloudwatch:ListMetrics", "kms:ListKeys", "lambda:ListFunctions",
        )
    ]  # fmt: skip
    assert aws.calls["elasticloadbalancing:DescribeLoadBalancers"] == 2


@pytest.mark.parametrize(
    ("service", "operation", "denied"),
    [
        ("cloudwatch", "list_metrics", "AccessDenied"),
        ("config", "describe_config_rules", "AccessDeniedException"),
        ("ec2", "describe_vpcs", "UnauthorizedOperation"),
        ("elb", "describe_load_balancers", "AccessDenied"),
        ("lambda", "list_functions", "AccessDeniedException"),
        ("organizations", "list_accounts", "AccessDeniedException"),
        ("s3", "list_buckets", "AccessDenied"),
        ("sqs", "list_queues", "AccessDeniedException"),
        ("sts", "get_caller_identity", "AccessDenied"),
    ],
)
def test_calls_fail_as_planned_in_the_words_of_each_service(aws, function_client, service, operation, denied):
    client = function_client(service)
    call, name = getattr(client, operation), client.meta.method_to_api_mapping[operation]
    aws.fail(service, name, code="SlowDown", times=2, account=ADMIN)
    aws.deny(service, name)
    assert [code_of(call) for _ in "123"] == ["SlowDown", "SlowDown", denied]
    aws.mend()
    aws.fail(service, name, account=MEMBER)
    aws.fail(service, "AnotherOperation")
    call()


def test_a_planned_failure_is_overcome_by_the_retries_of_boto3(aws, monkeypatch):
    aws.fail("config", "DescribeConfigRules", code="ThrottlingException", times=1)
    retries = Config(retries={"mode": "standard", "total_max_attempts": 2})
    answer = aws.client("config", MEMBER, role="OpaliteMember", config=retries).describe_config_rules()
    assert (answer["ResponseMetadata"]["RetryAttempts"], aws.calls["config:DescribeConfigRules"]) == (1, 2)


def test_answers_can_be_made_slow(aws, config, slept):
    aws.slow("config", "DescribeConfigRules", account=MEMBER, seconds=3)
    config.describe_config_rules()
    config.describe_config_rules()
    assert slept == [3]


def test_a_call_can_be_held_and_comes_to_nothing(aws, config, poll):
    aws.hold("config", "DescribeConfigRules")
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(config.describe_config_rules)
        assert poll(lambda: aws.calls["config:DescribeConfigRules"])
        assert not held.done()
        aws.mend()
        with pytest.raises(ClientError, match="nobody waits for it any more"):
            held.result(timeout=30)
    config.describe_config_rules()


def test_the_organization_has_the_accounts_and_a_tree_of_units(aws):
    admin = aws.client("organizations")
    assert [account["Id"] for account in admin.list_accounts()["Accounts"]] == [MANAGEMENT, ADMIN, MEMBER, OTHER]
    assert {account: aws.units(account) for account in (ADMIN, MEMBER, OTHER)} == {
        ADMIN: ["r-opal"],
        MEMBER: ["r-opal", "ou-opal-workload", "ou-opal-prod0000"],
        OTHER: ["r-opal", "ou-opal-sandbox0"],
    }
    for account in (ADMIN, MEMBER, OTHER):
        found = [account]
        while not found[-1].startswith("r-"):
            (parent,) = admin.list_parents(ChildId=found[-1])["Parents"]
            found.append(parent["Id"])
        assert found[:0:-1] == aws.units(account)


def test_only_the_delegated_administrator_reads_the_organization(aws):
    for account in (MEMBER, "444444444444"):
        assert code_of(aws.client("organizations", account).list_accounts) == "AccessDeniedException"
    assert aws.client("organizations", MEMBER).describe_organization()["Organization"]["MasterAccountId"] == MANAGEMENT


def test_accounts_join_move_close_and_leave(aws):
    admin = aws.client("organizations")
    aws.organization.join("444444444444", "ou-opal-prod0000")
    aws.organization.move(MEMBER, "ou-opal-sandbox0")
    aws.organization.set_status(OTHER, "SUSPENDED")
    statuses = {each["Id"]: each["Status"] for each in admin.list_accounts()["Accounts"]}
    assert statuses == {
        MANAGEMENT: "ACTIVE",
        ADMIN: "ACTIVE",
        MEMBER: "ACTIVE",
        OTHER: "SUSPENDED",
        "444444444444": "ACTIVE",
    }
    assert admin.list_parents(ChildId=MEMBER)["Parents"][0]["Id"] == "ou-opal-sandbox0"
    aws.organization.leave(MEMBER)
    assert code_of(admin.describe_account, AccountId=MEMBER) == "AccountNotFoundException"


ASSUMED = {"RoleArn": f"arn:aws:iam::{MEMBER}:role/security/OpaliteMember", "RoleSessionName": "opalite"}


def test_a_role_is_assumed_by_whom_it_trusts_with_the_external_id_only(aws, function_client):
    aws.allow_role(MEMBER, "security/OpaliteMember", external_id="abc")
    assume = function_client("sts").assume_role
    stranger = aws.client("sts", OTHER, role="Anybody").assume_role
    right = ASSUMED | {"ExternalId": "abc", "Tags": [{"Key": "team", "Value": "security"}], "SourceIdentity": "opalite"}
    assert code_of(assume, **ASSUMED) == "AccessDenied"
    assert code_of(assume, **right | {"ExternalId": "abd"}) == "AccessDenied"
    assert code_of(assume, **right | {"RoleArn": f"arn:aws:iam::{MEMBER}:role/OpaliteMember"}) == "AccessDenied"
    assert code_of(stranger, **right) == "AccessDenied"
    assert assume(**right)["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{MEMBER}:assumed-role/OpaliteMember/opalite"
    aws.forbid_role(MEMBER, "security/OpaliteMember")
    assert code_of(assume, **right) == "AccessDenied"
    assert (aws.calls["sts:AssumeRole"], len(aws.assumed), aws.assumed[-1]) == (6, 6, right)


def test_a_session_of_a_session_lasts_an_hour_at_most(aws, function_client):
    aws.allow_role(MEMBER, "security/OpaliteMember", max_seconds=43_200)
    assume = function_client("sts").assume_role
    assert code_of(assume, **ASSUMED, DurationSeconds=3_601) == "ValidationError"
    assert code_of(assume, **ASSUMED | {"RoleSessionName": "two words"}) == "ValidationError"
    aws.client("sts").assume_role(**ASSUMED, DurationSeconds=3_601)


def test_the_keys_of_an_assumed_role_are_those_of_its_account_until_they_expire(aws, function_client):
    aws.allow_role(MEMBER, "security/OpaliteMember")
    aws.credentials.skew = 7_200.0
    keys = function_client("sts").assume_role(**ASSUMED)["Credentials"]
    assert keys["Expiration"] < datetime.now(UTC)  # noqa: TID251 - the caller's clock is two hours ahead
    made = {
        "endpoint_url": aws.url,
        "region_name": REGION,
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
    }
    member = boto3.client("config", **made, aws_session_token=keys["SessionToken"])
    member.describe_config_rules()
    assert aws.calls_made[-1] == Call(MEMBER, "config", "DescribeConfigRules", REGION)
    assert code_of(boto3.client("config", **made).describe_config_rules) == "UnrecognizedClientException"
    aws.expire_sessions(MEMBER)
    assert code_of(member.describe_config_rules) == "ExpiredTokenException"


def test_functions_tell_when_they_were_changed_and_take_events(aws, function_client):
    arn = f"arn:aws:lambda:{REGION}:{ADMIN}:function:opalite"
    aws.functions.add(arn, changed_at="2026-11-29T14:00:00.000+0000")
    own, stranger = function_client("lambda"), aws.client("lambda", MEMBER)
    for name in (arn, "opalite"):
        assert own.get_function_configuration(FunctionName=name)["LastModified"] == "2026-11-29T14:00:00.000+0000"
    assert own.invoke(FunctionName=arn, InvocationType="Event", Payload=b'{"time": "now"}')["StatusCode"] == 202
    assert code_of(stranger.invoke, FunctionName=arn, InvocationType="Event") == "ResourceNotFoundException"
    assert aws.functions.invoked == [(arn, {"time": "now"})]


def test_a_fault_of_the_emulation_is_seen(aws, function_client, capsys):
    where = {"awsAccountId": ADMIN, "awsRegion": REGION, "configurationItemCaptureTime": CAPTURED}
    aws.config.record({"resourceType": "AWS::S3::Bucket", "resourceId": "without a status", **where})
    assert code_of(function_client("config").select_resource_config, Expression="SELECT x") == "InternalFailure"
    assert capsys.readouterr().err.splitlines()[-1] == "KeyError: 'configurationItemStatus'"


def test_accounts_are_strangers_to_one_another_in_moto_too(aws):
    ec2 = aws.client("ec2", MEMBER)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    assert code_of(aws.client("ec2", OTHER).describe_vpcs, VpcIds=[vpc]) == "InvalidVpcID.NotFound"


def test_another_partition_has_arns_of_its_own():
    with LocalAws(["111111111111", "222222222222"], "cn-north-1") as aws:
        rule = aws.config.rule(MEMBER, "opalite")
        arn = aws.client("sts").get_caller_identity()["Arn"]
    assert (rule.arn.split(":")[1], arn) == ("aws-cn", "arn:aws-cn:iam::111111111111:root")


def test_there_is_one_at_a_time_and_nothing_is_left_for_the_next():
    with LocalAws() as aws:
        aws.client("kms").create_key()
        with pytest.raises(RuntimeError, match="running already"), LocalAws():
            pass
    with LocalAws() as aws:
        assert aws.client("kms").list_keys()["Keys"] == []


def test_a_call_takes_no_forty_milliseconds(aws):
    sts = aws.client("sts")
    times = []
    for _ in range(20):
        begin = time.monotonic()
        sts.get_caller_identity()
        times.append(time.monotonic() - begin)
    assert min(times) < 0.03

"""Missing tags are set from the account's defaults, for resources of any type, and nothing else is touched."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from integration.remediation.driver import ACCOUNT, REGION, Crash, client
from integration.remediation.driver_misc import Driver, crash_at
from opalite.errors import AwsError
from opalite.remediation.actions.tag_resource import ACTION
from opalite.remediation.applying import StepError
from opalite.remediation.reading.anything import TAGGING
from opalite.remediation.taking_back import taken_back

POLICY = "aws.any.resource.required_tags"
DEFAULTS = {"Owner": "team-platform", "CostCenter": "4711"}
SETTINGS = {POLICY: {"default": {"required": {"Owner": None, "CostCenter": {"pattern": "[0-9]{4}"}}}}}


@pytest.fixture
def driver(aws, judges):
    def made(resource_type, **more):
        given = {"given": {"defaults": DEFAULTS}, **more}
        return Driver(ACTION, POLICY, *judges, resource_type=resource_type, **given)

    return made


def bucket():
    configuration = {"LocationConstraint": REGION}
    client("s3").create_bucket(Bucket="reports", CreateBucketConfiguration=configuration)
    return "AWS::S3::Bucket", "reports"


def instance(tags=()):
    ec2 = client("ec2")
    image = ec2.register_image(Name="one of ours")["ImageId"]
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    if tags:
        ec2.create_tags(Resources=[made], Tags=tags)
    return "AWS::EC2::Instance", made


def topic():
    return "AWS::SNS::Topic", client("sns").create_topic(Name="orders")["TopicArn"]


@pytest.mark.parametrize("make", [bucket, instance, topic])
def test_what_lacks_tags_complies_and_undoing_takes_them_away(driver, make):
    resource_type, resource_id = make()
    remedy = driver(resource_type)
    before = remedy.read(resource_id)
    plan = remedy.plan(resource_id)
    assert remedy.decide(ACTION.simulated(before, plan)).outcome == "pass"
    applied = remedy.apply(plan)
    assert remedy.outcome(resource_id) == "pass"
    assert remedy.read(resource_id).details["tags"] == DEFAULTS
    remedy.undo(applied)
    assert remedy.read(resource_id) == before


def test_tags_that_are_there_stay_as_they_are(driver):
    resource_type, resource_id = instance([{"Key": "Owner", "Value": "team-orders"}, {"Key": "x", "Value": "y"}])
    remedy = driver(resource_type)
    applied = remedy.apply(remedy.plan(resource_id))
    assert remedy.read(resource_id).details["tags"] == {"Owner": "team-orders", "x": "y", "CostCenter": "4711"}
    remedy.undo(applied)
    assert remedy.read(resource_id).details["tags"] == {"Owner": "team-orders", "x": "y"}


def test_a_value_that_the_policy_refuses_is_not_set(driver):
    resource_type, resource_id = instance()
    plan = driver(resource_type, given={"defaults": {**DEFAULTS, "CostCenter": "47 11"}}).plan(resource_id)
    assert (plan.steps, plan.refusal) == ((), "")
    assert plan.instructions == (
        "tag CostCenter is missing",
        "tag Owner is missing; the account's default for it would do",
    )


def test_a_wrong_value_is_left_to_a_person(driver):
    resource_type, resource_id = instance([{"Key": "CostCenter", "Value": "four"}])
    plan = driver(resource_type).plan(resource_id)
    assert (plan.steps, plan.refusal) == ((), "")
    assert plan.instructions[0] == "tag CostCenter is four; must match [0-9]{4}"


def test_a_tag_in_other_letters_is_left_to_a_person(driver):
    resource_type, resource_id = instance([{"Key": "owner", "Value": "team-orders"}])
    plan = driver(resource_type).plan(resource_id)
    assert plan.steps == ()
    assert plan.instructions[0] == "tag Owner is missing; owner is there, but case matters"


def test_without_defaults_somebody_is_told(driver):
    resource_type, resource_id = topic()
    plan = driver(resource_type, given={}).plan(resource_id)
    assert (plan.steps, plan.refusal) == ((), "")
    assert plan.instructions == ("tag Owner is missing", "tag CostCenter is missing")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_who_comes_after_a_crash_goes_on(driver, moment):
    resource_type, resource_id = bucket()
    remedy = driver(resource_type, dies=crash_at(1, moment))
    plan = remedy.plan(resource_id)
    applied = {}
    with pytest.raises(Crash):
        remedy.apply(plan, applied)
    remedy = driver(resource_type)
    applied = remedy.apply(plan, applied)
    assert remedy.outcome(resource_id) == "pass"
    remedy.undo(applied)
    assert remedy.read(resource_id).details["tags"] == {}


@pytest.mark.parametrize(
    ("code", "certain", "progress"),
    [("InvalidParameterException", True, "not_made"), ("InternalServiceException", False, "begun")],
)
def test_a_resource_that_aws_did_not_tag_is_a_failure(driver, code, certain, progress):
    """After a fault of AWS's own nobody knows whether it was tagged."""
    resource_type, resource_id = topic()
    remedy = driver(resource_type)
    plan = remedy.plan(resource_id)
    remedy.fakes = _refusing(resource_id, code)
    applied = {}
    with pytest.raises(StepError, match=f"add_tags: .*{code}") as refusal:
        remedy.apply(plan, applied)
    assert (refusal.value.certain, applied["add_tags"].progress) == (certain, progress)


def test_tags_that_aws_does_not_take_away_are_not_taken_back(driver):
    resource_type, resource_id = topic()
    remedy = driver(resource_type)
    applied = remedy.apply(remedy.plan(resource_id))
    remedy.fakes = _refusing(resource_id, "InvalidParameterException")
    back = taken_back(SimpleNamespace(remaining=lambda: 900.0, sleep=None), remedy.ask, list(applied.values()))
    assert (back.done, "InvalidParameterException" in back.problem, len(back.left)) == (0, True, 1)


def _refusing(resource_id, code):
    failed = {resource_id: {"StatusCode": 400, "ErrorCode": code}}
    return {"resourcegroupstaggingapi": _Refusing({"FailedResourcesMap": failed})}


class _Refusing:
    """moto tags everything that it knows."""

    def __init__(self, answer):
        self._answer = answer

    def ask(self, operation, **_):
        return self._answer


def test_the_arn_of_other_types_is_that_of_aws_config(driver):
    names = {"DBInstanceIdentifier": "orders", "DBInstanceClass": "db.t3.micro", "Engine": "postgres"}
    made = client("rds").create_db_instance(
        **names, AllocatedStorage=20, MasterUsername="x", MasterUserPassword="y" * 9
    )
    resource_id, arn = made["DBInstance"]["DbiResourceId"], made["DBInstance"]["DBInstanceArn"]
    remedy = driver("AWS::RDS::DBInstance", fakes={"config": _Config(arn)})
    remedy.apply(remedy.plan(resource_id))
    assert remedy.read(resource_id).details == {"arn": arn, "service": "rds", "tags": DEFAULTS}


class _Config:
    """moto's AWS Config records buckets and little else."""

    def __init__(self, arn):
        self._arn = arn

    def ask(self, operation, *, resourceKeys):  # noqa: N803 - AWS's name
        assert operation == "BatchGetResourceConfig"
        return {"baseConfigurationItems": [{"arn": self._arn, "configurationItemStatus": "OK", **resourceKeys[0]}]}


def test_of_a_service_that_is_not_known_nothing_is_known(driver):
    arn = f"arn:aws:appsync:{REGION}:{ACCOUNT}:apis/abc"
    remedy = driver("AWS::AppSync::GraphQLApi", fakes={"config": _Config(arn)})
    assert remedy.read(arn).details["tags"] is None
    assert remedy.outcome(arn) == "undetermined"


def test_it_needs_exactly_its_permissions(driver):
    resource_type, resource_id = topic()
    remedy = driver(resource_type)
    remedy.undo(remedy.apply(remedy.plan(resource_id)))
    by_aws = {action for actions in TAGGING.values() for action in actions}  # with our permissions, by the tagging API
    called = remedy.called()
    resource_type, resource_id = bucket()
    remedy = driver(resource_type)
    remedy.plan(resource_id)
    called |= remedy.called()
    assert remedy.allowed() - by_aws - {"config:BatchGetResourceConfig"} == called


def test_what_aws_does_not_take_is_a_failure(driver):
    resource_type, resource_id = topic()
    remedy = driver(resource_type)
    plan = remedy.plan(resource_id)

    def fails(*_):
        raise AwsError("not taken", "InvalidParameterException")

    remedy.dies = fails
    with pytest.raises(StepError, match="not taken"):
        remedy.apply(plan)

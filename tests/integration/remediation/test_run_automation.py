"""Runbooks of AWS's are started once, waited for, and judged by what the resource is like afterwards."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from botocore.validate import validate_parameters

from integration.remediation.driver import ACCOUNT, REGION, Crash, client, session
from integration.remediation.driver_misc import Driver, crash_at
from opalite.remediation.actions.run_automation import ACTION, DOCUMENTS
from opalite.remediation.applying import StepError

ROLE = f"arn:aws:iam::{ACCOUNT}:role/opalite/automation/mender"
SETTINGS = {}  # as it ships


class Automation:
    """moto has no automations: this one takes what botocore's model takes, and does what the runbook of the name does."""

    def __init__(self, ends="Success"):
        self.model = session().get_service_model("ssm")
        self.started = {}  # by token
        self.looks = 0
        self.ends = ends
        self.called = set()

    def ask(self, operation, **parameters):
        validate_parameters(parameters, self.model.operation_model(operation).input_shape)
        self.called.add(f"ssm:{operation}")
        if operation == "DescribeDocument":
            document = {"Name": parameters["Name"], "Status": "Active"}
            return {"Document": document, "ResponseMetadata": {"RequestId": str(uuid4())}}
        if operation == "StartAutomationExecution":
            if parameters["ClientToken"] not in self.started:
                self.looks = 0
                self.started[str(UUID(parameters["ClientToken"]))] = parameters
                if self.ends == "Success":
                    given = {name: values[0] for name, values in parameters["Parameters"].items()}
                    MENDS[parameters["DocumentName"]](given)
            return {"AutomationExecutionId": "4105a4fc-f944-11e6-9d32-0a1b2c3d495h"}
        assert operation == "GetAutomationExecution"
        self.looks += 1
        status = "InProgress" if self.looks == 1 else self.ends
        return {"AutomationExecution": {"AutomationExecutionStatus": status}}


def key_arn():
    return client("kms").create_key()["KeyMetadata"]["Arn"]


def bucket():
    client("s3").create_bucket(Bucket="reports", CreateBucketConfiguration={"LocationConstraint": REGION})
    return "reports"


def block(given):
    name = given.get("BucketName") or given["S3BucketName"]
    names = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    client("s3").put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=dict.fromkeys(names, True))


def deny_http(given):
    name = given["BucketName"]
    policy = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*",'
        f'"Resource":["arn:aws:s3:::{name}","arn:aws:s3:::{name}/*"],'
        '"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}'
    )
    client("s3").put_bucket_policy(Bucket=name, Policy=policy)


def database():
    names = {"DBInstanceIdentifier": "orders", "DBInstanceClass": "db.t3.micro", "Engine": "postgres"}
    secret = {"MasterUsername": "x", "MasterUserPassword": "y" * 9}
    made = client("rds").create_db_instance(**names, **secret, AllocatedStorage=20, PubliclyAccessible=True)
    return made["DBInstance"]["DbiResourceId"]


def cluster():
    secret = {"MasterUsername": "x", "MasterUserPassword": "Abcdefgh1"}
    client("redshift").create_cluster(
        ClusterIdentifier="sales", NodeType="ra3.large", **secret, PubliclyAccessible=True, ClusterType="single-node"
    )
    return "sales"


def balancer():
    subnets = [subnet["SubnetId"] for subnet in client("ec2").describe_subnets()["Subnets"]][:2]
    elb = client("elbv2")
    arn = elb.create_load_balancer(Name="shop", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    off = [{"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "false"}]
    elb.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=off)  # moto lists only what was set
    return arn


def attribute(key):
    def mend(given):
        client("elbv2").modify_load_balancer_attributes(
            LoadBalancerArn=given["LoadBalancerArn"], Attributes=[{"Key": key, "Value": "true"}]
        )

    return mend


def trail():
    client("s3").create_bucket(Bucket="trails", CreateBucketConfiguration={"LocationConstraint": REGION})
    client("cloudtrail").create_trail(Name="all", S3BucketName="trails")
    return "all"


def table(**more):
    client("dynamodb").create_table(
        TableName="orders",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )
    return "orders"


def encrypt_table(given):
    """moto cannot change the key of a table: it is made again."""
    client("dynamodb").delete_table(TableName=given["TableName"])
    table(SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": given["KMSKeyId"]})


MENDS = {
    "AWS-DisableS3BucketPublicReadWrite": block,
    "AWSConfigRemediation-ConfigureS3BucketPublicAccessBlock": block,
    "AWSConfigRemediation-DisablePublicAccessToRDSInstance": lambda given: client("rds").modify_db_instance(
        DBInstanceIdentifier="orders", PubliclyAccessible=False
    ),
    "AWSConfigRemediation-DisablePublicAccessToRedshiftCluster": lambda given: client("redshift").modify_cluster(
        ClusterIdentifier=given["ClusterIdentifier"], PubliclyAccessible=False
    ),
    "AWSConfigRemediation-DropInvalidHeadersForALB": attribute("routing.http.drop_invalid_header_fields.enabled"),
    "AWSConfigRemediation-EnableCloudTrailLogFileValidation": lambda given: client("cloudtrail").update_trail(
        Name=given["TrailName"], EnableLogFileValidation=True
    ),
    "AWSConfigRemediation-EnableELBDeletionProtection": attribute("deletion_protection.enabled"),
    "AWSConfigRemediation-EnableEncryptionOnDynamoDbTable": encrypt_table,
    "AWSConfigRemediation-EnableKeyRotation": lambda given: client("kms").enable_key_rotation(KeyId=given["KeyId"]),
    "AWSConfigRemediation-EncryptSNSTopic": lambda given: client("sns").set_topic_attributes(
        TopicArn=given["TopicArn"], AttributeName="KmsMasterKeyId", AttributeValue=given["KmsKeyArn"]
    ),
    "AWSConfigRemediation-RestrictBucketSSLRequestsOnly": deny_http,
}
MAKES = {
    "AWS::CloudTrail::Trail": trail,
    "AWS::DynamoDB::Table": table,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": balancer,
    "AWS::KMS::Key": lambda: key_arn().rpartition("/")[2],
    "AWS::RDS::DBInstance": database,
    "AWS::Redshift::Cluster": cluster,
    "AWS::S3::Bucket": bucket,
    "AWS::SNS::Topic": lambda: client("sns").create_topic(Name="orders")["TopicArn"],
}


@pytest.fixture
def driver(aws, judges):
    def made(name, automation=None, **more):
        document = DOCUMENTS[name]
        parameters = {needed: key_arn() for needed in document.needed}
        given = {"document": name, "role": "mender", "parameters": parameters, **more}
        fakes = {"ssm": automation or Automation()}
        return Driver(ACTION, document.policy_id, *judges, given, resource_type=document.resource_type, fakes=fakes)

    return made


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_a_runbook_has_mended_complies(driver, name):
    remedy = driver(name)
    resource_id = MAKES[remedy.resource_type]()
    plan = remedy.plan(resource_id)
    assert plan.refusal == ""
    assert plan.steps[1].call.parameters["Parameters"] == {
        DOCUMENTS[name].resource: [resource_id],
        "AutomationAssumeRole": [ROLE],
        **{key: [value] for key, value in remedy.given["parameters"].items()},
    }
    remedy.apply(plan)
    assert remedy.outcome(resource_id) == "pass"


NAME = "AWSConfigRemediation-DropInvalidHeadersForALB"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_after_a_crash_it_is_not_run_twice(driver, moment):
    automation = Automation()
    remedy = driver(NAME, automation)
    remedy.dies = crash_at(1, moment)
    arn = balancer()
    plan, applied = remedy.plan(arn), {}
    with pytest.raises(Crash):
        remedy.apply(plan, applied)
    remedy = driver(NAME, automation)
    remedy.apply(plan, applied)
    assert (len(automation.started), remedy.outcome(arn)) == (1, "pass")


def test_after_a_run_that_ended_badly_another_attempt_runs_it_again(driver):
    automation = Automation("Failed")
    remedy = driver(NAME, automation)
    arn = balancer()
    with pytest.raises(StepError, match="ended as Failed"):
        remedy.apply(remedy.plan(arn))
    automation.ends = "Success"
    remedy.apply(remedy.plan(arn))
    assert (len(automation.started), remedy.outcome(arn)) == (2, "pass")


@pytest.mark.parametrize("status", ["Failed", "TimedOut", "Cancelled", "Rejected", "Exited"])
def test_a_run_that_ended_badly_is_a_failure(driver, status):
    remedy = driver(NAME, Automation(status))
    arn = balancer()
    with pytest.raises(StepError, match=f"ended as {status}"):
        remedy.apply(remedy.plan(arn))
    assert remedy.outcome(arn) == "fail"


def test_it_needs_exactly_its_permissions(driver):
    called = set()
    for name in DOCUMENTS:
        remedy = driver(name)
        if remedy.resource_type not in called:
            remedy.plan(MAKES[remedy.resource_type]())
            called |= {remedy.resource_type, *remedy.called()}
    called -= set(MAKES)
    automation = Automation()
    remedy = driver(NAME, automation)
    remedy.apply(remedy.plan(balancer()))
    assert remedy.allowed() - {"iam:PassRole"} == called | automation.called

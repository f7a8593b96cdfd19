"""What items do not tell is asked of AWS: in the right account, once, and never taken for known when nobody told it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from moto.ec2.models import ec2_backends
from moto.kms.models import kms_backends

from emulation.aws import ACCOUNTS, REGION
from emulation.dialects import stamp
from emulation.organization import PROD, WORKLOADS
from opalite.errors import AwsError

ADMIN, MEMBER, OTHER = ACCOUNTS
ROLE = "OpaliteMember"
IMAGES, KEYS = "aws.ec2.instance.approved_image", "aws.s3.bucket.encryption"
QUEUES, BALANCERS = "aws.sqs.queue.not_public", "aws.elasticloadbalancingv2.loadbalancer.in_use"
INGRESS = "aws.ec2.securitygroup.restricted_ingress"
CAPTURED = "2026-03-02T08:15:30.412Z"
# Images of another account count if that account has approved them.
APPROVED = {"parameters": {IMAGES: {"default": {"owners": {OTHER: {"tags": {"approved": ["yes"]}}}}}}}
TELLING = {"organizations:DescribeAccount": 1, "sts:AssumeRole": 1, "config:PutEvaluations": 1}


@pytest.fixture
def shared_image(aws):
    """An image of another account, with his tags, that the member may use."""
    ec2 = aws.client("ec2", OTHER)
    image = ec2.register_image(Name="golden")["ImageId"]
    ec2.create_tags(Resources=[image], Tags=[{"Key": "approved", "Value": "yes"}])
    share(image)
    return image


def share(image):
    ec2_backends[MEMBER][REGION].amis[image] = ec2_backends[OTHER][REGION].amis[image]


@pytest.fixture
def instance(recorded):
    def made(image, resource_id="i-0c1a5e77d2b94f306"):
        item = recorded("ec2-instance.event", resourceId=resource_id)
        item["configuration"]["imageId"] = image
        return item

    return made


def test_the_image_of_another_account_is_asked_for_as_the_member_and_its_tags_as_the_owner(
    aws, deploy, rule_of, instance, shared_image
):
    function = deploy(aws, layer=APPROVED)
    images = rule_of(IMAGES)
    function(aws.config.change_event(instance(shared_image), images))
    says = f"EC2 instances run approved images{function.tails()[0]}"
    key = ("AWS::EC2::Instance", "i-0c1a5e77d2b94f306")
    assert function.results(images) == {key: ("COMPLIANT", says, CAPTURED)}
    assert function.asked("ec2") == [(MEMBER, "DescribeImages"), (OTHER, "DescribeImages")]
    assert aws.calls == TELLING | {"sts:AssumeRole": 2, "ec2:DescribeImages": 2}


def test_a_fact_is_asked_for_once_for_several_events(aws, deploy, rule_of, instance, shared_image):
    function = deploy(aws, layer=APPROVED)
    images = rule_of(IMAGES)
    for number in range(3):
        event = aws.config.change_event(instance(shared_image, f"i-{number:017x}"), images)
        assert function.outcome(event) == "pass"
    assert aws.calls["ec2:DescribeImages"] == 2
    assert {one[0] for one in function.results(images).values()} == {"COMPLIANT"}
    calls = function.calls()
    assert calls.pop("CacheHits") > 0
    assert calls == {"ApiCalls": 1}  # of the last event: nothing but PutEvaluations


def test_a_fact_is_asked_for_once_for_a_page_of_a_schedule(aws, deploy, rule_of, instance, shared_image):
    function = deploy(aws, layer=APPROVED)
    for number in range(120):
        aws.config.record(instance(shared_image, f"i-{number:017x}"))
    answer = function(aws.config.schedule_event(MEMBER, rule_of(IMAGES)))
    assert answer == {"resources": 120, "delivered": {"COMPLIANT": 120}, "unreadable": 0}
    assert aws.calls["ec2:DescribeImages"] == 2


@pytest.mark.parametrize("account", [MEMBER, OTHER])
def test_what_is_denied_is_undetermined_until_it_is_permitted(aws, deploy, rule_of, instance, shared_image, account):
    function = deploy(aws, layer=APPROVED)
    images = rule_of(IMAGES)
    event = aws.config.change_event(instance(shared_image), images)
    aws.deny("ec2", "DescribeImages", account)
    assert [function.outcome(event) for _ in range(2)] == ["undetermined"] * 2
    assert function.results(images) == {}
    assert function.counts() == {"Undetermined": 1}
    aws.mend()
    assert function.outcome(event) == "pass"
    assert [one[0] for one in function.results(images).values()] == ["COMPLIANT"]


def test_an_owner_who_lets_nobody_in_leaves_his_tags_unknown(aws, deploy, rule_of, instance, shared_image):
    aws.forbid_role(OTHER, ROLE)
    function = deploy(aws, layer=APPROVED | {"stages": {IMAGES: {"default": {"undetermined": "NON_COMPLIANT"}}}})
    images = rule_of(IMAGES)
    event = aws.config.change_event(instance(shared_image), images)
    function(event)
    ((compliance_type, says, _),) = function.results(images).values()
    assert compliance_type == "NON_COMPLIANT"
    assert says == (
        f"undetermined: facts.image.{shared_image}.tags: only the owner sees the tags: "
        f"role {ROLE} of account {OTHER} cannot be assumed{function.tails()[0]}"
    )
    aws.allow_role(OTHER, ROLE)
    assert function.outcome(event) == "pass"


def test_an_image_that_is_gone_fails_and_one_that_is_shared_later_passes(aws, deploy, rule_of, instance):
    image = aws.client("ec2", OTHER).register_image(Name="golden")["ImageId"]
    aws.client("ec2", OTHER).create_tags(Resources=[image], Tags=[{"Key": "approved", "Value": "yes"}])
    function = deploy(aws, layer=APPROVED)
    event = aws.config.change_event(instance(image), rule_of(IMAGES))
    assert function.outcome(event) == "fail"
    share(image)
    assert function.outcome(event) == "pass"


@pytest.mark.parametrize(
    ("code", "status"), [("RequestLimitExceeded", 503), ("InternalError", 500), ("ServiceUnavailable", 503)]
)
def test_what_fails_in_aws_is_no_fact_and_fails_the_event(aws, deploy, rule_of, instance, shared_image, code, status):
    function = deploy(aws, layer=APPROVED)
    event = aws.config.change_event(instance(shared_image), rule_of(IMAGES))
    aws.fail("ec2", "DescribeImages", code=code, status=status, times=None)
    with pytest.raises(AwsError) as raised:
        function(event)
    assert str(raised.value).startswith(f"ec2:DescribeImages in account {MEMBER}, {REGION}: ")
    assert code in str(raised.value)
    assert aws.config.put_calls == []
    assert aws.calls["ec2:DescribeImages"] == 4
    assert function.calls()["ApiRetries"] == 3
    aws.mend()
    assert function.outcome(event) == "pass"


def test_a_fact_that_is_throttled_for_a_moment_is_asked_for_again(aws, deploy, rule_of, instance, shared_image):
    function = deploy(aws, layer=APPROVED)
    aws.fail("ec2", "DescribeImages", code="RequestLimitExceeded", times=3)
    assert function.outcome(aws.config.change_event(instance(shared_image), rule_of(IMAGES))) == "pass"
    assert function.calls()["ApiRetries"] == 3


def test_the_manager_of_a_key_decides(aws, function, rule_of, bucket, key):
    keys = rule_of(KEYS)
    own = aws.client("kms", MEMBER).create_key()["KeyMetadata"]
    kms_backends[MEMBER][REGION].keys[own["KeyId"]].key_manager = "AWS"
    assert function.outcome(aws.config.change_event(bucket("first", key=key), keys)) == "pass"
    assert function.outcome(aws.config.change_event(bucket("second", key=own["Arn"]), keys)) == "fail"
    assert {name: told[0] for (_, name), told in function.results(keys).items()} == {
        "first": "COMPLIANT",
        "second": "NON_COMPLIANT",
    }
    assert function.asked("kms") == [(MEMBER, "DescribeKey"), (MEMBER, "ListAliases"), (MEMBER, "DescribeKey")]


def test_a_key_of_another_account_is_asked_for_there_if_the_member_may_not_see_it(aws, function, rule_of, bucket):
    key = aws.client("kms", OTHER).create_key()["KeyMetadata"]["Arn"]
    assert function.outcome(aws.config.change_event(bucket(key=key), rule_of(KEYS))) == "pass"
    assert function.asked("kms") == [(MEMBER, "DescribeKey"), (OTHER, "DescribeKey"), (OTHER, "ListAliases")]


def test_a_key_that_is_denied_and_permitted_again_is_decided(aws, function, rule_of, bucket, key):
    event = aws.config.change_event(bucket(key=key), rule_of(KEYS))
    aws.deny("kms")
    assert function.outcome(event) == "undetermined"
    aws.mend()
    assert function.outcome(event) == "pass"


def test_what_needs_no_fact_asks_for_none(aws, function, rule_of, bucket):
    assert function.outcome(aws.config.change_event(bucket(), rule_of(KEYS))) == "fail"
    assert aws.calls == TELLING


PUBLIC = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "all", "Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}],
}


@pytest.mark.parametrize(("policy", "outcome"), [(None, "pass"), (PUBLIC, "fail")])
def test_the_policy_of_a_queue_is_asked_for(aws, function, rule_of, recorded, policy, outcome):
    attributes = {"Policy": json.dumps(policy)} if policy else {}
    aws.client("sqs", MEMBER).create_queue(QueueName="orders", Attributes=attributes)
    queues = rule_of(QUEUES)
    item = recorded("sqs-queue.event")
    assert function.outcome(aws.config.change_event(item, queues)) == outcome
    assert function.asked("sqs") == [(MEMBER, "GetQueueAttributes")]
    says = "all lets everybody in: sqs:SendMessage (policy.Statement.0)" if policy else "SQS queues are not public"
    told = ("NON_COMPLIANT" if policy else "COMPLIANT", f"{says}{function.tails()[0]}", CAPTURED)
    assert function.results(queues) == {("AWS::SQS::Queue", item["resourceId"]): told}


def test_whose_queue_is_asked_for_is_said_by_the_item_and_never_by_its_url(aws, function, rule_of, recorded):
    aws.client("sqs", OTHER).create_queue(QueueName="orders")
    theirs = recorded("sqs-queue.event")["resourceId"].replace(MEMBER, OTHER)
    item = recorded("sqs-queue.event", resourceId=theirs)
    assert function.outcome(aws.config.change_event(item, rule_of(QUEUES))) == "undetermined"
    assert function.asked("sqs") == []


@pytest.fixture
def balancer(aws, recorded):
    """A load balancer with a target group, its item of today, and a way to register a target."""
    ec2, elb = aws.client("ec2", MEMBER), aws.client("elbv2", MEMBER)
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.{n}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("ab")
    ]
    arn = elb.create_load_balancer(Name="orders-web", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    group = elb.create_target_group(Name="orders", Protocol="HTTPS", Port=443, VpcId=vpc)["TargetGroups"][0]
    action = {"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}
    elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[action])
    now = datetime.now(UTC)  # noqa: TID251 - CloudWatch forgets what is older than 455 days
    item = recorded("elbv2-load-balancer.event", resourceId=arn, ARN=arn, configurationItemCaptureTime=stamp(now))
    item["configuration"] |= {"loadBalancerArn": arn, "createdTime": stamp(now - timedelta(days=300))}
    image = ec2.register_image(Name="web")["ImageId"]

    def register():
        target = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
        elb.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[{"Id": target}])

    def counted(days_ago, hosts):
        names = {
            "LoadBalancer": arn.partition(":loadbalancer/")[2],
            "TargetGroup": group["TargetGroupArn"].rsplit(":", 1)[1],
        }
        aws.client("cloudwatch", MEMBER).put_metric_data(
            Namespace="AWS/ApplicationELB",
            MetricData=[
                {
                    "MetricName": "HealthyHostCount",
                    "Dimensions": [{"Name": name, "Value": value} for name, value in names.items()],
                    "Timestamp": now - timedelta(days=days_ago),
                    "Value": hosts,
                }
            ],
        )

    return item, register, counted


def test_a_load_balancer_with_a_target_is_in_use(aws, function, rule_of, balancer):
    item, register, _ = balancer
    register()
    assert function.outcome(aws.config.change_event(item, rule_of(BALANCERS))) == "pass"
    assert {account for account, _ in function.asked("elasticloadbalancing")} == {MEMBER}
    assert function.asked("cloudwatch") == []


def test_a_load_balancer_that_has_had_no_target_for_long_is_not_in_use(aws, function, rule_of, balancer):
    item, _, counted = balancer
    counted(60, 1)
    counted(50, 0)
    balancers = rule_of(BALANCERS)
    assert function.outcome(aws.config.change_event(item, balancers)) == "fail"
    ((compliance_type, says, _),) = function.results(balancers).values()
    assert (compliance_type, says[:28]) == ("NON_COMPLIANT", "no registered targets since ")
    assert {call.account for call in aws.calls_made if call.service == "cloudwatch"} == {MEMBER}


def test_a_load_balancer_of_which_nobody_knows_since_when_it_is_idle_is_undetermined(aws, deploy, rule_of, balancer):
    item, register, _ = balancer
    event = aws.config.change_event(item, rule_of(BALANCERS))
    assert deploy(aws).outcome(event) == "undetermined"
    register()
    assert deploy(aws).outcome(event) == "pass"  # in the same sandbox it is known for five minutes that there is none


# A narrower rule for production: the public site may not be open there either.
OF_PRODUCTION = {"parameters": {INGRESS: {"overrides": [{"organizational_units": [PROD], "set": {"ports": [443]}}]}}}


def test_organizational_units_are_asked_for_as_the_delegated_administrator(aws, deploy, rule_of, group):
    function = deploy(aws, layer=OF_PRODUCTION)
    assert function.outcome(aws.config.change_event(group(), rule_of(INGRESS))) == "fail"
    assert function.outcome(aws.config.change_event(group(account=OTHER), rule_of(INGRESS, OTHER))) == "pass"
    parents = [call for call in aws.calls_made if call.operation == "ListParents"]
    assert {call.account for call in parents} == {ADMIN}
    assert len(parents) == 5  # above the member prod, workloads and the root; above the other sandbox and the root
    function(aws.config.change_event(group("sg-00000000000000001"), rule_of(INGRESS)))
    assert aws.calls["organizations:ListParents"] == 5


def test_units_that_nobody_tells_leave_a_verdict_undetermined_until_somebody_does(aws, deploy, rule_of, group):
    function = deploy(aws, layer=OF_PRODUCTION)
    event = aws.config.change_event(group(), rule_of(INGRESS))
    aws.deny("organizations", "ListParents")
    assert function.outcome(event) == "undetermined"
    aws.mend()
    assert function.outcome(event) == "fail"


def test_units_are_not_asked_for_where_no_setting_names_any(aws, function, rule_of, group):
    assert function.outcome(aws.config.change_event(group(), rule_of(INGRESS))) == "pass"
    assert aws.calls["organizations:ListParents"] == 0


def test_an_exemption_of_a_unit_holds_in_the_accounts_below_it(aws, deploy, rule_of, group):
    exemption = {
        "scope": {"organizational_units": [WORKLOADS]},
        "owner": "web",
        "ticket": "WEB-1190",
        "reason": "moves",
        "expires": "2027-03-31T00:00:00Z",
    }
    function = deploy(aws, layer={"exemptions": {INGRESS: {"EX-2026-021": exemption}}})
    assert function.outcome(aws.config.change_event(group(opened=22), rule_of(INGRESS))) == "exempt"
    event = aws.config.change_event(group(account=OTHER, opened=22), rule_of(INGRESS, OTHER))
    assert function.outcome(event) == "fail"
    closed = aws.calls["organizations:ListParents"]
    assert function.outcome(aws.config.change_event(group("sg-00000000000000001"), rule_of(INGRESS))) == "pass"
    assert aws.calls["organizations:ListParents"] == closed  # nothing to excuse


def test_a_stage_of_a_unit_holds_in_the_accounts_below_it(aws, deploy, rule_of, group):
    override = {"organizational_units": [PROD], "set": {"stage": "audit"}}
    function = deploy(aws, layer={"stages": {"*": {"overrides": [override]}}})
    rules = {account: rule_of(INGRESS, account) for account in (MEMBER, OTHER)}
    for account in (MEMBER, OTHER):
        event = aws.config.change_event(group(account=account, opened=22), rules[account])
        assert function.outcome(event) == "fail"
    assert function.results(rules[MEMBER]) == {}
    assert [told[0] for told in function.results(rules[OTHER]).values()] == ["NON_COMPLIANT"]

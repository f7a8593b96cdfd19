"""Unused load balancers are deleted if nothing speaks against it; otherwise somebody is told what they cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from moto.elb import elb_backends
from moto.elbv2 import elbv2_backends

from integration.remediation.driver import REGION, Crash, client
from integration.remediation.driver_misc import Driver, crash_at
from opalite.ports import Absent
from opalite.remediation.actions import delete_load_balancer, notify_owner
from opalite.remediation.reading.loadbalancer import CLASSIC, NEXT

POLICIES = {
    CLASSIC: "aws.elasticloadbalancing.loadbalancer.in_use",
    NEXT: "aws.elasticloadbalancingv2.loadbalancer.in_use",
}
SETTINGS = {policy_id: {"default": {"days": 0}} for policy_id in POLICIES.values()}
DAYS = 30


@pytest.fixture
def driver(aws, judges):
    def made(resource_type, action=delete_load_balancer.ACTION, **more):
        return Driver(action, POLICIES[resource_type], *judges, resource_type=resource_type, **more)

    return made


def today():
    now = datetime.now(UTC)  # noqa: TID251 - moto counts by the real clock
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def counted(namespace, metric, dimensions, days, value=0.0):
    """Of so many whole days before today."""
    data = [
        {
            "MetricName": metric,
            "Dimensions": [{"Name": name, "Value": content} for name, content in dimensions.items()],
            "Timestamp": today() - timedelta(days=past) + timedelta(hours=1),
            "Value": value,
        }
        for past in days
    ]
    client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=data)


def balancer(kind="application", *, listener=True, old=True, beats=range(1, DAYS + 3), tags=()):
    """Without targets, made long ago, of which CloudWatch says every day that it does nothing."""
    subnets = [subnet["SubnetId"] for subnet in client("ec2").describe_subnets()["Subnets"]][:2]
    elb = client("elbv2")
    more = {"Tags": list(tags)} if tags else {}
    arn = elb.create_load_balancer(Name="shop", Subnets=subnets, Type=kind, **more)["LoadBalancers"][0][
        "LoadBalancerArn"
    ]
    if listener:
        vpc = client("ec2").describe_subnets(SubnetIds=subnets[:1])["Subnets"][0]["VpcId"]
        protocol = "HTTP" if kind == "application" else "TCP"
        group = elb.create_target_group(Name="shop", Protocol=protocol, Port=80, VpcId=vpc)["TargetGroups"][0]
        actions = [{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}]
        elb.create_listener(LoadBalancerArn=arn, Protocol=protocol, Port=80, DefaultActions=actions)
    if old:
        backend = elbv2_backends["123456789012"][REGION].load_balancers[arn]
        backend.created_time = today() - timedelta(days=400)
    if beats:
        namespace, metric = {
            "application": ("AWS/ApplicationELB", "ConsumedLCUs"),
            "network": ("AWS/NetworkELB", "ActiveFlowCount"),
        }[kind]
        counted(namespace, metric, {"LoadBalancer": path(arn)}, beats)
    return arn


def path(arn):
    return arn.partition(":loadbalancer/")[2]


def classic(*, old=True):
    listener = {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}
    client("elb").create_load_balancer(
        LoadBalancerName="legacy", Listeners=[listener], AvailabilityZones=[f"{REGION}a"]
    )
    if old:
        elb_backends["123456789012"][REGION].load_balancers["legacy"].created_time = today() - timedelta(days=400)
    return "legacy"


@pytest.mark.parametrize("kind", ["application", "network"])
def test_one_that_nobody_uses_is_deleted(driver, kind):
    arn = balancer(kind)
    remedy = driver(NEXT)
    plan = remedy.plan(arn)
    assert (plan.refusal, [step.name for step in plan.steps]) == ("", ["delete"])
    assert "1 target groups stay; delete those that nobody needs" in plan.instructions
    assert plan.steps[0].irreversible
    remedy.apply(plan)
    with pytest.raises(Absent):
        remedy.read(arn)
    remedy.apply(plan)  # an answer was lost: it is asked again, and is as good as once


def test_a_classic_one_without_instances_is_deleted(driver):
    name = classic()
    remedy = driver(CLASSIC)
    remedy.apply(remedy.plan(name))
    with pytest.raises(Absent):
        remedy.read(name)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_who_comes_after_a_crash_goes_on(driver, moment):
    arn = balancer()
    remedy = driver(NEXT, dies=crash_at(1, moment))
    plan, applied = remedy.plan(arn), {}
    with pytest.raises(Crash):
        remedy.apply(plan, applied)
    remedy = driver(NEXT)
    remedy.apply(plan, applied)
    with pytest.raises(Absent):
        remedy.read(arn)


def refusal(remedy, resource_id):
    plan = remedy.plan(resource_id)
    assert plan.steps == ()
    return plan.refusal


def test_a_single_request_is_use(driver):
    arn = balancer()
    counted("AWS/ApplicationELB", "NewConnectionCount", {"LoadBalancer": path(arn)}, [29], 1.0)
    day = (today() - timedelta(days=29)).date()
    assert refusal(driver(NEXT), arn) == f"something went through it on {day}"
    assert [step.name for step in driver(NEXT, given={"days": 28}).plan(arn).steps] == ["delete"]


def test_a_day_of_which_cloudwatch_says_nothing_proves_nothing(driver):
    arn = balancer(beats=[day for day in range(1, DAYS + 1) if day != 7])
    day = (today() - timedelta(days=7)).date()
    assert refusal(driver(NEXT), arn) == f"CloudWatch says nothing about 1 of the last 30 days, {day} for one"


def test_nothing_said_at_all_proves_nothing(driver):
    assert "says nothing about 30 of the last 30 days" in refusal(driver(NEXT), balancer(beats=()))


def test_without_listeners_nothing_can_come_in(driver):
    arn = balancer(listener=False, beats=())
    assert [step.name for step in driver(NEXT).plan(arn).steps] == ["delete"]


def test_a_young_one_is_given_time(driver):
    assert "less than 30 days ago" in refusal(driver(NEXT), balancer(old=False))
    assert "less than 30 days ago" in refusal(driver(CLASSIC), classic(old=False))


def test_traffic_of_a_classic_one_is_use(driver):
    name = classic()
    counted("AWS/ELB", "HTTPCode_ELB_5XX", {"LoadBalancerName": name}, [3], 2.0)
    assert "something went through it" in refusal(driver(CLASSIC), name)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("opalite:keep", "asks that it be let alone"),
        ("elbv2.k8s.aws/cluster", "something else manages it"),
        ("kubernetes.io/service-name", "something else manages it"),
    ],
)
def test_one_that_others_look_after_is_let_alone(driver, key, words):
    assert words in refusal(driver(NEXT), balancer(tags=[{"Key": key, "Value": "shop"}]))


def test_deletion_protection_is_not_lifted(driver):
    arn = balancer()
    on = [{"Key": "deletion_protection.enabled", "Value": "true"}]
    client("elbv2").modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=on)
    assert "deletion protection is on" in refusal(driver(NEXT), arn)


def scaling_group(**behind):
    scaling = client("autoscaling")
    scaling.create_launch_configuration(LaunchConfigurationName="web", ImageId="ami-1", InstanceType="t3.micro")
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="web",
        LaunchConfigurationName="web",
        MinSize=0,
        MaxSize=0,
        AvailabilityZones=[f"{REGION}a"],
        **behind,
    )


def test_a_scaling_group_that_is_empty_at_present_may_want_it(driver):
    arn = balancer()
    group = client("elbv2").describe_target_groups()["TargetGroups"][0]["TargetGroupArn"]
    scaling_group(TargetGroupARNs=[group])
    assert refusal(driver(NEXT), arn).startswith("Auto Scaling group web puts its instances behind it")


def test_a_scaling_group_may_want_a_classic_one(driver):
    name = classic()
    scaling_group(LoadBalancerNames=[name])
    assert refusal(driver(CLASSIC), name).startswith("Auto Scaling group web puts its instances behind it")


def test_one_that_is_offered_to_other_vpcs_is_let_alone(driver):
    arn = balancer("network")
    client("ec2").create_vpc_endpoint_service_configuration(NetworkLoadBalancerArns=[arn])
    assert "offers it to other VPCs" in refusal(driver(NEXT), arn)


def test_what_is_kept_of_it_tells_how_it_was_made(driver):
    state = driver(NEXT).read(balancer())
    details = orjson.loads(orjson.dumps(state.details))
    assert details == state.details
    assert sorted(details) == [
        "attributes", "auto_scaling_groups", "behind", "description", "endpoint_services", "kind", "listeners", "tags",
        "target_groups", "targets",
    ]  # fmt: skip
    assert (len(details["listeners"][0]["Rules"]), len(details["target_groups"])) == (1, 1)
    assert "State" not in details["description"]


@pytest.mark.parametrize(("resource_type", "make"), [(CLASSIC, classic), (NEXT, balancer)])
def test_the_owner_is_told_what_it_costs(driver, resource_type, make):
    remedy = driver(resource_type, notify_owner.ACTION)
    plan = remedy.plan(make())
    assert (plan.steps, plan.refusal) == ((), "")
    month = {CLASSIC: "18.25", NEXT: "16.43"}[resource_type]
    assert plan.instructions[1] == (
        f"it costs about ${month} a month (list price of us-east-1, 2025; an estimate without traffic)"
    )


def test_it_needs_exactly_its_permissions(driver):
    remedy = driver(NEXT)
    remedy.apply(remedy.plan(balancer("network")))
    assert remedy.allowed() == remedy.called()


def test_telling_takes_less(driver):
    remedy = driver(NEXT, notify_owner.ACTION)
    remedy.plan(balancer())
    assert remedy.allowed() - {"ec2:DescribeInstances"} == remedy.called()

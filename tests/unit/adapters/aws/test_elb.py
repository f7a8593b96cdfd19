"""Facts about load balancers, and since when they have had no target."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest

from opalite.adapters.aws.elb import LoadBalancers
from opalite.errors import AwsError
from opalite.ports import Absent, Answer, Denied

MEMBER, REGION = "111122223333", "eu-west-1"
HOME = f"arn:aws:elasticloadbalancing:{REGION}:{MEMBER}"
PATH = "app/shop/0123456789abcdef"
ARN = f"{HOME}:loadbalancer/{PATH}"
GROUP = "targetgroup/shop/fedcba9876543210"
OLD_GROUP = "targetgroup/old/1111111111111111"
GONE = Answer(None, "the load balancer is not there any more")
NEVER = "CloudWatch has counted no hosts, and no lack of any, for 455 days"


def fact(targets, groups, listeners, idle_since=None, at_least=None):
    counts = {"targets": targets, "target_groups": groups, "listeners": listeners}
    return counts | {"idle_since": idle_since, "idle_at_least_since": at_least}


def midnight(clock, days_ago=0):
    return clock().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days_ago)


def text(moment):
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def told(sessions, clock, place, *keys):
    return LoadBalancers(sessions, clock).fetch(place, list(keys))


def counted(cloudwatch, clock, namespace, dimensions, **hosts_by_day):
    for name, days in hosts_by_day.items():
        for days_ago, hosts in days.items():
            datum = {
                "MetricName": name,
                "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
                "Timestamp": midnight(clock, days_ago) + timedelta(minutes=5),
                "Value": hosts,
            }
            cloudwatch.put_metric_data(Namespace=namespace, MetricData=[datum])


@pytest.fixture
def classic(as_account):
    elb = as_account("elb")

    def made(*names):
        for name in names:
            elb.create_load_balancer(
                LoadBalancerName=name,
                Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": port, "InstancePort": port} for port in (80, 81)],
                AvailabilityZones=["eu-west-1a"],
            )
        return elb

    return made


def test_classic_load_balancers_with_and_without_instances(sessions, clock, place, classic, as_account):
    elb = classic("used", "left", "never", "unasked")
    elb.register_instances_with_load_balancer(
        LoadBalancerName="used", Instances=[{"InstanceId": "i-1"}, {"InstanceId": "i-2"}]
    )
    cloudwatch = as_account("cloudwatch")
    for name in ("used", "left"):
        counted(cloudwatch, clock, "AWS/ELB", {"LoadBalancerName": name}, HealthyHostCount={100: 2, 99: 0, 20: 0})
    counted(cloudwatch, clock, "AWS/ELB", {"LoadBalancerName": "left"}, UnHealthyHostCount={90: 1})
    assert told(sessions, clock, place, "used", "left", "never", "gone") == {
        "used": Answer(fact(2, None, 2)),
        "left": Answer(fact(0, None, 2, text(midnight(clock, 89)))),
        "never": Answer(fact(0, None, 2), NEVER),
        "gone": GONE,
    }
    calls = sessions.calls.counts()
    assert (calls["elasticloadbalancing:DescribeLoadBalancers"], calls["cloudwatch:GetMetricData"]) == (1, 1)


@pytest.mark.parametrize(
    ("healthy", "unhealthy", "idle_days", "at_least_days"),
    [
        ({30: 2}, {}, 29, None),  # since the end of the last day with hosts
        ({}, {30: 1, 31: 4}, 29, None),
        ({30: 2, 20: 0}, {25: 1}, 24, None),
        ({30: 0, 25: 0}, {20: 0}, None, 29),  # only zeros: at least since the end of the first day with one
        ({440: 1}, {}, 439, None),
    ],
)
def test_idle_since_the_last_day_with_hosts(accounts, clock, place, healthy, unhealthy, idle_days, at_least_days):
    results = [
        {
            "Id": f"m{index}",
            "Timestamps": [midnight(clock, day).astimezone(timezone(timedelta(hours=5))) for day in days],
            "Values": [float(hosts) for hosts in days.values()],
        }
        for index, days in enumerate((healthy, unhealthy))
    ]
    sessions = accounts().tell(MEMBER, "GetMetricData", {"MetricDataResults": results})
    sessions.tell(MEMBER, "DescribeLoadBalancers", {"LoadBalancerDescriptions": [{"LoadBalancerName": "lb"}]})
    times = [days and text(midnight(clock, days)) for days in (idle_days, at_least_days)]
    found = told(sessions, clock, place, "lb")["lb"].fact
    assert [found["idle_since"], found["idle_at_least_since"]] == times


def test_who_had_hosts_today_is_idle_since_now_and_not_since_tomorrow(sessions, clock, place, classic, as_account):
    classic("lb")
    clock.time = midnight(clock) + timedelta(hours=1)
    counted(as_account("cloudwatch"), clock, "AWS/ELB", {"LoadBalancerName": "lb"}, HealthyHostCount={0: 3})
    assert told(sessions, clock, place, "lb")["lb"].fact["idle_since"] == text(clock())


def test_an_application_load_balancer_with_targets(sessions, clock, place, as_account):
    ec2, elbv2 = as_account("ec2"), as_account("elbv2")
    vpc = ec2.create_vpc(CidrBlock="172.28.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"172.28.{index}.0/24", AvailabilityZone=f"eu-west-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for index, zone in enumerate("ab")
    ]
    arns = [
        elbv2.create_load_balancer(Name=name, Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
        for name in ("used", "idle", "bare", "gone")
    ]
    for arn in arns[:2]:
        group = elbv2.create_target_group(Name=f"g{arns.index(arn)}", Protocol="HTTP", Port=80, VpcId=vpc)
        group_arn = group["TargetGroups"][0]["TargetGroupArn"]
        action = {"Type": "forward", "TargetGroupArn": group_arn}
        elbv2.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[action])
    used = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    idle_group = group_arn
    elbv2.register_targets(
        TargetGroupArn=elbv2.describe_target_groups(Names=["g0"])["TargetGroups"][0]["TargetGroupArn"],
        Targets=[{"Id": used}],
    )
    elbv2.delete_load_balancer(LoadBalancerArn=arns[3])
    dimensions = {"LoadBalancer": arns[1].split("loadbalancer/")[1], "TargetGroup": idle_group.split(":")[-1]}
    counted(as_account("cloudwatch"), clock, "AWS/ApplicationELB", dimensions, UnHealthyHostCount={10: 1})
    assert told(sessions, clock, place, *arns) == {
        arns[0]: Answer(fact(1, 1, 1)),
        arns[1]: Answer(fact(0, 1, 1, text(midnight(clock, 9)))),
        arns[2]: Answer(fact(0, 0, 0), NEVER),
        arns[3]: GONE,
    }


class Balancer:
    """One load balancer of the second generation, in words of its own."""

    def __init__(self, accounts, path=PATH):
        self.sessions = accounts()
        self.path = path
        self.groups("shop")
        self.states()
        self.sessions.tell(MEMBER, "DescribeListeners", {"Listeners": [{}, {}]}, {"Listeners": [{}]})
        self.sessions.tell(MEMBER, "ListMetrics", {"Metrics": []})
        self.sessions.tell(MEMBER, "GetMetricData", {"MetricDataResults": []})

    def groups(self, *names):
        pages = [
            {"TargetGroups": [{"TargetGroupArn": f"{HOME}:targetgroup/{name}/fedcba9876543210"}]} for name in names
        ]
        self.sessions.tell(MEMBER, "DescribeTargetGroups", *pages)

    def states(self, *states):
        health = [{"TargetHealth": {"State": state}} for state in states]
        self.sessions.tell(MEMBER, "DescribeTargetHealth", {"TargetHealthDescriptions": health})

    def asked(self, operation):
        return [parameters for *_, name, parameters in self.sessions.asked if name == operation]


@pytest.fixture
def balancer(accounts):
    return Balancer(accounts)


def test_all_groups_listeners_and_targets_count_but_those_that_are_draining(balancer, clock, place):
    balancer.groups("shop", "cart")
    balancer.states("healthy", "unhealthy", "draining", "unused")
    assert told(balancer.sessions, clock, place, ARN) == {ARN: Answer(fact(6, 2, 3))}
    assert balancer.asked("GetMetricData") == []


def test_only_draining_targets_are_none(balancer, clock, place):
    balancer.states("draining")
    assert told(balancer.sessions, clock, place, ARN) == {ARN: Answer(fact(0, 1, 3), NEVER)}


@pytest.mark.parametrize(
    ("kind", "namespace"),
    [("app", "AWS/ApplicationELB"), ("net", "AWS/NetworkELB"), ("gwy", "AWS/GatewayELB")],
)
def test_each_kind_is_counted_in_a_namespace_of_its_own(balancer, clock, place, kind, namespace):
    told(balancer.sessions, clock, place, ARN.replace("/app/", f"/{kind}/"))
    [asked] = balancer.asked("GetMetricData")
    assert asked["StartTime"] == midnight(clock, 455)
    assert asked["EndTime"] == clock()
    assert [query["MetricStat"] for query in asked["MetricDataQueries"]] == [
        {
            "Metric": {
                "Namespace": namespace,
                "MetricName": name,
                "Dimensions": [
                    {"Name": "LoadBalancer", "Value": PATH.replace("app/", f"{kind}/")},
                    {"Name": "TargetGroup", "Value": GROUP},
                ],
            },
            "Period": 86400,
            "Stat": "Maximum",
        }
        for name in ("HealthyHostCount", "UnHealthyHostCount")
    ]


def test_a_group_that_was_taken_away_lately_counts_too(balancer, clock, place):
    def dimensions(**values):
        return {"Dimensions": [{"Name": key, "Value": value} for key, value in values.items()]}

    listed = {
        "Metrics": [
            dimensions(TargetGroup=OLD_GROUP, LoadBalancer=PATH),
            dimensions(TargetGroup=GROUP, LoadBalancer=PATH),
            dimensions(TargetGroup=OLD_GROUP, LoadBalancer=PATH, AvailabilityZone="eu-west-1a"),
        ]
    }
    days = {"m0": (20, 1), "m2": (3, 1), "m3": (2, 0)}
    results = [
        {"Id": name, "Timestamps": [midnight(clock, day)], "Values": [hosts], "StatusCode": "Complete"}
        for name, (day, hosts) in days.items()
    ]
    balancer.sessions.tell(MEMBER, "ListMetrics", listed)
    balancer.sessions.tell(MEMBER, "GetMetricData", *({"MetricDataResults": [result]} for result in results))
    assert told(balancer.sessions, clock, place, ARN) == {ARN: Answer(fact(0, 1, 3, text(midnight(clock, 2))))}
    assert len(balancer.asked("GetMetricData")[0]["MetricDataQueries"]) == 4
    assert balancer.asked("ListMetrics") == [
        {
            "Namespace": "AWS/ApplicationELB",
            "MetricName": "HealthyHostCount",
            "Dimensions": [{"Name": "LoadBalancer", "Value": PATH}],
        }
    ]


@pytest.mark.parametrize("operation", ["ListMetrics", "GetMetricData"])
def test_without_the_right_to_read_counts_the_rest_is_known(balancer, clock, place, operation):
    balancer.sessions.tell(MEMBER, operation, Denied(f"{operation} is denied"))
    answer = told(balancer.sessions, clock, place, ARN)[ARN]
    assert answer == Answer(fact(0, 1, 3), f"since when it is idle is not known: {operation} is denied", refused=True)


def part(clock, code, hosts=0):
    return {
        "MetricDataResults": [
            {"Id": "m0", "Timestamps": [midnight(clock, 2)], "Values": [hosts], "StatusCode": code},
        ]
    }


@pytest.mark.parametrize("code", ["InternalError", "Forbidden", "PartialData"])
def test_counts_that_cloudwatch_cannot_give_whole_are_an_error(balancer, clock, place, code):
    balancer.sessions.tell(MEMBER, "GetMetricData", part(clock, "PartialData", 1), part(clock, code))
    with pytest.raises(AwsError, match=f"cloudwatch:GetMetricData in account 111122223333, eu-west-1: {code}"):
        told(balancer.sessions, clock, place, ARN)


def test_a_page_of_partial_counts_is_completed_by_the_next(balancer, clock, place):
    balancer.sessions.tell(MEMBER, "GetMetricData", part(clock, "PartialData", 1), part(clock, "Complete"))
    assert told(balancer.sessions, clock, place, ARN)[ARN].fact["idle_since"] == text(midnight(clock, 1))


@pytest.mark.parametrize("operation", ["DescribeTargetGroups", "DescribeListeners", "DescribeTargetHealth"])
@pytest.mark.parametrize(
    ("raised", "answer"), [(Denied("no"), Answer(None, "no")), (Absent("LoadBalancerNotFound"), GONE)]
)
def test_without_a_count_there_is_no_fact(balancer, clock, place, operation, raised, answer):
    balancer.sessions.tell(MEMBER, operation, raised)
    assert told(balancer.sessions, clock, place, ARN) == {ARN: answer}


def test_a_load_balancer_that_is_gone_has_no_counts_though_its_groups_are_not_found_either(balancer, clock, place):
    balancer.sessions.tell(MEMBER, "DescribeTargetGroups", Absent("TargetGroupNotFound"))
    balancer.sessions.tell(MEMBER, "DescribeListeners", Absent("LoadBalancerNotFound"))
    assert told(balancer.sessions, clock, place, ARN) == {ARN: GONE}


def test_a_refusal_is_told_for_each_classic_one(accounts, clock, place):
    sessions = accounts().tell(MEMBER, "DescribeLoadBalancers", Denied("no"))
    assert told(sessions, clock, place, "a", "b") == {"a": Answer(None, "no"), "b": Answer(None, "no")}


@pytest.mark.parametrize("key", [f"{HOME}:targetgroup/x/1", f"{HOME}:loadbalancer/classic", "arn:aws:s3:::b"])
def test_what_is_no_load_balancer_is_not_asked_for(accounts, clock, place, key):
    assert told(accounts(), clock, place, key) == {key: Answer(None, "this is not the ARN of a load balancer")}


def test_many_idle_load_balancers_share_their_calls(accounts, clock, place):
    names = [f"lb-{number}" for number in range(250)]
    sessions = accounts().tell(
        MEMBER, "DescribeLoadBalancers", {"LoadBalancerDescriptions": [{"LoadBalancerName": name} for name in names]}
    )
    sessions.tell(MEMBER, "GetMetricData", {"MetricDataResults": []})
    assert told(sessions, clock, place, *names) == dict.fromkeys(names, Answer(fact(0, None, 0), NEVER))
    assert sessions.calls == {(MEMBER, "DescribeLoadBalancers"): 1, (MEMBER, "GetMetricData"): 3}

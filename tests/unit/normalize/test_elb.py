from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from opalite.model import Item, Resource
from opalite.normalize import resource

ITEMS = Path(__file__).parents[2] / "data" / "items"
CLASSIC, LOAD_BALANCER, TARGET_GROUP = "elb-load-balancer", "elbv2-load-balancer", "elbv2-target-group"
ALL = "resource.configuration"


def load(case: str) -> dict[str, Any]:
    body = orjson.loads((ITEMS / f"{case}.json").read_bytes())
    assert isinstance(body, dict)
    return body


def normalized(body: dict[str, Any]) -> Resource:
    return resource(Item(body=body, source="test"))


def changed(case: str, *, attributes: Any = None, **members: Any) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """An event's configuration with other members (None: without them) and other attributes."""
    body = load(f"{case}.event")
    body["configuration"] |= members
    body["configuration"] = {key: value for key, value in body["configuration"].items() if value is not None}
    if attributes is not None:
        body["supplementaryConfiguration"]["LoadBalancerAttributes"] = attributes
    found = normalized(body)
    return found.document["configuration"], list(found.unknown)


@pytest.mark.parametrize("case", [CLASSIC, LOAD_BALANCER, TARGET_GROUP])
@pytest.mark.parametrize("dialect", ["api", "select"])
def test_every_dialect_gives_the_resource_of_the_event(case: str, dialect: str) -> None:
    event, other = normalized(load(f"{case}.event")), normalized(load(f"{case}.{dialect}"))
    assert orjson.dumps(event) == orjson.dumps(other)


def test_a_target_group_is_read_in_both_spellings() -> None:
    proper, small = (normalized(load(f"{TARGET_GROUP}.{case}")) for case in ("event", "first-letters-small"))
    assert proper.document == small.document
    assert (proper.unknown, small.unknown) == ([], [])


def test_of_a_target_group_in_a_third_spelling_nothing_is_known() -> None:
    found = normalized(load(f"{TARGET_GROUP}.other-spellings"))
    members = found.document["configuration"]
    assert set(members.values()) == {None}
    assert [gap["path"] for gap in found.unknown] == [f"{ALL}.{member}" for member in members]


def test_of_a_target_group_without_a_configuration_nothing_is_known() -> None:
    found = normalized(load(f"{TARGET_GROUP}.event") | {"configuration": {}})
    assert found.document["configuration"] is None
    assert found.unknown == [{"path": ALL, "reason": "the item's configuration is empty"}]


@pytest.mark.parametrize(
    ("case", "member", "key"),
    [
        (CLASSIC, "created_time", "createdTime"),
        (CLASSIC, "subnets", "subnets"),
        (CLASSIC, "security_groups", "securityGroups"),
        (CLASSIC, "availability_zones", "availabilityZones"),
        (CLASSIC, "listeners", "listenerDescriptions"),
        (LOAD_BALANCER, "created_time", "createdTime"),
        (LOAD_BALANCER, "type", "type"),
        (LOAD_BALANCER, "state", "state"),
        (LOAD_BALANCER, "vpc_id", "vpcId"),
        (LOAD_BALANCER, "availability_zones", "availabilityZones"),
        (TARGET_GROUP, "load_balancers", "LoadBalancerArns"),
        (TARGET_GROUP, "health_check_enabled", "HealthCheckEnabled"),
    ],
)
def test_what_every_load_balancer_has_is_unknown_when_missing(case: str, member: str, key: str) -> None:
    configuration, unknown = changed(case, **{key: None})
    assert configuration[member] is None
    assert {"path": f"{ALL}.{member}", "reason": f"the item has no configuration.{key}"} in unknown


@pytest.mark.parametrize(
    ("case", "member", "key"),
    [
        (CLASSIC, "scheme", "scheme"),
        (CLASSIC, "vpc_id", "vpcid"),
        (LOAD_BALANCER, "scheme", "scheme"),
        (LOAD_BALANCER, "security_groups", "securityGroups"),
        (TARGET_GROUP, "protocol", "Protocol"),
        (TARGET_GROUP, "port", "Port"),
        (TARGET_GROUP, "vpc_id", "VpcId"),
        (TARGET_GROUP, "health_check_protocol", "HealthCheckProtocol"),
    ],
)
def test_what_a_load_balancer_may_do_without_is_none_when_missing(case: str, member: str, key: str) -> None:
    before, gaps = changed(case)
    assert changed(case, **{key: None}) == (before | {member: None}, gaps)


def test_instances_of_a_classic_load_balancer_that_are_not_recorded_are_unknown_and_not_none() -> None:
    configuration, unknown = changed(CLASSIC)
    assert configuration["instances"] is None
    assert unknown == [{"path": f"{ALL}.instances", "reason": "the item has no configuration.instances"}]
    configuration, unknown = changed(CLASSIC, instances=[{"instanceId": "i-0c1a5e77d2b94f306"}])
    assert (configuration["instances"], unknown) == (["i-0c1a5e77d2b94f306"], [])


def test_a_listener_may_lack_all_but_protocol_and_port() -> None:
    listener = {"listener": {"protocol": "HTTP", "loadBalancerPort": 80}, "policyNames": None}
    configuration, _ = changed(CLASSIC, listenerDescriptions=[listener])
    assert configuration["listeners"] == [
        {
            "protocol": "HTTP",
            "port": 80,
            "instance_protocol": None,
            "instance_port": None,
            "certificate": None,
            "policies": [],
        }
    ]


@pytest.mark.parametrize(
    ("listener", "reason"),
    [
        ({"listener": {"loadBalancerPort": 80}}, "malformed: expected an object with protocol"),
        ({"listener": {"protocol": "HTTP"}}, "malformed: expected an object with loadBalancerPort"),
        ({"protocol": "HTTP"}, "malformed: expected an object"),
        ("HTTP", "malformed: expected a list of objects"),
    ],
)
def test_one_unreadable_listener_makes_the_listeners_unknown(listener: Any, reason: str) -> None:
    whole = {"listener": {"protocol": "HTTP", "loadBalancerPort": 80}}
    configuration, unknown = changed(CLASSIC, listenerDescriptions=[whole, listener])
    assert configuration["listeners"] is None
    assert {"path": f"{ALL}.listeners", "reason": reason} in unknown


def test_an_attribute_that_a_type_of_load_balancer_lacks_is_none() -> None:
    configuration, unknown = changed(
        LOAD_BALANCER, attributes=[{"key": "deletion_protection.enabled", "value": "false"}]
    )
    names = ("access_logs", "access_logs_bucket", "deletion_protection", "drop_invalid_headers", "desync_mitigation")
    assert [configuration[name] for name in names] == [None, None, False, None, None]
    assert unknown == []


def test_deletion_protection_is_an_attribute_of_every_load_balancer() -> None:
    configuration, unknown = changed(LOAD_BALANCER, attributes=[])
    assert configuration["deletion_protection"] is None
    assert unknown == [
        {
            "path": f"{ALL}.deletion_protection",
            "reason": "the item has no attribute deletion_protection.enabled",
        }
    ]


def test_an_attribute_with_two_values_is_unknown() -> None:
    twice = [{"key": "deletion_protection.enabled", "value": value} for value in ("true", "false")]
    configuration, unknown = changed(LOAD_BALANCER, attributes=twice)
    assert configuration["deletion_protection"] is None
    assert unknown == [
        {"path": f"{ALL}.deletion_protection", "reason": "malformed: expected one deletion_protection.enabled"}
    ]

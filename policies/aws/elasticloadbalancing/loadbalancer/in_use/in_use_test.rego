package aws.elasticloadbalancing.loadbalancer.in_use_test

import data.opalite.decision

_id := "aws.elasticloadbalancing.loadbalancer.in_use"

_used := {"targets": 2, "target_groups": null, "listeners": null, "idle_since": null}

_idle := {"targets": 0, "target_groups": null, "listeners": 1, "idle_since": "2026-09-01T00:00:00Z"}

_listener := {"protocol": "HTTP", "port": 80, "instance_protocol": "HTTP", "instance_port": 8080, "certificate": null, "policies": []}

_load_balancer := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::ElasticLoadBalancing::LoadBalancer",
		"id": "shop",
		"name": "shop",
		"arn": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/shop",
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {
			"created_time": "2025-01-10T08:00:00.000Z",
			"scheme": "internal",
			"vpc_id": "vpc-0a1b2c3d4e5f60718",
			"subnets": [],
			"security_groups": [],
			"availability_zones": ["eu-west-1a", "eu-west-1b"],
			"listeners": [_listener],
			"instances": null,
			"access_logs": false,
			"connection_draining": true,
			"cross_zone": true,
		},
		"relationships": [],
	},
	"facts": {"load_balancer": {"shop": _used}},
	"unknown": [{"path": "resource.configuration.instances", "reason": "the item has no configuration.instances"}],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00.000Z",
}

_catalog := {
	"by_type": {"AWS::ElasticLoadBalancing::LoadBalancer": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration"]}},
}

_judged(item, settings) := result if {
	parameters := {_id: {"default": object.union({"criterion": "no_instances", "days": 30}, settings)}}
	results := decision.results with input as item
		with data.catalog as _catalog
		with data.parameters as parameters
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

_with(fact) := json.patch(_load_balancer, [{"op": "replace", "path": "/facts", "value": {"load_balancer": {"shop": fact}}}])

_without_facts := json.patch(_load_balancer, [{"op": "replace", "path": "/facts", "value": {}}])

_set(item, member, value) := json.patch(item, [{"op": "replace", "path": sprintf("/resource/configuration/%s", [member]), "value": value}])

_passed := {"outcome": "pass"}

_needs_the_fact := {"outcome": "undetermined", "unknown": {{"fact": "load_balancer", "key": "shop"}}}

_failed(message, subject, actual, expected) := {"outcome": "fail", "violations": {{
	"message": message,
	"subject": subject,
	"evidence": {"path": [subject], "actual": actual, "expected": expected},
}}}

_unused := _failed(
	"no registered instances since 2026-09-01T00:00:00Z, for more than 30 days",
	"instances",
	{"instances": 0, "since": "2026-09-01T00:00:00Z", "days": 83},
	"at least one, or none for at most 30 days",
)

_without_listeners := _failed("no listeners", "listeners", {"listeners": 0, "since": null, "days": null}, "at least one")

test_pass_with_a_registered_instance if {
	_judged(_load_balancer, {}) == _passed
	_judged(_load_balancer, {"days": 0}) == _passed
}

test_pass_with_a_recorded_instance_without_a_fact if {
	_judged(_set(_without_facts, "instances", ["i-0a1b2c3d4e5f60718"]), {}) == _passed
	_judged(_set(_with(_idle), "instances", ["i-0a1b2c3d4e5f60718"]), {}) == _passed
}

test_pass_where_instances_are_gone_for_the_days_that_are_allowed if {
	_judged(_with(object.union(_idle, {"idle_since": "2026-10-24T00:00:00Z"})), {}) == _passed
	_judged(_with(_idle), {"days": 83}) == _passed
}

test_pass_young_without_a_fact if _judged(_set(_without_facts, "created_time", "2026-10-24T00:00:00.000Z"), {}) == _passed

test_fail_without_instances_for_longer if {
	_judged(_with(_idle), {}) == _unused
	_judged(_set(_with(_idle), "instances", []), {}) == _unused
	_judged(_set(_with(_idle), "created_time", null), {}) == _unused
}

test_fail_at_once_where_no_day_is_allowed if {
	item := _set(_with(object.union(_idle, {"idle_since": null})), "created_time", "2026-11-22T23:59:00.000Z")
	_judged(item, {"days": 0}) == _failed(
		"no registered instances",
		"instances",
		{"instances": 0, "since": null, "days": null},
		"at least one",
	)
}

test_undetermined_without_the_fact[note] if {
	some note, instances in {"not recorded": null, "recorded as none": []}
	_judged(_set(_without_facts, "instances", instances), {"days": 0}) == _needs_the_fact
	_judged(_set(_without_facts, "instances", instances), {}) == _needs_the_fact
}

test_undetermined_when_not_known_since_when if {
	_judged(_with(object.union(_idle, {"idle_since": null})), {}) == {"outcome": "undetermined", "unknown": {{
		"path": "facts.load_balancer.shop.idle_since",
		"reason": "not known since when there are no registered instances",
	}}}
}

test_pass_with_a_listener_without_a_fact if {
	_judged(_without_facts, {"criterion": "no_listeners", "days": 0}) == _passed
	_judged(_with(object.union(_idle, {"listeners": 0})), {"criterion": "no_listeners", "days": 0}) == _passed
}

test_fail_without_a_listener_without_a_fact if {
	_judged(_set(_without_facts, "listeners", []), {"criterion": "no_listeners", "days": 0}) == _without_listeners
	_judged(_set(_with(_idle), "listeners", []), {"criterion": "no_listeners", "days": 0}) == _without_listeners
}

test_a_fact_counts_listeners_that_were_not_recorded if {
	settings := {"criterion": "no_listeners", "days": 0}
	_judged(_set(_with(_idle), "listeners", null), settings) == _passed
	_judged(_set(_with(object.union(_idle, {"listeners": 0})), "listeners", null), settings) == _without_listeners
	_judged(_set(_without_facts, "listeners", null), settings) == _needs_the_fact
}

# That instances are gone since September says nothing of when the last listener went.
test_undetermined_since_when_there_is_no_listener if {
	item := _set(_with(_idle), "listeners", [])
	_judged(item, {"criterion": "no_listeners"}) == {"outcome": "undetermined", "unknown": {{"reason": "nothing tells since when there are no listeners; days: 0 judges without it"}}}
	_judged(_set(item, "created_time", "2026-11-01T00:00:00.000Z"), {"criterion": "no_listeners"}) == _passed
}

test_undetermined_when_a_criterion_is_none_of_ours if {
	_judged(_load_balancer, {"criterion": "no_requests"}) == {
		"outcome": "undetermined",
		"unknown": {{"reason": "the policy says neither compliant nor violations"}},
	}
}

test_undetermined_when_the_configuration_was_not_recorded if {
	gap := {"path": "resource.configuration", "reason": "not in the item"}
	item := json.patch(_with(_idle), [
		{"op": "replace", "path": "/resource/configuration", "value": null},
		{"op": "replace", "path": "/unknown", "value": [gap]},
	])
	_judged(item, {"days": 0}) == {"outcome": "undetermined", "unknown": {gap}}
}

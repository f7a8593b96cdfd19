package aws.elasticloadbalancingv2.loadbalancer.in_use_test

import data.opalite.decision

_id := "aws.elasticloadbalancingv2.loadbalancer.in_use"

_arn := "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/shop/50dc6c495c0c9188"

_used := {"targets": 2, "target_groups": 1, "listeners": 1, "idle_since": null}

_idle := {"targets": 0, "target_groups": 1, "listeners": 1, "idle_since": "2026-09-01T00:00:00Z"}

_load_balancer := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
		"id": _arn,
		"name": "shop",
		"arn": _arn,
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {
			"created_time": "2025-01-10T08:00:00.000Z",
			"type": "application",
			"scheme": "internal",
			"state": "active",
			"vpc_id": "vpc-0a1b2c3d4e5f60718",
			"security_groups": [],
			"availability_zones": ["eu-west-1a", "eu-west-1b"],
			"access_logs": false,
			"access_logs_bucket": null,
			"deletion_protection": false,
			"drop_invalid_headers": false,
			"desync_mitigation": "defensive",
		},
		"relationships": [],
	},
	"facts": {"load_balancer": {_arn: _used}},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00.000Z",
}

_catalog := {
	"by_type": {"AWS::ElasticLoadBalancingV2::LoadBalancer": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration"]}},
}

_judged(item, settings) := result if {
	parameters := {_id: {"default": object.union({"criterion": "no_targets", "days": 30}, settings)}}
	results := decision.results with input as item
		with data.catalog as _catalog
		with data.parameters as parameters
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

_with(fact) := json.patch(_load_balancer, [{"op": "replace", "path": "/facts", "value": {"load_balancer": {_arn: fact}}}])

_without_facts := json.patch(_load_balancer, [{"op": "replace", "path": "/facts", "value": {}}])

_created(item, moment) := json.patch(item, [{"op": "replace", "path": "/resource/configuration/created_time", "value": moment}])

_passed := {"outcome": "pass"}

_needs_the_fact := {"outcome": "undetermined", "unknown": {{"fact": "load_balancer", "key": _arn}}}

_undated(what) := {"outcome": "undetermined", "unknown": {{"reason": sprintf("nothing tells since when there are no %s; days: 0 judges without it", [what])}}}

_failed(message, subject, actual, expected) := {"outcome": "fail", "violations": {{
	"message": message,
	"subject": subject,
	"evidence": {"path": [], "actual": actual, "expected": expected},
}}}

_unused := _failed(
	"no registered targets since 2026-09-01T00:00:00Z, for more than 30 days",
	"targets",
	{"targets": 0, "since": "2026-09-01T00:00:00Z", "days": 83},
	"at least one, or none for at most 30 days",
)

test_pass_with_a_registered_target if {
	_judged(_load_balancer, {}) == _passed
	_judged(_load_balancer, {"days": 0}) == _passed
	_judged(_created(_load_balancer, null), {}) == _passed
}

test_pass_where_targets_are_gone_for_the_days_that_are_allowed if {
	_judged(_with(object.union(_idle, {"idle_since": "2026-10-24T00:00:00Z"})), {}) == _passed
	_judged(_with(_idle), {"days": 83}) == _passed
}

test_pass_young_without_a_fact if _judged(_created(_without_facts, "2026-10-24T00:00:00.000Z"), {}) == _passed

test_fail_without_targets_for_longer if {
	_judged(_with(_idle), {}) == _unused
	_judged(_created(_with(_idle), null), {}) == _unused
}

test_fail_at_once_where_no_day_is_allowed if {
	_judged(_created(_with(object.union(_idle, {"idle_since": null})), "2026-11-22T23:59:00.000Z"), {"days": 0}) == _failed(
		"no registered targets",
		"targets",
		{"targets": 0, "since": null, "days": null},
		"at least one",
	)
}

test_fail_without_a_target_group_when_targets_were_not_counted if {
	none := {"targets": null, "target_groups": 0, "listeners": null, "idle_since": "2026-09-01T00:00:00Z"}
	_judged(_with(none), {}) == _failed(
		"no target groups since 2026-09-01T00:00:00Z, for more than 30 days",
		"target_groups",
		{"target_groups": 0, "since": "2026-09-01T00:00:00Z", "days": 83},
		"at least one, or none for at most 30 days",
	)
}

test_pass_with_a_listener_when_targets_were_not_counted if {
	fact := {"targets": null, "target_groups": 0, "listeners": 1, "idle_since": null}
	_judged(_with(fact), {"criterion": "no_listeners", "days": 0}) == _passed
}

test_pass_with_a_counted_target_whatever_the_count_of_groups if {
	_judged(_with({"targets": 1, "target_groups": 0, "listeners": 0, "idle_since": null}), {"days": 0}) == _passed
}

test_undetermined_when_only_target_groups_were_counted if {
	_judged(_with({"targets": null, "target_groups": 2, "listeners": 1, "idle_since": null}), {}) == _needs_the_fact
}

test_undetermined_without_the_fact[days] if {
	some days in [0, 30]
	_judged(_without_facts, {"days": days}) == _needs_the_fact
	_judged(json.patch(_load_balancer, [{"op": "replace", "path": "/facts", "value": {"load_balancer": {"another": _idle}}}]), {"days": days}) == _needs_the_fact
}

test_undetermined_when_not_known_since_when if {
	_judged(_with(object.union(_idle, {"idle_since": null})), {}) == {"outcome": "undetermined", "unknown": {{
		"path": sprintf("facts.load_balancer.%s.idle_since", [_arn]),
		"reason": "not known since when there are no registered targets",
	}}}
}

test_pass_with_a_target_group_or_a_listener[criterion] if {
	some criterion, fact in {
		"no_target_groups": {"targets": 0, "target_groups": 1, "listeners": 0, "idle_since": "2026-09-01T00:00:00Z"},
		"no_listeners": {"targets": 0, "target_groups": 0, "listeners": 1, "idle_since": "2026-09-01T00:00:00Z"},
	}
	_judged(_with(fact), {"criterion": criterion, "days": 0}) == _passed
}

test_fail_without_a_target_group_or_a_listener_where_no_day_is_allowed[criterion] if {
	some criterion, case in {
		"no_target_groups": ["target_groups", "target groups", {"targets": 1, "target_groups": 0, "listeners": 1, "idle_since": "2026-09-01T00:00:00Z"}],
		"no_listeners": ["listeners", "listeners", {"targets": 1, "target_groups": 1, "listeners": 0, "idle_since": "2026-09-01T00:00:00Z"}],
	}
	[member, what, fact] := case
	_judged(_with(fact), {"criterion": criterion, "days": 0}) == _failed(
		sprintf("no %s", [what]),
		member,
		{member: 0, "since": null, "days": null},
		"at least one",
	)
}

# That targets are gone since September says nothing of when the last listener went.
test_undetermined_since_when_there_is_no_target_group_or_listener[criterion] if {
	some criterion, what in {"no_target_groups": "target groups", "no_listeners": "listeners"}
	fact := {"targets": 0, "target_groups": 0, "listeners": 0, "idle_since": "2026-09-01T00:00:00Z"}
	_judged(_with(fact), {"criterion": criterion}) == _undated(what)
	_judged(_created(_with(fact), "2026-11-01T00:00:00.000Z"), {"criterion": criterion}) == _passed
}

test_undetermined_when_target_groups_or_listeners_were_not_counted[criterion] if {
	some criterion in ["no_target_groups", "no_listeners"]
	_judged(_with({"targets": 0, "target_groups": null, "listeners": null, "idle_since": null}), {"criterion": criterion, "days": 0}) == _needs_the_fact
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

# A load balancer that failed to start, or has not yet started, serves nobody: it is judged like any other.
test_the_state_of_the_load_balancer_changes_nothing[state] if {
	some state in ["provisioning", "active_impaired", "failed"]
	patch := [{"op": "replace", "path": "/resource/configuration/state", "value": state}]
	_judged(json.patch(_load_balancer, patch), {}) == _passed
	_judged(json.patch(_with(_idle), patch), {}) == _unused
}

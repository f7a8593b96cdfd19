package aws.elasticloadbalancingv2.loadbalancer.access_logs_test

import data.opalite.decision

_id := "aws.elasticloadbalancingv2.loadbalancer.access_logs"

_load_balancer := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
		"id": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/shop/50dc6c495c0c9188",
		"name": "shop",
		"arn": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/shop/50dc6c495c0c9188",
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
			"access_logs": true,
			"access_logs_bucket": "logs",
			"deletion_protection": true,
			"drop_invalid_headers": true,
			"desync_mitigation": "defensive",
		},
		"relationships": [],
	},
	"facts": {},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00.000Z",
}

_catalog := {
	"by_type": {"AWS::ElasticLoadBalancingV2::LoadBalancer": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.type", "resource.configuration.access_logs"]}},
}

_judged(item, settings) := result if {
	parameters := {_id: {"default": object.union({"types": ["application"]}, settings)}}
	results := decision.results with input as item
		with data.catalog as _catalog
		with data.parameters as parameters
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

_with(changes) := json.patch(_load_balancer, [{"op": "replace", "path": sprintf("/resource/configuration/%s", [member]), "value": value} |
	some member, value in changes
])

_unrecorded(member) := json.patch(_with({member: null}), [{"op": "replace", "path": "/unknown", "value": [_gap(member)]}])

_gap(member) := {"path": sprintf("resource.configuration.%s", [member]), "reason": "not in the item"}

_passed := {"outcome": "pass"}

_off := {"outcome": "fail", "violations": {{
	"message": "access logs are off",
	"subject": "access_logs",
	"evidence": {"path": ["access_logs"], "actual": false, "expected": true},
}}}

_not_asked(type) := {"outcome": "not_applicable", "reasons": {sprintf("access logs are not asked of a load balancer of type %s", [type])}}

test_pass_with_access_logs if _judged(_load_balancer, {}) == _passed

test_fail_without_access_logs if _judged(_with({"access_logs": false}), {}) == _off

test_not_applicable_to_types_that_are_not_listed[type] if {
	some type in ["network", "gateway"]
	_judged(_with({"type": type, "access_logs": false}), {}) == _not_asked(type)
	_judged(_with({"type": type, "access_logs": null}), {}) == _not_asked(type)
}

test_types_are_a_parameter if {
	_judged(_with({"type": "network", "access_logs": false}), {"types": ["application", "network"]}) == _off
	_judged(_with({"type": "network"}), {"types": ["network"]}) == _passed
	_judged(_with({"access_logs": false}), {"types": ["network"]}) == _not_asked("application")
}

test_undetermined_when_a_member_was_not_recorded[member] if {
	some member in ["type", "access_logs"]
	_judged(_unrecorded(member), {}) == {"outcome": "undetermined", "unknown": {_gap(member)}}
}

test_undetermined_when_the_attribute_is_not_among_those_recorded if {
	_judged(_with({"access_logs": null}), {}) == {"outcome": "undetermined", "unknown": {{"path": "resource.configuration.access_logs"}}}
}

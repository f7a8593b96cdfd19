package aws.elasticloadbalancingv2.loadbalancer.drop_invalid_headers_test

import data.opalite.decision

_id := "aws.elasticloadbalancingv2.loadbalancer.drop_invalid_headers"

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
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.type", "resource.configuration.drop_invalid_headers"]}},
}

_judged(item) := result if {
	results := decision.results with input as item
		with data.catalog as _catalog
		with data.parameters as {}
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

test_pass_where_invalid_headers_are_dropped if _judged(_load_balancer) == _passed

test_fail_where_invalid_headers_are_passed_on if {
	_judged(_with({"drop_invalid_headers": false})) == {"outcome": "fail", "violations": {{
		"message": "invalid HTTP headers are passed on to the targets",
		"subject": "drop_invalid_headers",
		"evidence": {"path": ["drop_invalid_headers"], "actual": false, "expected": true},
	}}}
}

test_not_applicable_to_other_types[type] if {
	some type in ["network", "gateway"]
	_judged(_with({"type": type, "drop_invalid_headers": null})) == {
		"outcome": "not_applicable",
		"reasons": {sprintf("a load balancer of type %s does not look at HTTP headers", [type])},
	}
}

test_undetermined_when_a_member_was_not_recorded[member] if {
	some member in ["type", "drop_invalid_headers"]
	_judged(_unrecorded(member)) == {"outcome": "undetermined", "unknown": {_gap(member)}}
}

test_undetermined_when_the_attribute_is_not_among_those_recorded if {
	_judged(_with({"drop_invalid_headers": null})) == {
		"outcome": "undetermined",
		"unknown": {{"path": "resource.configuration.drop_invalid_headers"}},
	}
}

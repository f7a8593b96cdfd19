package aws.elasticloadbalancingv2.targetgroup.encrypted_health_checks_test

import data.opalite.decision

_id := "aws.elasticloadbalancingv2.targetgroup.encrypted_health_checks"

_target_group := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::ElasticLoadBalancingV2::TargetGroup",
		"id": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/shop/73e2d6bc24d8a067",
		"name": null,
		"arn": "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/shop/73e2d6bc24d8a067",
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {
			"target_type": "instance",
			"protocol": "HTTPS",
			"port": 8443,
			"vpc_id": "vpc-0a1b2c3d4e5f60718",
			"load_balancers": [],
			"health_check_enabled": true,
			"health_check_protocol": "HTTPS",
		},
		"relationships": [],
	},
	"facts": {},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00.000Z",
}

_catalog := {
	"by_type": {"AWS::ElasticLoadBalancingV2::TargetGroup": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.target_type", "resource.configuration.health_check_protocol"]}},
}

_judged(item) := result if {
	results := decision.results with input as item
		with data.catalog as _catalog
		with data.parameters as {}
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

_with(changes) := json.patch(_target_group, [{"op": "replace", "path": sprintf("/resource/configuration/%s", [member]), "value": value} |
	some member, value in changes
])

_unrecorded(member) := json.patch(_with({member: null}), [{"op": "replace", "path": "/unknown", "value": [_gap(member)]}])

_gap(member) := {"path": sprintf("resource.configuration.%s", [member]), "reason": "not in the item"}

_passed := {"outcome": "pass"}

test_pass_with_https[type] if {
	some type in ["instance", "ip", "alb"]
	_judged(_with({"target_type": type})) == _passed
}

test_fail_with_another_protocol[protocol] if {
	some protocol in ["HTTP", "TCP", "TLS"]
	_judged(_with({"health_check_protocol": protocol})) == {"outcome": "fail", "violations": {{
		"message": sprintf("health checks are made over %s", [protocol]),
		"subject": "health_check_protocol",
		"evidence": {"path": ["health_check_protocol"], "actual": protocol, "expected": "HTTPS"},
	}}}
}

test_the_protocol_of_the_traffic_changes_nothing if _judged(_with({"protocol": "HTTP"})) == _passed

test_not_applicable_to_functions if {
	_judged(_with({"target_type": "lambda", "health_check_protocol": null})) == {
		"outcome": "not_applicable",
		"reasons": {"the targets are functions, whose health is asked for through an encrypted API"},
	}
}

test_undetermined_when_a_member_was_not_recorded[member] if {
	some member in ["target_type", "health_check_protocol"]
	_judged(_unrecorded(member)) == {"outcome": "undetermined", "unknown": {_gap(member)}}
}

test_undetermined_without_a_protocol if {
	_judged(_with({"health_check_protocol": null})) == {
		"outcome": "undetermined",
		"unknown": {{"path": "resource.configuration.health_check_protocol"}},
	}
}

package aws.elasticloadbalancingv2.targetgroup.encrypted_protocol_test

import data.opalite.decision

_id := "aws.elasticloadbalancingv2.targetgroup.encrypted_protocol"

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
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.target_type", "resource.configuration.protocol"]}},
}

_judged(item, settings) := result if {
	parameters := {_id: {"default": object.union({"protocols": ["HTTPS", "TLS", "QUIC"]}, settings)}}
	results := decision.results with input as item
		with data.catalog as _catalog
		with data.parameters as parameters
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

_in_the_clear(protocol, expected) := {"outcome": "fail", "violations": {{
	"message": sprintf("traffic to the targets is %s, which does not count as encrypted", [protocol]),
	"subject": "protocol",
	"evidence": {"path": ["protocol"], "actual": protocol, "expected": expected},
}}}

_skipped(reason) := {"outcome": "not_applicable", "reasons": {reason}}

test_pass_with_an_encrypted_protocol[protocol] if {
	some protocol in ["HTTPS", "TLS", "QUIC"]
	some type in ["instance", "ip"]
	_judged(_with({"target_type": type, "protocol": protocol}), {}) == _passed
}

test_fail_with_another_protocol[protocol] if {
	some protocol in ["HTTP", "TCP", "UDP", "TCP_UDP", "TCP_QUIC", "https"]
	_judged(_with({"protocol": protocol}), {}) == _in_the_clear(protocol, "one of HTTPS, TLS, QUIC")
}

test_protocols_are_a_parameter if {
	_judged(_with({"protocol": "TCP"}), {"protocols": ["TLS", "TCP"]}) == _passed
	_judged(_with({"protocol": "HTTPS"}), {"protocols": ["TLS"]}) == _in_the_clear("HTTPS", "one of TLS")
}

test_not_applicable_to_functions if {
	_judged(_with({"target_type": "lambda", "protocol": null}), {}) == _skipped("the targets are functions, which are invoked through an encrypted API")
}

test_not_applicable_to_load_balancers if {
	_judged(_with({"target_type": "alb", "protocol": "TCP"}), {}) == _skipped("the target is a load balancer, whose own listener decides")
}

test_not_applicable_to_appliances if {
	_judged(_with({"protocol": "GENEVE"}), {}) == _skipped("traffic to appliances is wrapped in GENEVE as it came")
}

test_undetermined_when_a_member_was_not_recorded[member] if {
	some member in ["target_type", "protocol"]
	_judged(_unrecorded(member), {}) == {"outcome": "undetermined", "unknown": {_gap(member)}}
}

test_undetermined_without_a_protocol if {
	_judged(_with({"protocol": null}), {}) == {"outcome": "undetermined", "unknown": {{"path": "resource.configuration.protocol"}}}
}

package aws.elasticloadbalancingv2.loadbalancer.deletion_protection_test

import data.opalite.decision

_id := "aws.elasticloadbalancingv2.loadbalancer.deletion_protection"

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
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.deletion_protection"]}},
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

test_pass_with_deletion_protection[type] if {
	some type in ["application", "network", "gateway"]
	_judged(_with({"type": type})) == _passed
}

test_fail_without_deletion_protection[type] if {
	some type in ["application", "network", "gateway"]
	_judged(_with({"type": type, "deletion_protection": false})) == {"outcome": "fail", "violations": {{
		"message": "deletion protection is off",
		"subject": "deletion_protection",
		"evidence": {"path": ["deletion_protection"], "actual": false, "expected": true},
	}}}
}

test_undetermined_when_not_recorded if {
	_judged(_unrecorded("deletion_protection")) == {"outcome": "undetermined", "unknown": {_gap("deletion_protection")}}
}

# Null without a note in `unknown` breaks the normalizer's promise; not even then does the load balancer pass.
test_undetermined_when_null if {
	_judged(_with({"deletion_protection": null})) == {
		"outcome": "undetermined",
		"unknown": {{"reason": "the policy says neither compliant nor violations"}},
	}
}

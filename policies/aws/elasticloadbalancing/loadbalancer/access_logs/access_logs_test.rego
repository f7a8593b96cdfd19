package aws.elasticloadbalancing.loadbalancer.access_logs_test

import data.opalite.decision

_id := "aws.elasticloadbalancing.loadbalancer.access_logs"

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
			"listeners": [],
			"instances": null,
			"access_logs": true,
			"connection_draining": true,
			"cross_zone": true,
		},
		"relationships": [],
	},
	"facts": {},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00.000Z",
}

_catalog := {
	"by_type": {"AWS::ElasticLoadBalancing::LoadBalancer": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.access_logs"]}},
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

test_pass_with_access_logs if _judged(_load_balancer) == _passed

test_fail_without_access_logs if {
	_judged(_with({"access_logs": false})) == {"outcome": "fail", "violations": {{
		"message": "access logs are off",
		"subject": "access_logs",
		"evidence": {"path": ["access_logs"], "actual": false, "expected": true},
	}}}
}

test_undetermined_when_not_recorded if {
	_judged(_unrecorded("access_logs")) == {"outcome": "undetermined", "unknown": {_gap("access_logs")}}
}

# Null without a note in `unknown` breaks the normalizer's promise; not even then does the load balancer pass.
test_undetermined_when_null if {
	_judged(_with({"access_logs": null})) == {
		"outcome": "undetermined",
		"unknown": {{"reason": "the policy says neither compliant nor violations"}},
	}
}

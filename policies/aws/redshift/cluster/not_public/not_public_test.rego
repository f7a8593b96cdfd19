package aws.redshift.cluster.not_public_test

import data.opalite.decision

_id := "aws.redshift.cluster.not_public"

_cluster := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::Redshift::Cluster",
		"id": "sales",
		"name": "sales",
		"arn": "arn:aws:redshift:eu-west-1:111122223333:cluster:sales",
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {
			"status": "available",
			"version": "1.0",
			"node_type": "ra3.xlplus",
			"encrypted": true,
			"kms_key_id": null,
			"hsm_configuration": null,
			"publicly_accessible": false,
			"vpc_id": "vpc-0c1d2e3f4a5b60718",
			"security_groups": ["sg-0a1b2c3d4e5f60718"],
			"port": 5439,
			"enhanced_vpc_routing": true,
			"parameter_groups": ["sales-tls"],
			"allow_version_upgrade": true,
			"automated_snapshot_retention_period": 7,
			"logging_enabled": true,
		},
		"relationships": [],
	},
	"facts": {},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_catalog := {
	"by_type": {"AWS::Redshift::Cluster": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.publicly_accessible"]}},
}

_judged(item) := result if {
	results := decision.results with input as item
		with data.catalog as _catalog
		with data.parameters as {}
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

_with(configuration) := object.union(_cluster, {"resource": {"configuration": configuration}})

test_pass_without_a_public_address if _judged(_cluster) == {"outcome": "pass"}

test_fail_with_a_public_address if {
	_judged(_with({"publicly_accessible": true})) == {"outcome": "fail", "violations": {{
		"message": "the cluster is publicly accessible",
		"subject": "publicly_accessible",
		"evidence": {"path": ["publicly_accessible"], "actual": true, "expected": false},
	}}}
}

test_undetermined_when_it_was_not_recorded if {
	gap := {"path": "resource.configuration.publicly_accessible", "reason": "the item has no configuration.publiclyAccessible"}
	item := object.union(_with({"publicly_accessible": null}), {"unknown": [gap]})
	_judged(item) == {"outcome": "undetermined", "unknown": {gap}}
}

# Null without a note in `unknown` breaks the normalizer's promise; not even then does the cluster pass.
test_undetermined_when_it_is_null if {
	_judged(_with({"publicly_accessible": null})) == {
		"outcome": "undetermined",
		"unknown": {{"reason": "the policy says neither compliant nor violations"}},
	}
}

package aws.rds.dbinstance.not_public_test

import data.opalite.decision

_id := "aws.rds.dbinstance.not_public"

_item := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::RDS::DBInstance",
		"id": "db-ORDERSEXAMPLE0000000000000",
		"name": "orders",
		"arn": "arn:aws:rds:eu-west-1:111122223333:db:orders",
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {
			"status": "available",
			"engine": "postgres",
			"storage_encrypted": true,
			"kms_key_id": null,
			"publicly_accessible": false,
			"backup_retention_period": 14,
			"cluster": null,
			"read_replica_source": null,
			"multi_az": true,
			"deletion_protection": true,
			"iam_database_authentication": true,
			"auto_minor_version_upgrade": true,
			"subnet_group": "orders-private",
			"security_groups": ["sg-0aaaabbbbccccdddd"],
		},
		"relationships": [],
	},
	"facts": {},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_catalog := {
	"by_type": {"AWS::RDS::DBInstance": [_id]},
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

_with(members) := object.union(_item, {"resource": {"configuration": members}})

_failed := {"outcome": "fail", "violations": {{
	"message": "the DB instance is publicly accessible",
	"subject": "publicly_accessible",
	"evidence": {"path": ["publicly_accessible"], "actual": true, "expected": false},
}}}

test_pass_when_it_is_not_publicly_accessible if _judged(_item) == {"outcome": "pass"}

test_fail_when_it_is_publicly_accessible if _judged(_with({"publicly_accessible": true})) == _failed

test_neither_status_nor_cluster_changes_anything[status] if {
	some status in ["creating", "available", "stopped", "deleting"]
	_judged(_with({"status": status, "cluster": "ledger"})) == {"outcome": "pass"}
	_judged(_with({"status": status, "cluster": "ledger", "publicly_accessible": true})) == _failed
}

test_undetermined_when_it_was_not_recorded if {
	gap := {"path": "resource.configuration.publicly_accessible", "reason": "not in the item"}
	item := object.union(_with({"publicly_accessible": null}), {"unknown": [gap]})
	_judged(item) == {"outcome": "undetermined", "unknown": {gap}}
}

test_undetermined_when_it_is_neither_true_nor_false if {
	_judged(_with({"publicly_accessible": null})) == {"outcome": "undetermined", "unknown": {{"reason": "the policy says neither compliant nor violations"}}}
}

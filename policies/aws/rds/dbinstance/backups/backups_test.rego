package aws.rds.dbinstance.backups_test

import data.opalite.decision

_id := "aws.rds.dbinstance.backups"

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
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.backup_retention_period", "resource.configuration.cluster", "resource.configuration.read_replica_source"]}},
}

_defaults := {"minimum_days": 7, "read_replicas": false}

_judged(item, settings) := result if {
	parameters := {_id: {"default": object.union(_defaults, settings)}}
	results := decision.results with input as item
		with data.catalog as _catalog
		with data.parameters as parameters
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

_with(members) := object.union(_item, {"resource": {"configuration": members}})

_passed := {"outcome": "pass"}

_failed(days, minimum) := {"outcome": "fail", "violations": {{
	"message": sprintf("automated backups are kept for %d of %d required days", [days, minimum]),
	"subject": "backup_retention_period",
	"evidence": {"path": ["backup_retention_period"], "actual": days, "expected": sprintf("%d or more", [minimum])},
}}}

test_pass_from_the_required_days_on[days] if {
	some days in [7, 8, 35]
	_judged(_with({"backup_retention_period": days}), {}) == _passed
}

test_fail_below_the_required_days if {
	_judged(_with({"backup_retention_period": 6}), {}) == _failed(6, 7)
	_judged(_with({"backup_retention_period": 1}), {}) == _failed(1, 7)
}

test_fail_when_backups_are_off if {
	_judged(_with({"backup_retention_period": 0}), {}) == _failed(0, 7)
	_judged(_with({"backup_retention_period": 0}), {"minimum_days": 1}) == _failed(0, 1)
}

test_the_days_are_a_parameter if {
	_judged(_item, {"minimum_days": 14}) == _passed
	_judged(_item, {"minimum_days": 15}) == _failed(14, 15)
}

# Null is less than every number, and text is more.
test_undetermined_when_the_days_are_no_number[days] if {
	some days in [null, "14"]
	_judged(_with({"backup_retention_period": days}), {}) == {
		"outcome": "undetermined",
		"unknown": {{"reason": "the policy says neither compliant nor violations"}},
	}
}

test_not_applicable_as_member_of_a_cluster[days] if {
	some days in [1, 14]
	_judged(_with({"cluster": "ledger", "backup_retention_period": days}), {"read_replicas": true}) == {
		"outcome": "not_applicable",
		"reasons": {"its backups are those of the DB cluster ledger"},
	}
}

test_not_applicable_as_read_replica[days] if {
	some days in [0, 14]
	_judged(_with({"read_replica_source": "orders", "backup_retention_period": days}), {}) == {
		"outcome": "not_applicable",
		"reasons": {"it is a read replica of orders"},
	}
}

test_read_replicas_may_be_judged if {
	_judged(_with({"read_replica_source": "orders"}), {"read_replicas": true}) == _passed
	failed := _failed(0, 7)
	_judged(_with({"read_replica_source": "orders", "backup_retention_period": 0}), {"read_replicas": true}) == failed
}

test_undetermined_when_a_member_was_not_recorded[member] if {
	some member in ["backup_retention_period", "cluster", "read_replica_source"]
	gap := {"path": sprintf("resource.configuration.%s", [member]), "reason": "not in the item"}
	item := object.union(_with({member: null}), {"unknown": [gap]})
	_judged(item, {}) == {"outcome": "undetermined", "unknown": {gap}}
}

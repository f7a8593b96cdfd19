package aws.rds.dbcluster.backups_test

import data.opalite.decision

_id := "aws.rds.dbcluster.backups"

_item := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::RDS::DBCluster",
		"id": "cluster-LEDGEREXAMPLE0000000000000",
		"name": "ledger",
		"arn": "arn:aws:rds:eu-west-1:111122223333:cluster:ledger",
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {
			"status": "available",
			"engine": "aurora-postgresql",
			"engine_mode": "provisioned",
			"storage_encrypted": true,
			"kms_key_id": null,
			"backup_retention_period": 14,
			"multi_az": true,
			"deletion_protection": true,
			"iam_database_authentication": true,
			"copy_tags_to_snapshot": true,
			"subnet_group": "ledger-private",
			"security_groups": ["sg-0aaaabbbbccccdddd"],
			"members": ["ledger-1", "ledger-2"],
		},
		"relationships": [],
	},
	"facts": {},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_catalog := {
	"by_type": {"AWS::RDS::DBCluster": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.backup_retention_period"]}},
}

_defaults := {"minimum_days": 7}

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

test_undetermined_when_the_days_were_not_recorded if {
	gap := {"path": "resource.configuration.backup_retention_period", "reason": "not in the item"}
	item := object.union(_with({"backup_retention_period": null}), {"unknown": [gap]})
	_judged(item, {}) == {"outcome": "undetermined", "unknown": {gap}}
}

package aws.rds.dbsnapshot.not_public_test

import data.opalite.decision

_id := "aws.rds.dbsnapshot.not_public"

_item := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::RDS::DBSnapshot",
		"id": "orders-before-upgrade",
		"name": "orders-before-upgrade",
		"arn": "arn:aws:rds:eu-west-1:111122223333:snapshot:orders-before-upgrade",
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {
			"status": "available",
			"snapshot_type": "manual",
			"engine": "postgres",
			"instance": "orders",
			"source_snapshot": null,
			"created_at": "2026-02-27T19:03:11.204Z",
			"encrypted": true,
			"kms_key_id": null,
			"shared_with": [],
		},
		"relationships": [],
	},
	"facts": {},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_catalog := {
	"by_type": {"AWS::RDS::DBSnapshot": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.shared_with"]}},
}

_defaults := {"allowed_accounts": null}

_judged(item, settings) := result if {
	parameters := {_id: {"default": object.union(_defaults, settings)}}
	results := decision.results with input as item
		with data.catalog as _catalog
		with data.parameters as parameters
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

_shared(accounts) := object.union(_item, {"resource": {"configuration": {"shared_with": accounts}}})

_passed := {"outcome": "pass"}

_public(accounts) := {
	"message": "every AWS account may restore the snapshot",
	"subject": "all",
	"evidence": {"path": ["shared_with"], "actual": accounts, "expected": "allowed accounts only"},
}

_stranger(accounts, account) := {
	"message": sprintf("account %s may restore the snapshot and is not allowed to", [account]),
	"subject": account,
	"evidence": {"path": ["shared_with"], "actual": accounts, "expected": "allowed accounts only"},
}

_failed(violations) := {"outcome": "fail", "violations": violations}

test_pass_when_shared_with_nobody if {
	_judged(_item, {}) == _passed
	_judged(_item, {"allowed_accounts": {}}) == _passed
}

test_pass_when_shared_with_accounts_and_none_are_listed if _judged(_shared(["444455556666", "777788889999"]), {}) == _passed

test_pass_when_shared_with_listed_accounts if {
	_judged(_shared(["444455556666"]), {"allowed_accounts": {"444455556666": "backups", "777788889999": ""}}) == _passed
	_judged(_shared(["777788889999"]), {"allowed_accounts": {"444455556666": "backups", "777788889999": ""}}) == _passed
}

test_fail_when_public[name] if {
	some name, allowed in {"unlisted": null, "none": {}, "some": {"444455556666": "backups"}, "misplaced": {"all": "a mistake"}}
	_judged(_shared(["all"]), {"allowed_accounts": allowed}) == _failed({_public(["all"])})
}

test_fail_when_shared_with_another_account_than_those_listed if {
	accounts := ["444455556666", "777788889999"]
	_judged(_shared(accounts), {"allowed_accounts": {"444455556666": "backups"}}) == _failed({_stranger(accounts, "777788889999")})
	_judged(_shared(accounts), {"allowed_accounts": {}}) == _failed({_stranger(accounts, account) | some account in accounts})
}

test_fail_when_public_and_shared_with_others if {
	accounts := ["444455556666", "all"]
	_judged(_shared(accounts), {}) == _failed({_public(accounts)})
	_judged(_shared(accounts), {"allowed_accounts": {}}) == _failed({_public(accounts), _stranger(accounts, "444455556666")})
}

test_undetermined_when_shares_were_not_recorded if {
	gap := {"path": "resource.configuration.shared_with", "reason": "not in the item"}
	item := object.union(_shared(null), {"unknown": [gap]})
	_judged(item, {}) == {"outcome": "undetermined", "unknown": {gap}}
}

test_undetermined_when_shares_are_null if {
	_judged(_shared(null), {}) == {
		"outcome": "undetermined",
		"unknown": {{"reason": "the policy says neither compliant nor violations"}},
	}
}

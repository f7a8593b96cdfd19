package aws.rds.dbsnapshot.encryption_test

import data.opalite.decision

_id := "aws.rds.dbsnapshot.encryption"

_arn := "arn:aws:kms:eu-west-1:111122223333:key/6a1f0c2e-3b4d-4e5f-8a9b-0c1d2e3f4a5b"

_customer := {"manager": "CUSTOMER", "arn": _arn, "account_id": "111122223333", "state": "Enabled", "aliases": ["alias/databases"]}

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
			"kms_key_id": _arn,
			"shared_with": [],
		},
		"relationships": [],
	},
	"facts": {"kms_key": {_arn: _customer}},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_defaults := {"level": "customer_managed", "allowed_keys": {}, "allowed_accounts": {}}

_catalog := {
	"by_type": {"AWS::RDS::DBSnapshot": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.kms_key_id", "resource.configuration.encrypted"]}},
}

_judged(item, settings) := result if {
	parameters := {_id: {"default": object.union(_defaults, settings)}}
	results := decision.results with input as item
		with data.catalog as _catalog
		with data.parameters as parameters
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

# The good DB snapshot with other members.
_with(members) := object.union(_item, {"resource": {"configuration": members}})

_passed := {"outcome": "pass"}

_missed(shown, required, actual) := {"outcome": "fail", "violations": {{
	"message": sprintf("the snapshot is %s; required is %s", [shown, required]),
	"subject": "encryption",
	"evidence": {"path": ["encrypted"], "actual": actual, "expected": required},
}}}

test_pass_with_a_customer_managed_key if _judged(_item, {}) == _passed

test_pass_with_a_key_that_is_allowed if {
	_judged(_item, {"allowed_keys": {"alias/databases": "all databases"}, "allowed_accounts": {"111122223333": "own"}}) == _passed
}

test_fail_without_encryption_at_every_level[level] if {
	some level, required in {
		"any": "any encryption",
		"kms": "a KMS key",
		"named_key": "a named KMS key",
		"customer_managed": "a customer managed KMS key",
	}
	_judged(_with({"encrypted": false, "kms_key_id": null}), {"level": level}) == _missed("not encrypted", required, false)
}

test_fail_without_encryption_beside_a_leftover_key if {
	_judged(_with({"encrypted": false}), {"level": "any"}) == _missed("not encrypted", "any encryption", false)
	_judged(_with({"encrypted": false}), {}) == _missed("not encrypted", "a customer managed KMS key", false)
}

test_fail_with_the_key_of_aws if {
	item := object.union(_item, {"facts": {"kms_key": {_arn: {"manager": "AWS"}}}})
	shown := "encrypted with key/6a1f0c2e-3b4d-4e5f-8a9b-0c1d2e3f4a5b"
	_judged(item, {}) == _missed(shown, "a customer managed KMS key", true)
}

test_without_a_recorded_key_only_the_lower_levels_are_met if {
	item := _with({"kms_key_id": null})
	_judged(item, {"level": "any"}) == _passed
	_judged(item, {"level": "kms"}) == _passed
	_judged(item, {"level": "named_key"}) == _missed("encrypted without a named key", "a named KMS key", true)
	_judged(item, {}) == _missed("encrypted without a named key", "a customer managed KMS key", true)
}

# Not even the key of AWS is assumed, though it would belong to the own account.
test_fail_without_a_recorded_key_where_accounts_are_listed if {
	_judged(_with({"kms_key_id": null}), {"level": "kms", "allowed_accounts": {"111122223333": "own"}}) == {
		"outcome": "fail",
		"violations": {{
			"message": "encrypted without a named key is not of an allowed account",
			"subject": "account",
			"evidence": {"path": ["kms_key_id"], "actual": null, "expected": "a key of an allowed account"},
		}},
	}
}

test_fail_with_another_key_than_those_allowed if {
	_judged(_item, {"allowed_keys": {"alias/other": "another system"}}) == {"outcome": "fail", "violations": {{
		"message": "encrypted with key/6a1f0c2e-3b4d-4e5f-8a9b-0c1d2e3f4a5b is not an allowed key",
		"subject": "key",
		"evidence": {"path": ["kms_key_id"], "actual": _arn, "expected": "an allowed key"},
	}}}
}

test_undetermined_while_nobody_knows_the_key if {
	item := json.patch(_item, [{"op": "replace", "path": "/facts", "value": {}}])
	_judged(item, {}) == {"outcome": "undetermined", "unknown": {{"fact": "kms_key", "key": _arn}}}
	_judged(item, {"level": "named_key"}) == _passed
}

test_undetermined_when_a_member_was_not_recorded[member] if {
	some member in ["encrypted", "kms_key_id"]
	gap := {"path": sprintf("resource.configuration.%s", [member]), "reason": "not in the item"}
	item := object.union(_with({member: null}), {"unknown": [gap]})
	_judged(item, {"level": "any"}) == {"outcome": "undetermined", "unknown": {gap}}
}

# Null without a note in `unknown`: text that older items write for "nothing was set".
test_undetermined_when_it_is_neither_on_nor_off if {
	_judged(_with({"encrypted": null}), {"level": "any"}) == {
		"outcome": "undetermined",
		"unknown": {{"reason": "the policy says neither compliant nor violations"}},
	}
}

package aws.dynamodb.table.encryption_test

import data.opalite.decision

_id := "aws.dynamodb.table.encryption"

_arn := "arn:aws:kms:eu-west-1:111122223333:key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10"

_customer := {"manager": "CUSTOMER", "arn": _arn, "account_id": "111122223333", "state": "Enabled", "aliases": ["alias/data"]}

_table := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::DynamoDB::Table",
		"id": "orders",
		"name": "orders",
		"arn": "arn:aws:dynamodb:eu-west-1:111122223333:table/orders",
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {
			"arn": "arn:aws:dynamodb:eu-west-1:111122223333:table/orders",
			"status": "ACTIVE",
			"encryption": {"status": "ENABLED", "type": "KMS", "key": _arn},
			"billing_mode": "PAY_PER_REQUEST",
			"table_class": null,
			"stream_enabled": null,
			"replica_regions": null,
			"point_in_time_recovery": true,
		},
		"relationships": [],
	},
	"facts": {"kms_key": {_arn: _customer}},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_catalog := {
	"by_type": {"AWS::DynamoDB::Table": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.encryption"]}},
}

_judged(item, settings) := result if {
	defaults := {"level": "customer_managed", "allowed_keys": {}, "allowed_accounts": {}}
	results := decision.results with input as item
		with data.catalog as _catalog
		with data.parameters as {_id: {"default": object.union(defaults, settings)}}
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

_missed(message, actual, expected) := {"outcome": "fail", "violations": {{
	"message": message,
	"subject": "encryption",
	"evidence": {"path": ["encryption"], "actual": actual, "expected": expected},
}}}

test_pass_with_a_customer_managed_key if _judged(_table, {}) == {"outcome": "pass"}

test_fail_with_a_key_that_aws_manages if {
	message := "the table is encrypted with key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10; required is a customer managed KMS key"
	item := object.union(_table, {"facts": {"kms_key": {_arn: {"manager": "AWS"}}}})
	_judged(item, {}) == _missed(substring(message, 0, 120), {"status": "ENABLED", "type": "KMS", "key": _arn}, "a customer managed KMS key")
}

test_fail_with_another_key_than_those_allowed if {
	_judged(_table, {"allowed_keys": {"alias/other": "x"}}) == {"outcome": "fail", "violations": {{
		"message": "encrypted with key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10 is not an allowed key",
		"subject": "key",
		"evidence": {"path": ["encryption", "key"], "actual": _arn, "expected": "an allowed key"},
	}}}
}

test_undetermined_without_the_fact if {
	item := object.union(object.remove(_table, {"facts"}), {"facts": {}})
	_judged(item, {}) == {"outcome": "undetermined", "unknown": {{"fact": "kms_key", "key": _arn}}}
}

_encrypted(value) := json.patch(_table, [{"op": "replace", "path": "/resource/configuration/encryption", "value": value}])

_unclear(reason) := {"outcome": "undetermined", "unknown": {{"path": "resource.configuration.encryption", "reason": reason}}}

test_a_key_that_dynamodb_owns_is_some_encryption_but_no_kms_key if {
	every recorded in [null, {"status": "DISABLED", "type": null, "key": null}, {"status": "DISABLED", "type": "KMS", "key": _arn}] {
		item := _encrypted(recorded)
		_judged(item, {"level": "any"}) == {"outcome": "pass"}
		message := "the table is encrypted with a key that DynamoDB owns; required is a KMS key"
		_judged(item, {"level": "kms"}) == _missed(message, recorded, "a KMS key")
	}
}

test_fail_with_a_key_that_dynamodb_owns_where_keys_are_listed if {
	_judged(_encrypted(null), {"level": "any", "allowed_keys": {_arn: "x"}}) == {"outcome": "fail", "violations": {{
		"message": "encrypted with a key that DynamoDB owns is not an allowed key",
		"subject": "key",
		"evidence": {"path": ["encryption", "key"], "actual": null, "expected": "an allowed key"},
	}}}
}

test_aes256_is_some_encryption_but_no_kms_key if {
	recorded := {"status": "ENABLED", "type": "AES256", "key": null}
	_judged(_encrypted(recorded), {"level": "any"}) == {"outcome": "pass"}
	message := "the table is encrypted with AES256; required is a KMS key"
	_judged(_encrypted(recorded), {"level": "kms"}) == _missed(message, recorded, "a KMS key")
}

test_undetermined_while_the_key_changes[status] if {
	some status in ["UPDATING", "ENABLING", "DISABLING"]
	recorded := {"status": status, "type": "KMS", "key": _arn}
	_judged(_encrypted(recorded), {"level": "any"}) == _unclear(sprintf("its status is %s, its type KMS", [status]))
}

test_undetermined_with_a_type_that_nobody_knows if {
	recorded := {"status": "ENABLED", "type": "QUANTUM", "key": _arn}
	_judged(_encrypted(recorded), {"level": "any"}) == _unclear("its status is ENABLED, its type QUANTUM")
}

test_undetermined_when_encryption_was_not_recorded if {
	gap := {"path": "resource.configuration.encryption", "reason": "the item has no configuration.ssedescription"}
	item := object.union(_encrypted(null), {"unknown": [gap]})
	_judged(item, {"level": "any"}) == {"outcome": "undetermined", "unknown": {gap}}
}

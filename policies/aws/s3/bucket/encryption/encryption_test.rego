package aws.s3.bucket.encryption_test

import data.opalite.decision

_id := "aws.s3.bucket.encryption"

_uuid := "5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10"

_key := sprintf("arn:aws:kms:eu-west-1:111122223333:key/%s", [_uuid])

_alias_arn := "arn:aws:kms:eu-west-1:111122223333:alias/data"

_customer := {"manager": "CUSTOMER", "arn": _key, "account_id": "111122223333", "state": "Enabled", "aliases": ["alias/data"]}

_bucket := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::S3::Bucket",
		"id": "invoices.example.com",
		"name": "invoices.example.com",
		"arn": "arn:aws:s3:::invoices.example.com",
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {
			"encryption": {"algorithm": "aws:kms", "key": _key, "bucket_key": true},
			"versioning": null,
			"mfa_delete": null,
			"public_access_block": null,
			"logging": null,
		},
		"relationships": [],
	},
	"facts": {"kms_key": {_key: _customer}},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_defaults := {"level": "customer_managed", "allowed_keys": {}, "allowed_accounts": {}, "require_bucket_key": false}

_catalog := {
	"by_type": {"AWS::S3::Bucket": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.encryption"]}},
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

# The compliant bucket with another default encryption, and what is known of its key under the name that it uses.
_encrypted(algorithm, key, fact) := json.patch(_bucket, [
	{"op": "replace", "path": "/resource/configuration/encryption/algorithm", "value": algorithm},
	{"op": "replace", "path": "/resource/configuration/encryption/key", "value": key},
	{"op": "replace", "path": "/facts", "value": {"kms_key": {name: fact | is_string(key); is_object(fact); name := key}}},
])

_level_missed(shown, required, encryption) := {"outcome": "fail", "violations": {{
	"message": sprintf("default encryption is %s; required is %s", [shown, required]),
	"subject": "encryption",
	"evidence": {"path": ["encryption"], "actual": encryption, "expected": required},
}}}

_key_refused(shown, key) := {"outcome": "fail", "violations": {{
	"message": sprintf("%s is not an allowed key", [shown]),
	"subject": "key",
	"evidence": {"path": ["encryption", "key"], "actual": key, "expected": "an allowed key"},
}}}

_account_refused(shown, key) := {"outcome": "fail", "violations": {{
	"message": sprintf("%s is not of an allowed account", [shown]),
	"subject": "account",
	"evidence": {"path": ["encryption", "key"], "actual": key, "expected": "a key of an allowed account"},
}}}

_needs(key) := {"outcome": "undetermined", "unknown": {{"fact": "kms_key", "key": key}}}

_passed := {"outcome": "pass"}

test_pass_with_a_customer_managed_key if _judged(_bucket, {}) == _passed

test_pass_with_double_encryption_by_a_customer_managed_key if _judged(_encrypted("aws:kms:dsse", _key, _customer), {}) == _passed

test_pass_with_a_customer_managed_key_under_every_name[name] if {
	some name in [_uuid, _key, "alias/data", _alias_arn, "12345678"]
	_judged(_encrypted("aws:kms", name, _customer), {}) == _passed
}

test_fail_with_sse_s3 if {
	encryption := {"algorithm": "AES256", "key": null, "bucket_key": true}
	_judged(_encrypted("AES256", null, null), {}) == _level_missed("AES256", "a customer managed KMS key", encryption)
}

test_fail_with_sse_s3_beside_a_leftover_key if {
	encryption := {"algorithm": "AES256", "key": _key, "bucket_key": true}
	_judged(_encrypted("AES256", _key, _customer), {}) == _level_missed("AES256", "a customer managed KMS key", encryption)
}

test_fail_with_sse_s3_beside_a_leftover_key_that_nobody_knows if {
	encryption := {"algorithm": "AES256", "key": _key, "bucket_key": true}
	_judged(_encrypted("AES256", _key, null), {}) == _level_missed("AES256", "a customer managed KMS key", encryption)
}

test_fail_with_the_aws_managed_key_by_name[name] if {
	some name, shown in {
		"alias/aws/s3": "aws:kms with alias/aws/s3",
		"arn:aws:kms:eu-west-1:111122223333:alias/aws/s3": "aws:kms with alias/aws/s3",
	}
	encryption := {"algorithm": "aws:kms", "key": name, "bucket_key": true}
	_judged(_encrypted("aws:kms", name, null), {}) == _level_missed(shown, "a customer managed KMS key", encryption)
}

test_fail_with_the_aws_managed_key_by_default if {
	encryption := {"algorithm": "aws:kms", "key": null, "bucket_key": true}
	_judged(_encrypted("aws:kms", null, null), {}) == _level_missed("aws:kms with alias/aws/s3", "a customer managed KMS key", encryption)
}

test_fail_with_the_aws_managed_key_by_fact[name] if {
	some name, part in {_uuid: _uuid, _key: sprintf("key/%s", [_uuid])}
	fact := object.union(_customer, {"manager": "AWS", "aliases": ["alias/aws/s3"]})
	encryption := {"algorithm": "aws:kms", "key": name, "bucket_key": true}
	shown := sprintf("aws:kms with %s", [part])
	_judged(_encrypted("aws:kms", name, fact), {}) == _level_missed(shown, "a customer managed KMS key", encryption)
}

test_fail_without_encryption_at_every_level[level] if {
	some level, required in {
		"any": "any encryption",
		"kms": "a KMS key",
		"named_key": "a named KMS key",
		"customer_managed": "a customer managed KMS key",
	}
	encryption := {"algorithm": null, "key": null, "bucket_key": true}
	_judged(_encrypted(null, null, null), {"level": level}) == _level_missed("off", required, encryption)
}

test_undetermined_without_the_fact if _judged(_encrypted("aws:kms", _key, null), {}) == _needs(_key)

test_undetermined_when_the_fact_does_not_name_the_manager if {
	_judged(_encrypted("aws:kms", _key, object.union(_customer, {"manager": null})), {}) == _needs(_key)
}

test_undetermined_when_a_level_is_none_of_ours if {
	_judged(_bucket, {"level": "strict"}) == {
		"outcome": "undetermined",
		"unknown": {{"reason": "the policy says neither compliant nor violations"}},
	}
}

# Null without a note in `unknown` breaks the normalizer's promise; not even then does the bucket pass.
test_undetermined_when_encryption_is_null if {
	item := json.patch(_bucket, [{"op": "replace", "path": "/resource/configuration/encryption", "value": null}])
	_judged(item, {"level": "any"}) == {
		"outcome": "undetermined",
		"unknown": {{"reason": "the policy says neither compliant nor violations"}},
	}
}

test_undetermined_when_encryption_was_not_recorded if {
	gap := {"path": "resource.configuration.encryption", "reason": "not recorded before 2023"}
	item := json.patch(_bucket, [
		{"op": "replace", "path": "/resource/configuration/encryption", "value": null},
		{"op": "replace", "path": "/unknown", "value": [gap]},
	])
	_judged(item, {}) == {"outcome": "undetermined", "unknown": {gap}}
}

test_pass_at_level_any[algorithm] if {
	some algorithm in ["AES256", "aws:kms", "aws:kms:dsse"]
	_judged(_encrypted(algorithm, null, null), {"level": "any"}) == _passed
}

test_pass_at_level_kms[algorithm] if {
	some algorithm in ["aws:kms", "aws:kms:dsse"]
	_judged(_encrypted(algorithm, null, null), {"level": "kms"}) == _passed
}

test_fail_at_level_kms_with_sse_s3 if {
	encryption := {"algorithm": "AES256", "key": null, "bucket_key": true}
	_judged(_encrypted("AES256", null, null), {"level": "kms"}) == _level_missed("AES256", "a KMS key", encryption)
}

test_pass_at_level_named_key_without_a_fact if _judged(_encrypted("aws:kms", "12345678", null), {"level": "named_key"}) == _passed

test_fail_at_level_named_key_without_a_name if {
	encryption := {"algorithm": "aws:kms", "key": null, "bucket_key": true}
	shown := "aws:kms with alias/aws/s3"
	_judged(_encrypted("aws:kms", null, null), {"level": "named_key"}) == _level_missed(shown, "a named KMS key", encryption)
}

test_fail_at_level_named_key_with_sse_s3 if {
	encryption := {"algorithm": "AES256", "key": _key, "bucket_key": true}
	_judged(_encrypted("AES256", _key, null), {"level": "named_key"}) == _level_missed("AES256", "a named KMS key", encryption)
}

test_pass_with_an_allowed_key if _judged(_bucket, {"allowed_keys": {_key: "data key"}}) == _passed

test_pass_with_an_allowed_alias_without_a_fact if {
	_judged(_encrypted("aws:kms", "alias/data", null), {"level": "kms", "allowed_keys": {"alias/data": "data key"}}) == _passed
}

test_pass_with_the_aws_managed_key_when_it_is_allowed if {
	_judged(_encrypted("aws:kms", null, null), {"level": "kms", "allowed_keys": {"alias/aws/s3": "for a while"}}) == _passed
}

test_fail_with_another_key if _judged(_bucket, {"allowed_keys": {"0a6b": "x"}}) == _key_refused(sprintf("aws:kms with key/%s", [_uuid]), _key)

test_fail_with_sse_s3_where_keys_are_listed if {
	settings := {"level": "any", "allowed_keys": {_key: "data key"}}
	_judged(_encrypted("AES256", null, null), settings) == _key_refused("AES256", null)
	_judged(_encrypted("AES256", _key, null), settings) == _key_refused("AES256", _key)
	_judged(_encrypted("AES256", "alias/data", null), settings) == _key_refused("AES256", "alias/data")
}

test_undetermined_when_only_a_fact_tells_whether_the_key_is_allowed if {
	settings := {"level": "kms", "allowed_keys": {"alias/data": "data key"}}
	_judged(_encrypted("aws:kms", _key, null), settings) == _needs(_key)
}

test_fail_where_a_level_is_missed_and_keys_are_listed_names_the_level_alone if {
	settings := {"allowed_keys": {_key: "data key"}, "allowed_accounts": {"999988887777": "x"}, "require_bucket_key": true}
	encryption := {"algorithm": "aws:kms", "key": null, "bucket_key": false}
	item := json.patch(_encrypted("aws:kms", null, null), [{"op": "replace", "path": "/resource/configuration/encryption/bucket_key", "value": false}])
	_judged(item, settings) == _level_missed("aws:kms with alias/aws/s3", "a customer managed KMS key", encryption)
}

test_pass_with_a_key_of_an_allowed_account if _judged(_bucket, {"allowed_accounts": {"111122223333": "own"}}) == _passed

test_fail_with_a_key_of_another_account if {
	shown := sprintf("aws:kms with key/%s", [_uuid])
	_judged(_bucket, {"allowed_accounts": {"999988887777": "keys"}}) == _account_refused(shown, _key)
}

test_fail_with_sse_s3_where_accounts_are_listed if {
	settings := {"level": "any", "allowed_accounts": {"111122223333": "own"}}
	_judged(_encrypted("AES256", null, null), settings) == _account_refused("AES256", null)
}

test_fail_with_an_arn_that_names_no_account if {
	settings := {"level": "kms", "allowed_accounts": {"111122223333": "own"}}
	_judged(_encrypted("aws:kms", "arn:aws", null), settings) == _account_refused("aws:kms with aws", "arn:aws")
}

test_pass_without_a_bucket_key_that_is_not_required if {
	_judged(json.patch(_bucket, [{"op": "replace", "path": "/resource/configuration/encryption/bucket_key", "value": false}]), {}) == _passed
}

test_pass_with_the_required_bucket_key if _judged(_bucket, {"require_bucket_key": true}) == _passed

test_pass_where_a_bucket_key_cannot_be[algorithm] if {
	some algorithm in ["AES256", "aws:kms:dsse"]
	item := json.patch(_encrypted(algorithm, null, null), [{"op": "replace", "path": "/resource/configuration/encryption/bucket_key", "value": null}])
	_judged(item, {"level": "any", "require_bucket_key": true}) == _passed
}

test_fail_without_the_required_bucket_key[value] if {
	some value in [false, null]
	item := json.patch(_bucket, [{"op": "replace", "path": "/resource/configuration/encryption/bucket_key", "value": value}])
	_judged(item, {"require_bucket_key": true}) == {"outcome": "fail", "violations": {{
		"message": "the S3 Bucket Key is off",
		"subject": "bucket_key",
		"evidence": {"path": ["encryption", "bucket_key"], "actual": value, "expected": true},
	}}}
}

test_fail_with_another_key_and_without_the_required_bucket_key_names_both if {
	item := json.patch(_bucket, [{"op": "replace", "path": "/resource/configuration/encryption/bucket_key", "value": false}])
	result := _judged(item, {"allowed_keys": {"0a6b": "x"}, "require_bucket_key": true})
	{violation.subject | some violation in result.violations} == {"key", "bucket_key"}
}

test_messages_are_cut_at_120_characters if {
	name := concat("", ["alias/", concat("", ["0123456789" | some _ in numbers.range(1, 20)])])
	settings := {"allowed_keys": {_key: "data key"}, "allowed_accounts": {"999988887777": "keys"}}
	aws := _judged(_encrypted("aws:kms", name, {"manager": "AWS"}), settings)
	ours := _judged(_encrypted("aws:kms", name, _customer), settings)
	{count(violation.message) | some violation in (aws.violations | ours.violations)} == {120}
}

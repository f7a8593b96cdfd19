package aws.ecr.repository.encryption_test

import data.opalite.decision

_id := "aws.ecr.repository.encryption"

_arn := "arn:aws:kms:eu-west-1:111122223333:key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10"

_customer := {"manager": "CUSTOMER", "arn": _arn, "account_id": "111122223333", "state": "Enabled", "aliases": ["alias/data"]}

_repository := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::ECR::Repository",
		"id": "orders/web",
		"name": "orders/web",
		"arn": "arn:aws:ecr:eu-west-1:111122223333:repository/orders/web",
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {
			"name": "orders/web",
			"encryption_type": "KMS",
			"kms_key_id": _arn,
			"scan_on_push": true,
			"image_tag_mutability": "IMMUTABLE",
			"lifecycle_policy": null,
		},
		"relationships": [],
	},
	"facts": {"kms_key": {_arn: _customer}},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_catalog := {
	"by_type": {"AWS::ECR::Repository": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.encryption_type", "resource.configuration.kms_key_id"]}},
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

_with(configuration) := object.union(_repository, {"resource": {"configuration": configuration}})

_missed(message, actual, expected) := {"outcome": "fail", "violations": {{
	"message": message,
	"subject": "encryption",
	"evidence": {"path": ["encryption_type"], "actual": actual, "expected": expected},
}}}

_passed := {"outcome": "pass"}

test_pass_with_a_customer_managed_key if _judged(_repository, {}) == _passed

test_fail_with_a_key_that_aws_manages if {
	message := "the repository uses KMS with key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10; required is a customer managed KMS key"
	item := object.union(_repository, {"facts": {"kms_key": {_arn: {"manager": "AWS"}}}})
	_judged(item, {}) == _missed(message, "KMS", "a customer managed KMS key")
}

test_fail_with_another_key_than_those_allowed if {
	_judged(_repository, {"allowed_keys": {"alias/other": "x"}}) == {"outcome": "fail", "violations": {{
		"message": "KMS with key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10 is not an allowed key",
		"subject": "key",
		"evidence": {"path": ["kms_key_id"], "actual": _arn, "expected": "an allowed key"},
	}}}
}

test_undetermined_without_the_fact if {
	item := object.union(object.remove(_repository, {"facts"}), {"facts": {}})
	_judged(item, {}) == {"outcome": "undetermined", "unknown": {{"fact": "kms_key", "key": _arn}}}
}

test_pass_at_level_named_key_without_the_fact if {
	item := object.union(object.remove(_repository, {"facts"}), {"facts": {}})
	_judged(item, {"level": "named_key"}) == _passed
}

test_undetermined_when_the_item_does_not_tell[member] if {
	some member in ["encryption_type", "kms_key_id"]
	gap := {"path": sprintf("resource.configuration.%s", [member]), "reason": "not selected"}
	item := object.union(_with({member: null}), {"unknown": [gap]})
	_judged(item, {"level": "any"}) == {"outcome": "undetermined", "unknown": {gap}}
}

test_pass_with_double_encryption_by_a_customer_managed_key if _judged(_with({"encryption_type": "KMS_DSSE"}), {}) == _passed

test_with_aes256_the_level_any_is_met_and_no_other if {
	item := _with({"encryption_type": "AES256", "kms_key_id": null})
	_judged(item, {"level": "any"}) == _passed
	every level, expected in {"kms": "a KMS key", "named_key": "a named KMS key", "customer_managed": "a customer managed KMS key"} {
		message := sprintf("the repository uses AES256; required is %s", [expected])
		_judged(item, {"level": level}) == _missed(message, "AES256", expected)
	}
}

# Null without a note in `unknown` breaks the normalizer's promise; it is taken for off not even then, since ECR has no off.
test_undetermined_when_the_type_is_null[level] if {
	some level in ["any", "kms", "named_key", "customer_managed"]
	_judged(_with({"encryption_type": null}), {"level": level}) == {
		"outcome": "undetermined",
		"unknown": {{"reason": "the policy says neither compliant nor violations"}},
	}
}

# The service always names the key; if it ever did not, no key is guessed.
test_fail_with_a_key_that_is_not_named if {
	message := "the repository uses KMS without a named key; required is a customer managed KMS key"
	item := _with({"kms_key_id": null})
	_judged(item, {"level": "kms"}) == _passed
	_judged(item, {}) == _missed(message, "KMS", "a customer managed KMS key")
}

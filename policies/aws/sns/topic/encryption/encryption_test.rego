package aws.sns.topic.encryption_test

import data.opalite.decision

_id := "aws.sns.topic.encryption"

_arn := "arn:aws:kms:eu-west-1:111122223333:key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10"

_customer := {"manager": "CUSTOMER", "arn": _arn, "account_id": "111122223333", "state": "Enabled", "aliases": ["alias/data"]}

_topic := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::SNS::Topic",
		"id": "arn:aws:sns:eu-west-1:111122223333:orders",
		"name": "orders",
		"arn": "arn:aws:sns:eu-west-1:111122223333:orders",
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {
			"kms_key_id": _arn,
			"owner": "111122223333",
			"display_name": null,
			"fifo": null,
			"content_based_deduplication": null,
		},
		"relationships": [],
	},
	"facts": {"kms_key": {_arn: _customer}},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_catalog := {
	"by_type": {"AWS::SNS::Topic": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.kms_key_id"]}},
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

_with(configuration) := object.union(_topic, {"resource": {"configuration": configuration}})

_missed(message, actual, expected) := {"outcome": "fail", "violations": {{
	"message": message,
	"subject": "encryption",
	"evidence": {"path": ["kms_key_id"], "actual": actual, "expected": expected},
}}}

_passed := {"outcome": "pass"}

test_pass_with_a_customer_managed_key if _judged(_topic, {}) == _passed

test_fail_with_a_key_that_aws_manages if {
	message := "the topic uses aws:kms with key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10; required is a customer managed KMS key"
	item := object.union(_topic, {"facts": {"kms_key": {_arn: {"manager": "AWS"}}}})
	_judged(item, {}) == _missed(message, _arn, "a customer managed KMS key")
}

test_fail_with_another_key_than_those_allowed if {
	_judged(_topic, {"allowed_keys": {"alias/other": "x"}}) == {"outcome": "fail", "violations": {{
		"message": "aws:kms with key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10 is not an allowed key",
		"subject": "key",
		"evidence": {"path": ["kms_key_id"], "actual": _arn, "expected": "an allowed key"},
	}}}
}

test_undetermined_without_the_fact if {
	item := object.union(object.remove(_topic, {"facts"}), {"facts": {}})
	_judged(item, {}) == {"outcome": "undetermined", "unknown": {{"fact": "kms_key", "key": _arn}}}
}

test_pass_at_level_named_key_without_the_fact if {
	item := object.union(object.remove(_topic, {"facts"}), {"facts": {}})
	_judged(item, {"level": "named_key"}) == _passed
}

test_undetermined_when_the_item_does_not_tell[member] if {
	some member in ["kms_key_id"]
	gap := {"path": sprintf("resource.configuration.%s", [member]), "reason": "not selected"}
	item := object.union(_with({member: null}), {"unknown": [gap]})
	_judged(item, {"level": "any"}) == {"outcome": "undetermined", "unknown": {gap}}
}

test_fail_at_every_level_when_it_is_not_encrypted[level] if {
	some level, expected in {
		"any": "any encryption",
		"kms": "a KMS key",
		"named_key": "a named KMS key",
		"customer_managed": "a customer managed KMS key",
	}
	message := sprintf("the topic is not encrypted; required is %s", [expected])
	_judged(_with({"kms_key_id": null}), {"level": level}) == _missed(message, null, expected)
}

test_fail_with_the_aws_managed_key_by_name if {
	message := "the topic uses aws:kms with alias/aws/sns; required is a customer managed KMS key"
	item := _with({"kms_key_id": "alias/aws/sns"})
	_judged(item, {"level": "named_key"}) == _passed
	_judged(item, {}) == _missed(message, "alias/aws/sns", "a customer managed KMS key")
}

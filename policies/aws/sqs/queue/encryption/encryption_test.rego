package aws.sqs.queue.encryption_test

import data.opalite.decision

_id := "aws.sqs.queue.encryption"

_arn := "arn:aws:kms:eu-west-1:111122223333:key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10"

_customer := {"manager": "CUSTOMER", "arn": _arn, "account_id": "111122223333", "state": "Enabled", "aliases": ["alias/data"]}

_queue := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::SQS::Queue",
		"id": "https://sqs.eu-west-1.amazonaws.com/111122223333/orders",
		"name": "orders",
		"arn": "arn:aws:sqs:eu-west-1:111122223333:orders",
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {
			"kms_key_id": _arn,
			"kms_data_key_reuse_period": 300,
			"sqs_managed_sse": false,
			"fifo": null,
			"content_based_deduplication": null,
			"visibility_timeout": 30,
			"message_retention_period": 345600,
			"maximum_message_size": 262144,
			"delay": 0,
			"receive_wait_time": 0,
		},
		"relationships": [],
	},
	"facts": {"kms_key": {_arn: _customer}},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_catalog := {
	"by_type": {"AWS::SQS::Queue": [_id]},
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

_with(configuration) := object.union(_queue, {"resource": {"configuration": configuration}})

_missed(message, actual, expected) := {"outcome": "fail", "violations": {{
	"message": message,
	"subject": "encryption",
	"evidence": {"path": ["kms_key_id"], "actual": actual, "expected": expected},
}}}

_passed := {"outcome": "pass"}

test_pass_with_a_customer_managed_key if _judged(_queue, {}) == _passed

test_fail_with_a_key_that_aws_manages if {
	message := "the queue uses aws:kms with key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10; required is a customer managed KMS key"
	item := object.union(_queue, {"facts": {"kms_key": {_arn: {"manager": "AWS"}}}})
	_judged(item, {}) == _missed(message, _arn, "a customer managed KMS key")
}

test_fail_with_another_key_than_those_allowed if {
	_judged(_queue, {"allowed_keys": {"alias/other": "x"}}) == {"outcome": "fail", "violations": {{
		"message": "aws:kms with key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10 is not an allowed key",
		"subject": "key",
		"evidence": {"path": ["kms_key_id"], "actual": _arn, "expected": "an allowed key"},
	}}}
}

test_undetermined_without_the_fact if {
	item := object.union(object.remove(_queue, {"facts"}), {"facts": {}})
	_judged(item, {}) == {"outcome": "undetermined", "unknown": {{"fact": "kms_key", "key": _arn}}}
}

test_pass_at_level_named_key_without_the_fact if {
	item := object.union(object.remove(_queue, {"facts"}), {"facts": {}})
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
	message := sprintf("the queue is not encrypted; required is %s", [expected])
	_judged(_with({"kms_key_id": null}), {"level": level}) == _missed(message, null, expected)
}

test_with_sse_sqs_the_level_any_is_met_and_no_other if {
	item := _with({"kms_key_id": null, "sqs_managed_sse": true})
	_judged(item, {"level": "any"}) == _passed
	every level, expected in {"kms": "a KMS key", "named_key": "a named KMS key", "customer_managed": "a customer managed KMS key"} {
		message := sprintf("the queue uses SSE-SQS; required is %s", [expected])
		_judged(item, {"level": level}) == _missed(message, null, expected)
	}
}

# The queue itself never has both; the key says more.
test_a_key_counts_before_sse_sqs[managed] if {
	some managed in [true, null]
	_judged(_with({"sqs_managed_sse": managed}), {}) == _passed
}

test_undetermined_when_neither_a_key_nor_sse_sqs_is_recorded[level] if {
	some level in ["any", "kms", "named_key", "customer_managed"]
	gap := {"path": "resource.configuration.sqs_managed_sse"}
	item := object.union(_with({"kms_key_id": null, "sqs_managed_sse": null}), {"unknown": [object.union(gap, {"reason": "not there"})]})
	_judged(item, {"level": level}) == {"outcome": "undetermined", "unknown": {gap}}
}

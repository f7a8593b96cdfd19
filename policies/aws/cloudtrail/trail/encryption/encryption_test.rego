package aws.cloudtrail.trail.encryption_test

import data.opalite.decision

_id := "aws.cloudtrail.trail.encryption"

_arn := "arn:aws:kms:eu-west-1:111122223333:key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10"

_customer := {"manager": "CUSTOMER", "arn": _arn, "account_id": "111122223333", "state": "Enabled", "aliases": ["alias/data"]}

_trail := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::CloudTrail::Trail",
		"id": "audit",
		"name": "audit",
		"arn": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit",
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {
			"name": "audit",
			"home_region": "eu-west-1",
			"multi_region": true,
			"organization": false,
			"global_service_events": true,
			"log_file_validation": true,
			"kms_key_id": _arn,
			"s3_bucket": "audit-111122223333",
			"s3_key_prefix": null,
			"sns_topic_arn": null,
			"log_group_arn": null,
			"custom_event_selectors": false,
		},
		"relationships": [],
	},
	"facts": {"kms_key": {_arn: _customer}},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_catalog := {
	"by_type": {"AWS::CloudTrail::Trail": [_id]},
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

_with(configuration) := object.union(_trail, {"resource": {"configuration": configuration}})

_missed(message, actual, expected) := {"outcome": "fail", "violations": {{
	"message": message,
	"subject": "encryption",
	"evidence": {"path": ["kms_key_id"], "actual": actual, "expected": expected},
}}}

_passed := {"outcome": "pass"}

test_pass_with_a_customer_managed_key if _judged(_trail, {}) == _passed

test_fail_with_a_key_that_aws_manages if {
	message := "the trail uses aws:kms with key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10; required is a customer managed KMS key"
	item := object.union(_trail, {"facts": {"kms_key": {_arn: {"manager": "AWS"}}}})
	_judged(item, {}) == _missed(message, _arn, "a customer managed KMS key")
}

test_fail_with_another_key_than_those_allowed if {
	_judged(_trail, {"allowed_keys": {"alias/other": "x"}}) == {"outcome": "fail", "violations": {{
		"message": "aws:kms with key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10 is not an allowed key",
		"subject": "key",
		"evidence": {"path": ["kms_key_id"], "actual": _arn, "expected": "an allowed key"},
	}}}
}

test_undetermined_without_the_fact if {
	item := object.union(object.remove(_trail, {"facts"}), {"facts": {}})
	_judged(item, {}) == {"outcome": "undetermined", "unknown": {{"fact": "kms_key", "key": _arn}}}
}

test_pass_at_level_named_key_without_the_fact if {
	item := object.union(object.remove(_trail, {"facts"}), {"facts": {}})
	_judged(item, {"level": "named_key"}) == _passed
}

test_undetermined_when_the_item_does_not_tell[member] if {
	some member in ["kms_key_id"]
	gap := {"path": sprintf("resource.configuration.%s", [member]), "reason": "not selected"}
	item := object.union(_with({member: null}), {"unknown": [gap]})
	_judged(item, {"level": "any"}) == {"outcome": "undetermined", "unknown": {gap}}
}

test_without_a_key_the_level_any_is_met_and_no_other if {
	item := _with({"kms_key_id": null})
	_judged(item, {"level": "any"}) == _passed
	every level, expected in {"kms": "a KMS key", "named_key": "a named KMS key", "customer_managed": "a customer managed KMS key"} {
		message := sprintf("the trail uses AES256; required is %s", [expected])
		_judged(item, {"level": level}) == _missed(message, null, expected)
	}
}

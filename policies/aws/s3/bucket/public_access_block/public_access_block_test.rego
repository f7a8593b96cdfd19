package aws.s3.bucket.public_access_block_test

import data.opalite.decision

_id := "aws.s3.bucket.public_access_block"

_all := ["block_public_acls", "ignore_public_acls", "block_public_policy", "restrict_public_buckets"]

_on := {setting: true | some setting in _all}

_bucket(block) := {
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
		"configuration": {"public_access_block": block},
		"relationships": [],
	},
	"facts": {},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_judged(item, settings) := result if {
	results := decision.results with input as item
		with data.catalog as {
			"by_type": {"AWS::S3::Bucket": [_id]},
			"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.public_access_block"]}},
		}
		with data.parameters as {_id: {"default": {"settings": settings}}}
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

_violation(setting, shown, actual) := {
	"message": sprintf("%s is %s", [setting, shown]),
	"subject": setting,
	"evidence": {"path": ["public_access_block", setting], "actual": actual, "expected": true},
}

test_pass_when_all_four_are_on if _judged(_bucket(_on), _all) == {"outcome": "pass"}

test_fail_for_each_that_is_off[setting] if {
	some setting in _all
	_judged(_bucket(object.union(_on, {setting: false})), _all) == {"outcome": "fail", "violations": {_violation(setting, "off", false)}}
}

test_fail_for_each_that_is_null[setting] if {
	some setting in _all
	_judged(_bucket(object.union(_on, {setting: null})), _all) == {"outcome": "fail", "violations": {_violation(setting, "not set", null)}}
}

test_fail_when_it_was_never_set if {
	_judged(_bucket(null), _all) == {"outcome": "fail", "violations": {_violation(setting, "not set", null) | some setting in _all}}
}

test_only_the_settings_that_are_asked_for_count if {
	item := _bucket({"block_public_acls": false, "ignore_public_acls": true, "block_public_policy": false, "restrict_public_buckets": false})
	_judged(item, ["ignore_public_acls"]) == {"outcome": "pass"}
	_judged(item, ["ignore_public_acls", "block_public_acls"]) == {"outcome": "fail", "violations": {_violation("block_public_acls", "off", false)}}
}

test_undetermined_when_it_was_not_recorded if {
	gap := {"path": "resource.configuration.public_access_block", "reason": "the item has no supplementaryConfiguration"}
	_judged(object.union(_bucket(null), {"unknown": [gap]}), _all) == {"outcome": "undetermined", "unknown": {gap}}
}

test_undetermined_when_nothing_is_asked_for if {
	_judged(_bucket(_on), []) == {
		"outcome": "undetermined",
		"unknown": {{"reason": "the policy says neither compliant nor violations"}},
	}
}

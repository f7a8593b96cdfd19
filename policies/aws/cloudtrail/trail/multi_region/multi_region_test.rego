package aws.cloudtrail.trail.multi_region_test

import data.opalite.decision

_id := "aws.cloudtrail.trail.multi_region"

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
			"kms_key_id": null,
			"s3_bucket": "audit-111122223333",
			"s3_key_prefix": null,
			"sns_topic_arn": null,
			"log_group_arn": null,
			"custom_event_selectors": false,
		},
		"relationships": [],
	},
	"facts": {},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_catalog := {
	"by_type": {"AWS::CloudTrail::Trail": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.multi_region"]}},
}

_judged(item) := result if {
	results := decision.results with input as item
		with data.catalog as _catalog
		with data.parameters as {}
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

_with(configuration) := object.union(_trail, {"resource": {"configuration": configuration}})

test_pass_when_it_is_on if _judged(_trail) == {"outcome": "pass"}

test_fail_when_it_is_off if {
	_judged(_with({"multi_region": false})) == {"outcome": "fail", "violations": {{
		"message": "the trail records eu-west-1 only",
		"subject": "multi_region",
		"evidence": {"path": ["multi_region"], "actual": false, "expected": true},
	}}}
}

test_undetermined_when_it_was_not_recorded if {
	gap := {"path": "resource.configuration.multi_region", "reason": "not selected"}
	item := object.union(_with({"multi_region": null}), {"unknown": [gap]})
	_judged(item) == {"outcome": "undetermined", "unknown": {gap}}
}

# Null without a note in `unknown` breaks the normalizer's promise; not even then does it pass.
test_undetermined_when_it_is_null if {
	_judged(_with({"multi_region": null})) == {
		"outcome": "undetermined",
		"unknown": {{"reason": "the policy says neither compliant nor violations"}},
	}
}

package aws.ecr.repository.scan_on_push_test

import data.opalite.decision

_id := "aws.ecr.repository.scan_on_push"

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
			"encryption_type": "AES256",
			"kms_key_id": null,
			"scan_on_push": true,
			"image_tag_mutability": "IMMUTABLE",
			"lifecycle_policy": null,
		},
		"relationships": [],
	},
	"facts": {},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_catalog := {
	"by_type": {"AWS::ECR::Repository": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.scan_on_push"]}},
}

_judged(item) := result if {
	results := decision.results with input as item
		with data.catalog as _catalog
		with data.parameters as {}
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

_with(configuration) := object.union(_repository, {"resource": {"configuration": configuration}})

test_pass_when_it_is_on if _judged(_repository) == {"outcome": "pass"}

test_fail_when_it_is_off if {
	_judged(_with({"scan_on_push": false})) == {"outcome": "fail", "violations": {{
		"message": "images are not scanned when they are pushed",
		"subject": "scan_on_push",
		"evidence": {"path": ["scan_on_push"], "actual": false, "expected": true},
	}}}
}

test_undetermined_when_it_was_not_recorded if {
	gap := {"path": "resource.configuration.scan_on_push", "reason": "not selected"}
	item := object.union(_with({"scan_on_push": null}), {"unknown": [gap]})
	_judged(item) == {"outcome": "undetermined", "unknown": {gap}}
}

# Null without a note in `unknown` breaks the normalizer's promise; not even then does it pass.
test_undetermined_when_it_is_null if {
	_judged(_with({"scan_on_push": null})) == {
		"outcome": "undetermined",
		"unknown": {{"reason": "the policy says neither compliant nor violations"}},
	}
}

package aws.kms.key.rotation_test

import data.opalite.decision

_id := "aws.kms.key.rotation"

_key := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::KMS::Key",
		"id": "5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10",
		"name": "5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10",
		"arn": "arn:aws:kms:eu-west-1:111122223333:key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10",
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {
			"arn": "arn:aws:kms:eu-west-1:111122223333:key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10",
			"manager": "CUSTOMER",
			"state": "Enabled",
			"enabled": true,
			"origin": "AWS_KMS",
			"spec": "SYMMETRIC_DEFAULT",
			"usage": "ENCRYPT_DECRYPT",
			"multi_region": false,
			"rotation": true,
			"policy": {"statements": []},
		},
		"relationships": [],
	},
	"facts": {},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_members := ["manager", "origin", "rotation", "spec", "state"]

_catalog := {
	"by_type": {"AWS::KMS::Key": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": [concat(".", ["resource.configuration", name]) | some name in _members]}},
}

_judged(item) := result if {
	results := decision.results with input as item
		with data.catalog as _catalog
		with data.parameters as {}
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

_with(configuration) := object.union(_key, {"resource": {"configuration": configuration}})

_not_recorded(name) := {"path": concat(".", ["resource.configuration", name]), "reason": "not recorded"}

_failed := {"outcome": "fail", "violations": {{
	"message": "the key is not rotated automatically",
	"subject": "rotation",
	"evidence": {"path": ["rotation"], "actual": false, "expected": true},
}}}

test_pass_when_the_key_is_rotated if _judged(_key) == {"outcome": "pass"}

test_fail_when_it_is_not if _judged(_with({"rotation": false})) == _failed

test_fail_when_it_is_not_in_every_state_in_which_it_lives_on[state] if {
	some state in ["Disabled", "Enabled", "Creating", "Updating"]
	_judged(_with({"rotation": false, "state": state})) == _failed
}

test_not_applicable[reason] if {
	some reason, configuration in {
		"AWS manages the key, and rotates it": {"manager": "AWS"},
		"KMS does not rotate keys of the spec RSA_4096": {"spec": "RSA_4096"},
		"KMS does not rotate keys of the spec HMAC_256": {"spec": "HMAC_256"},
		"KMS does not rotate keys of the origin EXTERNAL": {"origin": "EXTERNAL"},
		"KMS does not rotate keys of the origin AWS_CLOUDHSM": {"origin": "AWS_CLOUDHSM"},
		"the key waits for its deletion": {"state": "PendingDeletion"},
	}
	item := object.union(_with(object.union({"rotation": null}, configuration)), {"unknown": [_not_recorded("rotation")]})
	_judged(item) == {"outcome": "not_applicable", "reasons": {reason}}
}

test_not_applicable_to_a_replica_that_waits_for_its_deletion if {
	_judged(_with({"state": "PendingReplicaDeletion", "rotation": false})) == {
		"outcome": "not_applicable",
		"reasons": {"the key waits for its deletion"},
	}
}

test_undetermined_when_something_was_not_recorded[name] if {
	some name in _members
	item := object.union(_with({name: null}), {"unknown": [_not_recorded(name)]})
	_judged(item) == {"outcome": "undetermined", "unknown": {_not_recorded(name)}}
}

# Null without a note in `unknown` breaks the normalizer's promise; not even then does the key pass.
test_undetermined_when_rotation_is_null if {
	_judged(_with({"rotation": null})) == {
		"outcome": "undetermined",
		"unknown": {{"reason": "the policy says neither compliant nor violations"}},
	}
}

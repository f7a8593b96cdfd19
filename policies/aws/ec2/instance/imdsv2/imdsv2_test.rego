package aws.ec2.instance.imdsv2_test

import data.opalite.decision

_id := "aws.ec2.instance.imdsv2"

_instance := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::EC2::Instance",
		"id": "i-0c1d2e3f4a5b6c7d8",
		"name": null,
		"arn": "arn:aws:ec2:eu-west-1:111122223333:instance/i-0c1d2e3f4a5b6c7d8",
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {
			"state": "running",
			"metadata_options": {"http_tokens": "required", "http_endpoint": "enabled", "http_put_response_hop_limit": 2},
		},
		"relationships": [],
	},
	"facts": {},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_catalog := {
	"by_type": {"AWS::EC2::Instance": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.metadata_options"]}},
}

_judged(item, max_hop_limit) := result if {
	parameters := {_id: {"default": {"max_hop_limit": max_hop_limit}}}
	results := decision.results with input as item
		with data.catalog as _catalog
		with data.parameters as parameters
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

_with(options) := json.patch(_instance, [{
	"op": "replace",
	"path": "/resource/configuration/metadata_options",
	"value": object.union(_instance.resource.configuration.metadata_options, options),
}])

_in_state(item, state) := json.patch(item, [{"op": "replace", "path": "/resource/configuration/state", "value": state}])

_passed := {"outcome": "pass"}

_optional := {
	"message": "tokens are optional: IMDSv1 answers, too",
	"subject": "http_tokens",
	"evidence": {"path": ["metadata_options", "http_tokens"], "actual": "optional", "expected": "required"},
}

_far(hops, limit) := {
	"message": sprintf("answers may take %d hops; at most %d are allowed", [hops, limit]),
	"subject": "http_put_response_hop_limit",
	"evidence": {"path": ["metadata_options", "http_put_response_hop_limit"], "actual": hops, "expected": limit},
}

_says_neither := {"outcome": "undetermined", "unknown": {{"reason": "the policy says neither compliant nor violations"}}}

test_pass_with_tokens_required if _judged(_instance, null) == _passed

test_pass_with_the_endpoint_off_whatever_else_is_set if {
	off := {"http_tokens": "optional", "http_endpoint": "disabled", "http_put_response_hop_limit": 64}
	_judged(_with(off), null) == _passed
	_judged(_with(off), 1) == _passed
}

test_fail_with_tokens_optional if {
	_judged(_with({"http_tokens": "optional"}), null) == {"outcome": "fail", "violations": {_optional}}
	_judged(_with({"http_tokens": "optional", "http_endpoint": "on its way"}), null) == {"outcome": "fail", "violations": {_optional}}
}

test_pass_within_the_hop_limit if {
	_judged(_instance, 2) == _passed
	_judged(_instance, 3) == _passed
}

test_fail_beyond_the_hop_limit if {
	_judged(_instance, 1) == {"outcome": "fail", "violations": {_far(2, 1)}}
	_judged(_with({"http_tokens": "optional"}), 1) == {"outcome": "fail", "violations": {_optional, _far(2, 1)}}
}

test_fail_with_tokens_optional_within_the_hop_limit if {
	_judged(_with({"http_tokens": "optional"}), 2) == {"outcome": "fail", "violations": {_optional}}
}

# Values that EC2 does not have today, and nulls that the normalizer never makes, prove nothing.
test_undetermined_when_the_options_mean_nothing if {
	every options in [{"http_tokens": "sometimes"}, {"http_tokens": null}] {
		_judged(_with(options), null) == _says_neither
	}
	_judged(_with({"http_put_response_hop_limit": null}), 2) == _says_neither
	_judged(_with({"http_put_response_hop_limit": "2"}), 2) == _says_neither
	_judged(_with({"http_put_response_hop_limit": null}), null) == _passed
}

test_undetermined_when_the_limit_means_nothing if {
	every limit in ["2", "1", true] {
		_judged(_instance, limit) == _says_neither
	}
	_judged(_with({"http_put_response_hop_limit": null}), "2") == _says_neither
	_judged(_with({"http_put_response_hop_limit": "3"}), "2") == _says_neither
}

test_undetermined_when_the_options_were_not_recorded if {
	gap := {"path": "resource.configuration.metadata_options", "reason": "the item has no configuration.metadataOptions"}
	item := json.patch(_instance, [
		{"op": "replace", "path": "/resource/configuration/metadata_options", "value": null},
		{"op": "replace", "path": "/unknown", "value": [gap]},
	])
	_judged(item, null) == {"outcome": "undetermined", "unknown": {gap}}
}

test_undetermined_when_the_options_are_null if {
	item := json.patch(_instance, [{"op": "replace", "path": "/resource/configuration/metadata_options", "value": null}])
	_judged(item, null) == _says_neither
	_judged(item, 1) == _says_neither
}

test_not_applicable_when_the_instance_ends if {
	every state in ["shutting-down", "terminated"] {
		_judged(_in_state(_instance, state), null) == {
			"outcome": "not_applicable",
			"reasons": {sprintf("the instance is %s", [state])},
		}
	}
}

test_an_instance_whose_state_is_not_known_is_judged if {
	every state in ["pending", "stopping", "stopped", null, "resting"] {
		_judged(_in_state(_with({"http_tokens": "optional"}), state), null) == {"outcome": "fail", "violations": {_optional}}
	}
}

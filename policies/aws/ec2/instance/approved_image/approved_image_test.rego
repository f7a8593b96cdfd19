package aws.ec2.instance.approved_image_test

import data.aws.ec2.instance.approved_image
import data.opalite.decision

_id := "aws.ec2.instance.approved_image"

_image_id := "ami-0a1b2c3d4e5f60718"

_owner := "777788889999"

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
			"image_id": _image_id,
			"instance_type": "t3.micro",
			"state": "running",
			"launch_time": "2026-11-01T08:00:00.000Z",
			"architecture": "x86_64",
			"platform": null,
			"key_name": null,
			"vpc_id": null,
			"subnet_id": null,
			"private_ip_address": null,
			"public_ip_address": null,
			"iam_instance_profile_arn": null,
			"metadata_options": null,
			"security_groups": [],
			"block_devices": [],
			"detailed_monitoring": false,
			"tenancy": "default",
			"ebs_optimized": false,
		},
		"relationships": [],
	},
	"facts": {},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_listed := {"images": {_image_id: "golden image"}}

# 61 days and 12 hours before the evaluation.
_image := {
	"state": "available",
	"owner_id": _owner,
	"owner_alias": null,
	"name": "golden-base-2026.09",
	"created_at": "2026-09-22T12:00:00.000Z",
	"tags": {"approved": "yes", "tier": "base"},
}

_gone := {"state": "gone", "owner_id": null, "owner_alias": null, "name": null, "created_at": null, "tags": null}

_defaults := {
	"images": {},
	"denied": {},
	"owners": {},
	"max_age_days": null,
	"states": ["running", "pending", "stopping", "stopped"],
}

_catalog := {
	"by_type": {"AWS::EC2::Instance": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.image_id"]}},
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

_knowing(image) := json.patch(_instance, [{"op": "replace", "path": "/facts", "value": {"image": {_image_id: image}}}])

_with(change) := _knowing(object.union(_image, change))

_in_state(state) := json.patch(_instance, [{"op": "replace", "path": "/resource/configuration/state", "value": state}])

_of_owner(entry) := {"owners": {_owner: entry}}

_passed := {"outcome": "pass"}

_failed(fault) := {"outcome": "fail", "violations": {{
	"message": sprintf("image %s %s", [_image_id, fault]),
	"subject": "image",
	"evidence": {"path": ["image_id"], "actual": _image_id, "expected": "an approved image"},
}}}

_not_of_the_kind := _failed("is of owner 777788889999, but not of the kind that is allowed of him")

_needs_the_fact := {"outcome": "undetermined", "unknown": {{"fact": "image", "key": _image_id}}}

_not_told(field) := {"outcome": "undetermined", "unknown": {{"path": sprintf("facts.image.%s.%s", [_image_id, field])}}}

_says_neither := {"outcome": "undetermined", "unknown": {{"reason": "the policy says neither compliant nor violations"}}}

test_pass_by_id_without_a_fact if _judged(_instance, _listed) == _passed

test_pass_by_id_although_the_image_is_gone if _judged(_knowing(_gone), _listed) == _passed

test_fail_without_any_list if _judged(_instance, {}) == _failed("is not on the allow-list")

test_fail_by_id_without_a_fact if {
	_judged(_instance, {"images": {"ami-00000000000000001": "another"}}) == _failed("is not on the allow-list")
}

test_fail_by_denial_whatever_else_allows_it if {
	settings := object.union(_listed, {"owners": {_owner: {}}, "denied": {_image_id: "leaked key"}})
	_judged(_knowing(_image), settings) == _failed("is denied: leaked key")
	_judged(_instance, settings) == _failed("is denied: leaked key")
}

test_fail_by_denial_without_a_reason if {
	_judged(_instance, object.union(_listed, {"denied": {_image_id: null}})) == _failed("is denied: null")
}

test_a_message_is_cut_at_120_characters if {
	result := _judged(_instance, {"denied": {_image_id: concat("", ["0123456789" | some _ in numbers.range(1, 20)])}})
	{count(violation.message) | some violation in result.violations} == {120}
}

test_undetermined_by_owner_without_the_fact if _judged(_instance, _of_owner({})) == _needs_the_fact

test_pass_by_owner_without_conditions if {
	_judged(_knowing(_image), _of_owner({})) == _passed
	_judged(_with({"tags": null, "name": null, "created_at": null}), _of_owner({})) == _passed
}

test_pass_by_the_owners_alias if _judged(_with({"owner_alias": "amazon"}), {"owners": {"amazon": {}}}) == _passed

test_pass_when_one_of_the_owners_two_entries_holds if {
	settings := {"owners": {_owner: {"names": ["other"]}, "amazon": {}}}
	_judged(_with({"owner_alias": "amazon"}), settings) == _passed
}

test_fail_by_another_owner if {
	_judged(_knowing(_image), {"owners": {"999988887777": {}}}) == _failed("is not on the allow-list, nor is its owner 777788889999")
}

test_undetermined_when_the_fact_names_no_owner if {
	_judged(_with({"owner_id": null}), _of_owner({})) == _not_told("owner_id")
	_judged(_knowing({"state": "available"}), _of_owner({})) == {
		"outcome": "undetermined",
		"unknown": {{"path": sprintf("facts.image.%s.%s", [_image_id, field])} | some field in ["owner_id", "name", "created_at", "tags"]},
	}
}

test_fail_by_owner_when_the_image_is_gone if {
	fault := "is gone: deregistered, or no longer shared with the account"
	_judged(_knowing(_gone), _of_owner({})) == _failed(fault)
	_judged(_with({"state": "gone"}), _of_owner({})) == _failed(fault)
}

test_pass_by_owner_and_tags if {
	_judged(_knowing(_image), _of_owner({"tags": {"approved": ["yes", "true"], "tier": ["base"]}})) == _passed
}

test_fail_by_owner_and_tags[note] if {
	some note, tags in {
		"another value": {"approved": "no", "tier": "base"},
		"one of two": {"approved": "yes"},
		"no tags": {},
	}
	fact := json.patch(_image, [{"op": "replace", "path": "/tags", "value": tags}])
	_judged(_knowing(fact), _of_owner({"tags": {"approved": ["yes"], "tier": ["base"]}})) == _not_of_the_kind
}

test_undetermined_when_the_tags_are_not_visible if {
	_judged(_with({"tags": null}), _of_owner({"tags": {"approved": ["yes"]}})) == _not_told("tags")
}

test_fail_on_the_name_although_the_tags_are_not_visible if {
	_judged(_with({"tags": null}), _of_owner({"tags": {"approved": ["yes"]}, "names": ["other*"]})) == _not_of_the_kind
}

test_undetermined_while_one_of_two_entries_may_hold if {
	settings := {"owners": {_owner: {"names": ["other"]}, "amazon": {"tags": {"approved": ["yes"]}}}}
	_judged(_with({"owner_alias": "amazon", "tags": null}), settings) == _not_told("tags")
}

test_pass_by_owner_and_name[pattern] if {
	some pattern in ["golden-base-2026.09", "golden-*", "*"]
	_judged(_knowing(_image), _of_owner({"names": ["other", pattern]})) == _passed
}

test_fail_by_owner_and_name if _judged(_knowing(_image), _of_owner({"names": ["golden", "silver-*"]})) == _not_of_the_kind

test_undetermined_when_the_tags_match_and_the_name_is_not_told if {
	_judged(_with({"name": null}), _of_owner({"tags": {"approved": ["yes"]}, "names": ["golden-*"]})) == _not_told("name")
}

test_undetermined_when_the_name_is_not_told if {
	_judged(_with({"name": null}), _of_owner({"names": ["golden-*"]})) == _not_told("name")
}

test_pass_by_owner_and_age if {
	_judged(_knowing(_image), _of_owner({"max_age_days": 61})) == _passed
	_judged(_knowing(_image), _of_owner({"max_age_days": null})) == _passed
}

test_fail_by_owner_and_age if _judged(_knowing(_image), _of_owner({"max_age_days": 60})) == _not_of_the_kind

test_undetermined_when_the_age_is_not_told if {
	_judged(_with({"created_at": null}), _of_owner({"max_age_days": 61})) == _not_told("created_at")
}

test_pass_by_owner_within_the_age_for_all if {
	_judged(_knowing(_image), object.union(_of_owner({}), {"max_age_days": 61})) == _passed
}

test_fail_above_the_age_for_all[note] if {
	some note, settings in {"by owner": _of_owner({}), "by id": _listed, "not allowed at all": {}}
	_judged(_knowing(_image), object.union(settings, {"max_age_days": 60})) == _failed("is 61 days old; at most 60 are allowed")
}

# Text is greater than every number: an age in text must not let everything through.
test_an_age_that_is_no_number_approves_nothing if {
	_judged(_knowing(_image), _of_owner({"max_age_days": "9"})).outcome == "undetermined"
	_judged(_knowing(_image), object.union(_listed, {"max_age_days": "9"})).outcome == "undetermined"
}

test_an_image_of_the_greatest_age_is_not_too_old if _judged(_knowing(_image), {"max_age_days": 61}) == _failed("is not on the allow-list")

test_pass_by_id_within_the_age_for_all if _judged(_knowing(_image), object.union(_listed, {"max_age_days": 61})) == _passed

test_undetermined_by_id_where_an_age_is_asked_for if {
	_judged(_instance, object.union(_listed, {"max_age_days": 61})) == _needs_the_fact
	_judged(_with({"created_at": null}), object.union(_listed, {"max_age_days": 61})) == _not_told("created_at")
}

test_fail_by_id_when_the_age_of_a_gone_image_is_asked_for if {
	fault := "is gone: deregistered, or no longer shared with the account"
	_judged(_knowing(_gone), object.union(_listed, {"max_age_days": 61})) == _failed(fault)
}

test_pass_in_every_state_that_is_judged[state] if {
	some state in ["running", "pending", "stopping", "stopped"]
	_judged(_in_state(state), _listed) == _passed
}

# An instance that may be running is judged.
test_fail_when_the_state_is_not_known if {
	every state in [null, "RUNNING", "a state that EC2 does not have today"] {
		_judged(_in_state(state), {}) == _failed("is not on the allow-list")
	}
}

test_not_applicable_in_a_state_that_is_not_judged if {
	every state in ["shutting-down", "terminated"] {
		_judged(_in_state(state), {}) == {
			"outcome": "not_applicable",
			"reasons": {sprintf("the instance is %s, a state that is not judged", [state])},
		}
	}
	_judged(_in_state("stopped"), {"states": ["running"]}).outcome == "not_applicable"
}

test_undetermined_when_the_image_id_is_null if {
	item := json.patch(_instance, [{"op": "replace", "path": "/resource/configuration/image_id", "value": null}])
	_judged(item, _listed) == _says_neither
	_judged(item, {}) == _says_neither
	_judged(item, _of_owner({})) == _says_neither
}

test_undetermined_when_the_image_id_was_not_recorded if {
	gap := {"path": "resource.configuration", "reason": "not in the item"}
	item := json.patch(_instance, [
		{"op": "replace", "path": "/resource/configuration", "value": null},
		{"op": "replace", "path": "/unknown", "value": [gap]},
	])
	_judged(item, _listed) == {"outcome": "undetermined", "unknown": {gap}}
}

# Without the deny-list nothing can be approved: no `not` may hold for want of a parameter.
test_nothing_passes_without_parameters if {
	parameters := {_id: {"default": _listed}}
	results := decision.results with input as _instance
		with data.catalog as _catalog
		with data.parameters as parameters
		with data.exemptions as {}
		with data.stages as {}
	results[_id].outcome == "undetermined"
}

test_a_fault_leaves_nothing_unknown if {
	approved_image.unknown == set() with input as _with({"tags": null})
		with data.parameters as {_id: {"default": object.union(_defaults, {"denied": {_image_id: "leaked key"}})}}
}

package custom.ec2.instance.patch_group_test

import data.custom.ec2.instance.patch_group

_parameters := {"custom.ec2.instance.patch_group": {"default": {"groups": {"linux-weekly": "Sunday night"}}}}

_instance(state, tags) := {
	"version": 1, "policies": null, "facts": {}, "unknown": [], "gone": null, "evaluated_at": "2026-11-20T06:05:12Z",
	"resource": {
		"type": "AWS::EC2::Instance", "id": "i-1", "name": null, "arn": null, "partition": "aws",
		"account_id": "111122223333", "organizational_units": null, "region": "eu-west-1", "tags": tags,
		"configuration": {"state": state}, "relationships": [],
	},
}

test_compliant_in_a_known_group if {
	tagged := _instance("running", {"PatchGroup": "linux-weekly"})
	patch_group.compliant with input as tagged with data.parameters as _parameters
	patch_group.violations == set() with input as tagged with data.parameters as _parameters
}

test_violation_without_the_tag if {
	untagged := _instance("stopped", {"Name": "shop-api-1"})
	not patch_group.compliant with input as untagged with data.parameters as _parameters
	patch_group.violations == {{
		"message": "the tag PatchGroup is missing",
		"subject": "PatchGroup",
		"evidence": {"path": ["tags", "PatchGroup"], "actual": null, "expected": "one of linux-weekly"},
	}} with input as untagged with data.parameters as _parameters
}

test_violation_in_an_unknown_group if {
	mistagged := _instance("running", {"PatchGroup": "none"})
	not patch_group.compliant with input as mistagged with data.parameters as _parameters
	patch_group.violations == {{
		"message": "\"none\" is no patch group",
		"subject": "PatchGroup",
		"evidence": {"path": ["tags", "PatchGroup"], "actual": "none", "expected": "one of linux-weekly"},
	}} with input as mistagged with data.parameters as _parameters
}

test_not_applicable_when_terminated if {
	terminated := _instance("terminated", {})
	patch_group.not_applicable == {"the instance is terminated"} with input as terminated
		with data.parameters as _parameters
}

test_says_nothing_good_without_parameters if {
	tagged := _instance("running", {"PatchGroup": "linux-weekly"})
	not patch_group.compliant with input as tagged with data.parameters as {} with data.catalog as {}
}

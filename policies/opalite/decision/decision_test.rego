package opalite.decision_test

import data.opalite.decision

# The router and the outcome rules, proved with a shipped policy and facts of every kind.

_id := "aws.s3.bucket.encryption"

_key := "arn:aws:kms:eu-west-1:111111111111:key/1"

_bucket := {
	"version": 1,
	"policies": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
	"facts": {},
	"unknown": [],
	"gone": null,
	"resource": {
		"type": "AWS::S3::Bucket",
		"id": "b",
		"name": "b",
		"arn": "arn:aws:s3:::b",
		"partition": "aws",
		"account_id": "111111111111",
		"organizational_units": ["r-root", "ou-root-prod"],
		"region": "eu-west-1",
		"tags": {"Owner": "x"},
		"relationships": [],
		"configuration": {
			"encryption": {"algorithm": "aws:kms", "key": _key, "bucket_key": true},
			"versioning": null,
			"mfa_delete": null,
			"public_access_block": null,
			"logging": null,
		},
	},
}

_parameters := {_id: {"default": {"level": "customer_managed"}}}

_with(path, value) := json.patch(_bucket, [{"op": "replace", "path": path, "value": value}])

_result(item) := result if {
	result := decision.results[_id] with input as item
		with data.parameters as _parameters
		with data.exemptions as {}
		with data.stages as {}
}

_unencrypted := _with("/resource/configuration/encryption/algorithm", "AES256")

test_undetermined_names_the_fact_it_hangs_on if {
	_result(_bucket) == {"outcome": "undetermined", "unknown": {{"fact": "kms_key", "key": _key}}}
}

test_pass if _result(_with("/facts", {"kms_key": {_key: {"manager": "CUSTOMER"}}})) == {"outcome": "pass"}

test_fail if {
	result := _result(_with("/facts", {"kms_key": {_key: {"manager": "AWS"}}}))
	result.outcome == "fail"
	count(result.violations) == 1
}

test_undetermined_when_a_required_path_or_a_parent_is_unknown[path] if {
	some path in ["resource.configuration", "resource.configuration.encryption"]
	gap := {"path": path, "reason": "not recorded"}
	_result(json.patch(_with("/unknown", [gap]), [{
		"op": "replace",
		"path": "/resource/configuration/encryption",
		"value": null,
	}])) == {"outcome": "undetermined", "unknown": {gap}}
}

test_an_unknown_path_that_nobody_requires_changes_nothing if {
	item := json.patch(_unencrypted, [{"op": "replace", "path": "/unknown", "value": [{
		"path": "resource.tags",
		"reason": "not recorded",
	}]}])
	_result(item).outcome == "fail"
}

test_a_path_that_only_begins_alike_is_another_one if {
	item := json.patch(_unencrypted, [{"op": "replace", "path": "/unknown", "value": [{
		"path": "resource.configuration.encrypt",
		"reason": "not recorded",
	}]}])
	_result(item).outcome == "fail"
}

test_not_applicable_when_the_resource_is_gone if {
	_result(_with("/gone", "the resource was deleted")) == {
		"outcome": "not_applicable",
		"reasons": {"the resource was deleted"},
	}
}

test_not_applicable_for_the_policys_own_reason if {
	result := decision.results[_instance] with input as _terminated with data.parameters as {} with data.stages as {}
	result.outcome == "not_applicable"
	count(result.reasons) == 1
}

_instance := "aws.ec2.instance.approved_image"

_terminated := object.union(_bucket, {"resource": {
	"type": "AWS::EC2::Instance",
	"configuration": {"image_id": "ami-1", "state": "terminated"},
}})

_catalog(path) := {
	"by_type": {"AWS::S3::Bucket": [concat(".", path)]},
	"policies": {concat(".", path): {"path": path, "requires": []}},
}

test_a_policy_that_is_not_loaded_has_no_result if {
	decision.results == {} with input as _bucket
		with data.catalog as _catalog(["aws", "s3", "bucket", "gone"])
		with data.stages as {}
}

# The organization's own policies, without any being loaded: one package, one stub each.
_own := ["custom", "s3", "bucket", "mine"]

_of_own(stub) := result if {
	result := decision.results["custom.s3.bucket.mine"] with input as _bucket
		with data.catalog as _catalog(_own)
		with data.custom as {"s3": {"bucket": {"mine": stub}}}
		with data.parameters as {}
		with data.exemptions as {}
		with data.stages as {}
}

_violation := {"message": "m", "subject": "s", "evidence": {}}

test_outcome_of_an_own_policy[note] if {
	some note, [stub, expected] in {
		"reasons go first": [
			{"not_applicable": ["r"], "violations": [_violation], "compliant": true},
			{"outcome": "not_applicable", "reasons": {"r"}},
		],
		"violations go before unknown": [
			{"violations": [_violation], "unknown": [{"fact": "f", "key": "k"}]},
			{"outcome": "fail", "violations": [_violation]},
		],
		"unknown goes before compliant": [
			{"violations": [], "unknown": [{"fact": "f", "key": "k"}], "compliant": true},
			{"outcome": "undetermined", "unknown": {{"fact": "f", "key": "k"}}},
		],
		"compliant": [{"violations": [], "compliant": true}, {"outcome": "pass"}],
		"compliant that is not true proves nothing": [{"violations": [], "compliant": false}, _neither],
		"neither": [{"violations": []}, _neither],
		"a contradiction": [
			{"violations": [_violation], "compliant": true},
			{"outcome": "undetermined", "unknown": {{"reason": "contradiction: compliant, with violations"}}},
		],
	}
	_of_own(stub) == expected
}

_neither := {"outcome": "undetermined", "unknown": {{"reason": "the policy says neither compliant nor violations"}}}

test_silent_without_violations if not _of_own({"compliant": true})

test_types_without_an_own_policy_get_those_for_every_type if {
	catalog := {
		"by_type": {"*": ["custom.s3.bucket.mine"]},
		"policies": {"custom.s3.bucket.mine": {"path": _own, "requires": []}},
	}
	result := decision.results with input as _with("/resource/type", "AWS::Glue::Job")
		with data.catalog as catalog
		with data.custom as {"s3": {"bucket": {"mine": {"violations": [], "compliant": true}}}}
		with data.stages as {}
	result == {"custom.s3.bucket.mine": {"outcome": "pass"}}
}

test_only_the_policies_that_are_asked[note] if {
	some note, [asked, expected] in {
		"all": [null, {_id}],
		"this one": [[_id], {_id}],
		"another": [["aws.ec2.instance.approved_image"], set()],
	}
	result := decision.results with input as _with("/policies", asked)
		with data.catalog.by_type as {"AWS::S3::Bucket": [_id]}
	object.keys(result) == expected
}

test_batch_keeps_keys if {
	got := decision.batch with input as {"items": {"a": _bucket, "b": _unencrypted}}
	object.keys(got) == {"a", "b"}
	got.b[_id].outcome == "fail"
}

_staged(item, stages) := result if {
	result := decision.results[_id] with input as item
		with data.parameters as _parameters
		with data.exemptions as {}
		with data.stages as stages
}

test_off_is_not_evaluated if _staged(_unencrypted, {_id: {"default": {"stage": "off"}}}) == {"outcome": "off"}

test_off_for_what_is_gone_too if {
	_staged(_with("/gone", "the resource was deleted"), {_id: {"default": {"stage": "off"}}}) == {"outcome": "off"}
}

test_the_treatment_goes_along if {
	result := _staged(_unencrypted, {_id: {"default": {"stage": "audit", "severity": "LOW"}}})
	result.outcome == "fail"
	result.treatment == {"stage": "audit", "severity": "LOW"}
}

test_the_treatment_for_every_policy_goes_along if {
	result := _staged(_unencrypted, {"*": {"default": {"stage": "audit"}}})
	result.treatment == {"stage": "audit"}
}

_unplaced := json.patch(_unencrypted, [{"op": "replace", "path": "/resource/organizational_units", "value": null}])

_units_needed := {"outcome": "undetermined", "unknown": {{"fact": "account", "key": "111111111111"}}}

_unit := [{"organizational_units": ["ou-root-prod"], "set": {"level": "any", "stage": "audit"}}]

test_undetermined_when_a_parameter_hangs_on_unknown_units if {
	result := decision.results[_id] with input as _unplaced
		with data.parameters as {_id: {"default": {}, "overrides": _unit}}
		with data.exemptions as {}
		with data.stages as {}
	result == _units_needed
}

test_undetermined_when_the_stage_hangs_on_unknown_units if {
	_staged(_unplaced, {_id: {"overrides": _unit}}) == _units_needed
}

test_undetermined_when_the_stage_of_every_policy_hangs_on_unknown_units if {
	_staged(_unplaced, {"*": {"overrides": _unit}}) == _units_needed
}

_exempting(item, scope) := result if {
	result := decision.results[_id] with input as item
		with data.parameters as _parameters
		with data.stages as {}
		with data.exemptions as {_id: {"EX-9": {
			"scope": scope,
			"owner": "o",
			"ticket": "T",
			"reason": "r",
			"expires": "2026-12-01T00:00:00Z",
		}}}
}

test_exempt_while_the_exemption_is_in_force if {
	result := _exempting(_unencrypted, {"resources": ["b"]})
	result.outcome == "exempt"
	result.exemption.id == "EX-9"
	count(result.violations) == 1
}

test_fail_when_the_exemption_has_expired if {
	late := json.patch(_unencrypted, [{"op": "replace", "path": "/evaluated_at", "value": "2026-12-01T00:00:00Z"}])
	_exempting(late, {"resources": ["b"]}).outcome == "fail"
}

test_undetermined_when_the_exemption_hangs_on_unknown_units if {
	_exempting(_unplaced, {"organizational_units": ["ou-root-prod"]}) == _units_needed
}

test_pass_whatever_the_exemption_hangs_on if {
	item := json.patch(_unplaced, [
		{"op": "replace", "path": "/resource/configuration/encryption/algorithm", "value": "aws:kms"},
		{"op": "replace", "path": "/facts", "value": {"kms_key": {_key: {"manager": "CUSTOMER"}}}},
	])
	_exempting(item, {"organizational_units": ["ou-root-prod"]}) == {"outcome": "pass"}
}

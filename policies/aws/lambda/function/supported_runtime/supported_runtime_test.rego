package aws.lambda.function.supported_runtime_test

import data.opalite.decision

_id := "aws.lambda.function.supported_runtime"

_function := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::Lambda::Function",
		"id": "resize",
		"name": "resize",
		"arn": "arn:aws:lambda:eu-west-1:111122223333:function:resize",
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {
			"arn": "arn:aws:lambda:eu-west-1:111122223333:function:resize",
			"package_type": "Zip",
			"runtime": "python3.13",
			"handler": "app.handler",
			"role": "arn:aws:iam::111122223333:role/resize",
			"kms_key_arn": null,
			"timeout": 30,
			"memory_size": 512,
			"architectures": ["arm64"],
			"layers": null,
			"subnet_ids": null,
			"security_group_ids": null,
			"dead_letter_target_arn": null,
			"tracing_mode": "Active",
			"policy": null,
			"reserved_concurrency": null,
		},
		"relationships": [],
	},
	"facts": {},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T12:00:00Z",
}

_catalog := {
	"by_type": {"AWS::Lambda::Function": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.runtime"]}},
}

_judged_with(item, parameters) := result if {
	results := decision.results with input as item
		with data.catalog as _catalog
		with data.parameters as parameters
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

_judged(item, settings) := _judged_with(item, {_id: {"default": object.union(
	{"runtimes": {"python3.13": "2029-06-30", "python3.9": "2025-12-15"}, "deadlines": {}},
	settings,
)}})

_with(configuration) := object.union(_function, {"resource": {"configuration": configuration}})

_at(time, configuration) := object.union(_with(configuration), {"evaluated_at": time})

_ended(runtime, day) := {"outcome": "fail", "violations": {{
	"message": sprintf("support of the runtime %s ended on %s", [runtime, day]),
	"subject": "runtime",
	"evidence": {"path": ["runtime"], "actual": runtime, "expected": "a runtime that AWS supports"},
}}}

_not_known(reason) := {"outcome": "undetermined", "unknown": {{"path": "resource.configuration.runtime", "reason": reason}}}

test_pass_on_a_supported_runtime if _judged(_function, {}) == {"outcome": "pass"}

test_pass_when_the_kind_of_package_was_not_recorded if {
	gap := {"path": "resource.configuration.package_type", "reason": "the item has no configuration.packageType"}
	_judged(object.union(_with({"package_type": null}), {"unknown": [gap]}), {}) == {"outcome": "pass"}
}

test_fail_after_the_last_day if _judged(_with({"runtime": "python3.9"}), {}) == _ended("python3.9", "2025-12-15")

test_the_last_day_is_a_day_of_support if {
	_judged(_at("2025-12-15T23:59:59.999Z", {"runtime": "python3.9"}), {}) == {"outcome": "pass"}
	_judged(_at("2025-12-16T00:00:00.000Z", {"runtime": "python3.9"}), {}) == _ended("python3.9", "2025-12-15")
}

test_a_deadline_goes_before_the_list if {
	_judged(_with({"runtime": "python3.9"}), {"deadlines": {"python3.9": "2027-03-31"}}) == {"outcome": "pass"}
	_judged(_function, {"deadlines": {"python3.13": "2026-01-31"}}) == _ended("python3.13", "2026-01-31")
	_judged(_with({"runtime": "python3.15"}), {"deadlines": {"python3.15": "2030-06-30"}}) == {"outcome": "pass"}
}

test_undetermined_on_a_runtime_that_is_not_listed if {
	_judged(_with({"runtime": "python3.99"}), {}) == _not_known("until when AWS supports python3.99 is not listed")
}

test_undetermined_without_a_runtime if _judged(_with({"runtime": null}), {}) == _not_known("the function has none")

test_undetermined_when_the_runtime_was_not_recorded if {
	gap := {"path": "resource.configuration.runtime", "reason": "the item has no configuration.runtime"}
	_judged(object.union(_with({"runtime": null}), {"unknown": [gap]}), {}) == {"outcome": "undetermined", "unknown": {gap}}
}

test_undetermined_when_the_parameters_are_not_set if {
	_judged_with(_function, {}) == _not_known("until when AWS supports python3.13 is not listed")
}

# Settings of this shape are refused; should one come through, it proves nothing.
test_undetermined_with_a_last_day_that_is_no_text if {
	every day in [20300101, {}] {
		_judged(_function, {"deadlines": {"python3.13": day}}) == {
			"outcome": "undetermined",
			"unknown": {{"reason": "the policy says neither compliant nor violations"}},
		}
	}
}

test_not_applicable_to_container_images if {
	_judged(_with({"package_type": "Image", "runtime": null}), {}) == {
		"outcome": "not_applicable",
		"reasons": {"a container image brings its own runtime"},
	}
}

test_messages_are_cut_at_120_characters if {
	runtime := concat("", ["nodejs" | some _ in numbers.range(1, 30)])
	some violation in _judged(_with({"runtime": runtime}), {"deadlines": {runtime: "2020-01-01"}}).violations
	count(violation.message) == 120
}

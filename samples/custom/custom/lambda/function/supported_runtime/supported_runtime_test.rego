package custom.lambda.function.supported_runtime_test

import data.custom.lambda.function.supported_runtime

_parameters := {"custom.lambda.function.supported_runtime": {"default": {"supported": {"python3.13": "platform"}}}}

_function(configuration) := {
	"version": 1, "policies": null, "facts": {}, "unknown": [], "gone": null, "evaluated_at": "2026-11-20T06:05:12Z",
	"resource": {
		"type": "AWS::Lambda::Function", "id": "mailer", "name": "mailer", "arn": null, "partition": "aws",
		"account_id": "111122223333", "organizational_units": null, "region": "eu-west-1", "tags": {},
		"configuration": configuration, "relationships": [],
	},
}

test_compliant_on_a_supported_runtime if {
	modern := _function({"packageType": "Zip", "runtime": "python3.13"})
	supported_runtime.compliant with input as modern with data.parameters as _parameters
	supported_runtime.violations == set() with input as modern with data.parameters as _parameters
	supported_runtime.unknown == set() with input as modern with data.parameters as _parameters
}

test_violation_on_any_other if {
	old := _function({"packageType": "Zip", "runtime": "python3.8"})
	not supported_runtime.compliant with input as old with data.parameters as _parameters
	supported_runtime.violations == {{
		"message": "the runtime python3.8 is not supported",
		"subject": "",
		"evidence": {"path": ["runtime"], "actual": "python3.8", "expected": "one of python3.13"},
	}} with input as old with data.parameters as _parameters
}

test_not_applicable_to_container_images if {
	image := _function({"packageType": "Image", "runtime": null})
	supported_runtime.not_applicable == {"a container image brings its own runtime"} with input as image
		with data.parameters as _parameters
}

test_unknown_without_a_runtime if {
	silent := _function({"packageType": "Zip"})
	not supported_runtime.compliant with input as silent with data.parameters as _parameters
	supported_runtime.violations == set() with input as silent with data.parameters as _parameters
	supported_runtime.unknown == {{"path": "resource.configuration.runtime"}} with input as silent
		with data.parameters as _parameters
}

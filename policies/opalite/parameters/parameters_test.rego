package opalite.parameters_test

import data.opalite.parameters

_resource := {"account_id": "111111111111", "region": "eu-west-1", "organizational_units": null}

_catalog := {"policies": {"aws.a.b.c": {"parameters": {"properties": {"level": {"default": "from METADATA"}, "bare": {}}}}}}

test_an_override_goes_before_the_default if {
	value := parameters.value("aws.a.b.c", "level", _resource) with data.parameters as {"aws.a.b.c": {
		"default": {"level": "default"},
		"overrides": [{"accounts": ["111111111111"], "set": {"level": "override"}}],
	}}
	value == "override"
}

test_the_default_goes_before_the_metadata if {
	value := parameters.value("aws.a.b.c", "level", _resource) with data.catalog as _catalog
		with data.parameters as {"aws.a.b.c": {"default": {"level": "default"}, "overrides": []}}
	value == "default"
}

test_the_metadata_gives_what_nobody_sets if {
	value := parameters.value("aws.a.b.c", "level", _resource) with data.catalog as _catalog with data.parameters as {}
	value == "from METADATA"
}

test_undefined_when_there_is_no_value_anywhere if {
	not parameters.value("aws.a.b.c", "bare", _resource) with data.catalog as _catalog with data.parameters as {}
}

_both := {"policies": {"aws.a.b.c": {"parameters": {"properties": {"level": {"default": "any"}, "ports": {"default": [22]}}}}}}

_all(parameters) := all if {
	all := parameters_of with data.catalog as _both with data.parameters as parameters
}

parameters_of := parameters.of("aws.a.b.c", _resource)

test_all_parameters[note] if {
	some note, [given, expected] in {
		"complete data is taken as it is": [
			{"aws.a.b.c": {"default": {"level": "kms", "ports": []}}},
			{"level": "kms", "ports": []},
		],
		"what is missing comes from METADATA": [{"aws.a.b.c": {"default": {"level": "kms"}}}, {"level": "kms", "ports": [22]}],
		"without data all comes from METADATA": [{}, {"level": "any", "ports": [22]}],
		"overrides go first": [
			{"aws.a.b.c": {
				"default": {"level": "kms", "ports": []},
				"overrides": [{"accounts": ["111111111111"], "set": {"level": "named_key"}}],
			}},
			{"level": "named_key", "ports": []},
		],
		"overrides for others do not": [
			{"aws.a.b.c": {"overrides": [{"accounts": ["222222222222"], "set": {"level": "named_key"}}]}},
			{"level": "any", "ports": [22]},
		],
	}
	_all(given) == expected
}

test_all_parameters_of_a_policy_that_declares_none if {
	all := parameters_of with data.catalog as {"policies": {}} with data.parameters as {"aws.a.b.c": {"default": {"x": 1}}}
	all == {"x": 1}
}

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

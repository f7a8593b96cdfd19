package opalite.stages_test

import data.opalite.stages

_resource := {"account_id": "111111111111", "region": "eu-west-1", "organizational_units": null}

_here := [{"accounts": ["111111111111"], "set": {"stage": "audit"}}]

test_first_who_says_something_wins[note] if {
	some note, [data_stages, expected] in {
		"the policy's override": [{"p": {"default": {"stage": "off"}, "overrides": _here}, "*": {"default": {"stage": "enforce"}}}, "audit"],
		"the policy's default": [{"p": {"default": {"stage": "off"}}, "*": {"overrides": _here}}, "off"],
		"everybody's override": [{"*": {"default": {"stage": "off"}, "overrides": _here}}, "audit"],
		"everybody's default": [{"*": {"default": {"stage": "off"}}}, "off"],
	}
	value := stages.value("p", "stage", _resource) with data.stages as data_stages
	value == expected
}

test_undefined_when_nobody_says_anything if {
	not stages.value("p", "stage", _resource) with data.stages as {}
}

test_all_keys_that_are_set if {
	all := stages.of("p", _resource) with data.stages as {
		"p": {"default": {"severity": "LOW"}},
		"*": {"default": {"undetermined": "nothing"}, "overrides": _here},
	}
	all == {"severity": "LOW", "stage": "audit", "undetermined": "nothing"}
}

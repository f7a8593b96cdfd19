package opalite.scope_test

import data.opalite.scope

_resource := {
	"account_id": "111111111111",
	"region": "eu-west-1",
	"organizational_units": ["r-root", "ou-root-prod", "ou-root-prod-shop"],
}

_entry(where, value) := object.union(where, {"set": {"key": value}})

_default := _entry({}, "nowhere in particular")

_region := _entry({"regions": ["eu-west-1"]}, "region")

_unit := _entry({"organizational_units": ["ou-root-prod"]}, "unit")

_deeper := _entry({"organizational_units": ["ou-root-prod-shop"]}, "deeper unit")

_unit_region := _entry({"organizational_units": ["ou-root-prod"], "regions": ["eu-west-1"]}, "unit and region")

_account := _entry({"accounts": ["111111111111"]}, "account")

_account_region := _entry({"accounts": ["111111111111"], "regions": ["eu-west-1"]}, "account and region")

_elsewhere := _entry({"accounts": ["222222222222"]}, "another account")

test_the_narrowest_wins[note] if {
	some note, [entries, expected] in {
		"account and region before account": [[_account_region, _account, _deeper], "account and region"],
		"account before the deepest unit": [[_account, _deeper, _unit_region], "account"],
		"deeper unit before unit and region": [[_unit_region, _deeper], "deeper unit"],
		"unit and region before unit": [[_unit, _unit_region], "unit and region"],
		"unit before region": [[_region, _unit], "unit"],
		"region before nothing": [[_region, _default], "region"],
		"of equals the later": [[_entry({"regions": ["eu-west-1"]}, "first"), _region], "region"],
		"others do not count": [[_elsewhere, _region], "region"],
	}
	scope.narrowest(entries, "key", _resource) == expected
}

test_undefined_when_no_entry_matches if not scope.narrowest([_elsewhere], "key", _resource)

test_undefined_when_no_entry_sets_the_key if not scope.narrowest([_account], "another", _resource)

test_false_is_a_value if scope.narrowest([_entry({"regions": ["eu-west-1"]}, false)], "key", _resource) == false

_unplaced := object.union(_resource, {"organizational_units": null})

test_an_entry_for_units_does_not_match_when_the_units_are_unknown if not scope.narrowest([_unit], "key", _unplaced)

test_hangs_on_units_when_they_are_unknown if scope.hangs_on_units([_region, _unit], _unplaced)

test_hangs_on_nothing_when_units_are_known if not scope.hangs_on_units([_unit], _resource)

test_hangs_on_nothing_when_no_entry_names_units if not scope.hangs_on_units([_account, _region], _unplaced)

test_hangs_on_nothing_when_the_entry_is_for_another_region if {
	not scope.hangs_on_units([_entry({"organizational_units": ["ou-root-prod"], "regions": ["us-east-1"]}, "x")], _unplaced)
}

package opalite.exemptions_test

import data.opalite.exemptions

_now := "2026-11-23T00:00:00Z"

_resource := {
	"id": "sg-bastion-1",
	"account_id": "111111111111",
	"region": "eu-west-1",
	"organizational_units": ["r-root", "ou-root-prod"],
	"tags": {"team": "shop"},
}

_entry(scope) := {"scope": scope, "owner": "o", "ticket": "T-1", "reason": "r", "expires": "2026-12-01T00:00:00Z"}

_in_force(resource, entries) := found if {
	found := exemptions.in_force("p", resource, _now) with data.exemptions as {"p": entries}
}

test_in_force[note] if {
	some note, scope in {
		"account": {"accounts": ["111111111111"]},
		"unit": {"organizational_units": ["ou-root-prod"]},
		"region": {"regions": ["eu-west-1"]},
		"resource by pattern": {"resources": ["sg-bastion-*"]},
		"resource by id": {"resources": ["sg-other", "sg-bastion-1"]},
		"tag within an account": {"accounts": ["111111111111"], "tags": {"team": "shop"}},
		"tag within a unit": {"organizational_units": ["r-root"], "tags": {"team": "shop"}},
		"everything together": {"accounts": ["111111111111"], "regions": ["eu-west-1"], "resources": ["sg-*"]},
	}
	_in_force(_resource, {"EX-1": _entry(scope)}) == object.union(_entry(scope), {"id": "EX-1"})
}

test_a_star_matches_dots_and_slashes_too if {
	resource := object.union(_resource, {"id": "my.bucket/of:parts"})
	_in_force(resource, {"EX-1": _entry({"resources": ["my*parts"]})}).id == "EX-1"
}

test_not_in_force[note] if {
	some note, scope in {
		"an empty scope covers nothing": {},
		"another account": {"accounts": ["222222222222"]},
		"another unit": {"organizational_units": ["ou-root-dev"]},
		"another region": {"regions": ["us-east-1"]},
		"another resource": {"resources": ["sg-web-*"]},
		"one part does not match": {"accounts": ["111111111111"], "regions": ["us-east-1"]},
		"a tag alone: whoever may tag could exempt himself": {"tags": {"team": "shop"}},
		"a tag with a resource is no better": {"tags": {"team": "shop"}, "resources": ["*"]},
		"one of two tags": {"accounts": ["111111111111"], "tags": {"team": "shop", "env": "prod"}},
		"a part that nobody knows": {"accounts": ["111111111111"], "vpcs": ["vpc-1"]},
	}
	not _in_force(_resource, {"EX-1": _entry(scope)})
}

test_not_in_force_from_the_moment_it_expires if {
	not _in_force(_resource, {"EX-1": object.union(_entry({"accounts": ["111111111111"]}), {"expires": _now})})
}

test_a_tag_does_not_match_when_tags_are_unknown if {
	not _in_force(
		object.union(_resource, {"tags": null}),
		{"EX-1": _entry({"accounts": ["111111111111"], "tags": {"team": "shop"}})},
	)
}

test_the_one_that_lasts_longest if {
	scope := {"accounts": ["111111111111"]}
	_in_force(_resource, {
		"EX-1": _entry(scope),
		"EX-2": object.union(_entry(scope), {"expires": "2027-01-01T00:00:00Z"}),
		"EX-3": _entry(scope),
	}).id == "EX-2"
}

test_of_two_that_end_together_the_greater_id if {
	scope := {"accounts": ["111111111111"]}
	_in_force(_resource, {"EX-1": _entry(scope), "EX-2": _entry(scope)}).id == "EX-2"
}

_unplaced := object.union(_resource, {"organizational_units": null})

_hangs(resource, entries) if {
	exemptions.hangs_on_units("p", resource, _now) with data.exemptions as {"p": entries}
}

test_hangs_on_units_when_all_else_matches if {
	_hangs(_unplaced, {"EX-1": _entry({"organizational_units": ["ou-root-prod"], "regions": ["eu-west-1"]})})
}

test_hangs_on_units_that_are_all_the_scope_names if {
	_hangs(_unplaced, {"EX-1": _entry({"organizational_units": ["ou-root-prod"]})})
}

test_hangs_on_nothing[note] if {
	some note, [resource, entry] in {
		"units known": [_resource, _entry({"organizational_units": ["ou-root-dev"]})],
		"the rest does not match": [_unplaced, _entry({"organizational_units": ["ou-root-prod"], "regions": ["us-east-1"]})],
		"no units named": [_unplaced, _entry({"accounts": ["111111111111"]})],
		"expired": [_unplaced, object.union(_entry({"organizational_units": ["ou-root-prod"]}), {"expires": _now})],
	}
	not _hangs(resource, {"EX-1": entry})
}

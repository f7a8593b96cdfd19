package opalite.remediation_test

import data.opalite.remediation

_at := "2026-11-28T22:00:00.000Z"

_id := "aws.s3.bucket.encryption"

_question := {
	"version": 1,
	"phase": "state",
	"at": _at,
	"trigger": {"kind": "finding", "by": ""},
	"policy": {"id": _id, "action": "set_bucket_encryption", "severity": "HIGH"},
	"resource": {
		"type": "AWS::S3::Bucket",
		"id": "reports",
		"account_id": "111111111111",
		"region": "eu-west-1",
		"partition": "aws",
		"organizational_units": ["r-root", "ou-root-prod"],
		"tags": {"Environment": "prod"},
	},
	"decision": {"outcome": "fail", "stage": "enforce", "exemption": null, "violations": ["default encryption is off"]},
	"finding": {"workflow_status": "NEW", "record_state": "ACTIVE"},
	"history": {"attempts": [], "in_progress": null},
	"stopped": null,
}

_with(path, value) := json.patch(_question, [{"op": "replace", "path": path, "value": value}])

_request := object.union(_question, {"phase": "request", "decision": null, "resource": {"tags": null}})

_auto := {"*": {"default": {"mode": "auto"}}}

# The settings of the policy, over "auto" for every one.
_set(values) := object.union(_auto, {_id: {"default": values}})

_asked(question, settings, own) := answer if {
	answer := remediation.results with input as question
		with data.remediation as settings
		with data.custom as own
}

_mode(question, settings) := [answer.mode, answer.reason] if answer := _asked(question, settings, {})

test_what_ships_is_a_plan if {
	_asked(_question, {}, {}) == {
		"mode": "plan",
		"reason": "plan is set here",
		"contested": false,
		"action": "set_bucket_encryption",
		"parameters": {},
		"limits": {"per_hour": 10, "per_hour_everywhere": 100, "per_resource_day": 3, "failures_per_hour": 3},
		"approval_hours": 72,
		"window": null,
	}
}

test_all_that_can_be_set if {
	settings := {
		"mode": "approve",
		"action": "notify_owner",
		"parameters": {"bucket_key": true},
		"limits": {"per_hour": 2},
		"approval_hours": 24,
		"windows": [{"days": ["sun"], "from": "02:00", "to": "04:00", "zone": "UTC"}],
	}
	_asked(_question, {_id: {"default": settings}}, {}) == {
		"mode": "approve",
		"reason": "approve is set here",
		"contested": false,
		"action": "notify_owner",
		"parameters": {"bucket_key": true},
		"limits": {"per_hour": 2, "per_hour_everywhere": 100, "per_resource_day": 3, "failures_per_hour": 3},
		"approval_hours": 24,
		"window": {"open": false, "opens_at": "2026-11-29T02:00:00Z"},
	}
}

test_the_policys_own_entry_goes_before_everybodys_and_the_narrowest_first[note] if {
	some note, [settings, expected] in {
		"the policy's override": [{"*": _both("off", "off"), _id: _both("off", "auto")}, "auto"],
		"the policy's default": [{"*": _both("off", "off"), _id: {"default": {"mode": "auto"}}}, "auto"],
		"everybody's override": [{"*": _both("off", "auto"), _id: {"default": {"parameters": {}}}}, "auto"],
		"everybody's default": [_auto, "auto"],
		"an override for others": [
			{_id: {"default": {"mode": "auto"}, "overrides": [{"accounts": ["222222222222"], "set": {"mode": "off"}}]}},
			"auto",
		],
	}
	_asked(_question, settings, {}).mode == expected
}

_both(in_general, here) := {
	"default": {"mode": in_general},
	"overrides": [{"organizational_units": ["ou-root-prod"], "set": {"mode": here}}],
}

test_who_asked_changes_nothing[kind] if {
	some kind in ["finding", "custom_action", "compliance_change", "command", "approval", "due"]
	question := _with("/trigger", {"kind": kind, "by": "somebody"})
	_asked(question, {}, {}) == _asked(_question, {}, {})
}

test_a_mode_that_is_none_is_off[mode] if {
	some mode in ["on", "AUTO", "", false, null, 3, ["auto"]]
	_asked(_question, _set({"mode": mode}), {}).mode == "off"
}

test_a_setting_of_another_shape_is_off[note] if {
	some note, settings in {
		"action": {"action": null},
		"parameters": {"parameters": []},
		"environments": {"environments": ["prod"]},
		"environment_tags": {"environment_tags": "environment"},
		"approval_hours": {"approval_hours": "72"},
	}
	expected := ["off", sprintf("the setting %s is not of the agreed shape", [note])]
	_mode(_question, _set(settings)) == expected
}

test_windows_or_limits_of_another_shape_get_no_answer[note] if {
	some note, settings in {"windows": {"windows": 7}, "limits": {"limits": 3}}
	not _asked(_question, _set(settings), {})
}

test_what_bounds_the_mode[note] if {
	some note, [path, value, expected] in {
		"exempt": ["/decision/outcome", "exempt", ["off", "the policy does not fail"]],
		"pass": ["/decision/outcome", "pass", ["off", "the policy does not fail"]],
		"undetermined": ["/decision/outcome", "undetermined", ["off", "the policy does not fail"]],
		"not applicable": ["/decision/outcome", "not_applicable", ["off", "the policy does not fail"]],
		"audit": ["/decision/stage", "audit", ["off", "the policy is not at stage enforce"]],
		"no decision": ["/decision", null, ["off", "the policy does not fail; the policy is not at stage enforce"]],
		"half a decision": ["/decision", {}, ["off", "the policy does not fail; the policy is not at stage enforce"]],
		"no finding": ["/finding", null, ["auto", "auto is set here"]],
		"notified": ["/finding/workflow_status", "NOTIFIED", ["auto", "auto is set here"]],
		"suppressed": [
			"/finding/workflow_status", "SUPPRESSED",
			["off", "its finding is suppressed, or of a workflow status that nobody knows"],
		],
		"another status": [
			"/finding/workflow_status", "MUTED",
			["off", "its finding is suppressed, or of a workflow status that nobody knows"],
		],
		"stopped": ["/stopped", "INC-7", ["off", "remediation is stopped: INC-7"]],
		"in progress": ["/history/in_progress", "a1", ["off", "another remediation of the resource is not over: a1"]],
		"units unknown, but nothing hangs on them": ["/resource/organizational_units", null, ["auto", "auto is set here"]],
	}
	_mode(_with(path, value), _auto) == expected
}

test_off_while_settings_hang_on_units_that_are_not_known[policy] if {
	some policy in [_id, "*"]
	unplaced := _with("/resource/organizational_units", null)
	settings := object.union(_set({}), {policy: {"overrides": [{"organizational_units": ["ou-x"], "set": {"windows": []}}]}})
	expected := "settings hang on the account's organizational units, which are not known"
	_mode(unplaced, settings) == ["off", expected]
}

_tried(result, at) := {
	"at": at,
	"result": result,
	"action": "set_bucket_encryption",
	"changed": result in {"applied", "unverified", "failed"},
}

_today := ["2026-11-28T21:00:00Z", "2026-11-28T20:00:00Z", "2026-11-27T22:00:00.001Z"]

test_off_when_somebody_changes_it_back[note] if {
	some note, [results, times, limits, mode] in {
		"three in a day": [["applied", "unverified", "failed"], _today, {}, "off"],
		"taken back by a person": [["undone", "applied"], _today, {}, "off"],
		"taken back, and mended again since": [["applied", "undone"], _today, {}, "auto"],
		"taken back after it was mended": [["undone", "applied", "undone"], _today, {}, "off"],
		"two in a day": [["applied", "applied"], _today, {}, "auto"],
		"one was a day ago": [["applied", "applied", "applied"], array.concat(array.slice(_today, 0, 2), ["2026-11-27T22:00:00Z"]), {}, "auto"],
		"one of them changed nothing": [["applied", "refused", "failed"], _today, {}, "auto"],
		"as often as is allowed": [["applied"], _today, {"per_resource_day": 1}, "off"],
		"more is allowed": [["applied", "applied", "applied"], _today, {"per_resource_day": 4}, "auto"],
	}
	attempts := [_tried(result, times[i]) | some i, result in results]
	_mode(_with("/history/attempts", attempts), _set({"limits": limits}))[0] == mode
}

test_what_leaves_the_rest_to_people_counts_where_it_changed_something[note] if {
	some note, [changed, mode] in {"it changed something": [true, "off"], "it did not": [false, "auto"]}
	attempts := [object.union(_tried("alerted", time), {"changed": changed}) | some time in _today]
	_mode(_with("/history/attempts", attempts), _auto)[0] == mode
}

test_what_was_taken_back_is_mended_again_if_a_person_asks[kind] if {
	some kind in ["command", "custom_action"]
	request := json.patch(
		_with("/history/attempts", [_tried("undone", _today[0])]),
		[{"op": "replace", "path": "/trigger/kind", "value": kind}],
	)
	_mode(request, _auto)[0] == "auto"
}

test_the_reason_counts_the_attempts if {
	attempts := [_tried("applied", time) | some time in _today]
	_mode(_with("/history/attempts", attempts), _auto)[1] == sprintf("somebody changes it back: remediated 3 times within a day, first at %s", [_today[2]])
}

test_contested_is_what_nothing_else_keeps_from_going_on[note] if {
	some note, [times, settings, stopped, expected] in {
		"three in a day": [_today, _auto, null, true],
		"whatever the mode would be": [_today, _set({"mode": "plan"}), null, true],
		"two in a day": [array.slice(_today, 0, 2), _auto, null, false],
		"off anyway": [_today, _set({"mode": "off"}), null, false],
		"stopped anyway": [_today, _auto, "incident 7", false],
	}
	question := json.patch(
		_with("/history/attempts", [_tried("applied", time) | some time in times]),
		[{"op": "replace", "path": "/stopped", "value": stopped}],
	)
	_asked(question, settings, {}).contested == expected
}

_not_known := "which environment it belongs to is not known"

_allows := "its environment allows no more"

test_an_environment_bounds_the_mode[note] if {
	some note, [tags, expected] in {
		"by its tag": [{"Environment": "prod"}, ["approve", _allows]],
		"case does not matter": [{"ENV": "Prod"}, ["approve", _allows]],
		"the least of two": [{"env": "dev", "environment": "prod"}, ["approve", _allows]],
		"another one": [{"env": "dev"}, ["auto", "auto is set here; its environment allows no more"]],
		"an unknown one": [{"env": "sandbox"}, ["plan", _not_known]],
		"one known, one unknown": [{"env": "dev", "environment": "sandbox"}, ["plan", _not_known]],
		"no such tag": [{"stage": "dev"}, ["plan", _not_known]],
		"no tags": [{}, ["plan", _not_known]],
		"tags that are not known": [null, ["plan", _not_known]],
	}
	settings := {"environments": {"Prod": "approve", "dev": "auto", "test": "plan"}}
	_mode(_with("/resource/tags", tags), _set(settings)) == expected
}

test_other_tags_may_name_the_environment if {
	settings := {"environments": {"prod": "off", "dev": "auto"}, "environment_tags": ["Tier"]}
	_mode(_with("/resource/tags", {"tier": "dev", "env": "prod"}), _set(settings))[0] == "auto"
}

test_an_environment_raises_nothing if {
	_mode(_question, {_id: {"default": {"mode": "plan", "environments": {"prod": "auto"}}}}) == ["plan", "plan is set here"]
}

test_an_environment_whose_mode_is_none_is_off if _mode(_question, _set({"environments": {"prod": "on"}})) == ["off", _allows]

_own(restrictions) := {"remediation": {"guard": {"restrictions": restrictions}}}

_restricted(restrictions) := [answer.mode, answer.reason] if answer := _asked(_question, _auto, _own(restrictions))

_no_restriction := "custom.remediation.guard: a restriction is no {mode, reason}, or its mode is none"

test_the_organizations_own_guard_restricts_and_raises_nothing[note] if {
	some note, [restrictions, expected] in {
		"none": [set(), ["auto", "auto is set here"]],
		"one": [{{"mode": "approve", "reason": "year end"}}, ["approve", "year end"]],
		"the least of two": [{{"mode": "approve", "reason": "a"}, {"mode": "off", "reason": "b"}}, ["off", "b"]],
		"reasons are joined": [{{"mode": "plan", "reason": "b"}, {"mode": "plan", "reason": "a"}}, ["plan", "a; b"]],
		"in one line": [{{"mode": "plan", "reason": "two\n  lines"}}, ["plan", "two lines"]],
		"no mode": [{{"reason": "a"}}, ["off", _no_restriction]],
		"a mode that is none": [{{"mode": "none", "reason": "a"}}, ["off", _no_restriction]],
		"no reason": [{{"mode": "plan"}}, ["off", _no_restriction]],
		"more than these": [{{"mode": "plan", "reason": "a", "until": "tomorrow"}}, ["off", _no_restriction]],
		"not even an object": [{"off"}, ["off", _no_restriction]],
		"an array in a set": [{["off", "a"]}, ["off", _no_restriction]],
		"no set": [{"a": 1}, ["off", "custom.remediation.guard: a restriction is no {mode, reason}, or its mode is none; custom.remediation.guard: its `restrictions` is no set"]],
		"a text": ["off", ["off", "custom.remediation.guard: its `restrictions` is no set"]],
	}
	_restricted(restrictions) == expected
}

test_an_own_guard_without_restrictions_is_off if {
	answer := _asked(_question, _auto, {"remediation": {"guard": {"restriction": set()}}})
	[answer.mode, answer.reason] == ["off", "custom.remediation.guard: its `restrictions` is no set"]
}

test_an_own_guard_does_not_raise if {
	answer := _asked(_question, {}, _own({{"mode": "auto", "reason": "a"}}))
	[answer.mode, answer.reason] == ["plan", "plan is set here"]
}

test_a_reason_is_cut_at_500_characters if {
	long := concat("", ["x" | some _ in numbers.range(1, 600)])
	count(_restricted({{"mode": "plan", "reason": long}})[1]) == 500
}

test_what_hangs_on_the_state_waits_for_it if {
	settings := _set({"environments": {"dev": "off"}})
	answer := _asked(_request, settings, _own({{"mode": "off", "reason": "a"}}))
	[answer.mode, answer.reason] == ["auto", "auto is set here"]
}

test_a_request_is_off_where_nothing_hangs_on_the_state[note] if {
	some note, [question, settings] in {
		"by the settings": [_request, _set({"mode": "off"})],
		"stopped": [object.union(_request, {"stopped": "INC-7"}), _auto],
		"suppressed": [object.union(_request, {"finding": {"workflow_status": "SUPPRESSED"}}), _auto],
	}
	_asked(question, settings, {}).mode == "off"
}

test_what_is_no_question_gets_no_answer[note] if {
	some note, question in {
		"another version": _with("/version", 2),
		"another phase": _with("/phase", "approved"),
		"without stopped": object.remove(_question, {"stopped"}),
		"without history": object.remove(_question, {"history"}),
		"without attempts": _with("/history", {"in_progress": null}),
		"without what is in progress": _with("/history", {"attempts": []}),
		"an attempt without a time": _with("/history/attempts", [object.remove(_tried("applied", _at), {"at"})]),
		"an attempt without a result": _with("/history/attempts", [object.remove(_tried("applied", _at), {"result"})]),
		"an attempt that does not say whether it changed something": _with(
			"/history/attempts",
			[object.remove(_tried("applied", _at), {"changed"})],
		),
	}
	not _asked(question, _auto, {})
}

test_batch_keeps_keys_and_leaves_out_what_has_no_answer if {
	items := {"a": _question, "b": _with("/stopped", "INC-7"), "c": _with("/version", 2)}
	got := remediation.batch with input as {"items": items} with data.remediation as _auto with data.custom as {}
	{key: answer.mode | some key, answer in got} == {"a": "auto", "b": "off"}
}

package opalite.usage_test

import data.opalite.usage

_now := "2026-03-31T12:00:00.000Z"

_found := {
	"what": "registered targets",
	"member": "targets",
	"path": [],
	"count": 0,
	"created": "2025-01-01T00:00:00.000Z",
	"idle_since": "2026-02-01T00:00:00Z",
	"idle_at_least_since": null,
	"uncounted": {"fact": "f", "key": "k"},
	"undated": {"path": "p"},
}

_verdict(days, changes) := usage.verdict({"evaluated_at": _now}, days, object.union(_found, changes))

_compliant := {"compliant": true, "violations": set(), "unknown": set()}

_needs(gap) := {"compliant": false, "violations": set(), "unknown": {gap}}

_unused(message, actual, expected) := {
	"compliant": false,
	"violations": {{
		"message": message,
		"subject": "targets",
		"evidence": {"path": [], "actual": actual, "expected": expected},
	}},
	"unknown": set(),
}

test_in_use_whatever_the_times if {
	_verdict(30, {"count": 1}) == _compliant
	_verdict(0, {"count": 12, "created": null, "idle_since": null}) == _compliant
}

test_unused_for_longer_than_allowed if {
	_verdict(30, {}) == _unused(
		"no registered targets since 2026-02-01T00:00:00Z, for more than 30 days",
		{"targets": 0, "since": "2026-02-01T00:00:00Z", "days": 58},
		"at least one, or none for at most 30 days",
	)
	_verdict(1, {}) == _unused(
		"no registered targets since 2026-02-01T00:00:00Z, for more than 1 day",
		{"targets": 0, "since": "2026-02-01T00:00:00Z", "days": 58},
		"at least one, or none for at most 1 day",
	)
}

test_exactly_the_days_that_are_allowed[note] if {
	some note, since in {
		"to the millisecond": "2026-03-01T12:00:00.000Z",
		"without a fraction": "2026-03-01T12:00:00Z",
		"in another zone": "2026-03-01T13:30:00+01:30",
		"west of it": "2026-03-01T04:00:00-08:00",
		"a nanosecond less": "2026-03-01T12:00:00.000000001Z",
		"now": "2026-03-31T12:00:00Z",
	}
	_verdict(30, {"idle_since": since}) == _compliant
}

test_a_moment_longer_than_allowed[note] if {
	some note, since in {
		"a nanosecond": "2026-03-01T11:59:59.999999999Z",
		"a millisecond, in another zone": "2026-03-01T13:29:59.999+01:30",
	}
	verdict := _verdict(30, {"idle_since": since})
	{violation.evidence.actual.days | some violation in verdict.violations} == {30}
}

test_february_has_29_days_in_a_leap_year if {
	leap := {"evaluated_at": "2028-03-01T00:00:00Z"}
	common := {"evaluated_at": "2027-03-01T00:00:00Z"}
	usage.verdict(leap, 29, object.union(_found, {"idle_since": "2028-02-01T00:00:00Z"})) == _compliant
	count(usage.verdict(leap, 28, object.union(_found, {"idle_since": "2028-02-01T00:00:00Z"})).violations) == 1
	usage.verdict(common, 28, object.union(_found, {"idle_since": "2027-02-01T00:00:00Z"})) == _compliant
}

test_too_young_to_have_gone_unused_for_longer[note] if {
	some note, changes in {
		"exactly as old": {"created": "2026-03-01T12:00:00Z"},
		"and not counted": {"created": "2026-03-30T00:00:00Z", "count": null},
		"and not dated": {"created": "2026-03-30T00:00:00Z", "idle_since": null},
		"whatever is told of the time before": {"created": "2026-03-30T00:00:00Z", "idle_since": "2020-01-01T00:00:00Z"},
	}
	_verdict(30, changes) == _compliant
}

test_a_moment_too_old_to_be_young if {
	_verdict(30, {"created": "2026-03-01T11:59:59.999Z", "idle_since": null}) == _needs({"path": "p"})
}

test_the_count_alone_decides_where_no_day_is_allowed if {
	_verdict(0, {"created": _now, "idle_since": null}) == _unused(
		"no registered targets",
		{"targets": 0, "since": null, "days": null},
		"at least one",
	)
	_verdict(0, {"idle_since": "2026-03-31T11:00:00Z"}) == _unused(
		"no registered targets since 2026-03-31T11:00:00Z",
		{"targets": 0, "since": "2026-03-31T11:00:00Z", "days": 0},
		"at least one",
	)
}

test_a_time_to_come_is_not_shown if {
	_verdict(0, {"idle_since": "2026-04-01T00:00:00Z"}) == _unused(
		"no registered targets",
		{"targets": 0, "since": null, "days": null},
		"at least one",
	)
}

test_uncounted[note] if {
	some note, count in {"null": null, "less than none": -1, "text": "0", "false": false}
	_verdict(30, {"count": count}) == _needs({"fact": "f", "key": "k"})
	_verdict(0, {"count": count}) == _needs({"fact": "f", "key": "k"})
}

test_undated[note] if {
	some note, since in {"null": null, "to come": "2026-03-31T12:00:00.000000001Z", "a number": 1772366400}
	_verdict(30, {"idle_since": since}) == _needs({"path": "p"})
}

test_a_creation_that_is_to_come_or_not_known_proves_nothing if {
	_verdict(30, {"created": "2026-04-01T00:00:00Z", "idle_since": null}) == _needs({"path": "p"})
	_verdict(30, {"created": null, "idle_since": null}) == _needs({"path": "p"})
}

test_messages_are_cut_at_120_characters if {
	fraction := concat("", [sprintf("%d", [digit % 10]) | some digit in numbers.range(1, 90)])
	verdict := _verdict(30, {"idle_since": sprintf("2026-02-01T00:00:00.%sZ", [fraction])})
	{count(violation.message) | some violation in verdict.violations} == {120}
}

# It proves that nothing was used for so long, and never that something was used before.
test_a_bound_fails_when_it_is_old_enough_and_never_passes if {
	bound := {"idle_since": null, "idle_at_least_since": "2026-02-01T00:00:00Z"}
	_verdict(30, bound) == _unused(
		"no registered targets since 2026-02-01T00:00:00Z, for more than 30 days",
		{"targets": 0, "since": "2026-02-01T00:00:00Z", "days": 58},
		"at least one, or none for at most 30 days",
	)
	_verdict(30, object.union(bound, {"idle_at_least_since": "2026-03-01T12:00:00Z"})) == _needs({"path": "p"})
	_verdict(30, object.union(bound, {"idle_at_least_since": "2026-05-01T12:00:00Z"})) == _needs({"path": "p"})
}

test_the_exact_time_goes_before_the_bound if {
	_verdict(30, {"idle_since": "2026-03-20T00:00:00Z", "idle_at_least_since": "2026-02-01T00:00:00Z"}) == _compliant
}

test_a_time_that_no_count_of_nanoseconds_holds_is_not_known[moment] if {
	some moment in ["0001-01-01T00:00:00Z", "1677-12-31T23:59:59Z", "2262-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
	_verdict(30, {"created": moment, "idle_since": moment}) == _needs({"path": "p"})
}

test_the_first_and_the_last_year_that_can_be_counted if {
	_verdict(30, {"created": "1678-01-01T00:00:00Z", "idle_since": "1678-01-01T00:00:00Z"}).violations != set()
}

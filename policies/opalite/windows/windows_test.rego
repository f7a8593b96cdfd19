package opalite.windows_test

import data.opalite.windows

# 2026-11-28 is a Saturday; clocks in Berlin change on 2026-03-29 (02:00 to 03:00) and 2026-10-25 (03:00 to 02:00).
_window(changes) := object.union(
	{"days": ["sat"], "from": "22:00", "to": "23:30", "zone": "UTC"},
	changes,
)

_berlin(days, from, to) := {"days": days, "from": from, "to": to, "zone": "Europe/Berlin"}

_open := {"open": true, "opens_at": null}

_closed(opens_at) := {"open": false, "opens_at": opens_at}

test_without_windows_any_time_will_do if windows.state([], "2026-11-28T22:00:00Z") == null

test_a_window_holds_its_first_moment_and_not_its_last[note] if {
	some note, [at, expected] in {
		"before": ["2026-11-28T21:59:59.999Z", _closed("2026-11-28T22:00:00Z")],
		"first moment": ["2026-11-28T22:00:00.000Z", _open],
		"within": ["2026-11-28T23:29:59.999Z", _open],
		"in another zone": ["2026-11-29T00:29:59+01:00", _open],
		"end": ["2026-11-28T23:30:00Z", _closed("2026-12-05T22:00:00Z")],
		"another day": ["2026-11-27T22:00:00Z", _closed("2026-11-28T22:00:00Z")],
	}
	windows.state([_window({})], at) == expected
}

test_over_midnight_it_is_of_the_day_on_which_it_opens[note] if {
	some note, [at, expected] in {
		"evening": ["2026-11-28T22:00:00Z", _open],
		"after midnight": ["2026-11-29T03:59:59Z", _open],
		"end": ["2026-11-29T04:00:00Z", _closed("2026-12-05T22:00:00Z")],
		"the morning before": ["2026-11-28T03:00:00Z", _closed("2026-11-28T22:00:00Z")],
		"the next evening": ["2026-11-29T22:30:00Z", _closed("2026-12-05T22:00:00Z")],
	}
	windows.state([_window({"to": "04:00"})], at) == expected
}

test_whole_days[note] if {
	some note, [at, expected] in {
		"begin": ["2026-11-28T00:00:00Z", _open],
		"end": ["2026-11-28T23:59:59.999Z", _open],
		"next day": ["2026-11-29T00:00:00Z", _closed("2026-12-05T00:00:00Z")],
	}
	windows.state([_window({"from": "00:00", "to": "24:00"})], at) == expected
}

test_any_of_several_will_do[note] if {
	some note, [at, expected] in {
		"one": ["2026-11-28T22:30:00Z", _open],
		"another": ["2026-11-30T02:30:00Z", _open],
		"the next one": ["2026-11-29T00:00:00Z", _closed("2026-11-30T02:00:00Z")],
	}
	both := [_window({}), _window({"days": ["mon", "tue"], "from": "02:00", "to": "03:00"})]
	windows.state(both, at) == expected
}

test_days_and_times_are_those_of_the_zone[note] if {
	some note, [at, expected] in {
		"winter": ["2026-11-28T21:00:00Z", _open],
		"winter, before": ["2026-11-28T20:59:59Z", _closed("2026-11-28T21:00:00Z")],
		"summer": ["2026-07-04T20:00:00Z", _open],
		"summer, before": ["2026-07-04T19:59:59Z", _closed("2026-07-04T20:00:00Z")],
		"Sunday there, Saturday in UTC": ["2026-11-28T23:30:00Z", _closed("2026-12-05T21:00:00Z")],
	}
	windows.state([_berlin(["sat"], "22:00", "24:00")], at) == expected
}

test_where_the_clocks_change[note] if {
	some note, [days, from, to, at, expected] in {
		"an hour less": [["sat"], "22:00", "04:00", "2026-03-29T01:59:59Z", _open],
		"an hour less, end": [["sat"], "22:00", "04:00", "2026-03-29T02:00:00Z", _closed("2026-04-04T20:00:00Z")],
		"an hour more": [["sat"], "22:00", "04:00", "2026-10-25T02:59:59Z", _open],
		"an hour more, end": [["sat"], "22:00", "04:00", "2026-10-25T03:00:00Z", _closed("2026-10-31T21:00:00Z")],
		"the first of two": [["sun"], "02:30", "02:45", "2026-10-25T00:00:00Z", _closed("2026-10-25T00:30:00Z")],
		"the second of two": [["sun"], "02:30", "02:45", "2026-10-25T01:35:00Z", _open],
		"there is none": [["sun"], "02:30", "02:45", "2026-03-29T00:00:00Z", _closed("2026-04-05T00:30:00Z")],
		"it is cut short": [["sun"], "02:30", "04:00", "2026-03-29T01:00:00Z", _open],
		"the change lies ahead": [["sun"], "05:00", "06:00", "2026-03-28T12:00:00Z", _closed("2026-03-29T03:00:00Z")],
	}
	windows.state([_berlin(days, from, to)], at) == expected
}

test_a_window_that_names_no_day_never_opens if {
	windows.state([_window({"days": []})], "2026-11-28T22:00:00Z") == _closed(null)
}

test_a_window_that_is_none_never_opens[missing] if {
	some missing in ["days", "from", "to", "zone"]
	given := [object.remove(_window({}), {missing})]
	windows.state(given, "2026-11-28T22:00:00Z") == _closed(null)
}

test_what_is_no_list_of_windows_is_undefined if not windows.state(7, "2026-11-28T22:00:00Z")

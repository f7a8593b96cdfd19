# METADATA
# title: Whether a resource is in use, or has gone unused for longer than allowed
# description: >-
#   Policies on what nobody uses differ in what they count, and in nothing else. found = {what: what is counted, for people;
#   member: its name in the evidence, and path, where that points to; count: how many there are; created: when the resource was
#   made; idle_since: since when there are none, as RFC 3339; idle_at_least_since: a time since when there have been none, though
#   it may be longer; uncounted, undated: what is unknown when count, or since when, is not known}. count and the times are null
#   when not known; a time to come is taken for not known.
# scope: package
package opalite.usage

_day_ns := ((24 * 60) * 60) * 1000000000

# METADATA
# title: "{compliant, violations, unknown}; `asked` is the policy's input"
verdict(asked, days, found) := {
	"compliant": state in {"in_use", "young", "recent"},
	"violations": {_violation(asked.evaluated_at, days, found) | state == "unused"},
	"unknown": {found[state] | state in {"uncounted", "undated"}},
} if {
	state := _state(asked.evaluated_at, days, found)
}

# young: made so lately that it cannot have gone unused for longer than allowed, whatever the count. recent: unused, but for no
# longer than allowed; exactly `days` are allowed. Where no day is allowed, the count alone decides.
_state(now, days, found) := "in_use" if {
	is_number(found.count)
	found.count > 0
} else := "young" if {
	days > 0
	_age(now, found.created) <= days * _day_ns
} else := "uncounted" if {
	not found.count == 0
} else := "unused" if {
	days == 0
} else := "recent" if {
	_age(now, found.idle_since) <= days * _day_ns
} else := "unused" if {
	_age(now, _since(now, found)) > days * _day_ns
} else := "undated"

_since(now, found) := found.idle_since if {
	_age(now, found.idle_since)
} else := found.idle_at_least_since if {
	_age(now, found.idle_at_least_since)
} else := null

_violation(now, days, found) := {
	"message": substring(sprintf("no %s%s", [found.what, _shown(since, days)]), 0, 120),
	"subject": found.member,
	"evidence": {
		"path": found.path,
		"actual": {found.member: found.count, "since": since, "days": _whole_days(now, since)},
		"expected": _expected(days),
	},
} if {
	since := _since(now, found)
}

_shown(since, days) := "" if {
	is_null(since)
} else := sprintf(" since %s", [since]) if {
	days == 0
} else := sprintf(" since %s, for more than %s", [since, _text(days)])

_expected(0) := "at least one"

_expected(days) := sprintf("at least one, or none for at most %s", [_text(days)]) if days > 0

_text(1) := "1 day"

_text(days) := sprintf("%d days", [days]) if days != 1

_whole_days(_, null) := null

_whole_days(now, since) := floor(_age(now, since) / _day_ns)

# Nanoseconds; undefined when the moment is not known. OPA fails on years that a count of nanoseconds cannot hold, such as the
# 0001 that some write for no time at all.
_age(now, moment) := elapsed if {
	is_string(moment)
	moment >= "1678"
	moment < "2262"
	elapsed := time.parse_rfc3339_ns(now) - time.parse_rfc3339_ns(moment)
	elapsed >= 0
}

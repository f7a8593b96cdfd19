# METADATA
# title: Maintenance windows
# description: >-
#   A window is {days, from, to, zone}: the days on which it opens (mon … sun), and times of the day, HH:MM, on the clocks of
#   an IANA time zone. It opens at `from` and closes at `to`, on the next day where that is earlier. 24:00 is the end of the day.
# scope: package
package opalite.windows

_minute_ns := 60 * 1000000000

_day_ns := (24 * 60) * _minute_ns

_days_ahead := 8

# METADATA
# title: "{open, opens_at} at a time; null without windows, for then any time will do"
# description: >-
#   opens_at is null while one is open, or if none opens within eight days. Around a change of the clocks it may be later than
#   the first moment, but a window is open then.
state(windows, _) := null if count(windows) == 0

state(windows, at) := {"open": true, "opens_at": null} if {
	_is_open(windows, time.parse_rfc3339_ns(at))
} else := {"open": false, "opens_at": time.format(min(openings))} if {
	openings := _openings(windows, time.parse_rfc3339_ns(at))
	count(openings) > 0
} else := {"open": false, "opens_at": null} if count(windows) > 0

# It may have been opened yesterday.
_is_open(windows, now) if {
	some window in windows
	some day in [-1, 0]
	opened := _opening(window, now, day)
	clock := _clock(now, window.zone)
	clock >= opened
	clock < opened + _length(window)
}

# What the clocks show at an opening is one moment, two, or none: so both offsets are tried that they may have around it.
_openings(windows, now) := {moment |
	some window in windows
	some day in numbers.range(0, _days_ahead)
	opening := _opening(window, now, day)
	some around in [-1, 1]
	moment := opening - _offset(opening + (around * _day_ns), window.zone)
	moment > now
	_is_open(windows, moment)
}

# What the clocks show, as if they were those of UTC, when it opens so many days after today; undefined if it does not.
_opening(window, now, day) := midnight + (_minutes(window.from) * _minute_ns) if {
	today := time.parse_rfc3339_ns(time.format([now, window.zone, "2006-01-02T00:00:00Z"]))
	midnight := today + (day * _day_ns)
	lower(substring(time.weekday(midnight), 0, 3)) in window.days
}

# The same now.
_clock(now, zone) := time.parse_rfc3339_ns(time.format([now, zone, "2006-01-02T15:04:05Z"]))

_offset(moment, zone) := _clock(moment, zone) - moment

_length(window) := to - from if {
	from := _minutes(window.from) * _minute_ns
	to := _minutes(window.to) * _minute_ns
	to > from
} else := ((_minutes(window.to) - _minutes(window.from)) * _minute_ns) + _day_ns

_minutes(text) := (60 * to_number(hours)) + to_number(minutes) if [hours, minutes] = split(text, ":")

# METADATA
# title: The guard of remediation
# description: >-
#   How far a remediation may go for one policy and one resource: off, plan, approve or auto, by data.remediation and by what
#   is known. The least that anybody allows holds; nothing raises it. In the phase `request` nothing has been read yet, so what
#   hangs on the decision or on tags waits for the phase `state`.
# scope: package
# schemas:
#   - input: schema.remediation
package opalite.remediation

import data.opalite.scope
import data.opalite.windows

# METADATA
# title: Answers by key of input.items
# schemas:
#   - input: {type: object}
batch[key] := answer if {
	some key, item in input.items
	answer := results with input as item
}

# METADATA
# title: The answer to one question; undefined if it is none
results := {
	"mode": _modes[least],
	"reason": substring(concat("; ", sort(reasons)), 0, _reason_characters),
	"contested": reasons == _contested,
	"action": _setting("action"),
	"parameters": _setting("parameters"),
	"limits": object.union(_limits, _setting("limits")),
	"approval_hours": _setting("approval_hours"),
	"window": windows.state(_setting("windows"), input.at),
} if {
	_is_question
	least := min({rank | some [rank, _] in _caps})
	reasons := {reason | some [rank, reason] in _caps; rank == least}
}

_is_question if {
	input.version == 1
	input.phase in {"request", "state"}
	_members - object.keys(input) == set()
	_ = input.history.in_progress
	every attempt in input.history.attempts {
		is_string(attempt.at)
		is_string(attempt.result)
		is_boolean(attempt.changed)
	}
}

_members := {"at", "trigger", "policy", "resource", "decision", "finding", "history", "stopped"}

_reason_characters := 500

# Least first: the rank is the place.
_modes := ["off", "plan", "approve", "auto"]

_rank(mode) := rank if {
	some rank, known in _modes
	known == mode
} else := 0

_limits := {"per_hour": 10, "per_hour_everywhere": 100, "per_resource_day": 3, "failures_per_hour": 3}

_defaults := {
	"mode": "plan",
	"action": input.policy.action,
	"parameters": {},
	"windows": [],
	"environments": {},
	"environment_tags": ["environment", "env"],
	"limits": {},
	"approval_hours": 72,
}

# The policy's own entry goes before the one for "*", as in data.stages.
_setting(key) := value if {
	value := scope.narrowest(data.remediation[input.policy.id].overrides, key, input.resource)
} else := value if {
	value := data.remediation[input.policy.id]["default"][key]
} else := value if {
	value := scope.narrowest(data.remediation["*"].overrides, key, input.resource)
} else := value if {
	value := data.remediation["*"]["default"][key]
} else := _defaults[key]

# What bounds the mode: [rank, reason].
_caps contains [_rank(mode), sprintf("%v is set here", [mode])] if mode := _setting("mode")

_caps contains [0, sprintf("the setting %s is not of the agreed shape", [key])] if {
	some key, default_value in _defaults
	type_name(_setting(key)) != type_name(default_value)
}

_caps contains [0, "settings hang on the account's organizational units, which are not known"] if {
	some policy in [input.policy.id, "*"]
	scope.hangs_on_units(data.remediation[policy].overrides, input.resource)
}

_caps contains [0, sprintf("remediation is stopped: %v", [input.stopped])] if not _goes_on

_goes_on if is_null(input.stopped)

_caps contains [0, "its finding is suppressed, or of a workflow status that nobody knows"] if not _finding_is_open

_finding_is_open if is_null(input.finding)

_finding_is_open if input.finding.workflow_status in {"NEW", "NOTIFIED", "RESOLVED"}

_caps contains [0, sprintf("another remediation of the resource is not over: %v", [input.history.in_progress])] if {
	not _is_alone
}

_is_alone if is_null(input.history.in_progress)

_caps contains [0, reason] if some reason in _contested

# Neither side can end it, so people are told: once, for the first time stays the same.
_contested contains sprintf("somebody changes it back: remediated %d times within a day, first at %s", [count(times), min(times)]) if {
	times := [attempt.at |
		some attempt in input.history.attempts
		_has_mended(attempt)
		_is_of_the_last_day(attempt.at)
	]
	count(times) >= object.union(_limits, _setting("limits")).per_resource_day
}

_has_mended(attempt) if attempt.result in {"applied", "unverified", "failed"}

# What leaves the rest to people has changed something, too.
_has_mended(attempt) if {
	attempt.result == "alerted"
	attempt.changed
}

_caps contains [0, "a person has taken it back: exempt it, or have a person start it again"] if {
	not _is_asked_for
	some attempt in input.history.attempts
	attempt.result == "undone"
	every other in input.history.attempts {
		_is_not_after(other, attempt.at)
	}
}

_is_not_after(attempt, _) if attempt.result != "applied"

_is_not_after(attempt, moment) if time.parse_rfc3339_ns(attempt.at) <= time.parse_rfc3339_ns(moment)

_is_asked_for if input.trigger.kind in {"command", "custom_action"}

_is_of_the_last_day(moment) if {
	time.parse_rfc3339_ns(input.at) - time.parse_rfc3339_ns(moment) < ((24 * 60) * 60) * 1000000000
}

_caps contains [0, "the policy does not fail"] if {
	input.phase == "state"
	not _fails
}

_fails if input.decision.outcome == "fail"

_caps contains [0, "the policy is not at stage enforce"] if {
	input.phase == "state"
	not _is_enforced
}

_is_enforced if input.decision.stage == "enforce"

_caps contains cap if {
	input.phase == "state"
	cap := _environment_cap
}

# The least of what its tags name; of all that is named where one of them is not, or there are none. Values of tags are not told.
_environment_cap := [min(ranks), "its environment allows no more"] if {
	ranks := {_rank(_environments[value]) | some value in _values}
	count(ranks) > 0
	_values - object.keys(_environments) == set()
} else := [min({_rank(mode) | some mode in _environments}), "which environment it belongs to is not known"] if {
	count(_environments) > 0
}

_environments := {lower(name): mode | some name, mode in _setting("environments")}

_values := {lower(value) |
	some key, value in input.resource.tags
	some tag in _setting("environment_tags")
	lower(key) == lower(tag)
}

# The organization's own guard: {mode, reason} for whatever it wants to restrict.
_caps contains _restriction(restriction) if {
	input.phase == "state"
	some restriction in data.custom.remediation.guard.restrictions
}

_caps contains [0, "custom.remediation.guard: its `restrictions` is no set"] if {
	is_object(data.custom.remediation.guard)
	not _restrictions_are_listed
}

_restrictions_are_listed if is_set(data.custom.remediation.guard.restrictions)

_restriction(given) := [_rank(given.mode), regex.replace(given.reason, `\s+`, " ")] if {
	is_object(given)
	object.keys(given) == {"mode", "reason"}
	is_string(given.reason)
	given.mode in _modes
} else := [0, "custom.remediation.guard: a restriction is no {mode, reason}, or its mode is none"]

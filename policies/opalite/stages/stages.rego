# METADATA
# title: How a policy's decisions are treated in one place
# description: >-
#   Keys of data.stages, by policy id or "*" for every policy: stage (off, audit, enforce), severity, and what Config is told
#   of the outcomes exempt and undetermined. The policy's own entry goes before the one for "*".
# scope: package
package opalite.stages

import data.opalite.scope

# METADATA
# title: The value of one key; undefined when nobody sets it
value(policy, key, resource) := chosen if {
	chosen := scope.narrowest(data.stages[policy].overrides, key, resource)
} else := chosen if {
	chosen := data.stages[policy]["default"][key]
} else := chosen if {
	chosen := scope.narrowest(data.stages["*"].overrides, key, resource)
} else := data.stages["*"]["default"][key]

# METADATA
# title: All keys that somebody sets
of(policy, resource) := {key: value(policy, key, resource) |
	some key in ["stage", "severity", "exempt", "undetermined"]
	_ = value(policy, key, resource)
}

# METADATA
# title: Parameters of a policy for one resource
# description: Values come from data.parameters; what nobody sets there has the default of the policy's METADATA.
# scope: package
package opalite.parameters

import data.opalite.scope

# METADATA
# title: All parameters of a policy
# description: >-
#   The cheapest way for a policy that reads several: one look-up when nothing is overridden and data.parameters is complete,
#   as it is in a bundle that Opalite makes.
of(policy, resource) := given if {
	given := data.parameters[policy]["default"]
	not data.parameters[policy].overrides
	count(given) >= count(data.catalog.policies[policy].parameters.properties)
} else := {key: chosen |
	some key in _keys(policy)
	chosen := value(policy, key, resource)
}

_keys(policy) := ({key | some key, _ in data.catalog.policies[policy].parameters.properties} | {key | some key, _ in data.parameters[policy]["default"]}) | {key | some override in data.parameters[policy].overrides; some key, _ in override.set}

# METADATA
# title: The value of one parameter key; undefined when neither the data nor the METADATA give one
value(policy, key, resource) := chosen if {
	chosen := scope.narrowest(data.parameters[policy].overrides, key, resource)
} else := chosen if {
	chosen := data.parameters[policy]["default"][key]
} else := data.catalog.policies[policy].parameters.properties[key]["default"]

# METADATA
# title: Parameters of a policy for one resource
# description: Values come from data.parameters; what nobody sets there has the default of the policy's METADATA.
# scope: package
package opalite.parameters

import data.opalite.scope

# METADATA
# title: The value of one parameter key; undefined when neither the data nor the METADATA give one
value(policy, key, resource) := chosen if {
	chosen := scope.narrowest(data.parameters[policy].overrides, key, resource)
} else := data.parameters[policy]["default"][key] if {
	true
} else := data.catalog.policies[policy].parameters.properties[key]["default"]

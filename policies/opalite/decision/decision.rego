# METADATA
# title: The decision document
# description: The only package that the product queries. It routes by resource type, applies the outcome rules and stamps exemptions.
# scope: package
# schemas:
#   - input: schema.input
package opalite.decision

import data.opalite.exemptions
import data.opalite.scope
import data.opalite.stages

# Results by key of input.items. The caller compares the keys, and the policy ids of each, with what it asked for: what is
# absent is an error, never a pass. One `with` over one rule: each further rule under `with` is evaluated from scratch.
# METADATA
# schemas:
#   - input: {type: object}
batch[key] := decision if {
	some key, item in input.items
	decision := results with input as item
}

# Results of one resource by policy id. input.policies narrows the choice; null means all that apply.
# A policy id has four parts below one of two roots: aws (shipped) and custom (the organization's own).
results[id] := {"outcome": "off"} if {
	_staged
	some id in _off
}

results[id] := _treated(id, {"outcome": "not_applicable", "reasons": {input.gone}}) if {
	_gone
	some id in _on
}

results[id] := _treated(id, _judge(
	id,
	{reason | some reason in data.aws[service][type][name].not_applicable},
	_unrecorded(id),
	data.aws[service][type][name].violations,
	{need | some need in data.aws[service][type][name].unknown},
	{true | data.aws[service][type][name].compliant == true},
)) if {
	not _gone
	some id in _on
	["aws", service, type, name] = data.catalog.policies[id].path
}

results[id] := _treated(id, _judge(
	id,
	{reason | some reason in data.custom[service][type][name].not_applicable},
	_unrecorded(id),
	data.custom[service][type][name].violations,
	{need | some need in data.custom[service][type][name].unknown},
	{true | data.custom[service][type][name].compliant == true},
)) if {
	not _gone
	some id in _on
	["custom", service, type, name] = data.catalog.policies[id].path
}

# Deleted, not recorded, or out of the rule's scope: nothing is left to judge.
_gone if is_string(input.gone)

_applicable := _of_type if {
	is_null(input.policies)
} else := _of_type & {id | some id in input.policies}

_of_type contains id if some id in data.catalog.by_type[input.resource.type]

_of_type contains id if some id in data.catalog.by_type["*"]

# What data.stages says of each policy here. Most often it says nothing: look before asking key by key.
_treatment[id] := stages.of(id, input.resource) if {
	some id in _applicable
	_ = data.stages[id]
}

_treatment[id] := stages.of(id, input.resource) if {
	_ = data.stages["*"]
	some id in _applicable
}

_off contains id if {
	some id, treatment in _treatment
	treatment.stage == "off"
}

# Without data.stages, the usual case, nothing is off and nothing is treated in another way: look once, not for every key.
_on := _applicable if {
	not _staged
} else := _applicable - _off

_staged if count(data.stages) > 0

_treated(id, result) := object.union(result, {"treatment": treatment}) if {
	_staged
	treatment := _treatment[id]
	count(treatment) > 0
} else := result

# What the item does not tell, though the policy requires it: without these the policy's own answer means nothing.
_unrecorded(id) := {_units_needed} if {
	id in _hang_on_units
} else := {gap |
	some gap in input.unknown
	some required in data.catalog.policies[id].requires
	_within(required, gap.path)
}

_within(required, path) if required == path

_within(required, path) if startswith(required, concat("", [path, "."]))

_units_needed := {"fact": "account", "key": input.resource.account_id}

# Policies whose parameters or stage depend on organizational units that are not known.
_hang_on_units contains id if {
	is_null(input.resource.organizational_units)
	some id in _applicable
	overrides := data.parameters[id].overrides
	scope.hangs_on_units(overrides, input.resource)
}

_hang_on_units contains id if {
	_staged
	is_null(input.resource.organizational_units)
	some id in _applicable
	overrides := data.stages[id].overrides
	scope.hangs_on_units(overrides, input.resource)
}

_hang_on_units contains id if {
	_staged
	is_null(input.resource.organizational_units)
	overrides := data.stages["*"].overrides
	some id in _applicable
	scope.hangs_on_units(overrides, input.resource)
}

# The first line that holds wins. Only a policy that says `compliant`, and names no violation and nothing unknown, passes; that
# the usual case stands first as well changes nothing, for then no other line holds.
_judge(id, reasons, unrecorded, violations, unknown, compliant) := {"outcome": "pass"} if {
	[reasons, unrecorded, violations, unknown, compliant] == [set(), set(), set(), set(), {true}]
} else := {"outcome": "not_applicable", "reasons": reasons} if {
	count(reasons) > 0
} else := {"outcome": "undetermined", "unknown": unrecorded} if {
	count(unrecorded) > 0
} else := {"outcome": "undetermined", "unknown": {{"reason": "contradiction: compliant, with violations"}}} if {
	count(violations) > 0
	count(compliant) > 0
} else := {"outcome": "exempt", "violations": violations, "exemption": exemption} if {
	count(violations) > 0
	exemption := exemptions.in_force(id, input.resource, input.evaluated_at)
} else := {"outcome": "undetermined", "unknown": {_units_needed}} if {
	count(violations) > 0
	exemptions.hangs_on_units(id, input.resource, input.evaluated_at)
} else := {"outcome": "fail", "violations": violations} if {
	count(violations) > 0
} else := {"outcome": "undetermined", "unknown": unknown} if {
	count(unknown) > 0
} else := {"outcome": "pass"} if {
	count(compliant) > 0
} else := {"outcome": "undetermined", "unknown": {{"reason": "the policy says neither compliant nor violations"}}}

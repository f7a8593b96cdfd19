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

# Results of one resource by policy id. Rules are few and look at data.stages once: without it, the usual case, nothing is off and
# nothing is treated in another way. Each rule that is asked costs as much as several lines in the one that asks.
results := object.union(
	{id: {"outcome": "off"} | some id in _off},
	{id: _treated(id, result) | some id, result in _results(_applicable - _off)},
) if {
	count(data.stages) > 0
} else := _results(_applicable)

# Deleted, not recorded, or out of the rule's scope: nothing is left to judge.
_results(ids) := {id: {"outcome": "not_applicable", "reasons": {input.gone}} | some id in ids} if {
	is_string(input.gone)
} else := {id: _result(id, data.catalog.policies[id].path) | some id in ids}

# A policy id has four parts below one of two roots: aws (shipped) and custom (the organization's own).
_result(id, ["aws", service, type, name]) := _judge(
	id,
	{reason | some reason in data.aws[service][type][name].not_applicable},
	_unrecorded(id),
	data.aws[service][type][name].violations,
	{need | some need in data.aws[service][type][name].unknown},
	{true | data.aws[service][type][name].compliant == true},
)

_result(id, ["custom", service, type, name]) := _judge(
	id,
	{reason | some reason in data.custom[service][type][name].not_applicable},
	_unrecorded(id),
	data.custom[service][type][name].violations,
	{need | some need in data.custom[service][type][name].unknown},
	{true | data.custom[service][type][name].compliant == true},
)

# input.policies narrows the choice; null means all that apply.
_applicable := _of_type if {
	is_null(input.policies)
} else := _of_type & {id | some id in input.policies}

_of_type := {id | some type in [input.resource.type, "*"]; some id in data.catalog.by_type[type]}

# What data.stages says of each policy here.
_treatment[id] := stages.of(id, input.resource) if {
	some id in _applicable
	some setting in [id, "*"]
	_ = data.stages[setting]
}

_off contains id if {
	some id, treatment in _treatment
	treatment.stage == "off"
}

_treated(id, result) := object.union(result, {"treatment": treatment}) if {
	treatment := _treatment[id]
	count(treatment) > 0
} else := result

# What the item does not tell, though the policy requires it: without these the policy's own answer means nothing.
_unrecorded(id) := {_units_needed} if {
	is_null(input.resource.organizational_units)
	_hangs_on_units(id)
} else := {gap |
	some gap in input.unknown
	some required in data.catalog.policies[id].requires
	_within(required, gap.path)
}

_within(required, path) if required == path

_within(required, path) if startswith(required, concat("", [path, "."]))

_units_needed := {"fact": "account", "key": input.resource.account_id}

# True when the policy's parameters or stage depend on organizational units that are not known.
_hangs_on_units(id) if scope.hangs_on_units(data.parameters[id].overrides, input.resource)

_hangs_on_units(id) if {
	count(data.stages) > 0
	some setting in [id, "*"]
	scope.hangs_on_units(data.stages[setting].overrides, input.resource)
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

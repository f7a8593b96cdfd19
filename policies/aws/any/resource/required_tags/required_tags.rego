# METADATA
# title: Resources carry the required tags
# description: >-
#   Who owns a resource, what it belongs to and who pays for it is often told by its tags alone. Which keys are required, with
#   which values, is a parameter; until something is required nothing is judged.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html
#     description: Tagging AWS resources
#   - ref: https://docs.aws.amazon.com/whitepapers/latest/tagging-best-practices/tagging-best-practices.html
#     description: Best practices for tagging AWS resources
# custom:
#   severity: LOW
#   resource_types: ["*"]
#   tags: [cost, tagging]
#   requires: [resource.tags]
#   idle_without: [required, minimum]
#   version: 1.0.0
#   frameworks:
#     nist_800_53_r5: [CM-8, CM-8(4)]
#   remediation:
#     summary: Add the missing tags, and correct the values of the others.
#     action: tag_resource
#   parameters:
#     type: object
#     additionalProperties: false
#     properties:
#       required:
#         description: "Tag key to what its value must be: null for any, a list of values, or an object with values or pattern (RE2, matching the whole value), ignore_case, allow_empty; keys of AWS (aws:…) cannot be required"
#         type: object
#         propertyNames: {pattern: "^(?![aA][wW][sS]:).", maxLength: 128}
#         additionalProperties:
#           type: [object, array, "null"]
#           minItems: 1
#           items: {type: string}
#           additionalProperties: false
#           not: {type: object, required: [values, pattern]}
#           properties:
#             values: {description: Allowed values, type: array, minItems: 1, items: {type: string}}
#             pattern: {description: RE2 expression that matches the whole value, type: string, format: regex}
#             ignore_case: {description: Instead of the parameter of this name, type: array, items: {enum: [keys, values]}}
#             allow_empty: {description: Instead of the parameter of this name, type: boolean}
#         default: {}
#       minimum:
#         description: "Least number of tags, those of AWS (aws:…) not counted"
#         type: integer
#         minimum: 0
#         default: 0
#       ignore_case:
#         description: "Whether upper and lower case are the same in keys, in values (patterns too), or both"
#         type: array
#         items: {enum: [keys, values]}
#         default: []
#       allow_empty:
#         description: "Whether a tag without a value, or of white space alone, counts as being there"
#         type: boolean
#         default: false
#       resource_types:
#         description: "Type to reason; unless empty, only resources of these types are judged"
#         type: object
#         propertyNames: {pattern: "^[A-Za-z0-9]+::[A-Za-z0-9]+::[A-Za-z0-9:]+$"}
#         additionalProperties: {type: string}
#         default: {}
#       excepted_types:
#         description: "Type to reason: never judged, for one because AWS cannot tag it"
#         type: object
#         propertyNames: {pattern: "^[A-Za-z0-9]+::[A-Za-z0-9]+::[A-Za-z0-9:]+$"}
#         additionalProperties: {type: string}
#         default: {}
package aws.any.resource.required_tags

compliant if {
	every key, _ in _required {
		key in _met
	}
	count(_tags) >= _minimum
}

violations contains {
	"message": substring(sprintf("tag %s %s", [key, fault.what]), 0, 120),
	"subject": key,
	"evidence": {"path": ["tags", fault.tag], "actual": object.get(_tags, fault.tag, null), "expected": _expected(_rules[key])},
} if {
	some key, fault in _faults
}

violations contains {
	"message": sprintf("the number of tags is %d; at least %d are required", [count(_tags), _minimum]),
	"subject": "number of tags",
	"evidence": {"path": ["tags"], "actual": count(_tags), "expected": _minimum},
} if {
	count(_tags) < _minimum
}

not_applicable contains "neither required nor minimum is set for this account and region" if {
	count(_required) == 0
	_minimum == 0
}

not_applicable contains sprintf("%s is not among the types that need tags", [input.resource.type]) if {
	types := _parameters.resource_types
	count(types) > 0
	not types[input.resource.type]
}

not_applicable contains sprintf("%s is excepted: %s", [input.resource.type, reason]) if {
	reason := _parameters.excepted_types[input.resource.type]
}

# Patterns are checked before a run of the command line; settings of another OPA may hold what nobody checked.
unknown contains {"reason": sprintf("parameter required: the pattern for tag %s is not RE2", [key])} if some key in _faulty

# Absent: no tag of this key. Empty: one, without a value. Wrong: one whose value is not allowed, the first if there are several.
_faults[key] := {"tag": key, "what": concat("", ["is missing", hint])} if {
	some key, tags in _named
	count(tags) == 0
	hint := object.get(_hints, key, "")
}

_faults[key] := {"tag": tag, "what": "is empty"} if {
	some key, tags in _filled
	count(tags) == 0
	tag := min(_named[key])
}

_faults[key] := {"tag": tag, "what": sprintf("is %s; %s", [_tags[tag], _asked(rule)])} if {
	some key, rule in _rules
	tag := min(_filled[key] - _right[key])
}

_hints[key] := sprintf("; %s is there, but case matters", [min(_spellings[lower(key)])]) if some key, _ in _rules

_expected(rule) := rule.values

_expected(rule) := {"pattern": rule.pattern}

_expected(rule) := "any value" if _is_free(rule)

_asked(rule) := sprintf("allowed: %s", [concat(", ", rule.values)])

_asked(rule) := sprintf("must match %s", [rule.pattern])

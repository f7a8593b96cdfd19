package aws.any.resource.required_tags

import data.opalite.parameters

_parameters := parameters.of("aws.any.resource.required_tags", input.resource)

_required := _parameters.required

_minimum := _parameters.minimum

# Those of AWS nobody can set or remove: they neither count nor fulfil anything.
_tags := {key: value | some key, value in input.resource.tags; not startswith(lower(key), "aws:")} if {
	is_object(input.resource.tags)
}

_usual := {"ignore_case": _parameters.ignore_case, "allow_empty": _parameters.allow_empty}

_rules[key] := object.union(_usual, _written(rule)) if some key, rule in _required

# The three ways to write a rule, as one.
_written(rule) := {} if is_null(rule)

_written(rule) := {"values": rule} if is_array(rule)

_written(rule) := rule if is_object(rule)

# Checked before a run of the command line; settings of another OPA may hold what nobody checked. A pattern that is wrong by
# itself can be right between the parentheses that follow: `a)|(b`.
_faulty contains key if {
	some key, rule in _rules
	pattern := rule.pattern
	not regex.is_valid(pattern)
}

_spellings[lower(tag)] contains tag if some tag, _ in _tags

# The tags that a rule speaks of, those of them that have a value, and those whose value is allowed.
_named[key] := _meant(key, rule) if some key, rule in _rules

_filled[key] := {tag | some tag in _named[key]; _is_there(rule, _tags[tag])} if some key, rule in _rules

_right[key] := {tag | some tag in _filled[key]; _is_allowed(rule, _tags[tag])} if {
	some key, rule in _rules
	not key in _faulty
}

_met contains key if {
	some key, tags in _filled
	count(tags) > 0
	_right[key] == tags
}

_meant(key, rule) := {tag | some tag in _spellings[lower(key)]} if {
	"keys" in rule.ignore_case
} else := {key | _ = _tags[key]}

_is_there(rule, _) if rule.allow_empty == true

_is_there(_, value) if trim_space(value) != ""

_is_free(rule) if count({"values", "pattern"} & object.keys(rule)) == 0

_is_allowed(rule, _) if _is_free(rule)

_is_allowed(rule, value) if value in rule.values

_is_allowed(rule, value) if {
	"values" in rule.ignore_case
	lower(value) in {lower(allowed) | some allowed in rule.values}
}

_is_allowed(rule, value) if regex.match(concat("", ["^(?", _flags(rule), ":", rule.pattern, ")$"]), value)

_flags(rule) := "i" if {
	"values" in rule.ignore_case
} else := ""

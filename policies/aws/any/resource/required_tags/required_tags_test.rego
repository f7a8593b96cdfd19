package aws.any.resource.required_tags_test

import data.aws.any.resource.required_tags
import data.opalite.decision

_id := "aws.any.resource.required_tags"

_table := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::DynamoDB::Table",
		"id": "orders",
		"name": "orders",
		"arn": "arn:aws:dynamodb:eu-west-1:111122223333:table/orders",
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {"Owner": "shop", "env": "prod", "aws:cloudformation:stack-name": "orders"},
		"configuration": {"tableName": "orders"},
		"relationships": [],
	},
	"facts": {},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_defaults := {
	"required": {},
	"minimum": 0,
	"ignore_case": [],
	"allow_empty": false,
	"resource_types": {},
	"excepted_types": {},
}

_catalog := {
	"by_type": {"*": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.tags"]}},
}

_judged(item, settings) := result if {
	parameters := {_id: {"default": object.union(_defaults, settings)}}
	results := decision.results with input as item
		with data.catalog as _catalog
		with data.parameters as parameters
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

_tagged(tags) := json.patch(_table, [{"op": "replace", "path": "/resource/tags", "value": tags}])

_passed := {"outcome": "pass"}

_failed(message, subject, evidence) := {"outcome": "fail", "violations": {{"message": message, "subject": subject, "evidence": evidence}}}

_missing(key, expected) := _failed(sprintf("tag %s is missing", [key]), key, {"path": ["tags", key], "actual": null, "expected": expected})

_wrong(key, value, asked, expected) := _failed(
	sprintf("tag %s is %s; %s", [key, value, asked]),
	key,
	{"path": ["tags", key], "actual": value, "expected": expected},
)

_says_neither := {"outcome": "undetermined", "unknown": {{"reason": "the policy says neither compliant nor violations"}}}

test_pass_with_every_required_tag if {
	every rule in [null, {}, ["ops", "shop"], {"values": ["shop"]}, {"pattern": "s[a-z]+"}] {
		_judged(_table, {"required": {"Owner": rule, "env": null}}) == _passed
	}
}

test_fail_without_a_required_tag if {
	_judged(_table, {"required": {"CostCenter": null, "env": null}}) == _missing("CostCenter", "any value")
	_judged(_table, {"required": {"CostCenter": ["A", "B"]}}) == _missing("CostCenter", ["A", "B"])
	_judged(_table, {"required": {"CostCenter": {"values": ["A"]}}}) == _missing("CostCenter", ["A"])
	_judged(_table, {"required": {"CostCenter": {"pattern": "CC-[0-9]{4}"}}}) == _missing("CostCenter", {"pattern": "CC-[0-9]{4}"})
	_judged(_tagged({}), {"required": {"CostCenter": null}}) == _missing("CostCenter", "any value")
}

test_fail_names_each_tag_that_is_missing_or_wrong if {
	result := _judged(_table, {"required": {"Owner": ["ops"], "CostCenter": null, "env": ["prod"], "ttl": {}}, "minimum": 3})
	{violation.subject | some violation in result.violations} == {"Owner", "CostCenter", "ttl", "number of tags"}
	count(result.violations) == 4
}

test_fail_with_another_value if {
	_judged(_table, {"required": {"env": ["dev", "test"]}}) == _wrong("env", "prod", "allowed: dev, test", ["dev", "test"])
	_judged(_table, {"required": {"env": ["Prod"]}}) == _wrong("env", "prod", "allowed: Prod", ["Prod"])
}

test_a_pattern_matches_the_whole_value if {
	_judged(_tagged({"k": "CC-1234"}), {"required": {"k": {"pattern": "CC-[0-9]{4}"}}}) == _passed
	every value in ["CC-12345", "xCC-1234", "CC-123", "cc-1234", "CC-1234\n", "\nCC-1234"] {
		_judged(_tagged({"k": value}), {"required": {"k": {"pattern": "CC-[0-9]{4}"}}}) == _wrong(
			"k",
			value,
			"must match CC-[0-9]{4}",
			{"pattern": "CC-[0-9]{4}"},
		)
	}
}

test_a_pattern_with_alternatives_matches_the_whole_value_too if {
	_judged(_tagged({"k": "ab"}), {"required": {"k": {"pattern": "a|ab"}}}) == _passed
	_judged(_tagged({"k": "ax"}), {"required": {"k": {"pattern": "a|x"}}}).outcome == "fail"
	_judged(_tagged({"k": "x"}), {"required": {"k": {"pattern": "^x$"}}}) == _passed
}

test_undetermined_by_a_pattern_that_is_none if {
	every pattern in ["(", "a)|(b", "(?=a)", 5, null] {
		result := _judged(_tagged({"k": "b"}), {"required": {"k": {"pattern": pattern}}})
		result == {"outcome": "undetermined", "unknown": {{"reason": "parameter required: the pattern for tag k is not RE2"}}}
	}
}

test_fail_without_the_tag_although_its_pattern_is_none if {
	_judged(_tagged({}), {"required": {"k": {"pattern": "("}}}) == _missing("k", {"pattern": "("})
}

test_fail_with_an_empty_value if {
	every value in ["", " ", "\t "] {
		every rule in [null, {}, ["", " "], {"pattern": ".*"}, {"allow_empty": false}] {
			result := _judged(_tagged({"Owner": value}), {"required": {"Owner": rule}})
			{violation.message | some violation in result.violations} == {"tag Owner is empty"}
			{violation.evidence.actual | some violation in result.violations} == {value}
		}
	}
}

test_pass_with_an_empty_value_where_it_is_allowed if {
	item := _tagged({"Owner": ""})
	_judged(item, {"required": {"Owner": null}, "allow_empty": true}) == _passed
	_judged(item, {"required": {"Owner": {"allow_empty": true}}}) == _passed
	_judged(item, {"required": {"Owner": ["", "a"]}, "allow_empty": true}) == _passed
	_judged(item, {"required": {"Owner": {"allow_empty": false}}, "allow_empty": true}).outcome == "fail"
	_judged(item, {"required": {"Owner": ["a"]}, "allow_empty": true}) == _wrong("Owner", "", "allowed: a", ["a"])
}

test_fail_with_a_key_in_another_case_names_it if {
	_judged(_tagged({"OWNER": "a", "owner": "b"}), {"required": {"Owner": null}}) == _failed(
		"tag Owner is missing; OWNER is there, but case matters",
		"Owner",
		{"path": ["tags", "Owner"], "actual": null, "expected": "any value"},
	)
}

test_pass_with_a_key_in_another_case_where_that_is_the_same if {
	item := _tagged({"owner": "shop"})
	every settings in [{"required": {"Owner": null}, "ignore_case": ["keys"]}, {"required": {"Owner": {"ignore_case": ["values", "keys"]}}}] {
		_judged(item, settings) == _passed
	}
	_judged(item, {"required": {"Owner": {"ignore_case": []}}, "ignore_case": ["keys"]}).outcome == "fail"
	_judged(item, {"required": {"Owner": null}, "ignore_case": ["values"]}).outcome == "fail"
}

test_the_evidence_names_the_tag_as_it_is_spelled if {
	_judged(_tagged({"OWNER": "x"}), {"required": {"Owner": ["a"]}, "ignore_case": ["keys"]}) == _failed(
		"tag Owner is x; allowed: a",
		"Owner",
		{"path": ["tags", "OWNER"], "actual": "x", "expected": ["a"]},
	)
}

test_of_several_spellings_each_with_a_value_must_be_right if {
	settings := {"required": {"env": ["prod"]}, "ignore_case": ["keys"]}
	_judged(_tagged({"ENV": "prod", "env": "prod", "Env": ""}), settings) == _passed
	_judged(_tagged({"ENV": "prod", "env": "test", "Env": "x"}), settings) == _failed(
		"tag env is x; allowed: prod",
		"env",
		{"path": ["tags", "Env"], "actual": "x", "expected": ["prod"]},
	)
	_judged(_tagged({"ENV": "", "env": " "}), settings) == _failed(
		"tag env is empty",
		"env",
		{"path": ["tags", "ENV"], "actual": "", "expected": ["prod"]},
	)
}

test_pass_with_a_value_in_another_case_where_that_is_the_same if {
	item := _tagged({"env": "PROD"})
	every rule in [["Prod"], {"values": ["x", "prod"]}, {"pattern": "pr?od"}] {
		_judged(item, {"required": {"env": rule}, "ignore_case": ["values"]}) == _passed
		_judged(item, {"required": {"env": rule}}).outcome == "fail"
		_judged(item, {"required": {"env": rule}, "ignore_case": ["keys"]}).outcome == "fail"
	}
	_judged(item, {"required": {"env": {"values": ["prod"], "ignore_case": ["values"]}}}) == _passed
	_judged(item, {"required": {"env": {"pattern": "prod", "ignore_case": []}}, "ignore_case": ["values"]}).outcome == "fail"
	_judged(item, {"required": {"env": ["test"]}, "ignore_case": ["values"]}).outcome == "fail"
}

test_tags_of_aws_fulfil_nothing if {
	item := _tagged({"aws:owner": "a", "AWS:Owner": "b"})
	_judged(item, {"required": {"aws:owner": null}}) == _missing("aws:owner", "any value")
	_judged(item, {"required": {"AWS:OWNER": null}, "ignore_case": ["keys"]}) == _missing("AWS:OWNER", "any value")
	_judged(_tagged({"awsome": "a"}), {"required": {"awsome": null}}) == _passed
}

test_tags_of_aws_do_not_count if {
	tags := {"a": "", "b": "x", "aws:c": "y", "AWS:d": "z", "Aws:e": "z"}
	_judged(_tagged(tags), {"minimum": 2}) == _passed
	_judged(_tagged(tags), {"minimum": 3}) == _failed(
		"the number of tags is 2; at least 3 are required",
		"number of tags",
		{"path": ["tags"], "actual": 2, "expected": 3},
	)
	_judged(_tagged({}), {"minimum": 1}).outcome == "fail"
}

test_undetermined_when_the_tags_were_not_recorded if {
	gap := {"path": "resource.tags", "reason": "not in the item"}
	item := json.patch(_tagged(null), [{"op": "replace", "path": "/unknown", "value": [gap]}])
	_judged(item, {"required": {"Owner": null}}) == {"outcome": "undetermined", "unknown": {gap}}
	_judged(item, {"minimum": 1}) == {"outcome": "undetermined", "unknown": {gap}}
}

# Null without a note in `unknown` breaks the normalizer's promise: not even then are there no tags.
test_undetermined_when_the_tags_are_null if {
	_judged(_tagged(null), {"required": {"Owner": null}}) == _says_neither
	_judged(_tagged(null), {"minimum": 1}) == _says_neither
}

test_undetermined_by_a_rule_that_is_none if {
	every rule in ["shop", 5, true] {
		_judged(_table, {"required": {"Owner": rule}}) == _says_neither
	}
}

test_undetermined_without_parameters if {
	result := decision.results[_id] with input as _table
		with data.catalog as _catalog
		with data.parameters as {}
		with data.exemptions as {}
		with data.stages as {}
	result == _says_neither
}

test_not_applicable_where_nothing_is_required if {
	_judged(_table, {}) == {
		"outcome": "not_applicable",
		"reasons": {"neither required nor minimum is set for this account and region"},
	}
}

test_not_applicable_to_types_that_are_not_listed if {
	settings := {"required": {"x": null}, "resource_types": {"AWS::S3::Bucket": "holds data"}}
	_judged(_table, settings) == {
		"outcome": "not_applicable",
		"reasons": {"AWS::DynamoDB::Table is not among the types that need tags"},
	}
	_judged(_table, {"required": {"x": null}, "resource_types": {"AWS::DynamoDB::Table": "holds data"}}) == _missing("x", "any value")
}

test_not_applicable_to_excepted_types if {
	settings := {"required": {"x": null}, "excepted_types": {"AWS::DynamoDB::Table": "tagged by another tool"}}
	_judged(_table, settings) == {
		"outcome": "not_applicable",
		"reasons": {"AWS::DynamoDB::Table is excepted: tagged by another tool"},
	}
	_judged(_table, {"required": {"x": null}, "excepted_types": {"AWS::S3::Bucket": "x"}}) == _missing("x", "any value")
}

test_a_message_is_cut_at_120_characters if {
	long := concat("", ["0123456789" | some _ in numbers.range(1, 13)])
	result := _judged(_tagged({long: "x"}), {"required": {long: ["a"]}})
	{count(violation.message) | some violation in result.violations} == {120}
	{violation.subject | some violation in result.violations} == {long}
}

test_nothing_is_unknown_of_a_rule_without_a_pattern if {
	parameters := {_id: {"default": object.union(_defaults, {"required": {"a": null, "b": ["x"], "c": {"pattern": "x"}}})}}
	unknown := required_tags.unknown with input as _table
		with data.parameters as parameters
	unknown == set()
}

package aws.sns.topic.not_public_test

import data.opalite.decision

_id := "aws.sns.topic.not_public"

_arn := "arn:aws:sns:eu-west-1:111122223333:orders"

_nobody := {"AWS": [], "Service": [], "Federated": [], "CanonicalUser": []}

# As SNS writes it by default.
_own := {
	"sid": "__default_statement_ID",
	"effect": "Allow",
	"principals": object.union(_nobody, {"AWS": ["*"]}),
	"not_principals": null,
	"actions": ["SNS:Publish", "SNS:Subscribe"],
	"not_actions": [],
	"resources": [_arn],
	"not_resources": [],
	"conditions": [{"operator": "StringEquals", "key": "aws:sourceowner", "values": ["111122223333"]}],
}

_open := object.union(_own, {"sid": "__console_sub_0", "actions": ["SNS:Subscribe", "SNS:Receive"], "conditions": []})

_topic(policy) := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::SNS::Topic",
		"id": _arn,
		"name": "orders",
		"arn": _arn,
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {
			"kms_key_id": null,
			"policy": policy,
			"owner": "111122223333",
			"display_name": null,
			"fifo": null,
			"content_based_deduplication": null,
		},
		"relationships": [],
	},
	"facts": {},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_catalog := {
	"by_type": {"AWS::SNS::Topic": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.policy"]}},
}

_judged(item) := result if {
	results := decision.results with input as item
		with data.catalog as _catalog
		with data.parameters as {}
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

_violation(name, shown, index, actual) := {
	"message": sprintf("%s lets everybody in: %s", [name, shown]),
	"subject": name,
	"evidence": {
		"path": ["policy", "statements", index],
		"actual": actual,
		"expected": "fixed principals, or a condition that pins the callers",
	},
}

test_pass_with_the_policy_that_sns_makes if _judged(_topic({"statements": [_own]})) == {"outcome": "pass"}

test_pass_without_statements if _judged(_topic({"statements": []})) == {"outcome": "pass"}

test_fail_for_each_statement_that_is_public if {
	nameless := object.union(_open, {"sid": null, "actions": ["SNS:Publish"]})
	_judged(_topic({"statements": [_own, _open, nameless]})) == {"outcome": "fail", "violations": {
		_violation("__console_sub_0", "SNS:Subscribe, SNS:Receive", 1, {"principal": "*", "actions": ["SNS:Subscribe", "SNS:Receive"]}),
		_violation("statement 3", "SNS:Publish", 2, {"principal": "*", "actions": ["SNS:Publish"]}),
	}}
}

test_undetermined_when_the_policy_is_unknown if {
	gap := {"path": "resource.configuration.policy", "reason": "the item has no configuration.Policy"}
	_judged(object.union(_topic(null), {"unknown": [gap]})) == {"outcome": "undetermined", "unknown": {gap}}
}

# Null without a note in `unknown` breaks the normalizer's promise; not even then does the topic pass.
test_undetermined_when_the_policy_is_null if {
	_judged(_topic(null)) == {
		"outcome": "undetermined",
		"unknown": {{"reason": "the policy says neither compliant nor violations"}},
	}
}

test_messages_are_cut_at_120_characters if {
	long := object.union(_open, {"actions": [sprintf("SNS:Action%d", [i]) | some i in numbers.range(1, 30)]})
	result := _judged(_topic({"statements": [long]}))
	{count(violation.message) | some violation in result.violations} == {120}
}

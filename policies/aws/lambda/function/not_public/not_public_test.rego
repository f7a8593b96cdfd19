package aws.lambda.function.not_public_test

import data.opalite.decision

_id := "aws.lambda.function.not_public"

_nobody := {"AWS": [], "Service": [], "Federated": [], "CanonicalUser": []}

_function_arn := "arn:aws:lambda:eu-west-1:111122223333:function:resize"

_statement := {
	"sid": "uploads",
	"effect": "Allow",
	"principals": object.union(_nobody, {"Service": ["s3.amazonaws.com"]}),
	"not_principals": null,
	"actions": ["lambda:InvokeFunction"],
	"not_actions": [],
	"resources": [_function_arn],
	"not_resources": [],
	"conditions": [
		{"operator": "StringEquals", "key": "aws:sourceaccount", "values": ["111122223333"]},
		{"operator": "ArnLike", "key": "aws:sourcearn", "values": ["arn:aws:s3:::uploads.example.com"]},
	],
}

_open := object.union(_statement, {
	"sid": "url",
	"principals": object.union(_nobody, {"AWS": ["*"]}),
	"actions": ["lambda:InvokeFunctionUrl"],
	"conditions": [{"operator": "StringEquals", "key": "lambda:functionurlauthtype", "values": ["NONE"]}],
})

_function := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::Lambda::Function",
		"id": "resize",
		"name": "resize",
		"arn": _function_arn,
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {
			"arn": _function_arn,
			"package_type": "Zip",
			"runtime": "python3.13",
			"handler": "app.handler",
			"role": "arn:aws:iam::111122223333:role/resize",
			"kms_key_arn": null,
			"timeout": 30,
			"memory_size": 512,
			"architectures": ["arm64"],
			"layers": null,
			"subnet_ids": null,
			"security_group_ids": null,
			"dead_letter_target_arn": null,
			"tracing_mode": "Active",
			"policy": {"statements": [_statement]},
			"reserved_concurrency": null,
		},
		"relationships": [],
	},
	"facts": {},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_catalog := {
	"by_type": {"AWS::Lambda::Function": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.policy"]}},
}

_judged_with(item, parameters) := result if {
	results := decision.results with input as item
		with data.catalog as _catalog
		with data.parameters as parameters
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

_judged(item) := _judged_with(item, {_id: {"default": {"services": {"s3.amazonaws.com": "why"}}}})

_of(statements) := json.patch(_function, [{"op": "replace", "path": "/resource/configuration/policy", "value": {"statements": statements}}])

_bound_by(conditions) := _of([object.union(_statement, {"conditions": conditions})])

_passed := {"outcome": "pass"}

_for_any_account(statement) := {"outcome": "fail", "violations": {{
	"message": "s3.amazonaws.com may call for any account",
	"subject": "uploads",
	"evidence": {
		"path": ["policy", "statements", 0],
		"actual": statement,
		"expected": "a condition that pins the account, such as aws:SourceAccount",
	},
}}}

test_pass_when_s3_calls_for_a_fixed_account if _judged(_function) == _passed

test_pass_without_a_policy if {
	item := json.patch(_function, [{"op": "replace", "path": "/resource/configuration/policy", "value": null}])
	_judged(item) == _passed
}

test_pass_with_named_principals if {
	named := object.union(_statement, {"principals": object.union(_nobody, {"AWS": ["arn:aws:iam::444455556666:root"]}), "conditions": []})
	_judged(_of([named])) == _passed
}

test_pass_when_everybody_of_the_organization_may_call if {
	pinned := object.union(_open, {"conditions": [{"operator": "StringEquals", "key": "aws:principalorgid", "values": ["o-exampleorgid"]}]})
	_judged(_of([pinned])) == _passed
}

test_pass_when_another_service_calls_for_any_account if {
	alarms := object.union(_statement, {"principals": object.union(_nobody, {"Service": ["lambda.alarms.cloudwatch.amazonaws.com"]}), "conditions": []})
	_judged(_of([alarms])) == _passed
}

test_pass_when_s3_is_denied_for_any_account if {
	denied := object.union(_statement, {"effect": "Deny", "conditions": []})
	_judged(_of([denied])) == _passed
}

test_fail_when_everybody_may_call if {
	_judged(_of([_statement, _open])) == {"outcome": "fail", "violations": {{
		"message": "everybody may call lambda:InvokeFunctionUrl",
		"subject": "url",
		"evidence": {
			"path": ["policy", "statements", 1],
			"actual": _open,
			"expected": "named principals, or a condition that pins the callers",
		},
	}}}
}

test_fail_when_s3_may_call_for_any_account[note] if {
	some note, conditions in {
		"no condition": [],
		"the ARN of a bucket": [{"operator": "ArnLike", "key": "aws:sourcearn", "values": ["arn:aws:s3:::uploads.example.com"]}],
		"one ARN with an account, one without": [{
			"operator": "ArnLike",
			"key": "aws:sourcearn",
			"values": ["arn:aws:s3:eu-west-1:111122223333:accesspoint/uploads", "arn:aws:s3:::uploads.example.com"],
		}],
		"any account": [{"operator": "StringLike", "key": "aws:sourceaccount", "values": ["*"]}],
	}
	_judged(_bound_by(conditions)) == _for_any_account(object.union(_statement, {"conditions": conditions}))
}

test_pass_when_the_arn_of_the_source_names_the_account if {
	conditions := [{"operator": "ArnLike", "key": "aws:sourcearn", "values": ["arn:aws:s3:eu-west-1:111122223333:accesspoint/uploads"]}]
	_judged(_bound_by(conditions)) == _passed
}

test_a_service_that_is_listed_is_asked_for_the_account if {
	topic := object.union(_statement, {"principals": object.union(_nobody, {"Service": ["sns.amazonaws.com"]}), "conditions": []})
	listed := {_id: {"default": {"services": {"sns.amazonaws.com": "why"}}}}
	_judged_with(_of([topic]), listed).outcome == "fail"
	_judged_with(_bound_by([]), listed) == _passed
}

test_undetermined_when_the_policy_was_not_recorded if {
	gap := {"path": "resource.configuration.policy", "reason": "the item has no supplementaryConfiguration"}
	item := object.union(json.patch(_function, [{"op": "replace", "path": "/resource/configuration/policy", "value": null}]), {"unknown": [gap]})
	_judged(item) == {"outcome": "undetermined", "unknown": {gap}}
}

test_undetermined_when_the_parameter_is_not_set if _judged_with(_bound_by([]), {}).outcome == "undetermined"

test_messages_are_cut_at_120_characters if {
	wide := object.union(_open, {"actions": [sprintf("lambda:InvokeFunction%d", [n]) | some n in numbers.range(1, 30)]})
	long := concat("", [concat("", ["0123456789" | some _ in numbers.range(1, 15)]), ".amazonaws.com"])
	unbound := object.union(_statement, {"principals": object.union(_nobody, {"Service": [long]}), "conditions": []})
	result := _judged_with(_of([wide, unbound]), {_id: {"default": {"services": {long: "why"}}}})
	[count(violation.message) | some violation in result.violations] == [120, 120]
}

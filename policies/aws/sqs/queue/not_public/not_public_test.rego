package aws.sqs.queue.not_public_test

import data.opalite.decision

_id := "aws.sqs.queue.not_public"

_arn := "arn:aws:sqs:eu-west-1:111122223333:orders"

_url := "https://sqs.eu-west-1.amazonaws.com/111122223333/orders"

_open := {"Sid": "Anybody", "Effect": "Allow", "Principal": "*", "Action": ["sqs:SendMessage", "sqs:ReceiveMessage"], "Resource": _arn}

_closed := {"Sid": "Own", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sqs:*", "Resource": _arn}

_queue(facts) := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::SQS::Queue",
		"id": _url,
		"name": "orders",
		"arn": _arn,
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {
			"kms_key_id": null,
			"kms_data_key_reuse_period": null,
			"sqs_managed_sse": true,
			"fifo": null,
			"content_based_deduplication": null,
			"visibility_timeout": 30,
			"message_retention_period": 345600,
			"maximum_message_size": 262144,
			"delay": 0,
			"receive_wait_time": 0,
		},
		"relationships": [],
	},
	"facts": facts,
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_catalog := {
	"by_type": {"AWS::SQS::Queue": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.id"]}},
}

_judged(facts) := result if {
	results := decision.results with input as _queue(facts)
		with data.catalog as _catalog
		with data.parameters as {}
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

_of(policy) := _judged({"resource_policy": {_url: {"policy": policy}}})

_with(statements) := _of({"Version": "2012-10-17", "Id": "access", "Statement": statements})

_passed := {"outcome": "pass"}

_unreadable := {"outcome": "undetermined", "unknown": {{"path": sprintf("facts.resource_policy.%s.policy", [_url])}}}

_violation(name, principal, shown, index, actions) := {
	"message": sprintf("%s lets %s in: %s", [name, object.get({"*": "everybody"}, principal, principal), shown]),
	"subject": name,
	"evidence": {
		"path": ["policy", "Statement", index],
		"actual": {"principal": principal, "actions": actions},
		"expected": "fixed principals, or a condition that pins the callers",
	},
}

_anybody := _violation("Anybody", "*", "sqs:SendMessage, sqs:ReceiveMessage", 0, ["sqs:SendMessage", "sqs:ReceiveMessage"])

_failed := {"outcome": "fail", "violations": {_anybody}}

test_pass_without_a_policy if _of(null) == _passed

test_pass_with_a_named_principal if _with([_closed]) == _passed

test_pass_with_a_service if _with([object.union(_closed, {"Principal": {"Service": ["sns.amazonaws.com"]}})]) == _passed

test_pass_with_all_but_some_resources if {
	_with([object.union(object.remove(_closed, ["Resource"]), {"NotResource": "arn:aws:sqs:eu-west-1:111122223333:other"})]) == _passed
}

test_fail_for_each_statement_that_is_public if {
	nameless := object.remove(object.union(_open, {"Action": "sqs:SendMessage"}), ["Sid"])
	_with([_open, _closed, nameless]) == {"outcome": "fail", "violations": {
		_anybody,
		_violation("statement 3", "*", "sqs:SendMessage", 2, ["sqs:SendMessage"]),
	}}
}

test_a_statement_with_an_empty_name_is_named_by_its_place if {
	_with([object.union(_open, {"Sid": "", "Action": "sqs:*"})]) == {"outcome": "fail", "violations": {_violation("statement 1", "*", "sqs:*", 0, ["sqs:*"])}}
}

test_a_single_statement_needs_no_list if _with(_open) == _failed

test_every_spelling_of_everybody_is_public[principal] if {
	some principal in ["*", {"AWS": "*"}, {"AWS": ["arn:aws:iam::111122223333:root", "*"]}, {"Service": "*"}, {"Federated": "*"}, {"CanonicalUser": "*"}]
	_with([object.union(object.remove(_open, ["Principal"]), {"Principal": principal})]) == _failed
}

test_all_but_some_principals_are_public if {
	open := object.union(object.remove(_open, ["Principal"]), {"NotPrincipal": {"AWS": ["arn:aws:iam::444455556666:root"]}})
	violation := _violation(
		"Anybody", "all but arn:aws:iam::444455556666:root", "sqs:SendMessage, sqs:ReceiveMessage", 0,
		["sqs:SendMessage", "sqs:ReceiveMessage"],
	)
	_with([open]) == {"outcome": "fail", "violations": {violation}}
}

test_all_but_some_actions_are_public if {
	open := object.union(object.remove(_open, ["Action"]), {"NotAction": "sqs:DeleteQueue"})
	_with([open]) == {"outcome": "fail", "violations": {_violation("Anybody", "*", "all but sqs:DeleteQueue", 0, ["all but sqs:DeleteQueue"])}}
}

test_a_deny_is_not_public if _with([object.union(_open, {"Effect": "Deny"})]) == _passed

test_a_condition_that_pins_the_callers_is_not_public[note] if {
	some note, condition in {
		"account": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
		"account as a number": {"StringEquals": {"AWS:SourceAccount": 111122223333}},
		"several": {"Bool": {"aws:SecureTransport": true}, "ArnLike": {"aws:SourceArn": ["arn:aws:sns:eu-west-1:111122223333:*"]}},
	}
	_with([object.union(_open, {"Condition": condition})]) == _passed
}

test_a_condition_that_pins_nobody_is_public[note] if {
	some note, condition in {
		"none": {},
		"tls": {"Bool": {"aws:SecureTransport": true}},
		"one of two": {"StringLike": {"aws:SourceAccount": ["111122223333", "*"]}},
		"other operator": {"StringNotEquals": {"aws:SourceAccount": "111122223333"}},
	}
	_with([object.union(_open, {"Condition": condition})]) == _failed
}

test_undetermined_without_the_fact[note] if {
	some note, facts in {"no facts": {}, "of another queue": {"resource_policy": {"https://sqs.eu-west-1.amazonaws.com/111122223333/other": {"policy": null}}}}
	_judged(facts) == {"outcome": "undetermined", "unknown": {{"fact": "resource_policy", "key": _url}}}
}

test_undetermined_when_the_fact_does_not_tell_the_policy if _judged({"resource_policy": {_url: {}}}) == _unreadable

test_undetermined_when_the_policy_is_not_of_its_shape[note] if {
	some note, policy in {
		"empty": {},
		"text": "{}",
		"of statements in text": {"Statement": "none"},
		"with another element": {"Statement": [_closed], "Statements": []},
		"with a statement that is none": {"Statement": [_closed, "none"]},
		"with a statement in text": {"Statement": [_closed, json.marshal(_open)]},
	}
	_of(policy) == _unreadable
}

test_undetermined_when_a_statement_is_not_of_its_shape[note] if {
	some note, change in {
		"effect": {"Effect": "allow"},
		"name": {"Sid": 7},
		"another element": {"Conditions": {"StringEquals": {"aws:SourceAccount": "111122223333"}}},
		"principal": {"Principal": "everybody"},
		"principal that is no text": {"Principal": 7},
		"kind of principal": {"Principal": {"Aws": "arn:aws:iam::111122223333:root"}},
		"principals": {"Principal": {"AWS": [7]}},
		"both principals": {"NotPrincipal": {"AWS": "*"}},
		"action": {"Action": {"sqs": "*"}},
		"actions": {"Action": ["sqs:*", null]},
		"both actions": {"NotAction": "sqs:DeleteQueue"},
		"resource": {"Resource": null},
		"resources": {"Resource": [1]},
		"condition": {"Condition": "aws:SourceAccount"},
		"condition without a key": {"Condition": {"StringEquals": "111122223333"}},
		"value of a condition": {"Condition": {"StringEquals": {"aws:SourceAccount": null}}},
		"values of a condition": {"Condition": {"StringEquals": {"aws:SourceAccount": [{}]}}},
	}

	# Behind a statement that is public, so that not even what is read is judged.
	_with([_open, object.union(object.remove(_closed, object.keys(change)), change)]) == _unreadable
}

test_undetermined_when_a_statement_lacks_what_it_needs[element] if {
	some element in ["Effect", "Action"]
	_with([object.remove(_closed, [element])]) == _unreadable
}

test_undetermined_when_an_exception_is_not_of_its_shape[element] if {
	some element, value in {"Action": [{}], "Principal": 7, "Resource": {}}
	change := {concat("", ["Not", element]): value}
	_with([_open, object.union(object.remove(_closed, [element]), change)]) == _unreadable
}

test_messages_are_cut_at_120_characters if {
	result := _with([object.union(_open, {"Action": [sprintf("sqs:Action%d", [i]) | some i in numbers.range(1, 30)]})])
	{count(violation.message) | some violation in result.violations} == {120}
}

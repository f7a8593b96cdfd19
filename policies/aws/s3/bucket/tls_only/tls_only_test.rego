package aws.s3.bucket.tls_only_test

import data.opalite.decision

_id := "aws.s3.bucket.tls_only"

_expected := "a Deny of s3:* on bucket and objects where aws:SecureTransport is false"

_everybody := {"AWS": ["*"], "Service": [], "Federated": [], "CanonicalUser": []}

_statement := {
	"sid": "TlsOnly",
	"effect": "Deny",
	"principals": _everybody,
	"not_principals": null,
	"actions": ["s3:*"],
	"not_actions": [],
	"resources": ["arn:aws:s3:::invoices.example.com", "arn:aws:s3:::invoices.example.com/*"],
	"not_resources": [],
	"conditions": [{"operator": "Bool", "key": "aws:securetransport", "values": ["false"]}],
}

_bucket(policy) := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::S3::Bucket",
		"id": "invoices.example.com",
		"name": "invoices.example.com",
		"arn": null,
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {"policy": policy},
		"relationships": [],
	},
	"facts": {},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_judged(item) := result if {
	results := decision.results with input as item
		with data.catalog as {
			"by_type": {"AWS::S3::Bucket": [_id]},
			"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.policy"]}},
		}
		with data.parameters as {}
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

_failed(message, actual) := {"outcome": "fail", "violations": {{
	"message": message,
	"subject": "policy",
	"evidence": {"path": ["policy"], "actual": actual, "expected": _expected},
}}}

_open := "the bucket policy does not deny plain HTTP to everybody, for the bucket and all its objects"

test_pass_when_plain_http_is_denied if _judged(_bucket({"statements": [_statement]})) == {"outcome": "pass"}

test_pass_in_another_partition if {
	item := _bucket({"statements": [object.union(_statement, {"resources": ["arn:aws-cn:s3:::invoices.example.com*"]})]})
	_judged(object.union(item, {"resource": {"partition": "aws-cn"}})) == {"outcome": "pass"}
	_judged(item) == _failed(_open, ["TlsOnly"])
}

test_fail_without_a_policy if _judged(_bucket(null)) == _failed("there is no bucket policy, so plain HTTP is answered", null)

test_fail_without_statements if _judged(_bucket({"statements": []})) == _failed(_open, [])

test_fail_when_the_bucket_itself_is_left_out if {
	item := _bucket({"statements": [
		object.union(_statement, {"resources": ["arn:aws:s3:::invoices.example.com/*"]}),
		object.union(_statement, {"sid": "Readers", "effect": "Allow"}),
	]})
	_judged(item) == _failed(_open, ["TlsOnly"])
}

test_undetermined_when_the_policy_was_not_recorded if {
	gap := {"path": "resource.configuration.policy", "reason": "the item has no supplementaryConfiguration"}
	_judged(object.union(_bucket(null), {"unknown": [gap]})) == {"outcome": "undetermined", "unknown": {gap}}
}

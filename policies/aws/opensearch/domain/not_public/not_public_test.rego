package aws.opensearch.domain.not_public_test

import data.aws.opensearch.domain.not_public
import data.opalite.decision

_id := "aws.opensearch.domain.not_public"

_nobody := {"AWS": [], "Service": [], "Federated": [], "CanonicalUser": []}

_statement := {
	"sid": null,
	"effect": "Allow",
	"principals": object.union(_nobody, {"AWS": ["arn:aws:iam::111122223333:role/indexer"]}),
	"not_principals": null,
	"actions": ["es:ESHttpGet", "es:ESHttpPost"],
	"not_actions": [],
	"resources": ["arn:aws:es:eu-west-1:111122223333:domain/search/*"],
	"not_resources": [],
	"conditions": [],
}

_open := object.union(_statement, {"principals": object.union(_nobody, {"AWS": ["*"]})})

_domain := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::OpenSearch::Domain",
		"id": "111122223333/search",
		"name": "search",
		"arn": "arn:aws:es:eu-west-1:111122223333:domain/search",
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {
			"arn": "arn:aws:es:eu-west-1:111122223333:domain/search",
			"engine_version": "OpenSearch_2.19",
			"encrypted": true,
			"kms_key_id": "arn:aws:kms:eu-west-1:111122223333:key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10",
			"node_to_node_encryption": true,
			"enforce_https": true,
			"tls_security_policy": "Policy-Min-TLS-1-2-2019-07",
			"fine_grained_access_control": true,
			"subnet_ids": null,
			"security_group_ids": null,
			"access_policy": {"statements": [_statement]},
		},
		"relationships": [],
	},
	"facts": {},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_catalog := {
	"by_type": {"AWS::OpenSearch::Domain": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.subnet_ids"]}},
}

_judged(item, settings) := result if {
	results := decision.results with input as item
		with data.catalog as _catalog
		with data.parameters as {_id: {"default": object.union({"require_vpc": false}, settings)}}
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

_with(configuration) := object.union(_domain, {"resource": {"configuration": configuration}})

_in_vpc := {"subnet_ids": ["subnet-0a1b2c3d4e5f60718"], "security_group_ids": ["sg-0a1b2c3d4e5f60718"]}

_gap(name) := {"path": concat(".", ["resource.configuration", name]), "reason": "not recorded"}

test_pass_with_named_callers if _judged(_domain, {}) == {"outcome": "pass"}

test_pass_in_a_vpc_whatever_the_access_policy_says[note] if {
	some note, access_policy in {"open": {"statements": [_open]}, "not known": null}
	item := _with(object.union(_in_vpc, {"access_policy": access_policy}))
	every required in [false, true] {
		_judged(item, {"require_vpc": required}) == {"outcome": "pass"}
	}
}

test_pass_when_nobody_is_let_in if _judged(_with({"access_policy": {"statements": []}}), {}) == {"outcome": "pass"}

test_pass_with_a_condition_that_pins_the_callers if {
	pinned := object.union(_open, {"conditions": [{"operator": "IpAddress", "key": "aws:sourceip", "values": ["203.0.113.0/24"]}]})
	_judged(_with({"access_policy": {"statements": [pinned]}}), {}) == {"outcome": "pass"}
}

test_fail_when_everybody_is_let_in if {
	item := _with({"access_policy": {"statements": [_statement, _open]}})
	_judged(item, {}) == {"outcome": "fail", "violations": {{
		"message": "the access policy lets everybody call es:ESHttpGet, es:ESHttpPost",
		"subject": "statement 2",
		"evidence": {
			"path": ["access_policy", "statements", 1],
			"actual": _open,
			"expected": "named principals, or a condition that pins the callers",
		},
	}}}
}

test_fail_outside_a_vpc_where_one_is_required[note] if {
	some note, configuration in {
		"named callers": {},
		"no subnets": {"subnet_ids": []},
		"a subnet without an id": {"subnet_ids": [""]},
		"open": {"access_policy": {"statements": [_open]}},
		"not known": {"access_policy": null},
	}
	item := _with(configuration)
	_judged(item, {"require_vpc": true}) == {"outcome": "fail", "violations": {{
		"message": "the domain is not in a VPC",
		"subject": "vpc",
		"evidence": {"path": ["subnet_ids"], "actual": item.resource.configuration.subnet_ids, "expected": "subnets of a VPC"},
	}}}
}

test_undetermined_outside_a_vpc_without_a_recorded_access_policy if {
	item := object.union(_with({"access_policy": null}), {"unknown": [_gap("access_policy")]})
	_judged(item, {}) == {"outcome": "undetermined", "unknown": {{"path": "resource.configuration.access_policy"}}}
	not not_public.compliant with input as item with data.parameters as {_id: {"default": {"require_vpc": false}}}
}

test_undetermined_when_the_vpc_was_not_recorded if {
	item := object.union(_domain, {"unknown": [_gap("subnet_ids")]})
	_judged(item, {}) == {"outcome": "undetermined", "unknown": {_gap("subnet_ids")}}
}

test_undetermined_when_the_parameter_is_not_set if {
	results := decision.results with input as _domain
		with data.catalog as _catalog
		with data.parameters as {}
		with data.exemptions as {}
		with data.stages as {}
	results[_id].outcome == "undetermined"
}

test_messages_are_cut_at_120_characters if {
	wide := object.union(_open, {"actions": [sprintf("es:ESHttp%d", [n]) | some n in numbers.range(1, 30)]})
	some violation in _judged(_with({"access_policy": {"statements": [wide]}}), {}).violations
	count(violation.message) == 120
}

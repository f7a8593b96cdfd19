package aws.redshift.cluster.encryption_test

import data.opalite.decision

_id := "aws.redshift.cluster.encryption"

_arn := "arn:aws:kms:eu-west-1:111122223333:key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10"

_customer := {"manager": "CUSTOMER", "arn": _arn, "account_id": "111122223333", "state": "Enabled", "aliases": ["alias/data"]}

_cluster := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::Redshift::Cluster",
		"id": "sales",
		"name": "sales",
		"arn": "arn:aws:redshift:eu-west-1:111122223333:cluster:sales",
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {
			"status": "available",
			"version": "1.0",
			"node_type": "ra3.xlplus",
			"encrypted": true,
			"kms_key_id": _arn,
			"hsm_configuration": null,
			"publicly_accessible": false,
			"vpc_id": "vpc-0c1d2e3f4a5b60718",
			"security_groups": ["sg-0a1b2c3d4e5f60718"],
			"port": 5439,
			"enhanced_vpc_routing": true,
			"parameter_groups": ["sales-tls"],
			"allow_version_upgrade": true,
			"automated_snapshot_retention_period": 7,
			"logging_enabled": true,
		},
		"relationships": [],
	},
	"facts": {"kms_key": {_arn: _customer}},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_catalog := {
	"by_type": {"AWS::Redshift::Cluster": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.encrypted", "resource.configuration.kms_key_id", "resource.configuration.hsm_configuration"]}},
}

_judged(item, settings) := result if {
	defaults := {"level": "customer_managed", "allowed_keys": {}, "allowed_accounts": {}}
	results := decision.results with input as item
		with data.catalog as _catalog
		with data.parameters as {_id: {"default": object.union(defaults, settings)}}
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

_with(configuration) := object.union(_cluster, {"resource": {"configuration": configuration}})

_missed(message, actual, expected) := {"outcome": "fail", "violations": {{
	"message": message,
	"subject": "encryption",
	"evidence": {"path": ["encrypted"], "actual": actual, "expected": expected},
}}}

test_pass_with_a_customer_managed_key if _judged(_cluster, {}) == {"outcome": "pass"}

test_fail_with_a_key_that_aws_manages if {
	message := "the cluster is encrypted with key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10; required is a customer managed KMS key"
	item := object.union(_cluster, {"facts": {"kms_key": {_arn: {"manager": "AWS"}}}})
	_judged(item, {}) == _missed(substring(message, 0, 120), true, "a customer managed KMS key")
}

test_fail_with_another_key_than_those_allowed if {
	_judged(_cluster, {"allowed_keys": {"alias/other": "x"}}) == {"outcome": "fail", "violations": {{
		"message": "encrypted with key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10 is not an allowed key",
		"subject": "key",
		"evidence": {"path": ["kms_key_id"], "actual": _arn, "expected": "an allowed key"},
	}}}
}

test_undetermined_without_the_fact if {
	item := object.union(object.remove(_cluster, {"facts"}), {"facts": {}})
	_judged(item, {}) == {"outcome": "undetermined", "unknown": {{"fact": "kms_key", "key": _arn}}}
}

test_fail_when_it_is_not_encrypted if {
	expected := _missed("the cluster is not encrypted; required is any encryption", false, "any encryption")
	_judged(_with({"encrypted": false, "kms_key_id": null}), {"level": "any"}) == expected
	_judged(_with({"encrypted": false}), {"level": "any"}) == expected
	_judged(_with({"encrypted": false}), {"level": "kms"}).outcome == "fail"
}

test_without_a_recorded_key_nothing_proves_that_kms_encrypts if {
	item := _with({"kms_key_id": null})
	_judged(item, {"level": "any"}) == {"outcome": "pass"}
	every level, required in {"kms": "a KMS key", "named_key": "a named KMS key", "customer_managed": "a customer managed KMS key"} {
		message := sprintf("the cluster is encrypted without a KMS key; required is %s", [required])
		_judged(item, {"level": level}) == _missed(message, true, required)
	}
}

test_fail_without_a_key_that_is_not_in_use_either if {
	expected := _missed("the cluster is not encrypted; required is a KMS key", false, "a KMS key")
	_judged(_with({"encrypted": false, "kms_key_id": null}), {"level": "kms"}) == expected
}

test_undetermined_when_encryption_was_not_recorded if {
	gap := {"path": "resource.configuration.encrypted", "reason": "the item has no configuration.encrypted"}
	item := object.union(_with({"encrypted": null}), {"unknown": [gap]})
	_judged(item, {"level": "any"}) == {"outcome": "undetermined", "unknown": {gap}}
}

# A query that did not select the key: that none is named would be a guess.
test_undetermined_when_the_key_was_not_recorded if {
	gap := {"path": "resource.configuration.kms_key_id", "reason": "the item has no configuration.kmsKeyId"}
	item := object.union(_with({"kms_key_id": null}), {"unknown": [gap]})
	_judged(item, {}) == {"outcome": "undetermined", "unknown": {gap}}
}

# Null without a note in `unknown` breaks the normalizer's promise; not even then does it pass.
test_undetermined_when_encryption_is_null if {
	_judged(_with({"encrypted": null}), {"level": "any"}) == {
		"outcome": "undetermined",
		"unknown": {{"reason": "the policy says neither compliant nor violations"}},
	}
}

test_an_hsm_encrypts_without_a_kms_key if {
	item := _with({"hsm_configuration": "sales-hsm", "kms_key_id": null})
	_judged(item, {"level": "any"}) == {"outcome": "pass"}
	message := "the cluster is encrypted by an HSM; required is a KMS key"
	_judged(item, {"level": "kms"}) == _missed(message, true, "a KMS key")
}

test_fail_with_an_hsm_that_is_not_in_use if {
	expected := _missed("the cluster is not encrypted; required is any encryption", false, "any encryption")
	_judged(_with({"encrypted": false, "kms_key_id": null, "hsm_configuration": "sales-hsm"}), {"level": "any"}) == expected
}

# A query that did not select the HSM: that the key is one of KMS would be a guess.
test_undetermined_when_the_hsm_was_not_recorded if {
	gap := {"path": "resource.configuration.hsm_configuration", "reason": "the item has no configuration.hsmStatus"}
	item := object.union(_cluster, {"unknown": [gap]})
	_judged(item, {}) == {"outcome": "undetermined", "unknown": {gap}}
}

test_an_hsm_comes_before_a_key_of_kms if {
	message := "the cluster is encrypted by an HSM; required is a KMS key"
	_judged(_with({"hsm_configuration": "sales-hsm"}), {"level": "kms"}) == _missed(message, true, "a KMS key")
}

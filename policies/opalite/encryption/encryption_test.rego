package opalite.encryption_test

import data.opalite.encryption

_arn := "arn:aws:kms:eu-west-1:111122223333:key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10"

_used := {
	"what": "the volume",
	"scheme": "encrypted",
	"kms": true,
	"key": _arn,
	"default_key": null,
	"path": ["encrypted"],
	"actual": true,
	"key_path": ["kms_key_id"],
}

_defaults := {"level": "customer_managed", "allowed_keys": {}, "allowed_accounts": {}}

_customer := {"manager": "CUSTOMER", "arn": _arn, "account_id": "111122223333", "state": "Enabled", "aliases": ["alias/data"]}

_verdict(used, settings, facts) := answer if {
	asked := {
		"resource": {"partition": "aws", "account_id": "111122223333", "region": "eu-west-1"},
		"facts": {"kms_key": facts},
	}
	answer := encryption.verdict("aws.ec2.volume.encryption", object.union(_used, used), asked) with data.parameters as {"aws.ec2.volume.encryption": {"default": object.union(_defaults, settings)}}
		with data.catalog as {}
}

_proved := {"compliant": true, "violations": set(), "unknown": set()}

_refused(violations) := {"compliant": false, "violations": violations, "unknown": set()}

_level_missed(message, expected, actual) := {"message": message, "subject": "encryption", "evidence": {"path": ["encrypted"], "actual": actual, "expected": expected}}

_other_key := {
	"message": "encrypted with key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10 is not an allowed key",
	"subject": "key",
	"evidence": {"path": ["kms_key_id"], "actual": _arn, "expected": "an allowed key"},
}

_other_account := {
	"message": "encrypted with key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10 is not of an allowed account",
	"subject": "account",
	"evidence": {"path": ["kms_key_id"], "actual": _arn, "expected": "a key of an allowed account"},
}

_needs := {{"fact": "kms_key", "key": _arn}}

_off := {"scheme": null, "kms": false, "key": null, "actual": false}

test_what_is_off_misses_every_level[level] if {
	some level, expected in {
		"any": "any encryption",
		"kms": "a KMS key",
		"named_key": "a named KMS key",
		"customer_managed": "a customer managed KMS key",
	}
	_verdict(_off, {"level": level}, {}) == _refused({_level_missed(sprintf("the volume is not encrypted; required is %s", [expected]), expected, false)})
}

# A leftover: nothing is encrypted with it.
test_a_key_beside_no_encryption_does_not_count if {
	used := object.union(_off, {"key": _arn})
	missed := _level_missed("the volume is not encrypted; required is a named KMS key", "a named KMS key", false)
	_verdict(used, {"level": "named_key"}, {_arn: _customer}) == _refused({missed})
	missed_customer := _level_missed("the volume is not encrypted; required is a customer managed KMS key", "a customer managed KMS key", false)
	_verdict(used, {}, {_arn: _customer}) == _refused({missed_customer})
}

test_another_algorithm_meets_any_alone if {
	used := {"scheme": "AES256", "kms": false, "key": null, "actual": "AES256"}
	_verdict(used, {"level": "any"}, {}) == _proved
	every level, expected in {"kms": "a KMS key", "named_key": "a named KMS key", "customer_managed": "a customer managed KMS key"} {
		missed := _level_missed(sprintf("the volume uses AES256; required is %s", [expected]), expected, "AES256")
		_verdict(used, {"level": level}, {}) == _refused({missed})
	}
}

test_a_key_by_default_is_no_named_key if {
	used := {"key": null, "default_key": "alias/aws/ebs"}
	_verdict(used, {"level": "kms"}, {}) == _proved
	named := _level_missed("the volume is encrypted with alias/aws/ebs; required is a named KMS key", "a named KMS key", true)
	_verdict(used, {"level": "named_key"}, {}) == _refused({named})
	customer := _level_missed("the volume is encrypted with alias/aws/ebs; required is a customer managed KMS key", "a customer managed KMS key", true)
	_verdict(used, {}, {}) == _refused({customer})
}

test_a_key_that_nobody_recorded_is_no_customer_s if {
	used := {"key": null}
	_verdict(used, {"level": "kms"}, {}) == _proved
	missed := _level_missed("the volume is encrypted without a named key; required is a customer managed KMS key", "a customer managed KMS key", true)
	_verdict(used, {}, {}) == _refused({missed})
	refused := {
		"message": "encrypted without a named key is not an allowed key",
		"subject": "key",
		"evidence": {"path": ["kms_key_id"], "actual": null, "expected": "an allowed key"},
	}
	_verdict(used, {"level": "kms", "allowed_keys": {_arn: "data", "alias/data": "data"}}, {}) == _refused({refused})
	elsewhere := {
		"message": "encrypted without a named key is not of an allowed account",
		"subject": "account",
		"evidence": {"path": ["kms_key_id"], "actual": null, "expected": "a key of an allowed account"},
	}
	_verdict(used, {"level": "any", "allowed_accounts": {"111122223333": "own"}}, {}) == _refused({elsewhere})
}

test_a_customer_s_key_meets_every_level[level] if {
	some level in ["any", "kms", "named_key", "customer_managed"]
	_verdict({}, {"level": level}, {_arn: _customer}) == _proved
}

test_only_the_fact_tells_the_manager if {
	_verdict({}, {"level": "named_key"}, {}) == _proved
	_verdict({}, {}, {}) == {"compliant": false, "violations": set(), "unknown": _needs}
	missed := _level_missed(
		"the volume is encrypted with key/5f1c9f0e-3b7a-4c55-9a55-0d1c6b3f7a10; required is a customer managed KMS key",
		"a customer managed KMS key",
		true,
	)
	_verdict({}, {}, {_arn: object.union(_customer, {"manager": "AWS"})}) == _refused({missed})
}

test_keys_and_accounts_may_be_listed if {
	_verdict({}, {"allowed_keys": {_arn: "data"}, "allowed_accounts": {"111122223333": "own"}}, {_arn: _customer}) == _proved
	_verdict({}, {"allowed_keys": {"other": "x"}, "allowed_accounts": {"111122223333": "own"}}, {_arn: _customer}) == _refused({_other_key})
	_verdict({}, {"allowed_keys": {_arn: "data"}, "allowed_accounts": {"444455556666": "x"}}, {_arn: _customer}) == _refused({_other_account})
	_verdict({}, {"allowed_keys": {"other": "x"}, "allowed_accounts": {"444455556666": "x"}}, {_arn: _customer}) == _refused({_other_key, _other_account})
}

# The level hangs on the fact, the list does not: what is wrong already is said.
test_a_refused_key_of_an_unknown_manager_is_refused if {
	_verdict({}, {"allowed_keys": {"other": "x"}}, {}) == {"compliant": false, "violations": {_other_key}, "unknown": _needs}
}

test_a_key_that_may_be_listed_under_an_alias_hangs_on_the_fact if {
	settings := {"level": "kms", "allowed_keys": {"alias/data": "data"}}
	_verdict({}, settings, {}) == {"compliant": false, "violations": set(), "unknown": _needs}
	_verdict({}, settings, {_arn: _customer}) == _proved
	_verdict({}, settings, {_arn: object.union(_customer, {"aliases": ["alias/other"]})}) == _refused({_other_key})
}

test_without_a_key_of_kms_no_listed_key_is_in_use if {
	used := {"scheme": "AES256", "kms": false, "actual": "AES256"}
	refused := {
		"message": "AES256 is not an allowed key",
		"subject": "key",
		"evidence": {"path": ["kms_key_id"], "actual": _arn, "expected": "an allowed key"},
	}
	_verdict(used, {"level": "any", "allowed_keys": {_arn: "data"}}, {}) == _refused({refused})
	_verdict(used, {"level": "any", "allowed_keys": {"alias/data": "data"}}, {}) == _refused({refused})
	elsewhere := {
		"message": "AES256 is not of an allowed account",
		"subject": "account",
		"evidence": {"path": ["kms_key_id"], "actual": _arn, "expected": "a key of an allowed account"},
	}
	_verdict(used, {"level": "any", "allowed_accounts": {"111122223333": "own"}}, {}) == _refused({elsewhere})
}

test_a_level_that_is_none_of_ours_has_no_verdict if not _verdict({}, {"level": "strict"}, {_arn: _customer})

test_an_unknown_scheme_proves_nothing if {
	missed := _level_missed("the volume is not encrypted; required is any encryption", "any encryption", null)
	_verdict({"scheme": null, "kms": false, "actual": null}, {"level": "any"}, {}) == _refused({missed})
}

test_where_any_key_will_do_its_other_names_do_not_matter if {
	_verdict({"key": "alias/data"}, {"level": "kms", "allowed_accounts": {"111122223333": "own"}}, {}) == _proved
}

test_a_key_that_is_listed_by_the_name_in_use_needs_no_fact if {
	_verdict({"key": "alias/data"}, {"level": "kms", "allowed_keys": {"alias/data": "data"}}, {}) == _proved
}

package aws.s3.bucket.encryption

import data.opalite.kms
import data.opalite.parameters

_parameters := parameters.of("aws.s3.bucket.encryption", input.resource)

_level := _parameters.level

_allowed_keys := _parameters.allowed_keys

_allowed_accounts := _parameters.allowed_accounts

_require_bucket_key := _parameters.require_bucket_key

_algorithm := input.resource.configuration.encryption.algorithm

_recorded_key := input.resource.configuration.encryption.key

# A key beside AES256 is a leftover that S3 ignores.
_kms if _algorithm in {"aws:kms", "aws:kms:dsse"}

# No key named means the one that AWS manages for S3.
_key := "alias/aws/s3" if is_null(_recorded_key)

_key := _recorded_key if is_string(_recorded_key)

_fact := object.get(input.facts, ["kms_key", _key], null)

_manager := kms.manager(_key, _fact)

_level_met if {
	_level == "any"
	is_string(_algorithm)
}

_level_met if {
	_level == "kms"
	_kms
}

_level_met if {
	_level == "named_key"
	_kms
	is_string(_recorded_key)
}

_level_met if {
	_level == "customer_managed"
	_kms
	_manager == "CUSTOMER"
}

_level_missed if {
	not _level_met
	not _manager_undecided
}

_manager_undecided if {
	_level == "customer_managed"
	_kms
	not _manager
}

_key_allowed if count(_allowed_keys) == 0

_key_allowed if {
	_kms
	kms.is_listed(_key, _allowed_keys, _fact, input.resource, _allowed_accounts)
}

_key_undecided if {
	_kms
	not _key_allowed
	kms.may_be_listed(_key, _allowed_keys, _fact)
}

_account_allowed if count(_allowed_accounts) == 0

_account_allowed if {
	_kms
	_ = _allowed_accounts[kms.account(_key, input.resource)]
}

_bucket_key_met if _require_bucket_key == false

_bucket_key_met if _algorithm in {"AES256", "aws:kms:dsse"}

_bucket_key_met if input.resource.configuration.encryption.bucket_key == true

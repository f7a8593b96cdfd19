# METADATA
# title: Whether a resource is encrypted as its policy's parameters ask
# description: >-
#   Policies of encryption differ in what a resource records, and in nothing else. Each says what is used and exports what
#   `verdict` finds. used = {what: the subject of the message; scheme: the algorithm in force as people know it, null when there
#   is none; off, verb: words for null and for what a resource does with a scheme, if "not
#   encrypted" and "uses" do not fit; kms: whether it works with a KMS key; key: as recorded, or
#   null; default_key: the alias of the key that is in use when none is recorded, or null; path, actual: evidence of the level;
#   key_path: where the key is recorded}.
# scope: package
package opalite.encryption

import data.opalite.kms
import data.opalite.parameters

# METADATA
# title: "{compliant, violations, unknown}; undefined when `used` is, or when the level is none of ours"
# description: >-
#   `asked` is the policy's input. Parameters are level, allowed_keys and allowed_accounts. Who misses the level hears of
#   that alone.
verdict(policy, used, asked) := answer if {
	wanted := parameters.of(policy, asked.resource)
	key := _key(used)
	fact := object.get(asked.facts, ["kms_key", key], null)
	level := _level(wanted.level, used, _manager(used, key, fact))
	answer := _answer(level, wanted, used, key, fact, asked.resource)
}

_answer("missed", wanted, used, key, _, _) := {
	"compliant": false,
	"violations": {_violation("encryption", used, key, wanted.level)},
	"unknown": set(),
}

_answer("met", wanted, used, key, fact, home) := {"compliant": true, "violations": set(), "unknown": set()} if {
	_takes_any(wanted)
} else := {
	"compliant": (count(faults) + count(unknown)) == 0,
	"violations": {_violation(subject, used, key, null) | some subject in faults},
	"unknown": unknown,
} if {
	faults := _faults(wanted, used, key, fact, home)
	unknown := {{"fact": "kms_key", "key": key} | _key_undecided(wanted, used, key, fact, home)}
}

_answer("undecided", wanted, used, key, fact, home) := {
	"compliant": false,
	"violations": {_violation(subject, used, key, null) | some subject in _faults(wanted, used, key, fact, home)},
	"unknown": {{"fact": "kms_key", "key": key}},
}

# The subjects of what is wrong with a key of the right level.
_faults(wanted, used, key, fact, home) := set() if {
	_takes_any(wanted)
} else := {"key" | _key_refused(wanted, used, key, fact, home)} | {"account" | _account_refused(wanted, used, key, home)}

_takes_any(wanted) if {
	wanted.allowed_keys == {}
	wanted.allowed_accounts == {}
}

# No key recorded means the default one.
_key(used) := used.default_key if {
	is_null(used.key)
} else := used.key

# AWS, CUSTOMER, "?" when only a fact could tell, null when no key is in use.
_manager(used, key, fact) := null if {
	not used.kms
} else := null if {
	is_null(key)
} else := known if {
	known := kms.manager(key, fact)
} else := "?"

_level("any", used, _) := "met" if {
	is_string(used.scheme)
} else := "missed"

_level("kms", used, _) := "met" if {
	used.kms
} else := "missed"

_level("named_key", used, _) := "met" if {
	used.kms
	is_string(used.key)
} else := "missed"

_level("customer_managed", _, manager) := "met" if {
	manager == "CUSTOMER"
} else := "undecided" if {
	manager == "?"
} else := "missed"

_key_refused(wanted, used, key, fact, home) if {
	count(wanted.allowed_keys) > 0
	not _key_listed(wanted, used, key, fact, home)
	not _key_undecided(wanted, used, key, fact, home)
}

_key_listed(wanted, used, key, fact, home) if {
	used.kms
	is_string(key)
	kms.is_listed(key, wanted.allowed_keys, fact, home, wanted.allowed_accounts)
}

_key_undecided(wanted, used, key, fact, home) if {
	count(wanted.allowed_keys) > 0
	used.kms
	is_string(key)
	not _key_listed(wanted, used, key, fact, home)
	kms.may_be_listed(key, wanted.allowed_keys, fact)
}

_account_refused(wanted, used, key, home) if {
	count(wanted.allowed_accounts) > 0
	not _account_listed(wanted, used, key, home)
}

_account_listed(wanted, used, key, home) if {
	used.kms
	is_string(key)
	_ = wanted.allowed_accounts[kms.account(key, home)]
}

_violation("encryption", used, key, level) := {
	"message": substring(sprintf("%s %s %s; required is %s", [used.what, _verb(used), _shown(used, key), _required[level]]), 0, 120),
	"subject": "encryption",
	"evidence": {"path": used.path, "actual": used.actual, "expected": _required[level]},
}

_violation("key", used, key, _) := {
	"message": substring(sprintf("%s is not an allowed key", [_shown(used, key)]), 0, 120),
	"subject": "key",
	"evidence": {"path": used.key_path, "actual": used.key, "expected": "an allowed key"},
}

_violation("account", used, key, _) := {
	"message": substring(sprintf("%s is not of an allowed account", [_shown(used, key)]), 0, 120),
	"subject": "account",
	"evidence": {"path": used.key_path, "actual": used.key, "expected": "a key of an allowed account"},
}

_required := {
	"any": "any encryption",
	"kms": "a KMS key",
	"named_key": "a named KMS key",
	"customer_managed": "a customer managed KMS key",
}

_verb(used) := "is" if {
	is_null(used.scheme)
} else := "is" if {
	startswith(used.scheme, "encrypted")
} else := object.get(used, "verb", "uses")

# An ARN is 75 characters and more; its last part is enough beside the evidence.
_shown(used, key) := object.get(used, "off", "not encrypted") if {
	is_null(used.scheme)
} else := sprintf("%s with %s", [used.scheme, parts[count(parts) - 1]]) if {
	used.kms
	is_string(key)
	parts := split(key, ":")
} else := sprintf("%s without a named key", [used.scheme]) if {
	used.kms
} else := used.scheme

# METADATA
# title: Whom a resource policy lets in
# description: >-
#   Reads policies in the normal form of handler/opalite/normalize/policy.py. Public is what S3 calls so: everybody is let in,
#   and no condition pins the callers to fixed accounts, organizations, networks or resources. What is unclear counts as
#   public, and a Deny never makes up for an Allow.
#   https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
# scope: package
package opalite.access

# METADATA
# title: The statements that give the public access
# description: "A set of {index, sid, principal, actions}; empty where there is no policy, undefined where it is not known."
public_statements(policy) := {found |
	some i, statement in policy.statements
	statement.effect == "Allow"
	principal := min(_wide_principals(statement))
	not is_pinned(statement)
	found := {"index": i, "sid": statement.sid, "principal": principal, "actions": _shown_actions(statement)}
}

# METADATA
# title: True when a condition of the statement pins the callers to something fixed
is_pinned(statement) if {
	some condition in statement.conditions
	count(condition.values) > 0
	every value in condition.values {
		_is_fixed(condition.operator, condition.key, value)
	}
}

is_pinned(statement) if {
	some condition in statement.conditions
	condition.operator == "IpAddress"
	condition.key == "aws:sourceip"
	_are_narrow(condition.values)
}

# METADATA
# title: True when requests without TLS to the S3 bucket and its objects are proved to be denied to everybody
denies_plain_http(policy, bucket_arn) if {
	some of_bucket in policy.statements
	_denies_plain_http(of_bucket)
	_covers(of_bucket.resources, bucket_arn)
	some of_objects in policy.statements
	_denies_plain_http(of_objects)
	_covers_below(of_objects.resources, concat("", [bucket_arn, "/"]))
}

# METADATA
# title: The name of a statement in messages, its sid if it has one
subject(statement, _) := statement.sid if is_string(statement.sid)

subject(statement, index) := sprintf("statement %d", [index + 1]) if not is_string(statement.sid)

# METADATA
# title: A principal in messages
who("*") := "everybody"

who(principal) := principal if principal != "*"

# Without a principal a statement of a resource policy has no meaning that we know.
_wide_principals(statement) := {"*"} if {
	is_null(statement.principals)
	is_null(statement.not_principals)
}

_wide_principals(statement) := {concat("", ["all but ", concat(", ", sort(excepted))])} if {
	is_object(statement.not_principals)
	excepted := {principal | some principal in statement.not_principals[_]}
}

_wide_principals(statement) := {principal |
	some principal in statement.principals[_]
	_is_open(principal)
} if {
	is_object(statement.principals)
}

_shown_actions(statement) := statement.actions if count(statement.actions) > 0

_shown_actions(statement) := [concat("", ["all but ", concat(", ", statement.not_actions)])] if count(statement.actions) == 0

# A wildcard or a variable, which the caller may have a say in.
_is_open(text) if regex.match(`[*?$]`, text)

# The negated operators name who is kept out. With `…IfExists` and `ForAllValues:` callers without the key are let in.
_positive_operators := {concat("", [prefix, operator]) |
	some prefix in ["", "ForAnyValue:"]
	some operator in (_text_operators | _arn_operators)
}

_text_operators := {"StringEquals", "StringEqualsIgnoreCase", "StringLike"}

_arn_operators := {"ArnEquals", "ArnLike"}

_arn_keys := {"aws:sourcearn", "aws:principalarn", "s3:dataaccesspointarn"}

_path_keys := {"aws:principalorgpaths", "aws:sourceorgpaths"}

_pinning_keys := (_arn_keys | _path_keys) | {
	"aws:principalaccount",
	"aws:principalorgid",
	"aws:sourceaccount",
	"aws:sourceorgid",
	"aws:sourceowner",
	"aws:sourcevpc",
	"aws:sourcevpce",
	"aws:userid",
	"kms:calleraccount",
	"s3:dataaccesspointaccount",
}

_is_fixed(operator, key, value) if {
	operator in _positive_operators
	key in _pinning_keys
	value != ""
	not _is_open(value)
}

# With wildcards an ARN is still of one account. The ARN operators compare part by part; for the others a wildcard reaches
# across parts, so that none may stand before the account; nor may a variable, whose value may have parts of its own.
_is_fixed(operator, key, value) if {
	trim_prefix(operator, "ForAnyValue:") in _arn_operators
	key in _arn_keys
	regex.match(`^arn:[^:$]*:[^:$]*:[^:$]*:[0-9]{12}:`, value)
}

_is_fixed(operator, key, value) if {
	trim_prefix(operator, "ForAnyValue:") in _text_operators
	key in _arn_keys
	regex.match(`^arn:[a-z0-9-]+:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:`, value)
}

_is_fixed(operator, key, value) if {
	operator in _positive_operators
	key in _path_keys
	regex.match(`^o-[a-z0-9]{10,32}/`, value)
}

# All sessions of one role, by its unique id.
_is_fixed(operator, "aws:userid", value) if {
	operator in _positive_operators
	regex.match(`^ARO[A-Z0-9]{13,}:\*$`, value)
}

# Merged, because many small networks can make up the world as well as one wide one. What is no network, nothing can merge.
_are_narrow(addresses) if {
	count(addresses) > 0
	every address in addresses {
		net.cidr_is_valid(_as_cidr(address))
	}
	every cidr in net.cidr_merge({_as_cidr(address) | some address in addresses}) {
		_is_narrow(cidr)
	}
}

_as_cidr(address) := address if contains(address, "/")

_as_cidr(address) := concat("", [address, "/32"]) if {
	not contains(address, "/")
	not contains(address, ":")
}

_as_cidr(address) := concat("", [address, "/128"]) if {
	not contains(address, "/")
	contains(address, ":")
}

# As S3 has it: a wider network counts as the world.
_is_narrow(cidr) if {
	not contains(cidr, ":")
	to_number(split(cidr, "/")[1]) >= 8
}

# Below ::/16 lie other spellings of the whole IPv4 world.
_is_narrow(cidr) if {
	regex.match(`^0{0,3}[1-9a-fA-F]`, cidr)
	to_number(split(cidr, "/")[1]) >= 32
}

_denies_plain_http(statement) if {
	statement.effect == "Deny"
	"*" in statement.principals.AWS
	some action in statement.actions
	lower(action) in {"*", "s3:*"}
	every condition in statement.conditions {
		condition.operator in {"Bool", "BoolIfExists"}
		condition.key == "aws:securetransport"
		"false" in {lower(value) | some value in condition.values}
	}
}

_covers(patterns, arn) if {
	some pattern in patterns
	_matches(pattern, arn)
}

# What ends in a wildcard and matches the stem matches all that begins with the stem.
_covers_below(patterns, stem) if {
	some pattern in patterns
	endswith(pattern, "*")
	_matches(pattern, stem)
}

# Other characters mean something to glob.match, or are variables.
_matches(pattern, arn) if {
	regex.match(`^[A-Za-z0-9:/._*?-]+$`, pattern)
	glob.match(pattern, null, arn)
}

# METADATA
# title: What is known of a KMS key by its name
# description: >-
#   AWS names a key by id, key ARN, alias name or alias ARN. `fact` is the entry of input.facts.kms_key for that text, or null;
#   `home` is the resource that uses the key: a name without an account and a region means its own.
# scope: package
package opalite.kms

# METADATA
# title: True when the name alone says that AWS manages the key
is_aws_managed_name(key) if startswith(key, "alias/aws/")

is_aws_managed_name(key) if contains(key, ":alias/aws/")

# METADATA
# title: AWS or CUSTOMER; undefined when only a fact could tell and there is none
manager(key, _) := "AWS" if is_aws_managed_name(key)

manager(key, fact) := fact.manager if {
	not is_aws_managed_name(key)
	fact.manager in {"AWS", "CUSTOMER"}
}

# METADATA
# title: The account that owns the key; undefined when an ARN is too short to name one
account(key, _) := split(key, ":")[4] if startswith(key, "arn:")

account(key, home) := home.account_id if not startswith(key, "arn:")

# METADATA
# title: True when the key is on a list of keys
# description: >-
#   An entry may be an id, a key ARN, an alias name or an alias ARN. An alias name counts only for keys of the resource's own
#   account and of `accounts`, because anybody may give his key that alias.
is_listed(key, entries, fact, home, accounts) if {
	some text in _texts(key, fact)
	some name in _names(text, home, accounts)
	_ = entries[name]
}

is_listed(key, entries, _, _, _) if {
	not contains(key, "/")
	some entry, _ in entries
	endswith(entry, concat("", [":key/", key]))
}

# METADATA
# title: True when a key that is not listed might be, under a name that only a fact could tell
may_be_listed(key, _, fact) if {
	_is_alias(key)
	not is_aws_managed_name(key)
	not _is_fully_told(fact)
}

may_be_listed(key, entries, fact) if {
	not _is_alias(key)
	some entry, _ in entries
	_is_alias(entry)
	not _is_fully_told(fact)
}

_is_alias(text) if startswith(text, "alias/")

_is_alias(text) if contains(text, ":alias/")

_is_fully_told(fact) if {
	is_string(fact.arn)
	is_array(fact.aliases)
}

_texts(key, fact) := ({key} | {fact.arn | is_string(fact.arn)}) | {arn |
	is_string(fact.arn)
	some alias in fact.aliases
	arn := concat(":", [split(fact.arn, ":key/")[0], alias])
}

_names(text, home, accounts) := (({text} | {id |
	[_, id] = split(text, ":key/")
}) | {name |
	[_, rest] = split(text, ":alias/")
	_is_trusted(account(text, home), home, accounts)
	name := concat("", ["alias/", rest])
}) | {arn |
	startswith(text, "alias/")
	arn := concat(":", ["arn", home.partition, "kms", home.region, home.account_id, text])
}

_is_trusted(owner, home, _) if owner == home.account_id

_is_trusted(owner, _, accounts) if _ = accounts[owner]

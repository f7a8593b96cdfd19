# METADATA
# title: Exemptions of one policy
# description: >-
#   data.exemptions[policy id][exemption id] = {scope, owner, ticket, reason, expires}. Every key that a scope names must match;
#   tags only narrow a scope that names accounts or organizational units, because whoever may tag could exempt himself.
# scope: package
package opalite.exemptions

# METADATA
# title: The exemption in force that lasts longest
# description: Ties are broken by id, so that the answer is the same every time. Undefined when there is none.
in_force(policy, resource, at) := object.union(data.exemptions[policy][id], {"id": id}) if {
	_ = data.exemptions[policy]
	now := time.parse_rfc3339_ns(at)
	found := [[ends, id] |
		some id, entry in data.exemptions[policy]
		ends := time.parse_rfc3339_ns(entry.expires)
		ends > now
		_covers(entry.scope, resource)
	]
	count(found) > 0
	id := max(found)[1]
}

# METADATA
# title: True when an exemption would be in force if the account were in the organizational units that it names
hangs_on_units(policy, resource, at) if {
	is_null(resource.organizational_units)
	some entry in data.exemptions[policy]
	entry.scope.organizational_units
	time.parse_rfc3339_ns(entry.expires) > time.parse_rfc3339_ns(at)
	_parts_match(object.remove(entry.scope, {"organizational_units"}), resource)
}

_covers(scope, resource) if {
	count(scope) > 0
	_parts_match(scope, resource)
	_anchored(scope)
}

_parts_match(scope, resource) if {
	every key, allowed in scope {
		_part(key, allowed, resource)
	}
}

_anchored(scope) if not scope.tags

_anchored(scope) if scope.accounts

_anchored(scope) if scope.organizational_units

_part("accounts", allowed, resource) if resource.account_id in allowed

_part("organizational_units", allowed, resource) if {
	some unit in resource.organizational_units
	unit in allowed
}

_part("regions", allowed, resource) if resource.region in allowed

_part("resources", allowed, resource) if {
	some pattern in allowed
	glob.match(pattern, null, resource.id)
}

_part("tags", allowed, resource) if {
	every key, value in allowed {
		resource.tags[key] == value
	}
}

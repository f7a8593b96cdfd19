# METADATA
# title: Which entry of a scoped setting holds for a resource
# description: >-
#   Parameters and stages share one form: `{default: {…}, overrides: [{accounts, organizational_units, regions, set: {…}}]}`.
#   For one key the narrowest matching override that sets it wins. Rank: account and region, account, the deepest
#   organizational unit and region, that unit, region. Equal ranks: the later entry. A value is replaced whole, never merged.
# scope: package
package opalite.scope

# METADATA
# title: The value that the overrides give a key; undefined when none of them does
narrowest(entries, key, resource) := entries[max(candidates)[1]].set[key] if {
	candidates := [[_rank(entry, resource), i] |
		some i, entry in entries
		_ = entry.set[key]
		_matches(entry, resource)
	]
	count(candidates) > 0
}

# METADATA
# title: True when an entry may or may not hold because the account's organizational units are not known
hangs_on_units(entries, resource) if {
	is_null(resource.organizational_units)
	some entry in entries
	entry.organizational_units
	_in_accounts(entry, resource)
	_in_regions(entry, resource)
}

_matches(entry, resource) if {
	_in_accounts(entry, resource)
	_in_regions(entry, resource)
	_in_units(entry, resource)
}

_in_accounts(entry, resource) if resource.account_id in object.get(entry, "accounts", [resource.account_id])

_in_regions(entry, resource) if resource.region in object.get(entry, "regions", [resource.region])

_in_units(entry, _) if not entry.organizational_units

_in_units(entry, resource) if {
	some unit in entry.organizational_units
	unit in resource.organizational_units
}

_rank(entry, resource) := ((100 * _named(entry, "accounts")) + (2 * _depth(entry, resource))) + _named(entry, "regions")

_named(entry, key) := 1 if entry[key]

else := 0

# Roots first: the further down the list, the narrower the unit.
_depth(entry, resource) := max(depths) if {
	depths := [depth |
		some i, unit in resource.organizational_units
		unit in entry.organizational_units
		depth := i + 1
	]
	count(depths) > 0
} else := 0

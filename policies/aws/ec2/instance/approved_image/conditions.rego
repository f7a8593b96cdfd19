package aws.ec2.instance.approved_image

import data.opalite.parameters

_parameters := parameters.of("aws.ec2.instance.approved_image", input.resource)

_owners := _parameters.owners

_max_age_days := _parameters.max_age_days

_image_id := input.resource.configuration.image_id

_image := input.facts.image[_image_id]

_denial := _parameters.denied[_image_id]

# Not `not _denial`: that would hold without the parameter as well.
_tolerated if {
	denied := _parameters.denied
	not denied[_image_id]
}

_listed if _ = _parameters.images[_image_id]

_chosen if _listed

_chosen if {
	not _gone
	some entry in _entries
	_has_tags(entry)
	_has_name(entry)
	_is_young(object.get(entry, "max_age_days", null))
}

_gone if _image.state == "gone"

# What the parameters ask of this owner's images: by account id and by alias, hence two at most.
_entries contains _owners[_image.owner_id]

_entries contains _owners[_image.owner_alias]

_has_tags(entry) if {
	every key, values in object.get(entry, "tags", {}) {
		_image.tags[key] in values
	}
}

_has_name(entry) if count(object.get(entry, "names", [])) == 0

_has_name(entry) if {
	is_string(_image.name)
	some pattern in entry.names
	glob.match(pattern, null, _image.name)
}

_is_young(limit) if is_null(limit)

_is_young(limit) if {
	is_number(limit)
	_age_days <= limit
}

_is_old(limit) if {
	is_number(limit)
	_age_days > limit
}

_age_days := floor((time.parse_rfc3339_ns(input.evaluated_at) - time.parse_rfc3339_ns(_image.created_at)) / 86400000000000) if {
	is_string(_image.created_at)
}

# Why the image cannot be approved whatever else becomes known; undefined when it is approved, or when facts are missing.
_fault := sprintf("is denied: %v", [_denial]) if {
	_denial
}

else := sprintf("is %d days old; at most %d are allowed", [_age_days, _max_age_days]) if _is_old(_max_age_days)

else := "is gone: deregistered, or no longer shared with the account" if {
	_gone
	_hangs_on_facts
}

else := "is not on the allow-list" if {
	not _listed
	count(_owners) == 0
}

else := sprintf("is not on the allow-list, nor is its owner %s", [_image.owner_id]) if {
	not _listed
	is_string(_image.owner_id)
	count(_entries) == 0
}

else := sprintf("is of owner %s, but not of the kind that is allowed of him", [_image.owner_id]) if {
	not _listed
	is_string(_image.owner_id)
	every entry in _entries {
		_is_refused(entry)
	}
}

_hangs_on_facts if not _listed

_hangs_on_facts if not _is_young(_max_age_days)

_is_refused(entry) if {
	is_object(_image.tags)
	some key, values in entry.tags
	not object.get(_image.tags, key, null) in values
}

_is_refused(entry) if {
	is_string(_image.name)
	not _has_name(entry)
}

_is_refused(entry) if _is_old(object.get(entry, "max_age_days", null))

package aws.ec2.securitygroup.restricted_ingress

import data.opalite.parameters

_id := "aws.ec2.securitygroup.restricted_ingress"

# Undefined, so that nothing is closed, when an entry is no CIDR. The item's ranges are canonical; those of the parameter may be
# spelt in any way, and only the default is known to need no conversion.
_world := {"0.0.0.0/0", "::/0"} if _world_entries == ["0.0.0.0/0", "::/0"]

else := {range | some entry in _world_entries; some range in net.cidr_merge([entry])} if {
	every entry in _world_entries {
		net.cidr_is_valid(entry)
	}
}

_world_entries := parameters.value(_id, "world", input.resource)

_widest_prefix := parameters.value(_id, "widest_prefix", input.resource)

_known_networks := parameters.value(_id, "known_networks", input.resource)

# Rules that no range of the world may use. Without sources, or with groups and prefix lists alone, there is nothing to prove.
_closed contains i if {
	some i, rule in input.resource.configuration.ingress
	every range in rule.ipv4 {
		_is_limited(range.cidr, range.prefix_length, "ipv4")
	}
	every range in rule.ipv6 {
		_is_limited(range.cidr, range.prefix_length, "ipv6")
	}
}

_open[i] := rule if {
	some i, rule in input.resource.configuration.ingress
	not i in _closed
}

_world_ranges(i) := sort(array.concat(
	[range.cidr |
		some range in input.resource.configuration.ingress[i].ipv4
		not _is_limited(range.cidr, range.prefix_length, "ipv4")
	],
	[range.cidr |
		some range in input.resource.configuration.ingress[i].ipv6
		not _is_limited(range.cidr, range.prefix_length, "ipv6")
	],
))

_is_limited(cidr, prefix_length, family) if {
	world := _world
	not cidr in world
	_is_narrow(prefix_length, object.get(_widest_prefix, family, null))
}

_is_limited(cidr, _, _) if {
	some network, _ in _known_networks
	net.cidr_is_valid(network)
	net.cidr_contains(network, cidr)
}

_is_narrow(_, widest) if is_null(widest)

_is_narrow(prefix_length, widest) if {
	is_number(widest)
	prefix_length >= widest
}

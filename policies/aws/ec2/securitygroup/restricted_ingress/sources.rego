package aws.ec2.securitygroup.restricted_ingress

import data.opalite.parameters

_parameters := parameters.of("aws.ec2.securitygroup.restricted_ingress", input.resource)

# Undefined, so that nothing is closed, when an entry is no CIDR. The item's ranges are canonical; those of the parameter may be
# spelt in any way, and only the default is known to need no conversion.
_world := {"0.0.0.0/0", "::/0"} if _parameters.world == ["0.0.0.0/0", "::/0"]

else := {range | some entry in _parameters.world; some range in net.cidr_merge([entry])} if {
	every entry in _parameters.world {
		net.cidr_is_valid(entry)
	}
}

# The shortest prefixes that are not the world by their width alone; 0 lets every width pass.
_limits := {"ipv4": 0, "ipv6": 0} if count(_parameters.widest_prefix) == 0

else := {"ipv4": _limit("ipv4"), "ipv6": _limit("ipv6")}

_limit(family) := 0 if is_null(object.get(_parameters.widest_prefix, family, null))

_limit(family) := limit if {
	limit := _parameters.widest_prefix[family]
	is_number(limit)
}

# Rules that no range of the world may use. Without sources, or with groups and prefix lists alone, there is nothing to prove.
_closed contains i if {
	world := _world
	limits := _limits
	some i, rule in input.resource.configuration.ingress
	every range in rule.ipv4 {
		cidr := range.cidr
		not cidr in world
		range.prefix_length >= limits.ipv4
	}
	every range in rule.ipv6 {
		cidr := range.cidr
		not cidr in world
		range.prefix_length >= limits.ipv6
	}
}

_closed contains i if {
	count(_parameters.known_networks) > 0
	some i, rule in input.resource.configuration.ingress
	every range in rule.ipv4 {
		_is_limited(range.cidr, range.prefix_length, "ipv4")
	}
	every range in rule.ipv6 {
		_is_limited(range.cidr, range.prefix_length, "ipv6")
	}
}

_open := object.remove({i: rule | some i, rule in input.resource.configuration.ingress}, _closed)

_world_ranges(i) := sort(array.concat(
	_unlimited(input.resource.configuration.ingress[i].ipv4, "ipv4"),
	_unlimited(input.resource.configuration.ingress[i].ipv6, "ipv6"),
))

_unlimited(ranges, family) := [cidr |
	some range in ranges
	cidr := range.cidr
	prefix_length := range.prefix_length
	not _is_limited(cidr, prefix_length, family)
]

_is_limited(cidr, prefix_length, family) if {
	world := _world
	not cidr in world
	prefix_length >= _limits[family]
}

_is_limited(cidr, _, _) if {
	some network, _ in _parameters.known_networks
	net.cidr_is_valid(network)
	net.cidr_contains(network, cidr)
}

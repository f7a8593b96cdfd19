package aws.ec2.securitygroup.restricted_ingress

_named := {"icmp", "icmpv6", "tcp", "udp"}

_contained := {"-1": {"icmp", "icmpv6", "other", "tcp", "udp"}}

# What of a rule need not be closed: each part would be tolerated as a rule of its own. "other" stands for all protocols that
# are known by number, which only a rule for all traffic contains.
_harmless(rule) := [sprintf("%s/%s", [part[0], _ports_text(part[1], part[2])]) | some part in sort(_parts(rule))]

_parts(rule) := {[protocol, span[0], span[1]] |
	some protocol in object.get(_contained, rule.protocol, {rule.protocol})
	some span in _tolerable(protocol, _ports_in(rule, protocol))
}

# Undefined, so that nothing of the rule is harmless, where its ports mean nothing.
_ports_in(rule, protocol) := _span(protocol, rule.from_port, rule.to_port) if protocol in {"tcp", "udp"}

_ports_in(_, protocol) := [null, null] if not protocol in {"tcp", "udp"}

_tolerable(protocol, span) := {span} if {
	_is_unjudged(protocol)
} else := _rest(span, _spans(_parameters.ports)) if {
	_mode == "listed"
} else := _allowed_parts(protocol, span) if {
	_mode == "allowed"
	protocol in {"tcp", "udp"}
} else := set()

_is_unjudged(protocol) if {
	is_array(_parameters.protocols)
	protocol in _named
	not protocol in _parameters.protocols
}

_is_unjudged("other") if {
	is_array(_parameters.protocols)
	every protocol in _parameters.protocols {
		protocol in {"-1", "icmp", "icmpv6", "tcp", "udp"}
	}
}

_is_unjudged(protocol) if {
	_mode in {"listed", "all_ports"}
	not protocol in {"tcp", "udp"}
}

# Whole allowed ranges, and single ports that are allowed by themselves alone.
_allowed_parts(protocol, span) := ranges | {[port, port] |
	some port in _parameters.allowed_exact
	is_number(port)
	span[0] <= port
	port <= span[1]
	count([1 | some range in ranges; range[0] <= port; port <= range[1]]) == 0
} if {
	allowed := _spans_or_none(_parameters[sprintf("allowed_%s", [protocol])])
	ranges := _rest(span, _rest(span, allowed))
}

_spans_or_none(entries) := _spans(entries) if {
	is_array(entries)
} else := []

# The ports of a span that are in none of the others, in as few spans as can be.
_rest(span, others) := {[start, end] |
	some start in ({span[0]} | {next | some other in others; next := other[1] + 1; next > span[0]})
	start <= span[1]
	count([1 | some other in others; other[0] <= start; start <= other[1]]) == 0
	end := min({span[1]} | {before | some other in others; other[0] > start; before := other[0] - 1})
}

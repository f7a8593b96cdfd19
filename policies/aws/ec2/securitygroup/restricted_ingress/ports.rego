package aws.ec2.securitygroup.restricted_ingress

_mode := "listed" if {
	object.subset(_parameters, {"match": "any", "allowed_tcp": null, "allowed_udp": null, "allowed_exact": null})
	is_array(_parameters.ports)
} else := "all_ports" if {
	_parameters.match == "all_ports"
} else := "allowed" if {
	some allowed in [_parameters.allowed_tcp, _parameters.allowed_udp, _parameters.allowed_exact]
	is_array(allowed)
} else := "any" if {
	_parameters.ports == "any"
}

# Indexes of the rules that nothing proves harmless. What is neither closed nor tolerated is a violation.
_suspects := object.keys(_open) - _tolerated

# Rules that are open to the world and do no harm. Each body is a proof of its own.
_tolerated contains i if {
	protocols := _parameters.protocols
	is_array(protocols)
	some i, rule in _open
	protocol := rule.protocol
	protocol != "-1"
	not protocol in protocols
}

# ICMP and the protocols known by number have no ports: they count only where every port does.
_tolerated contains i if {
	_mode in {"listed", "all_ports"}
	some i, rule in _open
	protocol := rule.protocol
	not protocol in {"-1", "tcp", "udp"}
}

_tolerated contains i if {
	_mode == "listed"
	spans := _spans(_parameters.ports)
	some i, rule in _open
	[first, last] = _span(rule.protocol, rule.from_port, rule.to_port)
	count([wanted | some wanted in spans; wanted[0] <= last; wanted[1] >= first]) == 0
}

_tolerated contains i if {
	_mode == "all_ports"
	some i, rule in _open
	[first, last] = _span(rule.protocol, rule.from_port, rule.to_port)
	_is_partial(first, last)
}

_tolerated contains i if {
	_mode == "allowed"
	some i, rule in _open
	[first, last] = _span(rule.protocol, rule.from_port, rule.to_port)
	_is_allowed(rule.protocol, first, last)
}

# Where every port counts, it does not matter which ports the rule means.
_malformed contains i if {
	some i in _suspects
	rule := input.resource.configuration.ingress[i]
	rule.protocol in {"tcp", "udp"}
	is_number(rule.from_port)
	is_number(rule.to_port)
	rule.from_port > rule.to_port
	_mode != "any"
}

# The first and the last port, where they can prove anything: all traffic has none. A range written backwards is taken in its
# order here; _malformed keeps it from being judged.
_span(protocol, from, to) := [0, 65535] if {
	protocol in {"tcp", "udp"}
	is_null(from)
	is_null(to)
}

_span(protocol, from, to) := sort([from, to]) if {
	protocol in {"tcp", "udp"}
	is_number(from)
	is_number(to)
}

# Port 0 is reserved: 1-65535 is every port.
_is_partial(first, _) if first > 1

_is_partial(_, last) if last < 65535

_is_allowed("tcp", first, last) if _is_within(first, last, _spans(_parameters.allowed_tcp))

_is_allowed("udp", first, last) if _is_within(first, last, _spans(_parameters.allowed_udp))

_is_allowed(_, port, port) if port in _parameters.allowed_exact

# No gap: the first port, and every port that follows an allowed range inside the span, is in some allowed range.
_is_within(first, last, allowed) if {
	starts := {first} | {next | some other in allowed; next := other[1] + 1; next > first; next <= last}
	every start in starts {
		some other in allowed
		other[0] <= start
		start <= other[1]
	}
}

# Undefined when an entry cannot be read: an unreadable port must not vanish from the list. Numbers, the usual case, need no call.
_spans(entries) := spans if {
	is_array(entries)
	ranges := [span | some entry in entries; is_string(entry); span := _entry_span(entry)]
	spans := array.concat(ranges, [[entry, entry] | some entry in entries; is_number(entry)])
	count(spans) == count(entries)
}

_entry_span(entry) := [from, to] if {
	regex.match(`^[0-9]+(-[0-9]+)?$`, entry)
	parts := split(entry, "-")
	from := to_number(parts[0])
	to := to_number(parts[count(parts) - 1])
	from <= to
}

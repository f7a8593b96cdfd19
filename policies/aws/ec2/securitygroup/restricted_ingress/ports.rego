package aws.ec2.securitygroup.restricted_ingress

import data.opalite.parameters

_ports := parameters.value(_id, "ports", input.resource)

_protocols := parameters.value(_id, "protocols", input.resource)

_allowed_tcp := parameters.value(_id, "allowed_tcp", input.resource)

_allowed_udp := parameters.value(_id, "allowed_udp", input.resource)

_allowed_exact := parameters.value(_id, "allowed_exact", input.resource)

_mode := "all_ports" if parameters.value(_id, "match", input.resource) == "all_ports"

else := "allowed" if is_array(_allowed_tcp)

else := "allowed" if is_array(_allowed_udp)

else := "allowed" if is_array(_allowed_exact)

else := "any" if _ports == "any"

else := "listed" if is_array(_ports)

# Indexes of the rules that do no harm. Each line is a proof of its own; what none proves is a violation.
_harmless contains i if some i in _closed

_harmless contains i if {
	some i in _open
	is_array(_protocols)
	protocol := input.resource.configuration.ingress[i].protocol
	protocol != "-1"
	not protocol in _protocols
}

_harmless contains i if {
	some i in _open
	_mode == "listed"
	every span in _spans(_ports) {
		_is_apart(i, span)
	}
}

_harmless contains i if {
	some i in _open
	_mode == "all_ports"
	_is_partial(i)
}

_harmless contains i if {
	some i in _open
	_mode == "allowed"
	_is_allowed(i)
}

# The ports that a rule covers, where that can prove anything; all traffic has none. A range written backwards is taken in its
# order here: _malformed keeps it from being judged.
_span[i] := [0, 65535] if {
	some i in _with_ports
	is_null(input.resource.configuration.ingress[i].from_port)
	is_null(input.resource.configuration.ingress[i].to_port)
}

_span[i] := sort([rule.from_port, rule.to_port]) if {
	some i in _with_ports
	rule := input.resource.configuration.ingress[i]
	is_number(rule.from_port)
	is_number(rule.to_port)
}

_with_ports contains i if {
	some i in _open
	input.resource.configuration.ingress[i].protocol in {"tcp", "udp"}
}

# Where every port counts, it does not matter which ports the rule means.
_malformed contains i if {
	_mode != "any"
	some i in _with_ports
	rule := input.resource.configuration.ingress[i]
	is_number(rule.from_port)
	is_number(rule.to_port)
	rule.from_port > rule.to_port
}

# ICMP and the protocols known by number have no ports.
_is_without_ports(i) if not input.resource.configuration.ingress[i].protocol in {"-1", "tcp", "udp"}

_is_apart(i, _) if _is_without_ports(i)

_is_apart(i, span) if _span[i][0] > span[1]

_is_apart(i, span) if _span[i][1] < span[0]

# Port 0 is reserved: 1-65535 is every port.
_is_partial(i) if _is_without_ports(i)

_is_partial(i) if _span[i][0] > 1

_is_partial(i) if _span[i][1] < 65535

_is_allowed(i) if {
	input.resource.configuration.ingress[i].protocol == "tcp"
	_is_within(_span[i], _spans(_allowed_tcp))
}

_is_allowed(i) if {
	input.resource.configuration.ingress[i].protocol == "udp"
	_is_within(_span[i], _spans(_allowed_udp))
}

_is_allowed(i) if {
	i in _with_ports
	_span[i][0] == _span[i][1]
	_span[i][0] in _allowed_exact
}

# No gap: the first port, and every port that follows an allowed range inside the span, is in some allowed range.
_is_within(span, allowed) if {
	starts := {span[0]} | {next | some other in allowed; next := other[1] + 1; next > span[0]; next <= span[1]}
	every start in starts {
		some other in allowed
		other[0] <= start
		start <= other[1]
	}
}

# Undefined when an entry cannot be read: an unreadable port must not vanish from the list.
_spans(entries) := spans if {
	is_array(entries)
	spans := [span | some entry in entries; span := _entry_span(entry)]
	count(spans) == count(entries)
}

_entry_span(entry) := [entry, entry] if is_number(entry)

_entry_span(entry) := [from, to] if {
	is_string(entry)
	regex.match(`^[0-9]+(-[0-9]+)?$`, entry)
	parts := split(entry, "-")
	from := to_number(parts[0])
	to := to_number(parts[count(parts) - 1])
	from <= to
}

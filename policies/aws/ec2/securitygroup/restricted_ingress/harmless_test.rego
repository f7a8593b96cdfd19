package aws.ec2.securitygroup.restricted_ingress_test

_harmless(rule, settings) := violation.evidence.actual.harmless if {
	some violation in _judged(_with([rule]), settings).violations
}

_all := _rule("-1", null, null, _world)

test_nothing_of_a_single_port_is_harmless if _harmless(_ssh(_world), {}) == []

test_the_ports_around_the_listed_ones_are_harmless[note] if {
	some note, [from, to, ports, expected] in {
		"inside": [20, 30, [22], ["tcp/20-21", "tcp/23-30"]],
		"first": [22, 30, [22], ["tcp/23-30"]],
		"last": [20, 22, [22], ["tcp/20-21"]],
		"neighbours": [20, 30, [22, 23, "24-25"], ["tcp/20-21", "tcp/26-30"]],
		"overlapping": [20, 30, ["10-22", "21-24", "30-40"], ["tcp/25-29"]],
		"one inside another": [20, 30, ["22-26", 24], ["tcp/20-21", "tcp/27-30"]],
		"all": [20, 30, ["0-65535"], []],
		"in their order": [90, 110, [100], ["tcp/90-99", "tcp/101-110"]],
	}
	_harmless(_rule("tcp", from, to, _world), {"ports": ports}) == expected
}

test_nothing_is_harmless_when_a_port_cannot_be_read if {
	_harmless(_rule("tcp", 0, 65535, _world), {"ports": [22, "ssh"]}) == []
	_harmless(_rule("tcp", 0, 65535, _world), {"allowed_tcp": [443, "https"]}) == []
}

test_nothing_is_harmless_when_a_port_of_the_rule_is_missing if _harmless(_rule("tcp", 0, null, _world), {}) == []

test_nothing_is_harmless_when_every_port_counts if {
	_harmless(_rule("tcp", 0, 65535, _world), {"ports": "any"}) == []
	_harmless(_rule("icmp", 8, -1, _world), {"ports": "any"}) == []
	_harmless(_rule("50", null, null, _world), {"ports": "any"}) == []
	_harmless(_all, {"ports": "any"}) == []
}

test_a_rule_for_every_port_is_not_harmless_without_one_of_them if {
	_harmless(_rule("tcp", 0, 65535, _world), {"match": "all_ports"}) == []
	_harmless(_all, {"match": "all_ports"}) == ["icmp/all", "icmpv6/all", "other/all"]
}

test_allowed_ports_within_a_rule_are_harmless[note] if {
	some note, [rule, settings, expected] in {
		"ranges": [
			_rule("tcp", 400, 8150, _world),
			{"allowed_tcp": [443, "8000-8099", "8100-8199"], "allowed_udp": [500]},
			["tcp/443-443", "tcp/8000-8150"],
		],
		"alone": [_rule("tcp", 80, 443, _world), {"allowed_exact": [80, 81, 443, 444]}, ["tcp/80-80", "tcp/81-81", "tcp/443-443"]],
		"alone, but in a range too": [
			_rule("udp", 50, 60, _world),
			{"allowed_exact": [53, 60], "allowed_udp": ["52-54"]},
			["udp/52-54", "udp/60-60"],
		],
		"none": [_rule("tcp", 22, 22, _world), {"allowed_udp": [22]}, []],
		"none for ICMP": [_rule("icmp", 8, 0, _world), {"allowed_exact": [8]}, []],
		"of all traffic": [_all, {"allowed_tcp": [443], "allowed_udp": [53]}, ["tcp/443-443", "udp/53-53"]],
	}
	_harmless(rule, settings) == expected
}

test_protocols_that_are_not_judged_are_harmless_within_all_traffic if {
	_harmless(_all, {"protocols": ["tcp"], "ports": "any"}) == ["icmp/all", "icmpv6/all", "other/all", "udp/0-65535"]
	_harmless(_all, {"protocols": ["tcp", "50"], "ports": "any"}) == ["icmp/all", "icmpv6/all", "udp/0-65535"]
	_harmless(_all, {"protocols": ["-1", "udp"], "allowed_udp": [53]}) == [
		"icmp/all", "icmpv6/all", "other/all", "tcp/0-65535",
		"udp/53-53",
	]
}

# What the evidence calls harmless is what the policy itself would say of it.
test_every_harmless_part_passes_as_a_rule_of_its_own if {
	every settings in [{}, {"ports": ["20-25", 80]}, {"allowed_tcp": ["8000-8099"], "allowed_exact": [80, 443]}] {
		every part in _harmless(_rule("tcp", 0, 65535, _world), settings) {
			[from, to] := split(split(part, "/")[1], "-")
			_outcome([_rule("tcp", to_number(from), to_number(to), _world)], settings) == "pass"
		}
	}
}

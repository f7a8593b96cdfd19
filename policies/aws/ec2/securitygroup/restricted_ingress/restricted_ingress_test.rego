package aws.ec2.securitygroup.restricted_ingress_test

import data.aws.ec2.securitygroup.restricted_ingress
import data.opalite.decision

_id := "aws.ec2.securitygroup.restricted_ingress"

_group := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::EC2::SecurityGroup",
		"id": "sg-0d1e2f3a4b5c6d7e8",
		"name": "web",
		"arn": "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-0d1e2f3a4b5c6d7e8",
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {
			"group_name": "web",
			"description": "web tier",
			"vpc_id": "vpc-0a1b2c3d",
			"owner_id": "111122223333",
			"ingress": [],
			"egress": [],
		},
		"relationships": [],
	},
	"facts": {},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_defaults := {
	"ports": [22, 3389],
	"protocols": "any",
	"match": "any",
	"world": ["0.0.0.0/0", "::/0"],
	"widest_prefix": {},
	"known_networks": {},
	"allowed_tcp": null,
	"allowed_udp": null,
	"allowed_exact": null,
	"excepted_groups": {},
}

_catalog := {
	"by_type": {"AWS::EC2::SecurityGroup": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.ingress"]}},
}

_judged(item, settings) := result if {
	parameters := {_id: {"default": object.union(_defaults, settings)}}
	results := decision.results with input as item
		with data.catalog as _catalog
		with data.parameters as parameters
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

_with(ingress) := json.patch(_group, [{"op": "replace", "path": "/resource/configuration/ingress", "value": ingress}])

_rule(protocol, from, to, cidrs) := {
	"protocol": protocol,
	"from_port": from,
	"to_port": to,
	"ipv4": [{"cidr": cidr, "prefix_length": to_number(split(cidr, "/")[1]), "description": null} | some cidr in cidrs; not contains(cidr, ":")],
	"ipv6": [{"cidr": cidr, "prefix_length": to_number(split(cidr, "/")[1]), "description": null} | some cidr in cidrs; contains(cidr, ":")],
	"prefix_lists": [],
	"groups": [],
}

_ssh(cidrs) := _rule("tcp", 22, 22, cidrs)

_world := ["0.0.0.0/0"]

_violation(i, message, subject, rule, ranges) := _partial_violation(i, message, subject, rule, ranges, [])

_partial_violation(i, message, subject, rule, ranges, harmless) := {
	"message": message,
	"subject": subject,
	"evidence": {
		"path": ["ingress", i],
		"actual": {
			"protocol": rule.protocol,
			"from_port": rule.from_port,
			"to_port": rule.to_port,
			"ranges": ranges,
			"harmless": harmless,
		},
		"expected": "closed to the world",
	},
}

_all_but_ssh_and_rdp := [
	"icmp/all", "icmpv6/all", "other/all",
	"tcp/0-21", "tcp/23-3388", "tcp/3390-65535",
	"udp/0-21", "udp/23-3388", "udp/3390-65535",
]

_passed := {"outcome": "pass"}

_failed(violations) := {"outcome": "fail", "violations": violations}

_malformed := {"outcome": "undetermined", "unknown": {{"path": "resource.configuration.ingress"}}}

_outcome(rules, settings) := _judged(_with(rules), settings).outcome

test_pass_without_rules if _judged(_group, {}) == _passed

test_pass_with_sources_that_are_not_ranges if {
	rule := object.union(_ssh([]), {"prefix_lists": ["pl-0a1b2c3d"], "groups": ["sg-0d1e2f3a4b5c6d7e8"]})
	_judged(_with([rule]), {"ports": "any"}) == _passed
}

test_pass_with_limited_ranges if _judged(_with([_ssh(["10.0.0.0/8", "2001:db8::/32"])]), {"ports": "any"}) == _passed

test_pass_with_other_ports_open if _judged(_with([_rule("tcp", 443, 443, _world)]), {}) == _passed

test_fail_with_ssh_open if {
	rule := _ssh(["::/0", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32"])
	ranges := ["0.0.0.0/0", "::/0"]
	_judged(_with([rule]), {}) == _failed({_violation(
		0, "tcp port 22 is open to 0.0.0.0/0, ::/0",
		"tcp/22-22 from 0.0.0.0/0,::/0", rule, ranges,
	)})
}

test_fail_with_rdp_open_over_ipv6_alone if {
	rule := _rule("udp", 3000, 4000, ["10.0.0.0/8", "::/0"])
	_judged(_with([rule]), {}) == _failed({_partial_violation(
		0, "udp port range 3000-4000 is open to ::/0",
		"udp/3000-4000 from ::/0", rule, ["::/0"],
		["udp/3000-3388", "udp/3390-4000"],
	)})
}

test_fail_names_each_offending_rule_by_its_place if {
	rules := [_rule("tcp", 443, 443, _world), _ssh(_world), _ssh(["10.0.0.0/8"]), _rule("-1", null, null, ["::/0"])]
	_judged(_with(rules), {}) == _failed({
		_violation(1, "tcp port 22 is open to 0.0.0.0/0", "tcp/22-22 from 0.0.0.0/0", rules[1], _world),
		_partial_violation(3, "all traffic is open to ::/0", "-1/all from ::/0", rules[3], ["::/0"], _all_but_ssh_and_rdp),
	})
}

test_fail_with_every_port_of_tcp_or_udp[protocol] if {
	some protocol in ["tcp", "udp"]
	rule := _rule(protocol, null, null, _world)
	_judged(_with([rule]), {}) == _failed({_partial_violation(
		0, sprintf("every %s port is open to 0.0.0.0/0", [protocol]),
		sprintf("%s/all from 0.0.0.0/0", [protocol]), rule, _world,
		[part | some part in _all_but_ssh_and_rdp; startswith(part, protocol)],
	)})
}

test_fail_at_both_ends_of_a_range[span] if {
	some span in [[22, 30], [10, 22]]
	_outcome([_rule("tcp", span[0], span[1], _world)], {"ports": [22]}) == "fail"
}

test_pass_beside_a_range[span] if {
	some span in [[23, 30], [10, 21], [0, 0]]
	_outcome([_rule("tcp", span[0], span[1], _world)], {"ports": [22]}) == "pass"
}

test_ports_may_be_ranges_and_text if {
	settings := {"ports": ["8000-8999", "22"]}
	_outcome([_rule("tcp", 8999, 9100, _world)], settings) == "fail"
	_outcome([_rule("tcp", 7000, 8000, _world)], settings) == "fail"
	_outcome([_ssh(_world)], settings) == "fail"
	_outcome([_rule("tcp", 23, 7999, _world)], settings) == "pass"
}

# Whatever cannot be read must not make the list of ports shorter.
test_fail_when_a_port_cannot_be_read[note] if {
	some note, port in {"text": "ssh", "backwards": "30-20", "three": "22-25-30", "null": null}
	_outcome([_rule("tcp", 443, 443, _world)], {"ports": [22, port]}) == "fail"
	_outcome([_rule("tcp", 443, 443, _world)], {"allowed_tcp": [443, port]}) == "fail"
}

test_fail_when_ports_are_not_a_list if _outcome([_rule("tcp", 443, 443, _world)], {"ports": null}) == "fail"

test_fail_with_any_port if _outcome([_rule("tcp", 443, 443, _world)], {"ports": "any"}) == "fail"

test_icmp_counts_only_where_every_port_does if {
	rules := [_rule("icmp", 8, 22, _world), _rule("icmpv6", null, null, ["::/0"])]
	_judged(_with(rules), {"ports": [0, 22]}) == _passed
	_judged(_with(rules), {"match": "all_ports"}) == _passed
	_judged(_with(rules), {"ports": "any"}) == _failed({
		_violation(0, "icmp traffic is open to 0.0.0.0/0", "icmp/8-22 from 0.0.0.0/0", rules[0], _world),
		_violation(1, "icmpv6 traffic is open to ::/0", "icmpv6/all from ::/0", rules[1], ["::/0"]),
	})
}

test_other_protocols_count_only_where_every_port_does if {
	rule := _rule("50", null, null, _world)
	_judged(_with([rule]), {}) == _passed
	_judged(_with([rule]), {"match": "all_ports"}) == _passed
	_judged(_with([rule]), {"ports": "any"}) == _failed({_violation(
		0, "protocol 50 is open to 0.0.0.0/0",
		"50/all from 0.0.0.0/0", rule, _world,
	)})
}

test_pass_with_a_protocol_that_is_not_judged if _outcome([_rule("udp", 22, 22, _world)], {"protocols": ["tcp"]}) == "pass"

test_fail_with_a_protocol_that_is_judged if _outcome([_ssh(_world)], {"protocols": ["tcp"]}) == "fail"

test_fail_with_all_protocols_whichever_are_judged if {
	_outcome([_rule("-1", null, null, _world)], {"protocols": ["udp"]}) == "fail"
	_outcome([_rule("-1", null, null, _world)], {"protocols": []}) == "fail"
	_outcome([_rule("-1", null, null, _world)], {"protocols": ["-1"]}) == "fail"
	_outcome([_ssh(_world)], {"protocols": ["-1"]}) == "pass"
}

test_fail_where_all_ports_are_open[note] if {
	some note, rule in {
		"all traffic": _rule("-1", null, null, _world),
		"no ports": _rule("tcp", null, null, _world),
		"0-65535": _rule("tcp", 0, 65535, _world),
		"1-65535": _rule("udp", 1, 65535, _world),
	}
	_outcome([rule], {"match": "all_ports", "ports": []}) == "fail"
}

test_pass_where_some_ports_are_open[span] if {
	some span in [[22, 22], [2, 65535], [0, 65534]]
	_outcome([_rule("tcp", span[0], span[1], _world)], {"match": "all_ports"}) == "pass"
}

test_pass_with_all_ports_open_to_some if _outcome([_rule("-1", null, null, ["10.0.0.0/8"])], {"match": "all_ports"}) == "pass"

# Not in AWS, but in items written by hand. A range that is harmless both ways round is no matter.
test_undetermined_with_ports_written_backwards if {
	rules := [_rule("tcp", 30, 20, _world)]
	_judged(_with(rules), {}) == _malformed
	_judged(_with(rules), {"match": "all_ports"}) == _passed
	_judged(_with(rules), {"ports": [443]}) == _passed
	_judged(_with(rules), {"allowed_udp": [443]}) == _malformed
	_judged(_with([_rule("tcp", 65535, 0, _world)]), {"match": "all_ports"}) == _malformed
	_judged(_with([_rule("tcp", 30, 20, ["10.0.0.0/8"])]), {}) == _passed
}

test_a_range_that_can_be_leaves_nothing_unknown if {
	unknown := restricted_ingress.unknown with input as _with([_rule("tcp", 22, 22, _world)])
		with data.parameters as {_id: {"default": _defaults}}
	unknown == set()
}

# Who may come in at all is known, so the ports do not matter.
test_pass_with_ports_written_backwards_for_a_narrow_network if {
	_outcome([_rule("tcp", 30, 20, ["10.0.0.0/8"])], {}) == "pass"
	_outcome([_rule("tcp", 30, 20, ["10.0.0.0/8"]), _rule("tcp", 443, 443, _world)], {}) == "pass"
}

test_fail_with_ports_written_backwards_where_every_port_counts if _outcome([_rule("tcp", 30, 20, _world)], {"ports": "any"}) == "fail"

test_fail_with_ports_written_backwards_beside_an_open_rule if {
	rules := [_rule("tcp", 30, 20, _world), _ssh(_world)]
	_judged(_with(rules), {}) == _failed({_violation(
		1, "tcp port 22 is open to 0.0.0.0/0",
		"tcp/22-22 from 0.0.0.0/0", rules[1], _world,
	)})
}

test_fail_with_one_port_left_open if {
	_outcome([_rule("tcp", 443, null, _world)], {}) == "fail"
	_outcome([_rule("tcp", null, 10, _world)], {}) == "fail"
}

test_the_world_may_be_other_ranges if {
	settings := {"world": ["203.0.113.0/24"]}
	_outcome([_ssh(["203.0.113.0/24"])], settings) == "fail"
	_outcome([_ssh(_world)], settings) == "pass"
}

test_the_world_may_be_spelt_in_full[cidr] if {
	some cidr in ["0:0:0:0:0:0:0:0/0", "0000:0000:0000:0000:0000:0000:0000:0000/0", "::/0"]
	_outcome([_ssh(["::/0"])], {"world": [cidr]}) == "fail"
	_outcome([_ssh(["2001:db8::/32"])], {"world": [cidr]}) == "pass"
}

test_fail_when_the_world_cannot_be_read if _outcome([_ssh(["10.0.0.0/8"])], {"world": ["everybody"]}) == "fail"

test_wide_ranges_are_the_world if {
	settings := {"widest_prefix": {"ipv4": 8, "ipv6": 32}}
	_outcome([_ssh(["10.0.0.0/8", "2001:db8::/32"])], settings) == "pass"
	_outcome([_ssh(["10.0.0.0/7"])], settings) == "fail"
	_outcome([_ssh(["2001:db8::/31"])], settings) == "fail"
	_outcome([_ssh(["2001:db8::/31"])], {"widest_prefix": {"ipv4": 8, "ipv6": null}}) == "pass"
}

test_only_wide_ranges_of_a_rule_are_named if {
	rule := _ssh(["10.0.0.0/8", "11.0.0.0/7"])
	_judged(_with([rule]), {"widest_prefix": {"ipv4": 8}}) == _failed({_violation(
		0, "tcp port 22 is open to 11.0.0.0/7",
		"tcp/22-22 from 11.0.0.0/7", rule, ["11.0.0.0/7"],
	)})
}

test_many_ranges_are_counted_in_the_message if {
	ranges := ["1.0.0.0/8", "2001:db8:1234:5678:9abc:def0:1200::/104", "2001:db8:1234:5678:9abc:def0:1300::/104"]
	rule := _ssh(ranges)
	_judged(_with([rule]), {"widest_prefix": {"ipv4": 9, "ipv6": 105}}) == _failed({_violation(
		0, "tcp port 22 is open to 1.0.0.0/8 and 2 more",
		sprintf("tcp/22-22 from %s", [concat(",", ranges)]), rule, ranges,
	)})
}

test_known_networks_are_not_the_world if {
	settings := {"widest_prefix": {"ipv4": 16, "ipv6": 48}, "known_networks": {"10.0.0.0/8": "ours", "2001:db8::/32": "ours"}}
	_outcome([_ssh(["10.0.0.0/8", "10.128.0.0/9", "2001:db8:8000::/33"])], settings) == "pass"
	_outcome([_ssh(["11.0.0.0/8"])], settings) == "fail"
	_outcome([_ssh(["2001:db9::/33"])], settings) == "fail"
	_outcome([_ssh(_world)], settings) == "fail"
}

test_only_known_networks_when_every_range_is_the_world[note] if {
	some note, [range, expected] in {
		"known": ["10.1.0.0/16", "pass"],
		"one foreign address": ["198.51.100.7/32", "fail"],
		"one foreign IPv6 address": ["2001:db8::1/128", "fail"],
	}
	settings := {"widest_prefix": {"ipv4": 33, "ipv6": 129}, "known_networks": {"10.0.0.0/8": "ours"}}
	_outcome([_ssh([range])], settings) == expected
}

test_a_known_network_that_cannot_be_read_excuses_nothing if _outcome([_ssh(_world)], {"known_networks": {"ours": "x"}}) == "fail"

test_pass_within_the_allowed_ports[note] if {
	some note, rule in {
		"one port": _rule("tcp", 443, 443, _world),
		"a range": _rule("tcp", 8000, 8099, _world),
		"part of a range": _rule("tcp", 8010, 8020, _world),
		"two ranges that touch": _rule("tcp", 8050, 8150, _world),
		"udp": _rule("udp", 53, 53, _world),
	}
	_outcome([rule], {"allowed_tcp": [443, "8000-8099", "8100-8199"], "allowed_udp": ["53"]}) == "pass"
}

test_fail_beyond_the_allowed_ports[note] if {
	some note, rule in {
		"another port": _rule("tcp", 444, 444, _world),
		"beyond the end": _rule("tcp", 8000, 8200, _world),
		"before the start": _rule("tcp", 7999, 8000, _world),
		"a gap": _rule("tcp", 443, 8000, _world),
		"all ports": _rule("tcp", null, null, _world),
		"the port of another protocol": _rule("udp", 443, 443, _world),
		"and the other way round": _rule("tcp", 53, 53, _world),
		"all traffic": _rule("-1", null, null, _world),
		"icmp": _rule("icmp", 8, 0, _world),
		"another protocol": _rule("50", null, null, _world),
	}
	_outcome([rule], {"allowed_tcp": [443, "8000-8099", "8100-8199"], "allowed_udp": ["53"]}) == "fail"
}

test_all_ports_of_a_protocol_may_be_allowed if {
	_outcome([_rule("tcp", null, null, _world)], {"allowed_tcp": ["0-65535"]}) == "pass"
	_outcome([_rule("tcp", null, 443, _world)], {"allowed_tcp": ["0-65535"]}) == "fail"
	_outcome([_rule("tcp", 443, null, _world)], {"allowed_tcp": ["0-65535"]}) == "fail"
	_outcome([_rule("tcp", null, null, _world)], {"allowed_tcp": ["0-65535"], "match": "all_ports"}) == "fail"
}

test_one_list_of_allowed_ports_is_enough_to_close_the_rest if {
	_outcome([_rule("tcp", 443, 443, _world)], {"allowed_udp": [53]}) == "fail"
	_outcome([_rule("udp", 53, 53, _world)], {"allowed_tcp": []}) == "fail"
	_outcome([_rule("udp", 53, 53, _world)], {"allowed_udp": [53]}) == "pass"
}

test_pass_within_overlapping_allowed_ports if {
	_outcome([_rule("tcp", 10, 30, _world)], {"allowed_tcp": ["1-20", "5-15", "16-40"]}) == "pass"
}

test_allowed_exact_is_for_single_ports if {
	settings := {"allowed_exact": [80, 443]}
	_outcome([_rule("tcp", 80, 80, _world), _rule("udp", 443, 443, _world)], settings) == "pass"
	_outcome([_rule("tcp", 81, 81, _world)], settings) == "fail"
	_outcome([_rule("tcp", 80, 443, _world)], settings) == "fail"
	_outcome([_rule("icmp", 80, 80, _world)], settings) == "fail"
}

test_not_applicable_when_the_group_is_excepted[pattern] if {
	some pattern in ["sg-0d1e2f3a4b5c6d7e8", "sg-0d1e*", "*"]
	_judged(_with([_ssh(_world)]), {"excepted_groups": {pattern: "bastion"}}) == {
		"outcome": "not_applicable",
		"reasons": {"the group is excepted: bastion"},
	}
}

test_fail_when_another_group_is_excepted[pattern] if {
	some pattern in ["sg-0d1e", "sg-1*", "sg-0d1e2f3a4b5c6d7e?"]
	_outcome([_ssh(_world)], {"excepted_groups": {pattern: "bastion"}}) == "fail"
}

test_undetermined_when_ingress_is_null if {
	_judged(_with(null), {}) == {
		"outcome": "undetermined",
		"unknown": {{"reason": "the policy says neither compliant nor violations"}},
	}
}

test_undetermined_when_ingress_was_not_recorded if {
	gap := {"path": "resource.configuration.ingress", "reason": "a range is not a CIDR"}
	item := json.patch(_with(null), [{"op": "replace", "path": "/unknown", "value": [gap]}])
	_judged(item, {}) == {"outcome": "undetermined", "unknown": {gap}}
}

test_nothing_open_passes_without_parameters if {
	results := decision.results with input as _with([_ssh(["10.0.0.0/8"])])
		with data.catalog as _catalog
		with data.parameters as {}
		with data.exemptions as {}
		with data.stages as {}
	results[_id].outcome != "pass"
}

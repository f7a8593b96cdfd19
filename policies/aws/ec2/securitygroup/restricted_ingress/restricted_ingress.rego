# METADATA
# title: Security groups do not open administration ports to the world
# description: >-
#   SSH and RDP that any address can reach invite brute force. Which ports, protocols and ranges count is a parameter. Rules
#   whose source is a security group or a prefix list are not open to the world.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
#     description: Security group rules
# custom:
#   severity: CRITICAL
#   resource_types: [AWS::EC2::SecurityGroup]
#   tags: [baseline, network, public-access]
#   requires: [resource.configuration.ingress]
#   facts: []
#   version: 1.0.0
#   schedule: false
#   frameworks:
#     cis_aws_foundations_3_0_0: ["5.2", "5.3"]
#     fsbp: [EC2.18, EC2.19]
#     nist_800_53_r5: [AC-4, SC-7]
#   remediation:
#     summary: Revoke the ranges that the evidence names, or narrow them to known networks.
#     action: revoke_ingress
#   parameters:
#     type: object
#     additionalProperties: false
#     properties:
#       ports:
#         description: "\"any\", or ports and ranges (22, \"8000-8999\") that must not be open to the world"
#         oneOf: [{const: any}, {type: array, items: {$ref: "#/definitions/ports"}}]
#         default: [22, 3389]
#       protocols:
#         description: "\"any\", or the protocols that are judged: tcp, udp, icmp, icmpv6, others by number; -1 (all) always is"
#         oneOf: [{const: any}, {type: array, items: {type: string, pattern: "^(-1|tcp|udp|icmp|icmpv6|[0-9]{1,3})$", not: {enum: ["1", "6", "17", "58"]}}}]
#         default: any
#       match:
#         description: "any: a rule that covers any of the ports; all_ports: only a rule that covers every port, whatever `ports` says"
#         enum: [any, all_ports]
#         default: any
#       world:
#         description: "Ranges that are the world"
#         type: array
#         items: {$ref: "#/definitions/cidr"}
#         default: ["0.0.0.0/0", "::/0"]
#       widest_prefix:
#         description: "Ranges with a shorter prefix than this are the world too (33 and 129: every range); null or absent: only `world`"
#         type: object
#         additionalProperties: false
#         properties:
#           ipv4: {description: "For example 8", type: [integer, "null"], minimum: 0, maximum: 33}
#           ipv6: {description: "For example 32", type: [integer, "null"], minimum: 0, maximum: 129}
#         default: {}
#       known_networks:
#         description: "CIDR to reason: such a range, or one inside, is never the world"
#         type: object
#         propertyNames: {$ref: "#/definitions/cidr"}
#         additionalProperties: {type: string}
#         default: {}
#       allowed_tcp:
#         description: "TCP ports and ranges that may be open to the world; with any allowed_* set, nothing else may be, whatever `ports` says"
#         type: [array, "null"]
#         items: {$ref: "#/definitions/ports"}
#         default: null
#       allowed_udp:
#         description: "The same for UDP"
#         type: [array, "null"]
#         items: {$ref: "#/definitions/ports"}
#         default: null
#       allowed_exact:
#         description: "TCP and UDP ports that may be open to the world by a rule for that port alone"
#         type: [array, "null"]
#         items: {type: integer, minimum: 0, maximum: 65535}
#         default: null
#       excepted_groups:
#         description: "Group id, or a pattern with *, to reason: not judged"
#         type: object
#         additionalProperties: {type: string}
#         default: {}
#     definitions:
#       ports: {oneOf: [{type: integer, minimum: 0, maximum: 65535}, {type: string, pattern: "^[0-9]{1,5}(-[0-9]{1,5})?$", format: ports}]}
#       cidr: {type: string, pattern: "^[0-9a-fA-F.:]+/[0-9]{1,3}$", format: cidr}
package aws.ec2.securitygroup.restricted_ingress

# Each rule is closed to the world, or open in a way that is allowed.
compliant if {
	is_array(input.resource.configuration.ingress)
	count(_suspects) == 0
}

violations contains {
	"message": sprintf("%s is open to %s", [_traffic(rule.protocol, rule.from_port, rule.to_port), _listing(ranges)]),
	"subject": sprintf("%s/%s from %s", [rule.protocol, _ports_text(rule.from_port, rule.to_port), concat(",", ranges)]),
	"evidence": {
		"path": ["ingress", i],
		"actual": {
			"protocol": rule.protocol,
			"from_port": rule.from_port,
			"to_port": rule.to_port,
			"ranges": ranges,
			"harmless": _harmless(rule),
		},
		"expected": "closed to the world",
	},
} if {
	some i in _suspects
	not i in _malformed
	rule := input.resource.configuration.ingress[i]
	ranges := _world_ranges(i)
}

# A range of ports that cannot be, in a rule that is open to the world.
unknown contains {"path": "resource.configuration.ingress"} if {
	some i in _suspects
	i in _malformed
}

not_applicable contains sprintf("the group is excepted: %s", [reason]) if {
	reason := _parameters.excepted_groups[input.resource.id]
}

not_applicable contains sprintf("the group is excepted: %s", [reason]) if {
	some pattern, reason in _parameters.excepted_groups
	contains(pattern, "*")
	glob.match(pattern, null, input.resource.id)
}

_traffic(protocol, from, to) := "all traffic" if {
	protocol == "-1"
} else := sprintf("%s traffic", [protocol]) if {
	protocol in {"icmp", "icmpv6"}
} else := sprintf("protocol %s", [protocol]) if {
	not protocol in {"tcp", "udp"}
} else := sprintf("every %s port", [protocol]) if {
	is_null(from)
} else := sprintf("%s port %d", [protocol, from]) if {
	from == to
} else := sprintf("%s port range %v-%v", [protocol, from, to])

_ports_text(from, _) := "all" if is_null(from)

_ports_text(from, to) := sprintf("%v-%v", [from, to]) if is_number(from)

_listing(ranges) := text if {
	text := concat(", ", ranges)
	count(text) <= 60
} else := sprintf("%s and %d more", [ranges[0], count(ranges) - 1])

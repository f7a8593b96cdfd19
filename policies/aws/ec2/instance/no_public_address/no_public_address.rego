# METADATA
# title: EC2 instances have no public IPv4 address
# description: >-
#   An instance with a public address can be reached from the Internet as soon as one rule of one security group allows it.
#   Behind a load balancer or a NAT gateway it serves and is served without one.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-instance-addressing.html
#     description: Amazon EC2 instance IP addressing
#   - ref: https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-9
#     description: "Security Hub: EC2.9"
# custom:
#   severity: HIGH
#   resource_types: [AWS::EC2::Instance]
#   tags: [network, public-access]
#   requires: [resource.configuration.public_ip_address]
#   version: 1.0.0
#   frameworks:
#     fsbp: [EC2.9]
#     nist_800_53_r5: [AC-3, AC-3(7), AC-4, AC-6, SC-7]
#   remediation:
#     summary: Release the address or launch the instance anew in a subnet that gives none, behind a load balancer.
#     action: notify_owner
#   parameters:
#     type: object
#     additionalProperties: false
#     properties:
#       allowed_subnets:
#         description: "Subnet id to reason: interfaces in it may have public addresses"
#         type: object
#         propertyNames: {pattern: "^subnet-[0-9a-f]+$"}
#         additionalProperties: {type: string}
#         default: {}
package aws.ec2.instance.no_public_address

import data.opalite.parameters

compliant if {
	every interface in _interfaces {
		_is_private(interface)
	}
	_own_address_settled
}

violations contains {
	"message": substring(sprintf("interface %s has %s", [interface.network_interface_id, concat(", ", addresses)]), 0, 120),
	"subject": interface.network_interface_id,
	"evidence": {"path": ["network_interfaces", i, "public_ip_addresses"], "actual": addresses, "expected": []},
} if {
	some i, interface in _interfaces
	not _is_private(interface)
	addresses := interface.public_ip_addresses
}

# The address of an instance stands at its first interface, too; if only here, it is that of the instance's own subnet.
violations contains {
	"message": sprintf("the instance has %s", [_address]),
	"subject": "public_ip_address",
	"evidence": {"path": ["public_ip_address"], "actual": _address, "expected": null},
} if {
	not _own_address_settled
}

not_applicable contains sprintf("the instance is %s", [input.resource.configuration.state]) if {
	input.resource.configuration.state in {"shutting-down", "terminated"}
}

# An address is seen without the interfaces, but none is proved only with them.
unknown contains {"path": "resource.configuration.network_interfaces"} if {
	not _are_known
}

_allowed_subnets := parameters.value("aws.ec2.instance.no_public_address", "allowed_subnets", input.resource)

_interfaces := input.resource.configuration.network_interfaces

_address := input.resource.configuration.public_ip_address

_are_known if is_array(_interfaces)

_is_private(interface) if count(interface.public_ip_addresses) == 0

_is_private(interface) if _ = _allowed_subnets[interface.subnet_id]

_own_address_settled if is_null(_address)

_own_address_settled if _ = _allowed_subnets[input.resource.configuration.subnet_id]

_own_address_settled if {
	some interface in _interfaces
	_address in interface.public_ip_addresses
}

package bare

decision contains sprintf("%s opens port %d to the world", [input.resourceId, port]) if {
	input.resourceType == "AWS::EC2::SecurityGroup"
	some rule in input.configuration.ipPermissions
	_open_to_the_world(rule)
	some port in {22, 3389}
	_covers(rule, port)
}

_open_to_the_world(rule) if "0.0.0.0/0" in rule.ipRanges

_open_to_the_world(rule) if {
	some range in rule.ipv6Ranges
	range.cidrIpv6 == "::/0"
}

_covers(rule, _) if rule.ipProtocol == "-1"

_covers(rule, port) if {
	rule.ipProtocol == "tcp"
	rule.fromPort <= port
	rule.toPort >= port
}

package aws.ec2.instance.no_public_address_test

import data.opalite.decision

_id := "aws.ec2.instance.no_public_address"

_first := {"network_interface_id": "eni-0e1e2e3e4e5e6e7e8", "subnet_id": "subnet-0aa11bb22cc33dd44", "public_ip_addresses": []}

_second := {"network_interface_id": "eni-0f1f2f3f4f5f6f7f8", "subnet_id": "subnet-0bb11cc22dd33ee44", "public_ip_addresses": []}

_instance := {
	"version": 1,
	"policies": null,
	"resource": {
		"type": "AWS::EC2::Instance",
		"id": "i-0c1d2e3f4a5b6c7d8",
		"name": null,
		"arn": "arn:aws:ec2:eu-west-1:111122223333:instance/i-0c1d2e3f4a5b6c7d8",
		"partition": "aws",
		"account_id": "111122223333",
		"organizational_units": null,
		"region": "eu-west-1",
		"tags": {},
		"configuration": {
			"state": "running",
			"subnet_id": "subnet-0aa11bb22cc33dd44",
			"public_ip_address": null,
			"network_interfaces": [_first, _second],
		},
		"relationships": [],
	},
	"facts": {},
	"unknown": [],
	"gone": null,
	"evaluated_at": "2026-11-23T00:00:00Z",
}

_catalog := {
	"by_type": {"AWS::EC2::Instance": [_id]},
	"policies": {_id: {"path": split(_id, "."), "requires": ["resource.configuration.public_ip_address"]}},
}

_judged(item, subnets) := result if {
	parameters := {_id: {"default": {"allowed_subnets": {subnet: "demilitarized" | some subnet in subnets}}}}
	results := decision.results with input as item
		with data.catalog as _catalog
		with data.parameters as parameters
		with data.exemptions as {}
		with data.stages as {}
	result := results[_id]
}

_with(members) := json.patch(_instance, [{"op": "replace", "path": sprintf("/resource/configuration/%s", [key]), "value": value} |
	some key, value in members
])

_addressed(first, second) := [
	object.union(_first, {"public_ip_addresses": first}),
	object.union(_second, {"public_ip_addresses": second}),
]

_passed := {"outcome": "pass"}

_at_interface(i, interface, addresses) := {
	"message": sprintf("interface %s has %s", [interface.network_interface_id, concat(", ", addresses)]),
	"subject": interface.network_interface_id,
	"evidence": {"path": ["network_interfaces", i, "public_ip_addresses"], "actual": addresses, "expected": []},
}

_at_instance(address) := {
	"message": sprintf("the instance has %s", [address]),
	"subject": "public_ip_address",
	"evidence": {"path": ["public_ip_address"], "actual": address, "expected": null},
}

_interfaces_needed := {"outcome": "undetermined", "unknown": {{"path": "resource.configuration.network_interfaces"}}}

test_pass_without_a_public_address if {
	_judged(_instance, []) == _passed
	_judged(_with({"network_interfaces": []}), []) == _passed
}

test_fail_names_the_interface_and_not_the_instance_again if {
	item := _with({"public_ip_address": "203.0.113.7", "network_interfaces": _addressed(["203.0.113.7"], [])})
	_judged(item, []) == {"outcome": "fail", "violations": {_at_interface(0, _first, ["203.0.113.7"])}}
}

test_fail_with_addresses_of_other_interfaces if {
	item := _with({"network_interfaces": _addressed(["203.0.113.7"], ["203.0.113.8", "203.0.113.9"])})
	_judged(item, []) == {"outcome": "fail", "violations": {
		_at_interface(0, _first, ["203.0.113.7"]),
		_at_interface(1, _second, ["203.0.113.8", "203.0.113.9"]),
	}}
}

test_fail_with_an_address_that_no_interface_has if {
	every interfaces in [[], [_first, _second]] {
		_judged(_with({"public_ip_address": "203.0.113.7", "network_interfaces": interfaces}), []) == {
			"outcome": "fail",
			"violations": {_at_instance("203.0.113.7")},
		}
	}
}

test_fail_with_two_addresses_of_which_an_interface_has_one if {
	item := _with({"public_ip_address": "203.0.113.7", "network_interfaces": _addressed([], ["203.0.113.8"])})
	_judged(item, []) == {"outcome": "fail", "violations": {
		_at_instance("203.0.113.7"),
		_at_interface(1, _second, ["203.0.113.8"]),
	}}
}

test_pass_in_an_allowed_subnet if {
	item := _with({"public_ip_address": "203.0.113.7", "network_interfaces": _addressed(["203.0.113.7"], [])})
	_judged(item, [_first.subnet_id]) == _passed
	_judged(_with({"public_ip_address": "203.0.113.7"}), [_first.subnet_id]) == _passed
}

test_fail_in_another_subnet_than_those_allowed if {
	item := _with({"public_ip_address": "203.0.113.7", "network_interfaces": _addressed(["203.0.113.7"], ["203.0.113.8"])})
	_judged(item, [_first.subnet_id]) == {"outcome": "fail", "violations": {_at_interface(1, _second, ["203.0.113.8"])}}
	_judged(item, ["subnet-0cc00000000000000"]).outcome == "fail"
	_judged(_with({"public_ip_address": "203.0.113.7"}), [_second.subnet_id]).outcome == "fail"
}

test_fail_outside_any_subnet if {
	_judged(_with({"public_ip_address": "203.0.113.7", "subnet_id": null, "network_interfaces": []}), [_first.subnet_id]) == {
		"outcome": "fail",
		"violations": {_at_instance("203.0.113.7")},
	}
}

test_undetermined_when_the_interfaces_were_not_recorded if {
	_judged(_with({"network_interfaces": null}), []) == _interfaces_needed
	_judged(_with({"network_interfaces": null}), [_first.subnet_id]) == _interfaces_needed
	_judged(_with({"network_interfaces": null, "public_ip_address": "203.0.113.7"}), [_first.subnet_id]) == _interfaces_needed
}

test_fail_with_an_address_although_the_interfaces_were_not_recorded if {
	_judged(_with({"network_interfaces": null, "public_ip_address": "203.0.113.7"}), []) == {
		"outcome": "fail",
		"violations": {_at_instance("203.0.113.7")},
	}
}

test_undetermined_when_the_address_was_not_recorded if {
	gap := {"path": "resource.configuration.public_ip_address", "reason": "the item has no configuration.publicIpAddress"}
	item := json.patch(_instance, [{"op": "replace", "path": "/unknown", "value": [gap]}])
	_judged(item, []) == {"outcome": "undetermined", "unknown": {gap}}
}

test_not_applicable_when_the_instance_ends if {
	every state in ["shutting-down", "terminated"] {
		_judged(_with({"state": state, "public_ip_address": "203.0.113.7"}), []) == {
			"outcome": "not_applicable",
			"reasons": {sprintf("the instance is %s", [state])},
		}
	}
}

test_an_instance_whose_state_is_not_known_is_judged if {
	every state in ["pending", "stopping", "stopped", null, "resting"] {
		_judged(_with({"state": state, "public_ip_address": "203.0.113.7"}), []).outcome == "fail"
	}
}

test_a_message_is_cut_at_120_characters if {
	addresses := [sprintf("203.0.113.%d", [last]) | some last in numbers.range(100, 120)]
	result := _judged(_with({"network_interfaces": _addressed(addresses, [])}), [])
	{count(violation.message) | some violation in result.violations} == {120}
}

package custom.iam.role.permissions_boundary_test

import data.custom.iam.role.permissions_boundary

_ours := "arn:aws:iam::111122223333:policy/workload"

_other := "arn:aws:iam::111122223333:policy/all-but-billing"

_parameters := {"custom.iam.role.permissions_boundary": {"default": {"allowed": {_ours: "shop"}}}}

_role(configuration) := {
	"version": 1, "policies": null, "facts": {}, "unknown": [], "gone": null, "evaluated_at": "2026-11-20T06:05:12Z",
	"resource": {
		"type": "AWS::IAM::Role", "id": "AROAEXAMPLE", "name": "deploy", "arn": null, "partition": "aws",
		"account_id": "111122223333", "organizational_units": null, "region": "global", "tags": {},
		"configuration": configuration, "relationships": [],
	},
}

_bounded(path, arn) := _role({
	"path": path,
	"permissionsBoundary": {"permissionsBoundaryType": "Policy", "permissionsBoundaryArn": arn},
})

_violation(message, actual) := {
	"message": message,
	"subject": "permissionsBoundary",
	"evidence": {
		"path": ["permissionsBoundary", "permissionsBoundaryArn"],
		"actual": actual,
		"expected": "one of arn:aws:iam::111122223333:policy/workload",
	},
}

test_compliant_within_an_allowed_boundary if {
	permissions_boundary.compliant with input as _bounded("/", _ours) with data.parameters as _parameters
	permissions_boundary.violations == set() with input as _bounded("/", _ours) with data.parameters as _parameters
	permissions_boundary.unknown == set() with input as _bounded("/", _ours) with data.parameters as _parameters
	permissions_boundary.not_applicable == set() with input as _bounded("/", _ours)
}

test_violation_within_another_boundary if {
	not permissions_boundary.compliant with input as _bounded("/ci/", _other) with data.parameters as _parameters
	permissions_boundary.unknown == set() with input as _bounded("/ci/", _other) with data.parameters as _parameters
	found := permissions_boundary.violations with input as _bounded("/ci/", _other) with data.parameters as _parameters
	found == {_violation("arn:aws:iam::111122223333:policy/all-but-billing is no boundary of ours", _other)}
}

test_the_message_of_a_violation_is_cut if {
	long := sprintf("%s-%0100d", [_other, 1])
	[violation] := [found | some found in permissions_boundary.violations] with input as _bounded("/", long)
		with data.parameters as _parameters
	violation.message == sprintf("%s-%071d", [_other, 0])
	violation.evidence.actual == long
}

test_violation_without_a_boundary if {
	every configuration in [
		{"path": "/"},
		{"path": "/", "permissionsBoundary": null},
		{"path": "/", "permissionsBoundary": {"permissionsBoundaryArn": null}},
	] {
		role := _role(configuration)
		not permissions_boundary.compliant with input as role with data.parameters as _parameters
		permissions_boundary.unknown == set() with input as role with data.parameters as _parameters
		permissions_boundary.violations == {_violation("there is no permissions boundary", null)} with input as role
			with data.parameters as _parameters
	}
}

test_not_applicable_to_roles_of_services if {
	role := _role({"path": "/aws-service-role/rds.amazonaws.com/", "permissionsBoundary": null})
	permissions_boundary.not_applicable == {"the role belongs to a service, which alone may change it"} with input as role
	every path in ["/", "/service-role/", "/x/aws-service-role/"] {
		permissions_boundary.not_applicable == set() with input as _role({"path": path})
	}
}

test_unknown_without_a_path if {
	every configuration in [
		null,
		{},
		{"path": null},
		{"permissionsBoundary": {"permissionsBoundaryArn": _other}},
	] {
		role := _role(configuration)
		not permissions_boundary.compliant with input as role with data.parameters as _parameters
		permissions_boundary.violations == set() with input as role with data.parameters as _parameters
		permissions_boundary.unknown == {{"path": "resource.configuration.path"}} with input as role
			with data.parameters as _parameters
	}
}

test_no_path_is_needed_within_an_allowed_boundary if {
	role := _role({"permissionsBoundary": {"permissionsBoundaryArn": _ours}})
	permissions_boundary.compliant with input as role with data.parameters as _parameters
	permissions_boundary.unknown == set() with input as role with data.parameters as _parameters
}

test_nothing_is_allowed_without_parameters if {
	not permissions_boundary.compliant with input as _bounded("/", _ours) with data.parameters as {} with data.catalog as {}
}

package opalite.access_test

import data.opalite.access

_nobody := {"AWS": [], "Service": [], "Federated": [], "CanonicalUser": []}

_allow := {
	"sid": "Read",
	"effect": "Allow",
	"principals": object.union(_nobody, {"AWS": ["*"]}),
	"not_principals": null,
	"actions": ["s3:GetObject"],
	"not_actions": [],
	"resources": ["arn:aws:s3:::invoices.example.com/*"],
	"not_resources": [],
	"conditions": [],
}

_everybody := {"index": 0, "sid": "Read", "principal": "*", "actions": ["s3:GetObject"]}

_account := "111122223333"

_found(changes) := access.public_statements({"statements": [object.union(_allow, changes)]})

_found_under(operator, key, values) := _found({"conditions": [{"operator": operator, "key": key, "values": values}]})

_is_pinned(operator, key, values) if _found_under(operator, key, values) == set()

_is_public(operator, key, values) if _found_under(operator, key, values) == {_everybody}

test_everybody_is_public if _found({}) == {_everybody}

test_without_a_policy_nothing_is_public if access.public_statements(null) == set()

test_without_statements_nothing_is_public if access.public_statements({"statements": []}) == set()

test_a_deny_is_not_public if _found({"effect": "Deny"}) == set()

test_named_principals_are_not_public[kind] if {
	some kind, principal in {
		"AWS": "arn:aws:iam::444455556666:root",
		"Service": "sns.amazonaws.com",
		"Federated": "cognito-identity.amazonaws.com",
		"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be",
	}
	_found({"principals": object.union(_nobody, {kind: [principal]})}) == set()
}

test_one_open_principal_of_several_is_public[kind] if {
	some kind in ["AWS", "Service", "Federated", "CanonicalUser"]
	_found({"principals": object.union(_nobody, {kind: ["arn:aws:iam::444455556666:root", "*"]})}) == {_everybody}
}

test_a_principal_with_a_wildcard_or_a_variable_is_public[principal] if {
	some principal in ["arn:aws:iam::*:root", "arn:aws:iam::11112222333?:root", "arn:aws:iam::${aws:PrincipalAccount}:root"]
	_found({"principals": object.union(_nobody, {"AWS": [principal]})}) == {object.union(_everybody, {"principal": principal})}
}

test_all_but_some_are_public if {
	excepted := object.union(_nobody, {"AWS": ["arn:aws:iam::444455556666:root", "arn:aws:iam::111122223333:root"]})
	_found({"principals": null, "not_principals": excepted}) == {object.union(
		_everybody,
		{"principal": "all but arn:aws:iam::111122223333:root, arn:aws:iam::444455556666:root"},
	)}
}

test_a_statement_without_principals_is_public if _found({"principals": null}) == {_everybody}

test_a_statement_for_an_empty_list_of_principals_is_not_public if _found({"principals": _nobody}) == set()

test_a_statement_for_all_but_some_actions_is_public if {
	_found({"actions": [], "not_actions": ["s3:Put*", "s3:Delete*"]}) == {object.union(
		_everybody,
		{"actions": ["all but s3:Put*, s3:Delete*"]},
	)}
}

test_each_statement_is_judged_alone if {
	named := object.union(_allow, {"principals": object.union(_nobody, {"AWS": [_account]})})
	second := object.union(_allow, {"sid": null, "actions": ["s3:ListBucket"]})
	access.public_statements({"statements": [named, _allow, object.union(_allow, {"effect": "Deny"}), second]}) == {
		object.union(_everybody, {"index": 1}),
		{"index": 3, "sid": null, "principal": "*", "actions": ["s3:ListBucket"]},
	}
}

test_a_fixed_value_pins[key] if {
	some key, value in {
		"aws:principalaccount": _account,
		"aws:principalarn": "arn:aws:iam::111122223333:role/reader",
		"aws:principalorgid": "o-exampleorgid",
		"aws:principalorgpaths": "o-exampleorgid/r-ab12/ou-ab12-11111111/",
		"aws:sourceaccount": _account,
		"aws:sourcearn": "arn:aws:s3:::incoming.example.com",
		"aws:sourceorgid": "o-exampleorgid",
		"aws:sourceorgpaths": "o-exampleorgid/r-ab12/",
		"aws:sourceowner": _account,
		"aws:sourcevpc": "vpc-0c1a2b3c4d5e6f708",
		"aws:sourcevpce": "vpce-0c1a2b3c4d5e6f708",
		"aws:userid": "AIDAEXAMPLEUSERID0001",
		"kms:calleraccount": _account,
		"s3:dataaccesspointaccount": _account,
		"s3:dataaccesspointarn": "arn:aws:s3:eu-west-1:111122223333:accesspoint/reports",
	}
	_is_pinned("StringEquals", key, [value])
}

test_several_fixed_values_pin if _is_pinned("StringEquals", "aws:sourceaccount", [_account, "444455556666"])

test_one_value_that_is_not_fixed_does_not_pin if _is_public("StringLike", "aws:sourceaccount", [_account, "4444*"])

test_no_value_does_not_pin if _is_public("StringEquals", "aws:sourceaccount", [])

test_a_value_that_is_not_fixed_does_not_pin[value] if {
	some value in ["", "*", "1111*", "11112222333?", "${aws:PrincipalAccount}"]
	_is_public("StringEquals", "aws:sourceaccount", [value])
}

test_a_key_that_says_nothing_of_the_caller_does_not_pin[key] if {
	some key, value in {
		"aws:referer": "https://www.example.com/",
		"aws:securetransport": "true",
		"aws:useragent": "secret",
		"aws:requestedregion": "eu-west-1",
		"lambda:functionurlauthtype": "AWS_IAM",
		"s3:x-amz-acl": "bucket-owner-full-control",
		"sns:endpoint": "https://hooks.example.com/alarms",
	}
	_is_public("StringEquals", key, [value])
}

test_operators_that_pin[operator] if {
	some name in ["StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike"]
	some prefix in ["", "ForAnyValue:"]
	operator := concat("", [prefix, name])
	_is_pinned(operator, "aws:sourcearn", ["arn:aws:sns:eu-west-1:111122223333:orders"])
}

test_operators_that_do_not_pin[operator] if {
	some operator in [
		"StringNotEquals",
		"StringNotEqualsIgnoreCase",
		"StringNotLike",
		"ArnNotEquals",
		"ArnNotLike",
		"StringEqualsIfExists",
		"ArnLikeIfExists",
		"ForAllValues:StringEquals",
		"ForAllValues:ArnLike",
		"ForAnyValue:StringNotEquals",
		"Null",
		"Bool",
		"IpAddress",
		"stringequals",
	]
	_is_public(operator, "aws:sourcearn", ["arn:aws:sns:eu-west-1:111122223333:orders"])
}

test_of_several_conditions_one_that_pins_is_enough if {
	pinning := {"operator": "StringEquals", "key": "aws:sourceaccount", "values": [_account]}
	secure := {"operator": "Bool", "key": "aws:securetransport", "values": ["true"]}
	_found({"conditions": [secure, pinning]}) == set()
}

test_an_arn_with_wildcards_in_a_fixed_account_pins[operator] if {
	some name in ["ArnEquals", "ArnLike", "StringLike"]
	some prefix in ["", "ForAnyValue:"]
	operator := concat("", [prefix, name])
	every key in ["aws:sourcearn", "aws:principalarn", "s3:dataaccesspointarn"] {
		_is_pinned(operator, key, ["arn:aws:sns:eu-west-1:111122223333:*"])
	}
}

test_an_arn_without_a_region_in_a_fixed_account_pins if {
	_is_pinned("StringLike", "aws:principalarn", ["arn:aws-us-gov:iam::111122223333:role/*"])
}

test_wildcards_before_a_fixed_account_pin_with_the_operators_of_arns[operator] if {
	some operator in ["ArnEquals", "ArnLike", "ForAnyValue:ArnLike"]
	_is_pinned(operator, "aws:sourcearn", ["arn:*:*:*:111122223333:*"])
}

test_a_variable_before_a_fixed_account_does_not_pin[value] if {
	some value in [
		"arn:${aws:PrincipalTag/team}:eu-west-1:111122223333:*",
		"arn:aws:${aws:PrincipalTag/team}:111122223333:*",
		"arn:aws:sns:${aws:PrincipalTag/team}:111122223333:*",
		"arn:${a}:sns:eu-west-1:111122223333:*",
		"arn:aws:${a}:eu-west-1:111122223333:*",
		"arn:aws:sns:${a}:111122223333:*",
	]
	every operator in ["ArnLike", "StringLike"] {
		_is_public(operator, "aws:sourcearn", [value])
	}
}

# The name of a function, say, may be 111122223333 too.
test_wildcards_before_a_fixed_account_do_not_pin_with_the_operators_of_text[value] if {
	some value in ["arn:aws:lambda:*:111122223333:*", "arn:aws:*:eu-west-1:111122223333:*", "arn:*:sns:eu-west-1:111122223333:*", "*:111122223333:*"]
	_is_public("StringLike", "aws:sourcearn", [value])
}

test_an_arn_of_no_fixed_account_does_not_pin[value] if {
	some value in [
		"arn:aws:sns:eu-west-1:*:orders",
		"arn:aws:sns:eu-west-1:1111*:orders",
		"arn:aws:sns:eu-west-1:1111222233334:*",
		"arn:aws:s3:::incoming*",
		"*",
	]
	every operator in ["ArnLike", "StringLike"] {
		_is_public(operator, "aws:sourcearn", [value])
	}
}

test_an_arn_with_wildcards_pins_only_as_the_value_of_a_key_for_arns[operator] if {
	some operator in ["ArnLike", "StringLike"]
	_is_public(operator, "aws:sourcevpc", ["arn:aws:sns:eu-west-1:111122223333:*"])
}

test_an_arn_with_wildcards_does_not_pin_when_it_is_kept_out[operator] if {
	some operator in ["ArnNotLike", "StringNotLike", "StringLikeIfExists", "ForAllValues:ArnLike"]
	_is_public(operator, "aws:sourcearn", ["arn:aws:sns:eu-west-1:111122223333:*"])
}

test_units_of_a_fixed_organization_pin[key] if {
	some key in ["aws:principalorgpaths", "aws:sourceorgpaths"]
	_is_pinned("ForAnyValue:StringLike", key, ["o-exampleorgid/r-ab12/ou-ab12-11111111/*"])
}

test_units_of_no_fixed_organization_do_not_pin[value] if {
	some value in ["o-*/r-ab12/*", "*", "o-exampleorg*/r-ab12/"]
	_is_public("ForAnyValue:StringLike", "aws:principalorgpaths", [value])
}

test_units_pin_only_as_the_value_of_their_own_keys if _is_public("StringLike", "aws:sourcevpc", ["o-exampleorgid/*"])

test_units_do_not_pin_when_callers_without_units_are_let_in[operator] if {
	some operator in ["ForAllValues:StringLike", "ForAnyValue:StringNotLike", "StringLikeIfExists"]
	_is_public(operator, "aws:principalorgpaths", ["o-exampleorgid/*"])
}

test_the_sessions_of_one_role_pin if _is_pinned("StringLike", "aws:userid", ["AROAEXAMPLEROLEID0001:*"])

test_the_sessions_of_any_role_do_not_pin[value] if {
	some value in ["*:session", "AROA*", "AROA*:*", "AROAEXAMPLEROLEID000*:*", "xAROAEXAMPLEROLEID0001:*", "AROAEXAMPLEROLEID0001:*:*"]
	_is_public("StringLike", "aws:userid", [value])
}

test_the_sessions_of_one_role_pin_only_by_their_own_key if {
	_is_public("StringLike", "aws:sourcevpc", ["AROAEXAMPLEROLEID0001:*"])
	_is_public("StringNotLike", "aws:userid", ["AROAEXAMPLEROLEID0001:*"])
}

test_networks_pin[value] if {
	some value in ["203.0.113.7", "203.0.113.0/24", "11.0.0.0/8", "2001:db8::1", "2001:db8::/32", "0db8::/32", "a000::/40", "Ab00::/32"]
	_is_pinned("IpAddress", "aws:sourceip", [value])
}

test_the_world_does_not_pin[value] if {
	some value in [
		"0.0.0.0/0", "128.0.0.0/1", "10.0.0.0/7", "::/0", "::/64", "0::/48", "2000::/3", "2001::/31", "::ffff:0:0/96", "0000::ffff:0:0/96",
		"*", "", "203.0.113.0/240", "203.0.113", "2001:db8:::/48", "203.0.113.0/",
	]
	_is_public("IpAddress", "aws:sourceip", [value])
}

test_one_network_beside_the_world_does_not_pin if _is_public("IpAddress", "aws:sourceip", ["203.0.113.7", "0.0.0.0/0"])

test_networks_that_make_up_the_world_together_do_not_pin if {
	_is_pinned("IpAddress", "aws:sourceip", ["203.0.113.0/25", "203.0.113.128/25", "2001:db8::/32", "11.0.0.0/8"])
	_is_public("IpAddress", "aws:sourceip", [sprintf("%d.0.0.0/8", [i]) | some i in numbers.range(0, 255)])
	_is_public("IpAddress", "aws:sourceip", ["2a00::/32", "2a00:1::/32"])
	_is_public("IpAddress", "aws:sourceip", [])
}

test_networks_pin_only_as_ip_addresses_of_the_source if {
	_is_public("NotIpAddress", "aws:sourceip", ["203.0.113.7"])
	_is_public("IpAddressIfExists", "aws:sourceip", ["203.0.113.7"])
	_is_public("StringEquals", "aws:sourceip", ["203.0.113.7"])
	_is_public("IpAddress", "aws:vpcsourceip", ["10.0.0.0/8"])
}

_bucket_arn := "arn:aws:s3:::invoices.example.com"

_plain_http := {"operator": "Bool", "key": "aws:securetransport", "values": ["false"]}

_deny := object.union(_allow, {
	"effect": "Deny",
	"actions": ["s3:*"],
	"resources": [_bucket_arn, concat("", [_bucket_arn, "/*"])],
	"conditions": [_plain_http],
})

_denied(changes) if access.denies_plain_http({"statements": [_allow, object.union(_deny, changes)]}, _bucket_arn)

test_plain_http_is_denied if _denied({})

test_plain_http_is_denied_to_everybody_by_wider_statements[note] if {
	some note, changes in {
		"all actions": {"actions": ["*"]},
		"other case": {"actions": ["s3:GetObject", "S3:*"]},
		"all resources": {"resources": ["*"]},
		"one pattern for both": {"resources": ["arn:aws:s3:::invoices.example.com*"]},
		"pattern of the service": {"resources": ["arn:aws:s3:::*"]},
		"with ? for a character": {"resources": ["arn:aws:s3:::invoices?example.com", "arn:aws:s3:::invoices?example.com/*"]},
		"even without the key": {"conditions": [object.union(_plain_http, {"operator": "BoolIfExists"})]},
		"either value": {"conditions": [object.union(_plain_http, {"values": ["true", "False"]})]},
		"without condition": {"conditions": []},
		"others too": {"principals": object.union(_nobody, {"AWS": ["*", _account]})},
	}
	_denied(changes)
}

test_plain_http_is_not_proved_to_be_denied_by_narrower_statements[note] if {
	some note, changes in {
		"allowed": {"effect": "Allow"},
		"one account": {"principals": object.union(_nobody, {"AWS": [_account]})},
		"services": {"principals": object.union(_nobody, {"Service": ["*"]})},
		"all but one": {"principals": null, "not_principals": object.union(_nobody, {"AWS": [_account]})},
		"some actions": {"actions": ["s3:Get*"]},
		"all but one action": {"actions": [], "not_actions": ["s3:GetObject"]},
		"the bucket only": {"resources": [_bucket_arn]},
		"the objects only": {"resources": ["arn:aws:s3:::invoices.example.com/*"]},
		"some objects": {"resources": [_bucket_arn, "arn:aws:s3:::invoices.example.com/2026/*"]},
		"objects with an ending": {"resources": [_bucket_arn, "arn:aws:s3:::invoices.example.com/*.pdf"]},
		"one object": {"resources": [_bucket_arn, "arn:aws:s3:::invoices.example.com/"]},
		"another bucket": {"resources": ["arn:aws:s3:::invoices", "arn:aws:s3:::invoices/*"]},
		"a variable": {"resources": ["arn:aws:s3:::${aws:PrincipalTag/bucket}*"]},
		"a character that is none of a pattern": {"resources": ["arn:aws:s3:::{invoices,orders}.example.com*"]},
		"all but one resource": {"resources": [], "not_resources": ["arn:aws:s3:::orders"]},
		"https": {"conditions": [object.union(_plain_http, {"values": ["true"]})]},
		"another key": {"conditions": [object.union(_plain_http, {"key": "aws:viaawsservice"})]},
		"another operator": {"conditions": [object.union(_plain_http, {"operator": "Null"})]},
		"a second condition": {"conditions": [_plain_http, {"operator": "IpAddress", "key": "aws:sourceip", "values": ["203.0.113.7"]}]},
	}
	not _denied(changes)
}

test_two_statements_may_deny_plain_http_together if {
	bucket := object.union(_deny, {"resources": [_bucket_arn]})
	objects := object.union(_deny, {"resources": [concat("", [_bucket_arn, "/*"])]})
	access.denies_plain_http({"statements": [bucket, objects]}, _bucket_arn)
	not access.denies_plain_http({"statements": [bucket, object.union(objects, {"effect": "Allow"})]}, _bucket_arn)
	not access.denies_plain_http({"statements": [object.union(bucket, {"effect": "Allow"}), objects]}, _bucket_arn)
}

test_without_a_policy_plain_http_is_not_denied if not access.denies_plain_http(null, _bucket_arn)

test_only_statements_with_a_condition_that_pins_are_pinned if {
	not access.is_pinned(_allow)
	access.is_pinned(object.union(_allow, {"conditions": [{"operator": "StringEquals", "key": "aws:sourceaccount", "values": [_account]}]}))
}

test_a_statement_is_named_by_its_sid_or_its_place if {
	access.subject(_allow, 4) == "Read"
	access.subject(object.union(_allow, {"sid": null}), 4) == "statement 5"
}

test_everybody_has_a_name if {
	access.who("*") == "everybody"
	access.who("all but 111122223333") == "all but 111122223333"
}

package opalite.kms_test

import data.opalite.kms

_home := {"partition": "aws", "account_id": "111122223333", "region": "eu-west-1"}

_arn := "arn:aws:kms:eu-west-1:111122223333:key/5f1c9f0e"

_alias_arn := "arn:aws:kms:eu-west-1:111122223333:alias/data"

_foreign_alias_arn := "arn:aws:kms:eu-west-1:999988887777:alias/data"

_fact := {"manager": "CUSTOMER", "arn": _arn, "account_id": "111122223333", "state": "Enabled", "aliases": ["alias/data"]}

test_aws_manages_what_is_below_alias_aws if {
	kms.manager("alias/aws/s3", null) == "AWS"
	kms.manager("arn:aws:kms:eu-west-1:111122223333:alias/aws/s3", null) == "AWS"
}

test_a_name_below_alias_aws_beats_the_fact if kms.manager("alias/aws/s3", _fact) == "AWS"

test_a_fact_tells_the_manager_of_other_names if kms.manager(_arn, _fact) == "CUSTOMER"

test_no_manager_without_a_fact if {
	not kms.manager(_arn, null)
	not kms.manager("alias/myaws/s3", null)
	not kms.manager(_arn, {"manager": null})
	not kms.manager(_arn, {"manager": "customer"})
}

test_an_arn_names_the_account if kms.account("arn:aws:kms:eu-west-1:999988887777:key/1", _home) == "999988887777"

test_other_names_mean_the_own_account if {
	kms.account("5f1c9f0e", _home) == "111122223333"
	kms.account("alias/data", _home) == "111122223333"
}

test_a_short_arn_names_no_account if not kms.account("arn:aws:kms", _home)

test_listed_under_its_names[note] if {
	some note, names in {
		"the same id": ["5f1c9f0e", "5f1c9f0e"],
		"the same ARN": [_arn, _arn],
		"ARN, listed by id": [_arn, "5f1c9f0e"],
		"id, listed by ARN": ["5f1c9f0e", _arn],
		"the same alias": ["alias/data", "alias/data"],
		"alias, listed by ARN": ["alias/data", _alias_arn],
		"alias ARN, listed by name": [_alias_arn, "alias/data"],
		"alias ARN of another account, listed as such": [_foreign_alias_arn, _foreign_alias_arn],
	}
	kms.is_listed(names[0], {names[1]: "why"}, null, _home, {})
}

test_listed_by_what_the_fact_tells[note] if {
	some note, names in {
		"alias, listed by id": ["alias/data", "5f1c9f0e"],
		"alias, listed by ARN": ["alias/data", _arn],
		"id, listed by alias": ["5f1c9f0e", "alias/data"],
		"ARN, listed by alias ARN": [_arn, _alias_arn],
		"alias, listed by another": ["alias/old", "alias/data"],
	}
	kms.is_listed(names[0], {names[1]: "why"}, _fact, _home, {})
	not kms.is_listed(names[0], {names[1]: "why"}, null, _home, {})
}

test_not_listed[note] if {
	some note, names in {
		"another id": ["5f1c9f0e", "0e5f1c9f"],
		"the end of an id": ["9f0e", _arn],
		"another alias": ["alias/data", "alias/data2"],
		"a stranger's alias of the same name": [_foreign_alias_arn, "alias/data"],
		"the own alias where a stranger's is listed": ["alias/data", _foreign_alias_arn],
	}
	not kms.is_listed(names[0], {names[1]: "why"}, null, _home, {})
}

test_an_alias_name_counts_in_accounts_that_are_named if {
	kms.is_listed(_foreign_alias_arn, {"alias/data": "why"}, null, _home, {"999988887777": "keys"})
}

test_a_fact_without_arn_adds_no_name if {
	not kms.is_listed("5f1c9f0e", {"alias/data": "why"}, object.union(_fact, {"arn": null}), _home, {})
}

test_may_be_listed_under_another_name[note] if {
	some note, names in {
		"an alias, whatever is listed": ["alias/data", "alias/old"],
		"an alias ARN": [_alias_arn, "5f1c9f0e"],
		"an id where aliases are listed": ["5f1c9f0e", "alias/data"],
		"an ARN where alias ARNs are listed": [_arn, _alias_arn],
	}
	kms.may_be_listed(names[0], {names[1]: "why"}, null)
	kms.may_be_listed(names[0], {names[1]: "why"}, object.union(_fact, {"aliases": null}))
	kms.may_be_listed(names[0], {names[1]: "why"}, object.union(_fact, {"arn": null}))
	not kms.may_be_listed(names[0], {names[1]: "why"}, _fact)
}

test_may_not_be_listed if {
	not kms.may_be_listed("alias/aws/s3", {"5f1c9f0e": "why", "alias/data": "why"}, null)
	not kms.may_be_listed(_arn, {"0e5f1c9f": "why"}, null)
}

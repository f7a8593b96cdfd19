"""Whether an invocation may be believed: whose Config rule it is, and what it claims. Pure.

AWS Config invokes the function for every Config rule in any account that names it. A rule that a member has made himself can have
any scope and parameters; of an organization rule's copies AWS keeps members away. docs/decisions/0014-who-may-call.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Any

from opalite.event import ConfigRule
from opalite.model import Item

# The copies of an organization rule are service-linked: only the organization's administrator can change them.
# https://docs.aws.amazon.com/config/latest/developerguide/service-linked-awsconfig-rules.html
_ORGANIZATION_RULE = re.compile(
    r"arn:aws[a-z-]*:config:[a-z0-9-]+:[0-9]{12}:"
    r"config-rule/aws-service-rule/config-multiaccountsetup\.amazonaws\.com/config-rule-[a-z0-9]+"
)


class Refusal(StrEnum):
    """Why nothing is done; the names are those of the metric Refused."""

    RULE = "rule"  # neither of the organization nor listed
    ACCOUNT = "account"  # not one of ours
    LEFT_SCOPE = "left_scope"  # the Config rule's own scope says otherwise
    PARAMETERS = "parameters"  # ask for more than a choice of policies
    EVENT = "event"  # none of AWS Config's


def is_trusted(rule: ConfigRule, listed: AbstractSet[str], own_account: str) -> bool:
    """Whether the Config rule is the organization's, or one that the operator has listed.

    A name stands for a rule of the function's own account alone: elsewhere anybody may give a rule that name.
    """
    if _ORGANIZATION_RULE.fullmatch(rule.arn) or rule.arn in listed:
        return True
    return rule.account_id == own_account and rule.name in listed


def is_in_scope(scope: Mapping[str, Any] | None, item: Item) -> bool | None:
    """Whether an item is in the scope of its Config rule, as DescribeConfigRules tells it; None if that cannot be told.

    https://docs.aws.amazon.com/config/latest/APIReference/API_Scope.html
    """
    scope = scope or {}
    types = scope.get("ComplianceResourceTypes")
    if types and item.body["resourceType"] not in types:
        return False
    wanted_id = scope.get("ComplianceResourceId")
    if wanted_id and item.body["resourceId"] != wanted_id:
        return False
    key = scope.get("TagKey")
    if not key:
        return True
    tags = item.body.get("tags")
    if not isinstance(tags, dict):
        return None
    wanted = scope.get("TagValue")
    return key in tags and (not wanted or tags[key] == wanted)

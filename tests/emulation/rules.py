"""Config rules by account: their names and tokens, and the operations that tell of them and have them evaluated."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from emulation.faults import AwsFault
from emulation.paging import Pager, with_token

ORGANIZATION = "config-multiaccountsetup.amazonaws.com"

Document = dict[str, Any]
Parameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A Config rule in one account."""

    account: str
    name: str
    given_name: str  # AWS makes the name of an organization rule's copies of this one
    arn: str
    function_arn: str
    parameters: Mapping[str, Any]
    scope: Mapping[str, Any] | None
    created_by: str | None
    message_types: Sequence[str]

    @property
    def id(self) -> str:
        return self.arn.rpartition("/")[2]

    def described(self) -> Document:
        """As DescribeConfigRules shows it."""
        details = [{"EventSource": "aws.config", "MessageType": name} for name in self.message_types]
        members = {
            "ConfigRuleName": self.name,
            "ConfigRuleArn": self.arn,
            "ConfigRuleId": self.id,
            "Scope": dict(self.scope) if self.scope else None,
            "Source": {"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": self.function_arn, "SourceDetails": details},
            "InputParameters": json.dumps(dict(self.parameters)) if self.parameters else None,
            "ConfigRuleState": "ACTIVE",
            "CreatedBy": self.created_by,
            "EvaluationModes": [{"Mode": "DETECTIVE"}],
        }
        return {name: value for name, value in members.items() if value is not None}


@dataclass(slots=True)
class Rules:
    """The Config rules of all accounts in one region."""

    region: str
    pages: Pager
    started: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)  # account, names of rules
    _rules: dict[tuple[str, str], Rule] = field(default_factory=dict)
    _tokens: dict[str, Rule] = field(default_factory=dict)
    _issued: int = 0
    _busy: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)

    def add(self, rule: Rule) -> Rule:
        self._rules[rule.account, rule.name] = rule
        return rule

    def remove(self, rule: Rule) -> None:
        self._rules.pop((rule.account, rule.name), None)

    def find(self, account: str, name: str) -> Rule:
        """By the name in the account. Raises AwsFault."""
        try:
            return self._rules[account, name]
        except KeyError:
            raise AwsFault("NoSuchConfigRuleException", f"The ConfigRule '{name}' does not exist") from None

    def named(self, account: str, rule: str | Rule) -> Rule:
        """The rule itself, or by either of its names. Raises LookupError."""
        if isinstance(rule, Rule):
            return rule
        for found in self._rules.values():
            if found.account == account and rule in (found.name, found.given_name):
                return found
        raise LookupError(f"no rule {rule!r} in account {account}")

    def token(self, rule: Rule) -> str:
        """A result token, as the events of the rule carry it."""
        self._issued += 1
        token = f"result-token-{self._issued:06}-of-{rule.account}"
        self._tokens[token] = rule
        return token

    def of_token(self, token: str) -> Rule | None:
        return self._tokens.get(token)

    def expire_tokens(self) -> None:
        self._tokens.clear()

    def busy(self, account: str, rule: str | Rule, *, code: str = "LimitExceededException", times: int = 1) -> None:
        """StartConfigRulesEvaluation is refused, the next times that it names the rule."""
        self._busy[account, self.named(account, rule).name] = (code, times)

    def here(self, account: str, region: str, name: str) -> Rule:
        """By the name in the account, if the request came to our region. Raises AwsFault."""
        return self.find(account, name if region == self.region else f"{name} in {region}")

    def page(
        self, operation: str, account: str, region: str, asked: Parameters, usual: int
    ) -> tuple[list[Rule], str | None]:
        """The named rules, or all; and the token of the next page."""
        if names := asked.get("ConfigRuleNames"):
            found = [self.here(account, region, name) for name in names]
        else:
            found = [rule for (owner, _), rule in sorted(self._rules.items()) if owner == account]
        found = found if region == self.region else []
        return self.pages.page(operation, found, asked.get("NextToken"), asked.get("Limit"), usual)

    def operations(self) -> Mapping[str, Callable[[str, str, Parameters], Document]]:
        return {
            "DescribeConfigRules": self._describe,
            "StartConfigRulesEvaluation": self._start,
        }

    def _describe(self, account: str, region: str, asked: Parameters) -> Document:
        rules, token = self.page("describe", account, region, asked, 25)
        return with_token({"ConfigRules": [rule.described() for rule in rules]}, token)

    def _start(self, account: str, region: str, asked: Parameters) -> Document:
        names = tuple(asked.get("ConfigRuleNames", ()))
        for name in names:
            self.here(account, region, name)
        for name in names:
            code, left = self._busy.get((account, name), ("", 0))
            if left:
                self._busy[account, name] = (code, left - 1)
                raise AwsFault(code, f"The rule {name} is being evaluated, or was less than a minute ago")
        self.started.append((account, names))
        return {}

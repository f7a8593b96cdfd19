"""All that is generated, by the path in a checkout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from opalite.deployment import member, requirements, rules, runbooks
from opalite.deployment.member import Needs
from opalite.deployment.text import HEADER, with_sections, yaml_text
from opalite.remediation.action import Action

TEMPLATE: Final = "template.yaml"
LOCK: Final = "requirements.lock"
RUNBOOKS: Final = "deploy/automation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """`data`: of the bundle. `template`, `lock`: the texts of these files. `runbooks`: documents by name."""

    data: Mapping[str, Any]
    needs: Needs
    actions: Mapping[str, Action]
    template: str
    lock: str
    runbooks: Mapping[str, Any]


def generated(sources: Sources) -> dict[str, str]:
    """The texts. Raises UsageError."""
    found = rules.rules(sources.data)
    actions = dict(sorted(sources.actions.items()))
    documents = {
        "deploy/rules/organization.yaml": rules.organization(found),
        "deploy/rules/account.yaml": rules.account(found),
        "deploy/member.yaml": member.template(sources.needs, actions, sources.data["catalog"]["policies"]),
        "deploy/runbooks.yaml": runbooks.template(dict(sorted(sources.runbooks.items()))),
    }
    own, why = member.own_account(sources.needs)
    of_the_sweep, why_the_sweep = member.own_account_of_the_sweep(sources.needs)
    sections = {
        "names of the rules of one account": rules.account_names(found),
        "own account": own,
        "own account, reasons": why,
        "own account, of the sweep": of_the_sweep,
        "own account, of the sweep, reasons": why_the_sweep,
        "remediation roles": [_role(member.role_name(name)) for name in actions],
    }
    return {
        **{path: HEADER + yaml_text(document) for path, document in documents.items()},
        TEMPLATE: with_sections(sources.template, sections, TEMPLATE),
        "handler/requirements.txt": HEADER + requirements.part(sources.lock),
    }


def _role(name: str) -> dict[str, Any]:
    """In any account of the organization, or in our own."""
    accounts = {"Fn::If": ["InOrganization", "*", {"Ref": "AWS::AccountId"}]}
    arn = f"arn:${{AWS::Partition}}:iam::${{Accounts}}:role/${{RemediationRolePrefix}}{name}"
    return {"Fn::Sub": [arn, {"Accounts": accounts}]}

"""Who administers what in the organization. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from opalite.doctor.diagnosis import Diagnosis, Reply, notice, skipped, unknown, well, wrong

RULES: Final = "config-multiaccountsetup.amazonaws.com"
CONFIG: Final = "config.amazonaws.com"
STACKSETS: Final = "member.org.stacksets.cloudformation.amazonaws.com"
SECURITY_HUB: Final = "securityhub.amazonaws.com"

# By check: the service principal.
DELEGATED: Final[Mapping[str, str]] = {
    "delegated_rules": RULES,
    "delegated_config": CONFIG,
    "delegated_stacksets": STACKSETS,
    "delegated_security_hub": SECURITY_HUB,
}
# There is nothing to say of these outside an organization.
CHECKS: Final = (*DELEGATED, "trusted_access", "rule_name", "organization_rules", "organization_rule_accounts")
_REGISTER: Final = (
    "aws organizations register-delegated-administrator --account-id {account} --service-principal {principal}"
)
_REGISTER_HUB: Final = "aws securityhub enable-organization-admin-account --admin-account-id {account}"
_TRUST: Final = "aws organizations enable-aws-service-access --service-principal {principal}"
_TRUST_STACKSETS: Final = "aws cloudformation activate-organizations-access"  # makes the roles of StackSets, too


@dataclass(frozen=True, slots=True)
class Seen:
    """What Organizations says. `delegated`: lists of administrators by service principal."""

    own: str
    organization: Reply
    delegated: Mapping[str, Reply] = field(default_factory=dict)
    trusted: Reply = field(default_factory=Reply)
    hub: bool = True  # findings are on

    @property
    def management(self) -> str:
        """The id of the management account, empty if nobody says."""
        return str((self.organization.value or {}).get("MasterAccountId", ""))

    @property
    def id(self) -> str:
        return str((self.organization.value or {}).get("Id", ""))


def diagnoses(seen: Seen) -> Iterator[Diagnosis]:
    """Of an organization that there is."""
    for check, principal in DELEGATED.items():
        if principal == SECURITY_HUB and not seen.hub:
            yield skipped(check, "findings are off")
        elif principal != SECURITY_HUB and seen.own == seen.management:
            yield well(check, "this is the management account")
        else:
            yield _delegated(check, principal, seen)
    yield _trusted(seen)


def _delegated(check: str, principal: str, seen: Seen) -> Diagnosis:
    reply = seen.delegated.get(principal, Reply(unknown="not asked"))
    if not reply.known:
        return unknown(check, reply)
    found = [str(entry.get("Id")) for entry in reply.value or ()]
    if seen.own in found or (
        found and principal == SECURITY_HUB
    ):  # whose people work on findings is often another account
        return well(check)
    form = _REGISTER_HUB if principal == SECURITY_HUB else _REGISTER
    command = form.format(account=seen.own, principal=principal)
    if not found:
        message, remedy = f"nobody is delegated administrator of {principal}", "register it in the management account"
        return wrong(check, message, remedy, command)
    message = f"not this account, but {', '.join(found)} is delegated administrator of {principal}"
    if principal == STACKSETS:
        return notice(check, message, "deploy the roles from there, or register this account, too", command)
    return wrong(check, message, "deploy the function there, or register this account, too", command)


def _trusted(seen: Seen) -> Diagnosis:
    check = "trusted_access"
    if not seen.trusted.known:
        return unknown(check, seen.trusted)
    enabled = {entry.get("ServicePrincipal") for entry in seen.trusted.value or ()}
    missing = [name for name in _needed(hub=seen.hub) if name not in enabled]
    if not missing:
        return well(check)
    commands = [_TRUST_STACKSETS if name == STACKSETS else _TRUST.format(principal=name) for name in missing]
    return wrong(
        check,
        f"trusted access is not enabled for {', '.join(missing)}",
        "enable it in the management account",
        " && ".join(commands),
    )


def _needed(*, hub: bool) -> Sequence[str]:
    return [RULES, CONFIG, STACKSETS, *([SECURITY_HUB] if hub else [])]

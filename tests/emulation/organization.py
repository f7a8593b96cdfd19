"""An organization in moto with accounts of given ids, and a tree of organizational units that never changes its ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from moto.organizations.models import OrganizationsBackend, organizations_backends

MANAGEMENT = "999999999999"
ROOT, WORKLOADS, PROD, SANDBOX = "r-opal", "ou-opal-workload", "ou-opal-prod0000", "ou-opal-sandbox0"
_NAMES = {WORKLOADS: ("workloads", ROOT), PROD: ("prod", WORKLOADS), SANDBOX: ("sandbox", ROOT)}


class Organization:
    """The first account is the delegated administrator, below the root; the second is in `prod`, all others in `sandbox`."""

    def __init__(self, accounts: Sequence[str], region: str, partition: str) -> None:
        self._backend: OrganizationsBackend = organizations_backends[MANAGEMENT][partition]
        self._backend.create_organization(region, FeatureSet="ALL")
        self._name_root()
        for unit, (name, parent) in _NAMES.items():
            self._backend.create_organizational_unit(Name=name, ParentId=parent)
            self._backend.ou[-1].id = unit
        for number, account in enumerate(accounts):
            self.join(account, (ROOT, PROD)[number] if number < 2 else SANDBOX)

    def join(self, account: str, unit: str = SANDBOX) -> None:
        """Make the account a member."""
        self._backend.create_account(AccountName=f"account {account}", Email=f"{account}@example.com")
        member = self._backend.accounts[-1]
        masters = organizations_backends.master_accounts
        masters[account] = masters.pop(member.id)
        member.id = account
        member.parent_id = unit

    def leave(self, account: str) -> None:
        """The account is no member any more."""
        self._backend.accounts = [member for member in self._backend.accounts if member.id != account]
        organizations_backends.master_accounts.pop(account, None)

    def set_status(self, account: str, status: str) -> None:
        """`ACTIVE`, `PENDING_CLOSURE` or `SUSPENDED`."""
        member = self._backend.get_account_by_id(account)
        member.status = member.state = status

    def move(self, account: str, unit: str) -> None:
        self._backend.get_account_by_id(account).parent_id = unit

    def units(self, account: str) -> list[str]:
        """The root and the units above the account, the root first."""
        found: list[str] = []
        unit: str | None = self._backend.get_account_by_id(account).parent_id
        parents: Mapping[str, str | None] = {each.id: each.parent_id for each in self._backend.ou}
        while unit is not None:
            found.insert(0, unit)
            unit = parents[unit]
        return found

    def _name_root(self) -> None:
        backend = self._backend
        assert backend.org is not None
        backend.org.root_id = backend.ou[0].id = backend.accounts[0].parent_id = ROOT

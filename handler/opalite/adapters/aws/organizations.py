"""Facts about accounts: Organizations ListParents, from the account up to the root."""

from __future__ import annotations

import re
from collections.abc import Sequence

from opalite.adapters.aws.cache import Cache, Now
from opalite.ports import Absent, Answer, Denied, Place, Sessions

_ACCOUNT = re.compile(r"[0-9]{12}")
_DEEPEST = (
    10  # https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html: five levels of units
)


class Accounts:
    """Asked with the caller's own credentials: only the management account or a delegated administrator gets an answer."""

    def __init__(self, sessions: Sessions, now: Now) -> None:
        self._sessions = sessions
        self._parents: Cache[str] = Cache(now)  # of accounts and organizational units
        self.caches = (self._parents,)

    def fetch(self, _: Place, keys: Sequence[str]) -> dict[str, Answer]:
        """The organizational units by account, the root first."""
        return {account_id: self._units(account_id) for account_id in keys}

    def _units(self, account_id: str) -> Answer:
        if not _ACCOUNT.fullmatch(account_id):
            return Answer(None, "this is not the id of an account")
        units: list[str] = []
        child = account_id
        for _ in range(_DEEPEST):
            parent = self._parents.get([child], self._parents_of)[child]
            if parent.fact is None:
                return Answer(None, parent.reason)
            child = parent.fact["id"]
            units.insert(0, child)
            if parent.fact["is_root"]:
                return Answer({"organizational_units": units})
        return Answer(None, f"no root above {child}")

    def _parents_of(self, children: Sequence[str]) -> dict[str, Answer]:
        return {child: self._parent_of(child) for child in children}

    def _parent_of(self, child: str) -> Answer:
        try:
            service = self._sessions.service("organizations", self._sessions.caller(), "")
            parents = [parent for page in service.pages("ListParents", ChildId=child) for parent in page["Parents"]]
        except Denied as denied:
            return Answer(None, str(denied))
        except Absent:
            return Answer(None, f"{child} is not in the organization of account {self._sessions.caller()}")
        if len(parents) != 1:
            return Answer(None, f"{child} has {len(parents)} parents")
        return Answer({"id": parents[0]["Id"], "is_root": parents[0]["Type"] == "ROOT"})

"""Which accounts are of the organization: Organizations DescribeAccount and ListAccounts.

Asked with the caller's own credentials: only the management account or a delegated administrator gets an answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from opalite.adapters.aws.cache import BRIEF_SECONDS, Cache, Now
from opalite.errors import AwsError
from opalite.ports import Absent, Answer, Denied, Service, Sessions

ACTIONS: Final = ("organizations:DescribeAccount", "organizations:ListAccounts")  # of the caller's own account

MEMBER_SECONDS: Final = 3600  # how long a member is believed to be one; that one is none, for BRIEF_SECONDS only

_ACCOUNT: Final = re.compile(r"[0-9]{12}")
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_account_state.html. An account that is being closed
# keeps its resources and Config rules until it is: what it sends is still the organization's. One that is suspended or closed
# cannot be entered, and one that is not yet active has not been proved to be anybody's.
_MEMBERS: Final = frozenset({"ACTIVE", "PENDING_CLOSURE"})
_UNKNOWN_ACCOUNT: Final = "AccountNotFoundException"
_NO_MEMBERS: Final = frozenset({"CLOSED", "PENDING_ACTIVATION", "SUSPENDED"})


class Members:
    """Meets opalite.ports.Members. May be asked from several threads at once.

    Raises AwsError, also when a permission is missing: then nothing may be said.
    """

    def __init__(self, sessions: Sessions, now: Now) -> None:
        self._sessions = sessions
        self._known: Cache[str] = Cache(now, seconds=MEMBER_SECONDS, brief=BRIEF_SECONDS)

    def is_member(self, account_id: str) -> bool:
        """Whether the account is of the organization, and its resources are there to be judged."""
        if not _ACCOUNT.fullmatch(account_id):
            return False
        return self._known.get([account_id], self._described)[account_id].fact is not None

    def all(self) -> list[str]:
        """The active accounts, sorted."""
        try:
            pages = self._service().pages("ListAccounts")
            return sorted(
                account["Id"] for page in pages for account in page["Accounts"] if _state(account) == "ACTIVE"
            )
        except Denied as denied:
            raise _refused(denied) from None

    def _described(self, account_ids: Sequence[str]) -> dict[str, Answer]:
        return {account_id: self._account(account_id) for account_id in account_ids}

    def _account(self, account_id: str) -> Answer:
        try:
            account = self._service().ask("DescribeAccount", AccountId=account_id)["Account"]
        except Denied as denied:
            raise _refused(denied) from None
        except Absent as absent:
            if str(absent) != _UNKNOWN_ACCOUNT:
                raise AwsError(
                    f"organizations:DescribeAccount: {absent}: nothing is told of account {account_id}"
                ) from None
            return Answer(None, f"account {account_id} is not in the organization of account {self._sessions.caller()}")
        if account.get("Id") != account_id:
            raise AwsError(f"organizations:DescribeAccount: the answer is not about account {account_id}")
        state = _state(account)
        if state in _MEMBERS:
            return Answer({"state": state})
        if state in _NO_MEMBERS:
            return Answer(None, f"account {account_id} is {state}")
        raise AwsError(f"organizations:DescribeAccount: account {account_id} is in no state that is known: {state}")

    def _service(self) -> Service:
        return self._sessions.service("organizations", self._sessions.caller(), "")


def _state(account: Mapping[str, Any]) -> str | None:
    """`Status` is what older answers tell: it ends on 9 September 2026.

    https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html
    """
    state: str | None = account.get("State") or account.get("Status")
    return state


def _refused(denied: Denied) -> AwsError:
    return AwsError(f"{denied}: the function must run in the delegated administrator's account", "AccessDenied")

"""Asking AWS, so that no refusal ends the examination: what is denied or fails becomes a reply that says so."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from opalite.doctor.diagnosis import Reply
from opalite.errors import AwsError
from opalite.ports import Absent, Denied, Place, Service, Sessions

# Actions that are not called like the operation.
_PERMISSIONS: Final[Mapping[str, str]] = {
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "lambda:GetLayerVersionByArn": "lambda:GetLayerVersion",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
}
# What the border to AWS takes for a failure, because nobody else asks: it says that there is none.
_ABSENT: Final = frozenset(
    {
        "NoSuchDeliveryChannelException", "NoSuchEntity", "NoSuchPublicAccessBlockConfiguration", "NotFound",
        "AWS.SimpleQueueService.NonExistentQueue",
    }
)  # fmt: skip
_ACCOUNT: Final = re.compile(r"account \d{12}")
_REGION: Final = r"(?:, [a-z]{2,}(?:-[a-z]+)+-\d+)?"
# What it takes for a refusal: the service is not switched on, or there is no organization.
_OFF: Final = re.compile(
    r"\((InvalidAccessException|AWSOrganizationsNotInUseException|NoAvailableOrganizationException)\)"
)

# What it takes for a refusal as well: nobody's credentials are known in a Region that the account has not enabled.
_NOT_ENABLED: Final = re.compile(
    r"\((?:AuthFailure|InvalidAccessKeyId|InvalidClientTokenId|OptInRequired|RegionDisabledException|UnrecognizedClientException)\)"
)
_ENTER: Final = "see member_role: the role must be there, and let the caller in (sts:AssumeRole)"
_NO_ROLE: Final = "no role was named"  # as the border to AWS says it
_NAME: Final = (
    "name a role by --role, or see function_state and function_settings: the function's environment names one"
)
_ENABLE: Final = "enable the Region in the account, or leave it out of --regions"


class Asking:
    """One service at a time, by the sessions of the caller."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def ask(self, name: str, place: Place, operation: str, *, member: str = "", **parameters: Any) -> Reply:
        """The answer to one operation, or one member of it, which AWS always gives."""

        def call(service: Service) -> Any:
            answer = service.ask(operation, **parameters)
            return answer[member] if member else answer

        return self._asked(name, place, operation, call)

    def pages(self, name: str, place: Place, operation: str, member: str, **parameters: Any) -> Reply:
        """All entries of an operation that answers in pages, as a tuple."""
        return self._asked(
            name,
            place,
            operation,
            lambda service: tuple(entry for page in service.pages(operation, **parameters) for entry in page[member]),
        )

    def entered(self, place: Place) -> Reply:
        """Whether there are credentials for the account at all."""
        return self._asked("config", place, "", lambda _: True)

    def _asked(self, name: str, place: Place, operation: str, call: Callable[[Service], Any]) -> Reply:
        try:
            service = self._sessions.service(name, place.account_id, place.region)
        except Denied as denied:
            remedy = _NAME if _NO_ROLE in str(denied) else _ENTER
            return Reply(unknown=_nowhere(denied, place), permission="sts:AssumeRole", remedy=remedy)
        except AwsError as error:
            return Reply(unknown=_nowhere(error, place))
        try:
            return Reply(call(service))
        except Absent as absent:
            return Reply(absent=str(absent) or "absent")
        except Denied as denied:
            return _denied(denied, place, f"{name}:{operation}")
        except AwsError as error:
            return Reply(absent=error.code) if error.code in _ABSENT else Reply(unknown=_nowhere(error, place))


def _denied(denied: Denied, place: Place, action: str) -> Reply:
    if off := _OFF.search(str(denied)):
        return Reply(absent=off[1])
    if _NOT_ENABLED.search(str(denied)):
        return Reply(unknown=_nowhere(denied, place), remedy=_ENABLE)
    return Reply(unknown=_nowhere(denied, place), permission=_PERMISSIONS.get(action, action))


def _nowhere(error: Exception, place: Place) -> str:
    """Without account and region, so that the same trouble in many accounts is one."""
    here = f"account {place.account_id}"
    text = re.sub(f" (?:in|of) {re.escape(here)}{_REGION}", "", str(error))
    return _ACCOUNT.sub(lambda found: "the account" if found[0] == here else "another account", text)

"""Lambda functions: when one was changed last, and handing it an event."""

from __future__ import annotations

from typing import Any, Final

import orjson

from opalite.errors import AwsError
from opalite.ports import Absent, Denied, Place, Service, Sessions

ACTIONS: Final = ("lambda:GetFunctionConfiguration", "lambda:InvokeFunction")  # of the caller's own account
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: payload of an asynchronous invocation.
PAYLOAD_BYTES: Final = 1024 * 1024


class Functions:
    """Asked with the caller's own credentials. Raises AwsError, also when a permission is missing: then nothing may be said."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def changed_at(self, place: Place, arn: str) -> str:
        """When code, layers or settings of a function were changed last, as AWS writes it: "2026-11-29T14:00:00.000+0000"."""
        try:
            answer = self._service(place).ask("GetFunctionConfiguration", FunctionName=arn)
        except Absent:
            raise AwsError(f"{arn}: there is no such function in account {place.account_id}, {place.region}") from None
        except Denied as denied:
            raise AwsError(f"{arn}: nobody tells when it was changed: {denied}") from None
        return str(answer.get("LastModified", ""))

    def invoke(self, place: Place, arn: str, event: dict[str, Any]) -> None:
        """Hand over an event, and do not wait for what becomes of it."""
        payload = orjson.dumps(event)
        if len(payload) > PAYLOAD_BYTES:
            raise AwsError(f"{arn}: an event of {len(payload)} bytes; at most {PAYLOAD_BYTES} are taken")
        try:
            self._service(place).ask("Invoke", FunctionName=arn, InvocationType="Event", Payload=payload)
        except Absent:
            raise AwsError(f"{arn}: there is no such function in account {place.account_id}, {place.region}") from None
        except Denied as denied:
            raise AwsError(f"{arn}: it cannot be invoked: {denied}") from None

    def _service(self, place: Place) -> Service:
        return self._sessions.service("lambda", place.account_id, place.region)

"""Facts about policies on queues: SQS GetQueueAttributes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from opalite import strict_json
from opalite.adapters.aws.cache import Cache
from opalite.ports import Absent, Answer, Denied, Place, Sessions

# The name of a queue at the end of its URL or ARN, with the account that owns it.
_QUEUE = re.compile(r".*[:/]([0-9]{12})[:/]([A-Za-z0-9_-]{1,80}(?:\.fifo)?)")

_SUFFIXES = {"aws-cn": "amazonaws.com.cn"}


class QueuePolicies:
    """Asked as the account of the queue. The URL of a request is made here, never taken from an item."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self.caches: tuple[Cache[Any], ...] = ()

    def fetch(self, place: Place, keys: Sequence[str]) -> dict[str, Answer]:
        """The policies by URL or ARN of the queue."""
        return {key: self._policy(place, key) for key in keys}

    def _policy(self, place: Place, key: str) -> Answer:
        parsed = _QUEUE.fullmatch(key)
        if parsed is None:
            return Answer(None, "this is neither the URL nor the ARN of a queue")
        account_id, name = parsed.groups()
        if (
            account_id != place.account_id
        ):  # whose credentials are used is said by the item's account, never by a name in it
            return Answer(None, f"this queue is of account {account_id}, its item of account {place.account_id}")
        try:
            service = self._sessions.service("sqs", account_id, place.region)
            url = f"https://sqs.{place.region}.{_SUFFIXES.get(place.partition, 'amazonaws.com')}/{account_id}/{name}"
            told = service.ask("GetQueueAttributes", QueueUrl=url, AttributeNames=["Policy"])
        except Denied as denied:
            return Answer(None, str(denied))
        except Absent:
            return Answer(None, "the queue is not there any more")
        text = told.get("Attributes", {}).get("Policy")
        if not text:  # SQS leaves out the attributes that were never set
            return Answer({"policy": None})
        try:
            policy = strict_json.loads(text.encode())
        except strict_json.JsonFault:
            policy = None
        return (
            Answer({"policy": policy}) if isinstance(policy, dict) else Answer(None, "its policy is not a JSON object")
        )

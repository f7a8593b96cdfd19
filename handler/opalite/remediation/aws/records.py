"""Where the records of attempts lie: a bucket that the operator names, one object for each attempt, written anew as it goes on."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import orjson

from opalite.adapters.aws.log_bucket import ACTIONS as BUCKET_ACTIONS
from opalite.adapters.aws.log_bucket import LogBucket
from opalite.publish.redaction import Redaction
from opalite.remediation.attempt import Attempt

ACTIONS: Final = BUCKET_ACTIONS  # and kms:GenerateDataKey, as there

_ODD = re.compile(r"[^A-Za-z0-9-]")
_DAY: Final = len("2026-11-28")
_FORM: Final = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


class JsonBucket(LogBucket):
    """Of objects that people read."""

    form: ClassVar[Mapping[str, str]] = {"ContentType": "application/json"}


@dataclass(frozen=True, slots=True)
class BucketRecords:
    """Meets remediation.parts.Records. `prefix`: where the keys begin. `deadline`: seconds that are left."""

    bucket: JsonBucket
    prefix: str
    deadline: Callable[[], float]

    def put(self, attempt: Attempt, document: Mapping[str, Any]) -> None:
        """Without what looks like a secret; what an undo needs is in the ledger."""
        self.bucket.put([(key(self.prefix, attempt), body(document))], deadline=self.deadline)


def key(prefix: str, attempt: Attempt) -> str:
    """The same as long as the attempt goes on: by the day of its beginning."""
    folder = f"{prefix.strip('/')}/".lstrip("/")
    target = attempt.target
    day, region, account, name = (
        _ODD.sub("_", part) for part in (attempt.began_at[:_DAY], target.region, target.account_id, attempt.id)
    )
    return f"{folder}date={day}/region={region}/{account}-{name}.json"


def body(document: Mapping[str, Any]) -> bytes:
    """`redacted` says where something was left out. The token of the state machine is one of these."""
    redaction = Redaction()
    told = redaction.document(document, "")
    return orjson.dumps({**told, "redacted": sorted(set(redaction.paths))}, option=_FORM)

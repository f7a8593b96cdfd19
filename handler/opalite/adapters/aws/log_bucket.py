"""The bucket of the decision log. Written with the function's own credentials, in a bucket that the operator names."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, ClassVar, Final

from opalite.errors import AwsError, DeliveryError
from opalite.ports import Absent, Denied, Service, Sessions

# Of the function's own account. And kms:GenerateDataKey, if the bucket or `kms_key` encrypts with a key of one's own.
ACTIONS: Final = ("s3:PutObject",)

ATTEMPTS: Final = 3  # each of them has those of the client
FIRST_WAIT_SECONDS: Final = 0.5  # at most, before the second attempt; it doubles with each
LONGEST_WAIT_SECONDS: Final = 4.0
RESERVE_SECONDS: Final = 2.0  # less than this is left: no call is begun, so that what was not written can still be told
_NAMED: Final = 3

# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html: what another attempt does not mend.
_FOR_GOOD: Final = frozenset(
    {
        "AuthorizationHeaderMalformed", "BadDigest", "EntityTooLarge", "IllegalLocationConstraintException", "InvalidArgument",
        "InvalidBucketName", "InvalidBucketState", "InvalidDigest", "InvalidRequest", "KeyTooLongError", "KMS.DisabledException",
        "KMS.InvalidKeyUsageException", "KMS.KMSInvalidStateException", "KMS.NotFoundException", "MalformedXML",
        "MethodNotAllowed", "PermanentRedirect",
    }
)  # fmt: skip

Object = tuple[str, bytes]  # key, body


class LogBucket:
    """Writes objects, of the form that `form` tells S3; the same key again overwrites.

    `owner`: the account that must own the bucket; a bucket of the name that somebody else made is refused. `kms_key`: the key
    to encrypt with, by id or ARN; without it the bucket's default encryption holds. `own_account`: the caller's, asked for when
    it is not given. `jitter` gives a number from 0 to 1, another each time.
    """

    form: ClassVar[Mapping[str, str]] = {"ContentType": "application/x-ndjson", "ContentEncoding": "gzip"}

    def __init__(
        self,
        sessions: Sessions,
        *,
        bucket: str,
        sleep: Callable[[float], None],
        jitter: Callable[[], float],
        owner: str | None = None,
        kms_key: str | None = None,
        own_account: str | None = None,
    ) -> None:
        self._sessions = sessions
        self._bucket = bucket
        self._sleep = sleep
        self._jitter = jitter
        self._owner = owner
        self._own_account = own_account
        self._encryption: dict[str, Any] = {}
        if kms_key:
            self._encryption = {
                "ServerSideEncryption": "aws:kms",
                "SSEKMSKeyId": kms_key,
                "BucketKeyEnabled": True,  # or every object costs a call of KMS
            }

    def put(self, objects: Sequence[Object], *, deadline: Callable[[], float]) -> int:
        """How many were written, which is all of them. `deadline` tells the seconds left.

        Raises DeliveryError naming those that were not, after everything has been tried.
        """
        waiting = list(objects)
        lost: list[tuple[str, Object]] = []
        for attempt in range(ATTEMPTS):
            again: list[tuple[str, Object]] = []
            for one in waiting:
                reason, retry = self._write(one, deadline)
                if reason:
                    (again if retry else lost).append((reason, one))
            if not again:
                break
            if attempt + 1 == ATTEMPTS or not self._waited(attempt, deadline):
                lost += [(f"{reason} (attempt {attempt + 1} was the last)", one) for reason, one in again]
                break
            waiting = [one for _, one in again]
        if lost:
            raise DeliveryError(self._told(lost))
        return len(objects)

    def _waited(self, attempt: int, deadline: Callable[[], float]) -> bool:
        """With full jitter, unless too little time would be left."""
        seconds = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2**attempt) * self._jitter()
        if deadline() - seconds < RESERVE_SECONDS:
            return False
        self._sleep(seconds)
        return True

    def _write(self, one: Object, deadline: Callable[[], float]) -> tuple[str, bool]:
        """Why it was not written, if so, and whether another attempt may help."""
        if deadline() < RESERVE_SECONDS:
            return "no time was left to write it", False
        try:
            service = self._sessions.service("s3", self._own_account or self._sessions.caller(), "")
            self._put(service, *one)
        except Denied as denied:
            owner = f", and is it account {self._owner} that owns the bucket?" if self._owner else ""
            hint = "may the function write there (s3:PutObject) and use the key (kms:GenerateDataKey)"
            return f"{denied}; {hint}{owner or '?'}", False
        except Absent:
            return "there is no such bucket", False
        except AwsError as error:
            return str(error), error.code not in _FOR_GOOD
        return "", False

    def _put(self, service: Service, key: str, body: bytes) -> None:
        owned = {"ExpectedBucketOwner": self._owner} if self._owner else {}
        service.ask(
            "PutObject",
            Bucket=self._bucket,
            Key=key,
            Body=body,
            **self.form,
            ChecksumSHA256=b64encode(sha256(body).digest()).decode(),
            **self._encryption,
            **owned,
        )

    def _told(self, lost: Sequence[tuple[str, Object]]) -> str:
        """One line; keys hold days, regions, accounts and digests only."""
        by_reason: dict[str, list[str]] = {}
        for reason, (key, _) in lost:
            by_reason.setdefault(reason, []).append(key)
        parts = []
        for reason, keys in by_reason.items():
            more = f" (+{len(keys) - _NAMED} more)" if len(keys) > _NAMED else ""
            parts.append(f"{', '.join(keys[:_NAMED])}{more}: {reason}")
        return f"s3:PutObject to bucket {self._bucket}: not written: {'; '.join(parts)}"

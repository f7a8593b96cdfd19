"""Oversized configuration items, as AWS Config delivers them to S3. For when the history does not have an item.

Asked with the caller's own credentials, and only of the bucket that the operator names: events name buckets too, and anybody's.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from opalite import strict_json
from opalite.adapters.aws.item_identity import Sought, instant, sought
from opalite.errors import AwsError
from opalite.model import JsonObject
from opalite.ports import Absent, Denied, Place, Service, Sessions

# Of the caller's own account. And kms:Decrypt, if the bucket is encrypted with a key of one's own.
ACTIONS: Final = ("s3:GetObject", "s3:ListBucket")

MEBIBYTE: Final = 1024 * 1024
PACKED_BYTES: Final = 8 * MEBIBYTE
UNPACKED_BYTES: Final = 64 * MEBIBYTE
OBJECTS: Final = 20  # that are read for one item
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
_KEYS_PER_PAGE: Final = 1000
_PAGES: Final = 2  # of one folder, which is that of one resource and day

_GZIP: Final = 31  # zlib's name for: a gzip header, the largest window
_PLAIN: Final = re.compile(r"[A-Za-z0-9:-]+")  # account ids, regions and resource types
# S3 knows no folders, but a client or a proxy on the way may: a key with such a part could become another key.
_MISLEADING: Final = re.compile(r"(?:^|/)\.{1,2}(?:/|$)|[\x00-\x1f\x7f-\x9f]")
_TOLD: Final = 3


class DeliveryBucket:
    """Meets opalite.ports.OversizedItems.

    `prefix`: what stands before `AWSLogs`, as in the delivery channel; Control Tower puts the organization's id there.
    `owner`: the account that must own the bucket. `own_account`: the caller's, asked for when it is not given.

    Raises AwsError, also when a permission is missing: without the item nothing can be judged.
    """

    def __init__(
        self,
        sessions: Sessions,
        *,
        bucket: str,
        own_account: str | None = None,
        prefix: str = "",
        owner: str | None = None,
    ) -> None:
        self._sessions = sessions
        self._own_account = own_account
        self._bucket = bucket
        self._root = f"{prefix.strip('/')}/AWSLogs".lstrip("/")
        self._owned: dict[str, str] = {"ExpectedBucketOwner": owner} if owner else {}

    def item(
        self,
        place: Place,
        resource_type: str,
        resource_id: str,
        captured_at: str,
        state_id: int | str | None,
        notified_at: str | None,
    ) -> JsonObject | None:
        """The item that was captured at that very time; None if it is not there, or not yet.

        Raises AwsError as well if it may be in what could not be read.
        """
        wanted = sought(place, resource_type, resource_id, captured_at, state_id)
        if wanted is None:
            return None
        notes: list[str] = []
        try:
            service = self._sessions.service("s3", self._own_account or self._sessions.caller(), "")
            for key in self._candidates(service, wanted, instant(notified_at), notes):
                found = self._read(service, key, wanted, notes)
                if found is not None:
                    return found
        except Denied as denied:
            raise AwsError(f"{denied}: bucket {self._bucket} cannot be read", "AccessDenied") from None
        if notes:
            more = f" (+{len(notes) - _TOLD} more)" if len(notes) > _TOLD else ""
            raise AwsError(f"the item was not found in bucket {self._bucket}: {'; '.join(notes[:_TOLD])}{more}")
        return None

    def _candidates(
        self, service: Service, wanted: Sought, notified_at: datetime | None, notes: list[str]
    ) -> list[str]:
        """Keys, those first that were written nearest to the capture."""
        listed: dict[str, Mapping[str, Any]] = {}
        for folder in self._folders(wanted, notified_at, notes):
            for entry in self._listed(service, folder, notes):
                key = entry["Key"]
                if not key.startswith(folder) or _MISLEADING.search(key) or not key.endswith(".gz"):
                    continue
                if entry.get("Size", 0) > PACKED_BYTES:
                    notes.append(f"{_shown(key)} is larger than {PACKED_BYTES // MEBIBYTE} MB")
                else:
                    listed[key] = entry
        keys = sorted(listed, key=lambda key: (_distance(listed[key], wanted.captured_at), key))
        if len(keys) > OBJECTS:
            notes.append(f"{len(keys) - OBJECTS} of {len(keys)} objects were not read")
        return keys[:OBJECTS]

    def _folders(self, wanted: Sought, notified_at: datetime | None, notes: list[str]) -> list[str]:
        """Of the days of capture and of notification, which can be two. Months and days are not padded with zeros."""
        account_id, region, name = wanted.place.account_id, wanted.place.region, wanted.resource_type
        is_plain = all(_PLAIN.fullmatch(part) for part in (account_id, region, name))
        if not is_plain or _MISLEADING.search(wanted.resource_id):
            notes.append("its type or id is none that a key is made of")
            return []
        days = dict.fromkeys(moment.astimezone(UTC).date() for moment in (wanted.captured_at, notified_at) if moment)
        return [
            f"{self._root}/{account_id}/Config/{region}/{day.year}/{day.month}/{day.day}"
            f"/OversizedChangeNotification/{name}/{wanted.resource_id}/"
            for day in days
        ]

    def _listed(self, service: Service, folder: str, notes: list[str]) -> list[Mapping[str, Any]]:
        entries: list[Mapping[str, Any]] = []
        try:
            pages = service.pages(
                "ListObjectsV2", Bucket=self._bucket, Prefix=folder, MaxKeys=_KEYS_PER_PAGE, **self._owned
            )
            for number, page in enumerate(islice(pages, _PAGES), 1):
                entries += page.get("Contents", ())
                if number == _PAGES and page.get("IsTruncated"):
                    notes.append(f"there are more than {len(entries)} objects of this resource and day")
        except Absent:
            raise AwsError(f"there is no bucket {self._bucket}") from None
        return entries

    def _read(self, service: Service, key: str, wanted: Sought, notes: list[str]) -> JsonObject | None:
        try:
            document = strict_json.loads(_unpacked(self._received(service, key)))
        except Absent:
            notes.append(f"{_shown(key)} is not there any more")
            return None
        except strict_json.JsonFault as fault:
            notes.append(f"{_shown(key)} {fault.message}")
            return None
        return next((item for item in _items(document) if wanted.is_met_by(item)), None)

    def _received(self, service: Service, key: str) -> bytes:
        """Never more than is allowed, whatever the list said of the size."""
        body = service.ask("GetObject", Bucket=self._bucket, Key=key, **self._owned)["Body"]
        pieces: list[bytes] = []
        left = PACKED_BYTES + 1
        try:
            while left and (piece := body.read(min(MEBIBYTE, left))):
                pieces.append(piece)
                left -= len(piece)
        except Exception as error:  # noqa: BLE001 - of the stream: only the border to AWS knows boto3, and what it raises
            name = type(error).__name__
            raise AwsError(f"s3:GetObject of bucket {self._bucket}: the answer was cut off ({name})") from None
        finally:
            body.close()
        if not left:
            raise strict_json.JsonFault(f"is larger than {PACKED_BYTES // MEBIBYTE} MB")
        return b"".join(pieces)


def _unpacked(packed: bytes) -> bytes:
    """Raises JsonFault. A bomb is noticed after one byte too many."""
    member = zlib.decompressobj(_GZIP)
    try:
        data = member.decompress(packed, UNPACKED_BYTES + 1)
    except zlib.error:
        raise strict_json.JsonFault("is not gzip") from None
    if len(data) > UNPACKED_BYTES:
        raise strict_json.JsonFault(f"is larger than {UNPACKED_BYTES // MEBIBYTE} MB unpacked")
    if not member.eof:
        raise strict_json.JsonFault("is cut short: its gzip data have no end")
    return data


def _items(document: Any) -> Iterator[JsonObject]:
    """A delivered notification holds one item, a file in the form of the history a list; an item may also stand alone."""
    if isinstance(document, dict):
        several = document.get("configurationItems")
        found = (document, document.get("configurationItem"), *(several if isinstance(several, list) else ()))
        yield from (item for item in found if isinstance(item, dict))


def _distance(entry: Mapping[str, Any], captured_at: datetime) -> float:
    written = instant(entry.get("LastModified"))
    return abs((written - captured_at).total_seconds()) if written else float("inf")


def _shown(key: str) -> str:
    """The name of the object; its folder is that of the resource and the day."""
    return "".join(character if character.isprintable() else "?" for character in key.rpartition("/")[2])

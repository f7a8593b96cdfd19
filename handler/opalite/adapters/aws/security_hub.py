"""Telling Security Hub: BatchImportFindings, with the credentials of the member account that a finding is about, in its region."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Lock
from typing import Any, Final

from opalite.adapters.aws.batches import Batches, Lost, Parcel, Patience, Refused, told
from opalite.adapters.aws.cache import Now
from opalite.adapters.aws.pace import Pace
from opalite.errors import AwsError, DeliveryError
from opalite.model import JsonObject
from opalite.ports import Denied, Service, Sessions

ACTIONS: Final = ("securityhub:BatchImportFindings",)  # of the member account

# https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html
FINDINGS_PER_CALL: Final = 100
# https://docs.aws.amazon.com/securityhub/latest/partnerguide/guidelines-batchimportfindings.html: 240 KB for a finding, 6 MB for a
# call, and 10 calls in a second in an account and region (30 for a moment), all functions together. The same rate holds for updates:
# https://docs.aws.amazon.com/securityhub/1.0/APIReference/Welcome.html
FINDING_BYTES: Final = 240_000
CALL_BYTES: Final = 6_000_000
CALLS_PER_SECOND: Final = 10
MALFORMED: Final = frozenset({"InvalidInputException", "ValidationException"})  # of a call
OFF_SECONDS: Final = 900  # how long a hub that is not enabled is believed to be so

# The product that every account has for findings of its own. A finding's own `Region` is not ours to write.
_PRODUCT: Final = re.compile(r"arn:[a-z-]+:securityhub:([a-z0-9-]+):([0-9]{12}):product/\2/default")
_FINAL: Final = frozenset({"InvalidInput", "InvalidInputException"})  # of one finding
_OFF: Final = "(InvalidAccessException)"
_COMMA: Final = len(", ")
_CODE: Final = re.compile(r"[A-Za-z]{1,64}")

_Address = tuple[str, ...]  # account, region


class SecurityHub:
    """May be asked from several threads at once.

    `jitter` gives a number from 0 to 1, another each time: functions that were throttled at once must not come back at once.
    `pace`: who says when a call may be made; None: nobody.
    """

    def __init__(
        self,
        sessions: Sessions,
        now: Now,
        *,
        sleep: Callable[[float], None],
        jitter: Callable[[], float],
        pace: Pace | None = None,
    ) -> None:
        self._sessions = sessions
        self._now = now
        self._pace = pace
        self._batches = Batches(FINDINGS_PER_CALL, CALL_BYTES, MALFORMED, Patience(sleep, jitter))
        self._lock = Lock()
        self._off: dict[_Address, tuple[datetime, str]] = {}  # since when, and what was said

    def put(
        self,
        findings: Sequence[JsonObject],
        *,
        deadline: Callable[[], float],
        taken: Callable[[Sequence[str]], None] = lambda _: None,
    ) -> None:
        """`deadline` tells the seconds left; `taken` hears the ids of those that Security Hub took, after each call.

        Raises DeliveryError for all that it did not take, after everything has been tried. That a hub is not enabled is raised
        once; for OFF_SECONDS its findings are then passed over, neither taken nor raised: see `off`.
        Of two findings of one id the later one is sent.
        """
        lost: Lost = []
        parcels = list(_newest(_parcels(findings, lost)))
        known_off = self.off()
        waiting = [parcel for parcel in parcels if parcel.address not in known_off]
        lost += self._batches.send(
            waiting,
            partial(self._import, deadline),
            deadline=deadline,
            taken=lambda batch: taken([parcel.name for parcel in batch]),
        )
        if lost:
            raise DeliveryError(f"{ACTIONS[0]}: not taken: {told(_gathered(lost))}")

    def off(self) -> dict[tuple[str, ...], str]:
        """Accounts and regions whose hub was found not to be enabled, lately, and what was said."""
        oldest = self._now() - timedelta(seconds=OFF_SECONDS)
        with self._lock:
            self._off = {address: known for address, known in self._off.items() if known[0] > oldest}
            return {address: reason for address, (_, reason) in self._off.items()}

    def _import(self, deadline: Callable[[], float], batch: Sequence[Parcel]) -> list[Refused]:
        address = batch[0].address
        account, region = address
        service = member(self._sessions, account, region)
        if self._pace is not None:
            self._pace.wait(f"{ACTIONS[0]} in account {account}, {region}", deadline=deadline)
        try:
            answer = service.ask("BatchImportFindings", Findings=[parcel.body for parcel in batch])
        except Denied as denied:
            if _OFF not in str(denied):
                need = f"the function needs {ACTIONS[0]} in account {account}"
                raise Denied(f"{denied}; {need}") from None
            with self._lock:
                self._off[address] = (self._now(), str(denied))
            raise
        return _refused(batch, answer)


def home(product_arn: object) -> tuple[str, ...]:
    """Account and region of the product that every account has for findings of its own; empty if it is none."""
    product = _PRODUCT.fullmatch(str(product_arn))
    return product.group(2, 1) if product else ()


def member(sessions: Sessions, account_id: str, region: str) -> Service:
    """Security Hub of an account. Raises Denied or AwsError."""
    try:
        return sessions.service("securityhub", account_id, region)
    except Denied as denied:
        raise Denied(f"{denied}: is the member role deployed there, and does it trust this function?") from None


def shown_code(code: str) -> str:
    """An error code as a message may show it."""
    return code if _CODE.fullmatch(code) else "without a code"


def _refused(batch: Sequence[Parcel], answer: Mapping[str, Any]) -> list[Refused]:
    """Security Hub took all but those that it names. What it says of them may repeat what they say, so only its code is told."""
    entries = answer.get("FailedFindings") or ()
    codes = {str(entry.get("Id")): str(entry.get("ErrorCode")) for entry in entries}
    refused = [
        Refused(parcel, f"Security Hub refuses it ({shown_code(code)})", code in _FINAL)
        for parcel in batch
        if (code := codes.get(parcel.name)) is not None
    ]
    if len(refused) < len(codes) or (answer.get("FailedCount") or 0) > len(entries):
        raise AwsError(f"{ACTIONS[0]}: Security Hub named findings as failed that were not sent, or did not name them")
    return refused


def _parcels(findings: Iterable[JsonObject], lost: Lost) -> Iterable[tuple[Parcel, datetime]]:
    """With the time as of which each is; those that cannot be sent go to the lost ones."""
    for finding in findings:
        name = finding.get("Id")
        address = home(finding.get("ProductArn"))
        moment = _moment(finding.get("UpdatedAt"))
        size = len(json.dumps(finding)) + _COMMA  # as botocore writes it
        parcel = Parcel(str(name), address, size, finding)
        if not isinstance(name, str) or not name:
            lost.append(("a finding has no id", []))
        elif not address or address[0] != finding.get("AwsAccountId"):
            lost.append(("its product is not the default one of its account", [parcel]))
        elif moment is None:
            lost.append(("its UpdatedAt is no time", [parcel]))
        elif size - _COMMA > FINDING_BYTES:
            lost.append((f"it has {size - _COMMA} bytes; at most {FINDING_BYTES} are taken", [parcel]))
        else:
            yield parcel, moment


def _newest(parcels: Iterable[tuple[Parcel, datetime]]) -> list[Parcel]:
    newest: dict[tuple[_Address, str], tuple[Parcel, datetime]] = {}
    for parcel, moment in parcels:
        key = (parcel.address, parcel.name)
        if key not in newest or moment >= newest[key][1]:
            newest[key] = (parcel, moment)
    return [parcel for parcel, _ in newest.values()]


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _gathered(lost: Lost) -> Lost:
    """A hub that is not enabled is told of once, not by each finding."""
    counts: dict[str, int] = {}
    others: Lost = []
    for reason, parcels in lost:
        if _OFF in reason:
            counts[reason] = counts.get(reason, 0) + len(parcels)
        else:
            others.append((reason, parcels))
    return [*others, *((f"{count} of a hub that is not enabled: {reason}", ()) for reason, count in counts.items())]

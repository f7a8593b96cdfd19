"""The workflow of findings: BatchUpdateFindings, with the credentials of the member account that a finding is about, in its region."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from opalite.adapters.aws.batches import Batches, Lost, Parcel, Patience, Refused, told
from opalite.adapters.aws.pace import Pace
from opalite.adapters.aws.security_hub import CALL_BYTES, MALFORMED, home, member, shown_code
from opalite.errors import DeliveryError
from opalite.model import JsonObject
from opalite.ports import Denied, Sessions

ACTIONS: Final = ("securityhub:BatchUpdateFindings",)  # of the member account

# https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchupdatefindings.html
FINDINGS_PER_CALL: Final = 100

# https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchUpdateFindingsUnprocessedFinding.html: of one finding. It may not
# be found just after it was imported, and cannot be updated while somebody else does; both pass.
_FINAL: Final = frozenset({"InvalidInput", "FindingSizeExceeded"})

_Place = tuple[str, str]  # account, region


class Workflows:
    """May be asked from several threads at once. `pace`: who says when a call may be made; None: nobody."""

    def __init__(
        self,
        sessions: Sessions,
        *,
        sleep: Callable[[float], None],
        jitter: Callable[[], float],
        pace: Pace | None = None,
    ) -> None:
        self._sessions = sessions
        self._batches = Batches(FINDINGS_PER_CALL, CALL_BYTES, MALFORMED, Patience(sleep, jitter))
        self._pace = pace

    def put(
        self,
        updates: Sequence[JsonObject],
        *,
        deadline: Callable[[], float],
        taken: Callable[[Sequence[str]], None] = lambda _: None,
    ) -> None:
        """Each update is what BatchUpdateFindings takes, of one finding; those that say the same are sent together.

        `taken` hears the ids of the findings that were updated, after each call. `deadline` tells the seconds left.
        Raises DeliveryError for all that were not, after everything has been tried.
        """
        lost: Lost = []
        parcels = list(_parcels(updates, lost))
        denied: dict[_Place, str] = {}
        lost += self._batches.send(
            parcels,
            partial(self._update, denied, deadline),
            deadline=deadline,
            taken=lambda batch: taken([parcel.name for parcel in batch]),
        )
        if lost:
            raise DeliveryError(f"{ACTIONS[0]}: not taken: {told(lost)}")

    def _update(
        self, denied: dict[_Place, str], deadline: Callable[[], float], batch: Sequence[Parcel]
    ) -> list[Refused]:
        """What an account refuses it is not asked again, whatever the next update would say."""
        account, region, _ = batch[0].address
        if (account, region) in denied:
            raise Denied(denied[account, region])
        try:
            service = member(self._sessions, account, region)
            if self._pace is not None:
                self._pace.wait(f"{ACTIONS[0]} in account {account}, {region}", deadline=deadline)
            answer = service.ask("BatchUpdateFindings", **_joined(batch))
        except Denied as refusal:
            denied[account, region] = f"{refusal}; the function needs {ACTIONS[0]} in account {account}"
            raise Denied(denied[account, region]) from None
        return list(_refused(batch, answer))


def _parcels(updates: Iterable[JsonObject], lost: Lost) -> Iterable[Parcel]:
    for update in updates:
        (finding,) = update["FindingIdentifiers"]
        place = home(finding["ProductArn"])
        same = json.dumps(
            {name: value for name, value in update.items() if name != "FindingIdentifiers"}, sort_keys=True
        )
        parcel = Parcel(finding["Id"], (*place, same), len(json.dumps(finding)), update)
        if place:
            yield parcel
        else:
            lost.append(("its product is not the default one of an account", [parcel]))


def _joined(batch: Sequence[Parcel]) -> JsonObject:
    """One request for updates that say the same."""
    return {
        **batch[0].body,
        "FindingIdentifiers": [finding for one in batch for finding in one.body["FindingIdentifiers"]],
    }


def _refused(batch: Sequence[Parcel], answer: Mapping[str, Any]) -> Iterable[Refused]:
    """All that Security Hub does not say it has updated. Its words may repeat what was sent, so only its code is told."""
    processed = {finding.get("Id") for finding in answer.get("ProcessedFindings") or ()}
    failed = answer.get("UnprocessedFindings") or ()
    codes = {(entry.get("FindingIdentifier") or {}).get("Id"): str(entry.get("ErrorCode")) for entry in failed}
    for parcel in batch:
        code = codes.get(parcel.name)
        if code is not None:
            yield Refused(parcel, f"Security Hub does not update it ({shown_code(code)})", code in _FINAL)
        elif parcel.name not in processed:
            yield Refused(parcel, "Security Hub does not say that it has updated it", final=False)

"""The recorder of AWS Config in an account: whether it records what the policies need. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from opalite.doctor.diagnosis import Diagnosis, Reply, notice, quoted, skipped, unknown, well, wrong

CHECKS: Final = ("recorder", "recorder_types", "recorder_frequency", "delivery_channel")
# Recorded in every Region or, as AWS advises, in one of them.
# https://docs.aws.amazon.com/config/latest/APIReference/API_RecordingGroup.html
GLOBAL_TYPES: Final = frozenset({"AWS::IAM::Group", "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::IAM::User"})
_ALL, _EXCLUDING = "ALL_SUPPORTED_RESOURCE_TYPES", "EXCLUSION_BY_RESOURCE_TYPES"
_PUT: Final = (
    "aws configservice put-configuration-recorder --region REGION --configuration-recorder …  # in account ACCOUNT"
)
_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Seen:
    """What AWS Config tells in one account and Region: lists of recorders, channels and their states."""

    recorders: Reply
    states: Reply
    channels: Reply
    deliveries: Reply


def diagnoses(seen: Seen) -> Iterator[Diagnosis]:
    """All for which it does not matter what the policies need."""
    yield _recorder(seen)
    yield _channel(seen)


def types(seen: Mapping[str, Seen], needed: frozenset[str]) -> Iterator[tuple[str, Diagnosis]]:
    """Whether the needed types are recorded, and how often, by region.

    One diagnosis has an empty region: of what one Region may record for all.
    """
    known: list[frozenset[str]] = []
    for region, here in seen.items():
        yield region, _frequency(here, needed)
        recorder = _ours(here)
        if not here.recorders.known:
            yield region, unknown("recorder_types", here.recorders)
        elif recorder is None:
            yield region, skipped("recorder_types", "there is no recorder")
        else:
            missing = _missing(recorder, needed)
            known.append(missing & GLOBAL_TYPES)
            yield region, _told(missing - GLOBAL_TYPES)
    if known and len(known) == len(seen) and (nowhere := frozenset[str].intersection(*known)):
        message = f"no Region that was asked records {_listed(nowhere)}"
        yield "", wrong("recorder_types", message, "record them in one Region, or name that Region by --regions", _PUT)


def _ours(seen: Seen) -> Mapping[str, Any] | None:
    """The customer's recorder; others belong to services."""
    found = [entry for entry in seen.recorders.value or () if not entry.get("servicePrincipal")]
    return found[0] if found else None


def _recorder(seen: Seen) -> Diagnosis:
    check = "recorder"
    if not seen.recorders.known:
        return unknown(check, seen.recorders)
    recorder = _ours(seen)
    if recorder is None:
        return wrong(check, "there is no recorder", "deploy one, and switch it on", _PUT)
    if not seen.states.known:
        return unknown(check, seen.states)
    state: Mapping[str, Any] = next(
        (one for one in seen.states.value or () if one.get("name") == recorder.get("name")), {}
    )
    if not state.get("recording"):
        start = "aws configservice start-configuration-recorder --region REGION --configuration-recorder-name "
        return wrong(check, "the recorder is off", "switch it on", start + quoted(recorder.get("name", "default")))
    last = str(state.get("lastStatus", "Pending")).upper()
    if last == "FAILURE":
        reason = state.get("lastErrorCode") or "no reason is told"
        return wrong(check, f"the recorder's last delivery failed ({reason})", "look at its role and its bucket", _PUT)
    return well(check) if last in ("SUCCESS", "NOTAPPLICABLE") else notice(check, "the recorder has not delivered yet")


def _missing(recorder: Mapping[str, Any], needed: frozenset[str]) -> frozenset[str]:
    group = recorder.get("recordingGroup") or {"allSupported": True}
    strategy = (group.get("recordingStrategy") or {}).get("useOnly") or (_ALL if group.get("allSupported") else "")
    if strategy == _EXCLUDING:
        return needed & frozenset((group.get("exclusionByResourceTypes") or {}).get("resourceTypes") or ())
    if strategy == _ALL:
        return frozenset() if group.get("includeGlobalResourceTypes") else needed & GLOBAL_TYPES
    return needed - frozenset(group.get("resourceTypes") or ())


def _told(missing: frozenset[str]) -> Diagnosis:
    check = "recorder_types"
    if not missing:
        return well(check)
    return wrong(check, f"not recorded: {_listed(missing)}", "record these types, too: they are never judged", _PUT)


def _frequency(seen: Seen, needed: frozenset[str]) -> Diagnosis:
    check = "recorder_frequency"
    if not seen.recorders.known:
        return unknown(check, seen.recorders)
    recorder = _ours(seen)
    if recorder is None:
        return skipped(check, "there is no recorder")
    recorded = needed - _missing(recorder, needed)
    daily = recorded & _daily(recorder, needed)
    if not daily:
        return well(check)
    what = "all types that the policies need" if daily == recorded else _listed(daily)
    return notice(
        check, f"recorded once a day, and a failure is not seen for so long: {what}", "record continuously", _PUT
    )


def _daily(recorder: Mapping[str, Any], needed: frozenset[str]) -> frozenset[str]:
    """An override says it of its types, the mode of all others."""
    mode = recorder.get("recordingMode") or {}
    said = {
        kind: str(one.get("recordingFrequency"))
        for one in mode.get("recordingModeOverrides") or ()
        for kind in one.get("resourceTypes") or ()
    }
    return frozenset(kind for kind in needed if said.get(kind, mode.get("recordingFrequency")) == "DAILY")


def _channel(seen: Seen) -> Diagnosis:
    check = "delivery_channel"
    if not seen.channels.known:
        return unknown(check, seen.channels)
    if not seen.channels.value:
        put = "aws configservice put-delivery-channel --region REGION --delivery-channel …  # in account ACCOUNT"
        return wrong(check, "there is no delivery channel", "deploy one: without it nothing is recorded", put)
    if not seen.deliveries.known:
        return unknown(check, seen.deliveries)
    failed = [
        f"{what} ({info.get('lastErrorCode') or 'no reason is told'})"
        for state in seen.deliveries.value or ()
        for what, member in (("history", "configHistoryDeliveryInfo"), ("stream", "configStreamDeliveryInfo"),
                             ("snapshot", "configSnapshotDeliveryInfo"))
        if str((info := state.get(member) or {}).get("lastStatus", "")).upper() == "FAILURE"
    ]  # fmt: skip
    if failed:
        status = "aws configservice describe-delivery-channel-status --region REGION  # in account ACCOUNT"
        return wrong(
            check, f"not delivered: {', '.join(failed)}", "look at the policies of bucket, key and topic", status
        )
    return well(check)


def _listed(names: Sequence[str] | frozenset[str]) -> str:
    found = sorted(names)
    return ", ".join(found[:_NAMED]) + (f" (+{len(found) - _NAMED} more)" if len(found) > _NAMED else "")

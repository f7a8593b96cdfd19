"""Telling AWS Config: PutEvaluations, with the credentials of the member account that owns the Config rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from opalite.errors import AwsError, DeliveryError
from opalite.model import Evaluation
from opalite.ports import Absent, Denied, Key, Place, Sessions

ACTIONS: Final = ("config:PutEvaluations",)  # of the member account

# https://docs.aws.amazon.com/config/latest/APIReference/API_PutEvaluations.html
EVALUATIONS_PER_CALL: Final = 100
# https://docs.aws.amazon.com/config/latest/APIReference/API_Evaluation.html: characters.
_TYPE_CHARACTERS: Final = 256
_ID_CHARACTERS: Final = 768
_ANNOTATION_CHARACTERS: Final = 256
_COMPLIANCE_TYPES: Final = frozenset({"COMPLIANT", "NON_COMPLIANT", "NOT_APPLICABLE"})

ATTEMPTS: Final = 5
FIRST_WAIT_SECONDS: Final = 0.5  # at most, before the second attempt; it doubles with each
LONGEST_WAIT_SECONDS: Final = 8.0
RESERVE_SECONDS: Final = 2.0  # less than this is left: no call is begun, so that what was not sent can still be told
_NAMED: Final = 10

_TOKEN_REFUSED: Final = "InvalidResultTokenException"  # noqa: S105 - the name of an error
_MALFORMED: Final = "InvalidParameterValueException"

_Chunk = Sequence[Evaluation]


@dataclass(slots=True)
class _Run:
    """One call of `put`: what is still to be sent, what is to be sent again, and what AWS Config has not taken, with reasons."""

    place: Place
    token: str
    mode: Mapping[str, bool]
    deadline: Callable[[], float]
    waiting: list[_Chunk]
    again: list[tuple[str, _Chunk]] = field(default_factory=list)
    lost: list[tuple[str, _Chunk]] = field(default_factory=list)
    taken: int = 0
    attempts: int = 0
    final: bool = False  # nothing else would be taken either


class Evaluations:
    """Meets opalite.ports.Delivery.

    `jitter` gives a number from 0 to 1, another each time: functions that were throttled at once must not come back at once.
    """

    def __init__(self, sessions: Sessions, *, sleep: Callable[[float], None], jitter: Callable[[], float]) -> None:
        self._sessions = sessions
        self._sleep = sleep
        self._jitter = jitter

    def put(
        self,
        place: Place,
        evaluations: Sequence[Evaluation],
        token: str,
        *,
        test_mode: bool,
        deadline: Callable[[], float],
    ) -> int:
        """How many AWS Config has taken. None at all is one call, too: it ends a run that has nothing to say.

        `deadline` tells the seconds left. Raises DeliveryError for all that was not taken, after everything has been tried.
        Whatever is said twice of one resource is sent once, as of the later ordering timestamp.
        """
        faults = [(fault, [one]) for one in evaluations if (fault := _fault(one))]
        newest = _newest(one for one in evaluations if not _fault(one))
        waiting = _chunks(newest) if evaluations else [[]]
        run = _Run(place, token, {"TestMode": True} if test_mode else {}, deadline, waiting)
        run.lost.extend(faults)
        for attempt in range(ATTEMPTS):
            if attempt and not (run.again and self._is_time_again(run, attempt)):
                break
            self._send_all(run)
        if run.lost or run.again:
            tired = [(f"{reason} (attempt {run.attempts} was the last)", chunk) for reason, chunk in run.again]
            raise DeliveryError(_told(place, [*run.lost, *tired]), final=run.final)
        return run.taken

    def _is_time_again(self, run: _Run, attempt: int) -> bool:
        """Waits, with full jitter, unless too little time would be left; then what is waiting is sent again."""
        longest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (attempt - 1))
        seconds = longest * self._jitter()
        if run.deadline() - seconds < RESERVE_SECONDS:
            return False
        self._sleep(seconds)
        refused = [one for _, chunk in run.again for one in chunk]
        run.waiting = _chunks(refused) or [[]]
        run.again = []
        return True

    def _send_all(self, run: _Run) -> None:
        """Each chunk once. What concerns the Config rule or the account ends it: no other chunk would be taken either."""
        run.attempts += 1
        while run.waiting:
            if run.deadline() < RESERVE_SECONDS:
                return _give_up(run, "no time was left to send it")
            reason = self._attempt(run, run.waiting.pop(0))
            if reason:
                return _give_up(run, reason)
        return None

    def _attempt(self, run: _Run, chunk: _Chunk) -> str | None:
        """Why nothing else may be sent, if so."""
        try:
            failed = self._send(run, chunk)
        except Denied as denied:
            reason = str(denied)
        except Absent:
            reason = "the Config rule is not there any more"
        except AwsError as error:
            if error.code != _TOKEN_REFUSED:
                _put_off(run, chunk, error)
                return None
            reason = (
                "the result token is not (any longer) valid; "
                "AWS Config evaluates anew on the next change or re-evaluation"
            )
        else:
            _book(run, chunk, failed)
            return None
        run.waiting.insert(0, chunk)
        return reason

    def _send(self, run: _Run, chunk: _Chunk) -> Sequence[Mapping[str, Any]]:
        account_id = run.place.account_id
        try:
            service = self._sessions.service("config", account_id, run.place.region)
        except Denied as denied:
            raise Denied(f"{denied}: is the member role deployed there, and does it trust this function?") from None
        entries = [_entry(one) for one in chunk]
        try:
            answer = service.ask("PutEvaluations", Evaluations=entries, ResultToken=run.token, **run.mode)
        except Denied as denied:
            raise Denied(f"{denied}; the function needs config:PutEvaluations in account {account_id}") from None
        return answer.get("FailedEvaluations") or ()


def _fault(one: Evaluation) -> str | None:
    """What AWS Config would refuse a whole call for."""
    if not 1 <= len(one.resource_type) <= _TYPE_CHARACTERS or not 1 <= len(one.resource_id) <= _ID_CHARACTERS:
        return f"its type must have 1 to {_TYPE_CHARACTERS} characters, its id 1 to {_ID_CHARACTERS}"
    if one.compliance_type not in _COMPLIANCE_TYPES:
        return "its compliance type is none that AWS Config takes"
    if not 1 <= len(one.annotation) <= _ANNOTATION_CHARACTERS:
        return f"its annotation must have 1 to {_ANNOTATION_CHARACTERS} characters"
    return None if _moment(one) else "its ordering timestamp is no time"


def _moment(one: Evaluation) -> datetime | None:
    try:
        moment = datetime.fromisoformat(one.ordering_timestamp)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _newest(evaluations: Iterable[Evaluation]) -> list[Evaluation]:
    """One for each resource. Of two as of the same time the one that is not COMPLIANT counts."""
    newest: dict[Key, Evaluation] = {}
    for one in evaluations:
        other = newest.get(_key(one))
        if other is None or _rank(one) >= _rank(other):
            newest[_key(one)] = one
    return list(newest.values())


def _rank(one: Evaluation) -> tuple[datetime, bool]:
    return _moment(one) or datetime.min.replace(tzinfo=UTC), one.compliance_type != "COMPLIANT"


def _key(one: Evaluation) -> Key:
    return one.resource_type, one.resource_id


def _chunks(evaluations: _Chunk) -> list[_Chunk]:
    starts = range(0, len(evaluations), EVALUATIONS_PER_CALL)
    return [evaluations[start : start + EVALUATIONS_PER_CALL] for start in starts]


def _entry(one: Evaluation) -> dict[str, Any]:
    return {
        "ComplianceResourceType": one.resource_type,
        "ComplianceResourceId": one.resource_id,
        "ComplianceType": one.compliance_type,
        "Annotation": one.annotation,
        "OrderingTimestamp": _moment(one),
    }


def _book(run: _Run, chunk: _Chunk, failed: Sequence[Mapping[str, Any]]) -> None:
    """AWS Config took all but those that it names."""
    named = {(entry.get("ComplianceResourceType"), entry.get("ComplianceResourceId")) for entry in failed}
    refused = [one for one in chunk if _key(one) in named]
    if refused:
        run.again.append(("AWS Config named it as failed", refused))
    if len(refused) < len(named):
        run.lost.append((f"AWS Config named {len(named) - len(refused)} as failed that were not sent", []))
    run.taken += len(chunk) - len(refused)


def _put_off(run: _Run, chunk: _Chunk, error: AwsError) -> None:
    """To the next attempt; but a call that is refused for what it says is halved, until only the culprit is left."""
    if error.code != _MALFORMED:
        run.again.append((str(error), chunk))
    elif len(chunk) > 1:
        half = len(chunk) // 2
        run.waiting[:0] = [chunk[:half], chunk[half:]]
    else:
        run.lost.append((str(error), chunk))


def _give_up(run: _Run, reason: str) -> None:
    left = [*run.waiting, *(chunk for _, chunk in run.again)]
    run.lost.append((reason, [one for chunk in left for one in chunk]))
    run.waiting, run.again = [], []
    run.final = True


def _told(place: Place, lost: Sequence[tuple[str, _Chunk]]) -> str:
    """One line; the resources by type and id, at most ten of them in all."""
    by_reason: defaultdict[str, list[Evaluation]] = defaultdict(list)
    for reason, chunk in lost:
        by_reason[reason].extend(chunk)
    parts: list[str] = []
    room = _NAMED
    for reason, group in by_reason.items():
        names = [_shown(f"{one.resource_type} {one.resource_id}") for one in group[:room]]
        room -= len(names)
        more = [f"+{len(group) - len(names)} more"] if len(group) > len(names) else []
        parts.append(f"{', '.join([*names, *more])}: {reason}".removeprefix(": "))
    return f"config:PutEvaluations in account {place.account_id}, {place.region}: not taken: {'; '.join(parts)}"


def _shown(name: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in name)

"""Where decisions go beside AWS Config: the decision log, Security Hub, notifications. Each is tried, whatever becomes of the others.

What was last known of each policy and resource (publish.life) says what is new, so that only changes are sent. It is written
before anything is sent, with what is still to be sent, so that a retry sends what is missing and nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from opalite.config_rule.subjects import Subject, next_step, subjects
from opalite.config_rule.suppressing import Imported, Workflow, release_overtaken, tell
from opalite.errors import AwsError, DeliveryError
from opalite.model import Case, JsonObject, Message, Outcome, Standing
from opalite.ports import Denied
from opalite.publish import life
from opalite.publish.addressees import TagKeys, unclaimed
from opalite.publish.ending import Ending
from opalite.publish.finding import finding, product_arn
from opalite.publish.life import SECURITY_HUB, SNS, Change, Wishes
from opalite.publish.log_object import log_objects
from opalite.publish.notification import told

_AT_ONCE = 8  # standings that are written at the same time; each is a call of its own
_RACES = 5  # how often somebody else may have been faster
_GIVEN_UP = 3  # so many that failed one by one: the others would fail, too, each after all its attempts
_NAMED = 3  # of problems of one kind

_In = TypeVar("_In")
_Out = TypeVar("_Out")

Deadline = Callable[[], float]


class Log(Protocol):
    """The bucket of the decision log."""

    def put(self, objects: Sequence[tuple[str, bytes]], *, deadline: Deadline) -> object: ...


class Found(Protocol):
    """Standings by key, and why some could not be read."""

    @property
    def standings(self) -> Mapping[str, Standing]: ...
    @property
    def faults(self) -> Mapping[str, str]: ...


class Standings(Protocol):
    """The store of what was last known."""

    def get(self, keys: Sequence[str], *, deadline: Deadline) -> Found: ...
    def put(self, standing: Standing, *, after: Standing | None, deadline: Deadline) -> bool: ...
    def settle(self, standing: Standing, output: str, *, deadline: Deadline) -> bool: ...


class Hub(Protocol):
    """Security Hub in the members."""

    def put(
        self, findings: Sequence[JsonObject], *, deadline: Deadline, taken: Callable[[Sequence[str]], None]
    ) -> None: ...


class Topic(Protocol):
    """The topic of notifications."""

    def put(
        self, messages: Sequence[Message], *, deadline: Deadline, taken: Callable[[Sequence[Message]], None]
    ) -> None: ...


class Creators(Protocol):
    """Who made resources, as far as that can be found out; never fails."""

    def find(self, resources: Mapping[str, JsonObject], *, deadline: Deadline) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What findings and notifications need: the store, and where they go; None: that output is off."""

    entries: Mapping[str, Mapping[str, Any]]  # policies of the catalog by id
    standings: Standings
    hub: Hub | None
    topic: Topic | None
    home_region: str  # of findings about what has no Region
    passed: bool = False
    notice_days: int = 14
    refresh_days: int = 30
    tag_keys: TagKeys | None = None
    creators: Creators | None = None  # None: nobody is asked
    workflow: Workflow | None = None  # None only where there is no hub
    suppressed: bool = False  # findings of what is exempt

    @property
    def wishes(self) -> Wishes:
        """Which outputs are on, as publish.life asks for it."""
        on = {SECURITY_HUB: self.hub, SNS: self.topic}
        outputs = frozenset(name for name, output in on.items() if output is not None)
        return Wishes(outputs=outputs, passed=self.passed, notice_days=self.notice_days)


@dataclass(frozen=True, slots=True)
class _Told:
    """A case that something follows from."""

    case: Case
    before: Standing | None
    step: life.Step


class Outputs:
    """`prefix`: where the log's objects begin."""

    def __init__(self, *, log: Log | None, prefix: str, life: Life | None) -> None:
        self._log = log
        self._prefix = prefix
        self._life = life

    def deliver(
        self, cases: Sequence[Case], *, rule_arn: str, deadline: Deadline, endings: Sequence[Ending] = ()
    ) -> list[str]:
        """One line for each output that did not take everything. Endings are a matter of findings alone."""
        problems: list[str] = []
        if self._log is not None and cases:
            with _noted(problems):
                self._log.put(log_objects(cases, prefix=self._prefix, rule_arn=rule_arn), deadline=deadline)
        if self._life is not None:
            with _noted(problems):
                _live(self._life, subjects(self._life, cases, endings), deadline, problems)
        return problems


@contextmanager
def _noted(problems: list[str]) -> Iterator[None]:
    try:
        yield
    except (DeliveryError, AwsError, Denied) as error:
        problems.append(str(error))


def _live(life_: Life, by_key: Mapping[str, Subject], deadline: Deadline, problems: list[str]) -> None:
    if not by_key:
        return
    found = life_.standings.get(list(by_key), deadline=deadline)
    problems += _few([f"standing of {key[:100]}: {fault}" for key, fault in found.faults.items()])
    sound = [
        (key, subject)
        for key, subject in by_key.items()
        if key not in found.faults and subject.matters(is_known=key in found.standings)
    ]

    def stepped(entry: tuple[str, Subject]) -> _Told | None:
        return _stepped(life_, *entry, found.standings.get(entry[0]), deadline)

    told_ = [step for step in _each(stepped, sound, problems) if step is not None]
    if life_.hub is not None:
        _send_findings(life_, life_.hub, told_, deadline, problems)
    if life_.topic is not None:
        _notify(life_, life_.topic, told_, deadline, problems)


def _each(work: Callable[[_In], _Out], entries: Sequence[_In], problems: list[str]) -> list[_Out]:
    """What was made of them, several at a time. One that fails keeps none of the others from it, many do: the store is not there."""
    failed: list[str] = []

    def tried(entry: _In) -> list[_Out]:
        if len(failed) < _GIVEN_UP:
            with _noted(failed):
                return [work(entry)]
        return []

    if len(entries) == 1:
        done = tried(entries[0])
    else:
        with ThreadPoolExecutor(min(_AT_ONCE, len(entries) or 1)) as pool:
            done = [made for one in pool.map(tried, entries) for made in one]
    left = len(entries) - len(done) - len(failed)
    problems += [*_few(failed), *([f"{left} more were not tried"] if left else [])]
    return done


def _few(found: Sequence[str]) -> list[str]:
    """The first of those that differ, and how many there are beside them."""
    different = list(dict.fromkeys(found))
    more = len(different) - _NAMED
    return different if more <= 0 else [*different[:_NAMED], f"{more} more like these"]


def _stepped(life_: Life, key: str, subject: Subject, before: Standing | None, deadline: Deadline) -> _Told | None:
    """The step from what stands there, once it stands there itself; None if something newer does."""
    for _ in range(_RACES):
        following = next_step(life_, key, subject, before)
        if following is None:
            return None
        case, step = following
        # What is only shown is not remembered: others could fill the table by findings that they forge.
        is_left = step.standing == before or (before is None and subject.case is None)
        if is_left or life_.standings.put(step.standing, after=before, deadline=deadline):
            return _Told(case, before, step)
        again = life_.standings.get([key], deadline=deadline)
        if key in again.faults:
            raise AwsError(f"standing of {key[:100]}: {again.faults[key]}")
        before = again.standings.get(key)
    raise AwsError(f"standing of {key[:100]}: others have changed it {_RACES} times; try again")


def _send_findings(life_: Life, hub: Hub, told_: Sequence[_Told], deadline: Deadline, problems: list[str]) -> None:
    due = {one.step.standing.finding_id: one for one in told_ if one.step.finding is not None}
    findings = {
        key: finding(
            one.case,
            life_.entries.get(one.case.decision.policy_id, {}),  # a policy that ends may be gone
            one.step.standing,
            product_arn=product_arn(one.case, home_region=life_.home_region),
            is_new=one.before is None or one.before.sent_at is None,
        )
        for key, one in due.items()
    }
    taken: list[str] = []
    try:
        with _noted(problems):
            hub.put(list(findings.values()), deadline=deadline, taken=taken.extend)
    finally:
        _imported(life_, [_import(due[key], findings[key]) for key in taken], deadline, problems)


def _import(one: _Told, sent: JsonObject) -> Imported:
    decision = one.case.decision
    return Imported(sent, one.step.standing, decision.exemption if decision.outcome is Outcome.EXEMPT else None)


def _imported(life_: Life, taken: Sequence[Imported], deadline: Deadline, problems: list[str]) -> None:
    """What follows once Security Hub has taken findings."""
    if life_.workflow is None:
        _settle(life_, [one.standing for one in taken], SECURITY_HUB, deadline, problems)
        return
    done = tell(life_.workflow, taken, deadline, problems)
    replaced = _settle(life_, done, SECURITY_HUB, deadline, problems)
    release_overtaken(life_.workflow, life_.standings, taken, replaced, deadline, problems)


def _notify(life_: Life, topic: Topic, told_: Sequence[_Told], deadline: Deadline, problems: list[str]) -> None:
    changes: list[tuple[Change, Case, Standing]] = [
        (one.step.change, one.case, one.step.standing) for one in told_ if one.step.change is not None
    ]
    creators: Mapping[str, str] = {}
    if life_.creators is not None:
        nobodys = unclaimed(changes, life_.entries, life_.tag_keys or TagKeys())
        creators = life_.creators.find(nobodys, deadline=deadline)
    of = told(changes, life_.entries, keys=life_.tag_keys, creators=creators)
    taken: list[Message] = []
    try:
        with _noted(problems):
            topic.put([message for message, _ in of], deadline=deadline, taken=taken.extend)
    finally:
        sent = [standings for message, standings in of if any(message is one for one in taken)]
        _settle(life_, [standing for standings in sent for standing in standings], SNS, deadline, problems)


def _settle(
    life_: Life, standings: Sequence[Standing], output: str, deadline: Deadline, problems: list[str]
) -> list[Standing]:
    """What was told is not pending any more. Where that cannot be noted, it is told again by the next attempt.

    Returns those in whose place another standing is by now.
    """
    failed: list[str] = []

    def settled(standing: Standing) -> tuple[Standing, bool]:
        return standing, life_.standings.settle(standing, output, deadline=deadline)

    done = _each(settled, standings, failed)
    if failed:
        problems.append(
            f"{output} was told, but will be told again, since that could not be noted: {'; '.join(failed)}"
        )
    return [standing for standing, is_settled in done if not is_settled]

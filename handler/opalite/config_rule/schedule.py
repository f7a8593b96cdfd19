"""All resources of an account and a Region that a Config rule is about, page by page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from opalite.config_rule.judging import Verdict, refuse_faults, verdicts
from opalite.config_rule.parts import Parts
from opalite.errors import AwsError, DeliveryError, InvocationError, NormalizationError, OpaliteError
from opalite.event import Invocation
from opalite.model import Evaluation, Item, JsonObject, Resource
from opalite.normalize import resource as normalize
from opalite.ports import Denied, Key, Place
from opalite.publish.annotation import fitted
from opalite.publish.ending import Ending, Reason
from opalite.publish.evaluation import NOT_APPLICABLE
from opalite.selection import Selection, types

RESERVE_SECONDS = 15.0  # what a page may take: fetched, judged and delivered
_NAMED = 5  # what was not delivered, in one message: of a page by AWS Config, and by each other output
_NOWHERE = "global"  # the Region of what has none
_DELETED = "the resource was deleted"
_PAGE = 100  # resources that are looked up one by one, judged at once


@dataclass(slots=True)
class Tally:
    """What has been done so far."""

    resources: int = 0
    delivered: Counter[str] = field(default_factory=Counter)  # evaluations by compliance type
    unreadable: int = 0


def run(parts: Parts, invocation: Invocation, place: Place, selection: Selection) -> Tally:
    """Judge what AWS Config has discovered, and take back what it holds of resources that are gone.

    Each page is delivered before the next one is fetched, so that what ran out of time has not been for nothing.
    """
    kinds = types(parts.catalog, selection.chosen)
    round_ = _Round(parts, invocation, place, selection, parts.results.held(place, invocation.rule.name))
    try:
        if kinds is None or kinds:
            for page in parts.items.discovered(place, None if kinds is None else sorted(kinds)):
                round_.judge(page)
        round_.clean_up(kinds)
    except (OpaliteError, Denied) as error:
        if not round_.undelivered:
            raise
        raise DeliveryError(_few([str(error), *round_.undelivered])) from error
    round_.close()
    return round_.tally


def _few(problems: Sequence[str]) -> str:
    more = f" (+{len(problems) - _NAMED} more)" if len(problems) > _NAMED else ""
    return f"{'; '.join(problems[:_NAMED])}{more}"


class _Round:
    def __init__(
        self, parts: Parts, invocation: Invocation, place: Place, selection: Selection, held: Mapping[Key, str]
    ) -> None:
        if invocation.notified_at is None:
            raise InvocationError("a schedule without notificationCreationTime")
        self.tally = Tally()
        self._at: str = invocation.notified_at
        self._parts = parts
        self._invocation = invocation
        self._place = place
        self._selection = selection
        self._outputs = None if invocation.test_mode else parts.outputs
        self._held = held
        self._seen: set[Key] = set()
        self._doubtful: list[Verdict] = []
        self._not_taken: list[str] = []  # by AWS Config
        self._not_told: list[str] = []  # to the other outputs

    def judge(self, page: Sequence[JsonObject]) -> None:
        """The items of one page."""
        self._check_time()
        resources = [resource for body in page if (resource := self._resource(body)) is not None]
        found = self._verdicts(resources)
        self._parts.telemetry.judged(found)
        self._doubtful += [verdict for verdict in found if verdict.faults]
        try:
            self._deliver([verdict.evaluation for verdict in found if verdict.evaluation is not None])
        finally:
            self._tell_others(found)

    def _verdicts(self, resources: Sequence[Resource]) -> list[Verdict]:
        try:
            return verdicts(self._parts, resources, self._selection, at=self._at, held=self._held_of)
        except NormalizationError as error:  # one that cannot be written as JSON; the others are judged
            if len(resources) == 1:
                self._unreadable(error)
                return []
        return [verdict for resource in resources for verdict in self._verdicts([resource])]

    def clean_up(self, kinds: frozenset[str] | None) -> None:
        """Results of what was not discovered: gone if AWS Config knows nothing of it, judged if it does after all."""
        missed = [key for key in self._held if key not in self._seen]
        strangers = [key for key in missed if kinds is not None and key[0] not in kinds]
        others = [key for key in missed if kinds is None or key[0] in kinds]
        existing, doubtful = self._parts.items.existing(self._place, others) if others else (frozenset(), frozenset())
        gone = [key for key in others if key not in existing and key not in doubtful]
        self._take_back(strangers, "no policy of this Config rule speaks of this type of resource")
        self._part_with(sorted(gone))
        there = sorted(existing)
        for first in range(0, len(there), _PAGE):
            self._check_time()
            latest = (self._parts.items.latest(self._place, *key) for key in there[first : first + _PAGE])
            self.judge([body for body in latest if body is not None])

    def _part_with(self, gone: Sequence[Key]) -> None:
        """Resources that are gone. AWS Config comes last here: what it does not hold any more, no later attempt would look for."""
        if self._outputs is None:
            self._take_back(gone, _DELETED)
            return
        for first in range(0, len(gone), _PAGE):
            keys = gone[first : first + _PAGE]
            self._check_time()
            found = self._verdicts([resource for key in keys if (resource := self._last(key)) is not None])
            self._parts.telemetry.judged(found)
            self._doubtful += [verdict for verdict in found if verdict.faults]
            endings = [ending for key in keys for ending in self._endings(key)]
            if self._tell_others(found, endings):
                told = [verdict.evaluation for verdict in found if verdict.evaluation is not None]
                self._take_back(keys, _DELETED, told)

    def _last(self, key: Key) -> Resource | None:
        """The item that tells of the resource's end, if the history has it: of that a real decision can be made."""
        try:
            body = self._parts.items.latest(self._place, *key)
            if body is None:
                return None
            last = normalize(Item(body, f"{self._place.account_id} {self._place.region}", self._at))
        except (Denied, AwsError, NormalizationError):  # it can be ended without
            return None
        return last if last.gone is not None else None

    def _endings(self, key: Key) -> Iterator[Ending]:
        """Of every policy that the Config rule asks about it. Whether its Region was none, nobody knows any more."""
        place = {"partition": self._place.partition, "account_id": self._place.account_id, "arn": None}
        for policy_id in self._parts.catalog.applying_to(key[0], self._selection.chosen):
            for region in (self._place.region, _NOWHERE):
                resource = {**place, "region": region, "type": key[0], "id": key[1]}
                yield Ending(policy_id=policy_id, resource=resource, reason=Reason.GONE, at=self._at)

    @property
    def undelivered(self) -> list[str]:
        """One line each, those of AWS Config first."""
        return [*self._not_taken, *self._not_told]

    def close(self) -> None:
        """A run that had nothing to say ends with a word all the same; raises what could not be delivered or trusted."""
        if not self.tally.delivered and not self._not_taken:
            self._deliver([], even_if_empty=True)
        if self.undelivered:
            raise DeliveryError(_few(self.undelivered))
        refuse_faults(self._doubtful)

    def _resource(self, body: JsonObject) -> Resource | None:
        kind, name = body.get("resourceType"), body.get("resourceId")
        if isinstance(kind, str) and isinstance(name, str):
            self._seen.add((kind, name))
        self.tally.resources += 1
        try:
            return normalize(Item(body, f"{self._place.account_id} {self._place.region}", self._at))
        except NormalizationError as error:
            self._unreadable(error)
            return None

    def _unreadable(self, error: NormalizationError) -> None:
        self.tally.unreadable += 1
        self._parts.telemetry.unreadable(str(error))

    def _held_of(self, document: Mapping[str, str]) -> str | None:
        return self._held.get((document["type"], document["id"]))

    def _take_back(self, keys: Iterable[Key], reason: str, told: Iterable[Evaluation] = ()) -> None:
        """`told`: evaluations that say it in the words of a decision."""
        annotation = fitted(f"not applicable: {reason}", "")
        known = {(each.resource_type, each.resource_id): each for each in told}
        evaluations = [known.get(key) or Evaluation(*key, NOT_APPLICABLE, annotation, self._at) for key in sorted(keys)]
        if self._deliver(evaluations):
            self._parts.telemetry.note("taken back", resources=len(evaluations), reason=reason)

    def _deliver(self, evaluations: Sequence[Evaluation], *, even_if_empty: bool = False) -> bool:
        """Whether AWS Config has taken them all."""
        if not evaluations and not even_if_empty:
            return False
        try:
            self._parts.delivery.put(
                self._place,
                evaluations,
                self._invocation.result_token,
                test_mode=self._invocation.test_mode,
                deadline=self._parts.remaining,
            )
        except DeliveryError as error:
            if error.final:
                raise
            # One resource that Config does not take must not keep the others from being judged.
            self._not_taken.append(str(error))
            return False
        self.tally.delivered.update(evaluation.compliance_type for evaluation in evaluations)
        return True

    def _tell_others(self, found: Sequence[Verdict], endings: Sequence[Ending] = ()) -> bool:
        """Whether the outputs beside AWS Config have taken all. `endings`: beside those of the verdicts."""
        if self._outputs is None:
            return True
        not_told = self._outputs.deliver(
            [case for verdict in found for case in verdict.cases],
            rule_arn=self._invocation.rule.arn,
            deadline=self._parts.remaining,
            endings=[*(ending for verdict in found for ending in verdict.endings), *endings],
        )
        self._not_told += not_told
        return not not_told

    def _check_time(self) -> None:
        if self._parts.remaining() < RESERVE_SECONDS:
            raise DeliveryError(
                f"{self._invocation.rule.name} in account {self._place.account_id}: time ran out after "
                f"{self.tally.resources} resources: give the function more time, or each policy a Config rule of its own"
            )

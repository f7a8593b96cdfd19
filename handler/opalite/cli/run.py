"""One run: items → questions → batches in flight → decisions in the order of the items. Memory does not grow with the input.

Decisions that hang on facts which only the rest of the input may tell wait in a file until everything has been read; they
come last, in the order of their items.
"""

from __future__ import annotations

import marshal
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import IO, Any, TypeVar

from opalite.cli.summary import Summary
from opalite.decide import needs
from opalite.errors import NormalizationError
from opalite.facts.corpus import CorpusFacts
from opalite.judge import Fault, Judge, Judged, Pending
from opalite.model import Decision, Item, Notice, Problem, Question, Resource
from opalite.normalize import resource as normalize
from opalite.ports import Facts, Wanted

T = TypeVar("T")

BATCH_ITEMS = 100  # a call of this size costs OPA little more than its items; larger ones only cost memory
BATCH_BYTES = 4 * 1024 * 1024
_LENGTH_BYTES = 8
_MOST_WANTED = 20_000  # facts, each a few hundred bytes here; fewer than a cache of facts holds
_SPOOL_BYTES = 4 * 1024 * 1024  # in memory; what is more goes to a temporary file


class Run:
    """The state of one run. `report` gets each problem, notice and fault as it is met.

    `remote`: a source of facts that is asked when everything has been read, so that each key is asked for once.
    `stop`: makes it let go of the threads that wait for it, when the run is interrupted or fails.
    """

    def __init__(
        self,
        judge: Judge,
        *,
        at: str | None,
        now: str,
        jobs: int,
        report: Callable[[str, str], None],
        remote: Facts | None = None,
        stop: Callable[[], None] | None = None,
    ) -> None:
        self.summary = Summary()
        self._judge = judge
        self._at = at
        self._now = now
        self._jobs = jobs
        self._report = report
        self._corpus = CorpusFacts()
        self._remote = remote
        self._stop = stop
        self._wanted: dict[tuple[str, ...], Wanted] = {}  # of the remote source
        self._undated = 0
        self._faulty: set[tuple[str, str]] = set()

    def decisions(self, found: Iterable[Item | Problem | Notice]) -> Iterator[list[Decision]]:
        """The decisions, a batch at a time."""
        with (
            tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spool,
            ThreadPoolExecutor(self._jobs) as pool,  # at its end it waits for its threads
            self._stopping(),
        ):
            for judged in self._in_flight(pool, _batches(self._questions(found)), self._judge.first):
                decided, pending = self._sort(judged)
                if pending:
                    _write(spool, pending)
                    self._want(pending)
                yield decided
            spool.seek(0)
            if self._remote is not None:
                self._remote.prepare(self._wanted.values())
            for judged in self._in_flight(pool, _read(spool), self._again):
                decided, _ = self._sort(judged)
                yield decided
        if self._undated:
            were = "item without a capture time was" if self._undated == 1 else "items without a capture time were"
            self._report("notice", f"{self._undated} {were} judged as of now; give --at to say when")

    @contextmanager
    def _stopping(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            if self._stop is not None:
                self._stop()
            raise

    def _again(self, pending: list[Pending]) -> list[list[Judged]]:
        remote = () if self._remote is None else (self._remote,)
        return self._judge.again(pending, [*remote, self._corpus])

    def _want(self, pending: list[Pending]) -> None:
        """Note what the remote source will be asked for; what is beyond the limit, it is asked for batch by batch."""
        if self._remote is None:
            return
        for entry in pending:
            document = entry.question.resource.document
            home = {name: document[name] for name in ("partition", "account_id", "region")}
            for kind, key in needs(entry.result):
                if len(self._wanted) < _MOST_WANTED:
                    self._wanted[kind, key, *home.values()] = (kind, key, home)

    def _questions(self, found: Iterable[Item | Problem | Notice]) -> Iterator[Question]:
        for entry in found:
            if isinstance(entry, Item):
                question = self._question(entry)
                if question is not None:
                    yield question
            elif isinstance(entry, Problem):
                self._problem(entry.source, entry.message)
            else:
                self._report("notice", f"{entry.source}: {entry.message}")

    def _question(self, item: Item) -> Question | None:
        self.summary.items += 1
        try:
            resource = normalize(item)
            self._corpus.see(resource)
            question = self._judge.question(resource, self._evaluated_at(resource))
        except NormalizationError as error:
            self._problem(item.source, str(error))
            return None
        if question is None and not self._judge.knows(resource.document["type"]):
            self.summary.without_policy[resource.document["type"]] += 1
        return question

    def _evaluated_at(self, resource: Resource) -> str:
        at = self._at or resource.notified_at or resource.capture_time
        if at is None:
            self._undated += 1
            return self._now
        return at

    def _problem(self, source: str, message: str) -> None:
        self.summary.problems += 1
        self._report("error", f"{source}: {message}")

    def _sort(self, judged: list[list[Judged]]) -> tuple[list[Decision], list[Pending]]:
        decided: list[Decision] = []
        pending: list[Pending] = []
        for line in judged:
            for entry in line:
                if isinstance(entry, Decision):
                    decided.append(entry)
                    self.summary.add(entry)
                elif isinstance(entry, Pending):
                    pending.append(entry)
                else:
                    self._fault(entry)
        return decided, pending

    def _fault(self, fault: Fault) -> None:
        self.summary.faults += 1
        if (fault.policy_id, fault.message) not in self._faulty:  # the same on each item: once is enough
            self._faulty.add((fault.policy_id, fault.message))
            self._report("error", f"{fault.source}: {fault.message}; no decision was made")

    def _in_flight(
        self, pool: ThreadPoolExecutor, batches: Iterable[list[T]], work: Callable[[list[T]], list[list[Judged]]]
    ) -> Iterator[list[list[Judged]]]:
        """The results of `work` in the order of the batches, with as many at work as there are jobs and one to come."""
        running: deque[Future[list[list[Judged]]]] = deque()
        try:
            for batch in batches:
                running.append(pool.submit(work, batch))
                if len(running) > self._jobs:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()


def _batches(questions: Iterable[Question]) -> Iterator[list[Question]]:
    batch: list[Question] = []
    size = 0
    for question in questions:
        batch.append(question)
        size += len(question.core)
        if len(batch) >= BATCH_ITEMS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _write(spool: IO[bytes], pending: list[Pending]) -> None:
    """One record: its length, and plain values by marshal, which is six times as fast as pickle."""
    record = marshal.dumps([_packed(entry) for entry in pending])
    spool.write(len(record).to_bytes(_LENGTH_BYTES))
    spool.write(record)


def _read(spool: IO[bytes]) -> Iterator[list[Pending]]:
    """The records again; the file is our own and never outlives the process."""
    while length := spool.read(_LENGTH_BYTES):
        yield [_unpacked(entry) for entry in marshal.loads(spool.read(int.from_bytes(length)))]  # noqa: S302


def _packed(entry: Pending) -> tuple[Any, ...]:
    question, resource = entry.question, entry.question.resource
    return (
        (
            resource.document,
            list(resource.unknown),
            resource.gone,
            resource.capture_time,
            resource.notified_at,
            resource.source,
        ),
        (question.evaluated_at, question.core, question.digest, question.expected, question.selected),
        entry.result,
    )


def _unpacked(packed: tuple[Any, ...]) -> Pending:
    resource, question, result = packed
    return Pending(Question(Resource(*resource), *question), result)

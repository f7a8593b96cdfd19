"""`--publish OUTPUTS --dry-run`: what the function would send of the decisions, as JSON Lines. Nothing is sent.

It is rendered by what renders it for the function, as if each policy had a Config rule of its own, each item were an event of its
own (with --at, met by a schedule of that time), and nothing had ever been known of the resource.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from gzip import decompress
from threading import Lock
from typing import Any

import orjson

from opalite.cli.sink import Sink
from opalite.cli.summary import Summary
from opalite.environment import VARIABLES, Environment
from opalite.errors import UsageError
from opalite.model import Case, Decision, JsonObject, Question, Standing
from opalite.publish import evaluation, life
from opalite.publish.addressees import TagKeys
from opalite.publish.annotation import fitted, tail
from opalite.publish.finding import content, finding, product_arn
from opalite.publish.life import SECURITY_HUB, SNS, Change, Wishes
from opalite.publish.log_object import log_objects
from opalite.publish.notification import told
from opalite.publish.record_bounds import dumped

CONFIG, LOG = "config", "s3"
OUTPUTS = (CONFIG, SECURITY_HUB, LOG, SNS)
FORMAT = "jsonl"

# Changes that are grouped into messages at once, and the JSON of what they were judged of: all of it stays in memory.
MOST_CHANGES = 2_000
MOST_CHANGES_BYTES = 8 * 1024 * 1024

# Variables of the function that shape what it sends. Where they are set in the shell, they hold here, too.
_TAKEN = ("OPALITE_LOG_PREFIX", "OPALITE_NOTICE_DAYS", "OPALITE_OWNER_TAGS", "OPALITE_PASSED_FINDINGS")
_HOME_REGION = "us-east-1"  # of findings about what has no Region, where the environment names none


def preview(
    publish: str | None, *, dry_run: bool, form: str | None, at: str | None, environ: Mapping[str, str]
) -> Preview | None:
    """What --publish asks for; None without it. Raises UsageError for options that do not go together.

    `at`: the time of --at. `environ`: may hold variables of the function; raises UsageError for what it would not take either.
    """
    if publish is None:
        if dry_run:
            raise UsageError(f"--dry-run says that nothing is sent: say by --publish {','.join(OUTPUTS)} what to show")
        return None
    names = [name.strip() for name in publish.split(",")]
    for name in names:
        if name not in OUTPUTS:
            raise UsageError(f"--publish: there is no output {name[:40]!r}; there are {', '.join(OUTPUTS)}")
    if not dry_run:
        raise UsageError("--publish: only the function sends (docs/lambda.md); add --dry-run to see what it would send")
    if form not in (None, FORMAT):
        raise UsageError(f"--format {form}: what would be sent has no such form; leave --format out, or say {FORMAT}")
    return Preview(frozenset(names), _own(environ), at, Kept())


def _own(environ: Mapping[str, str]) -> Environment:
    given = {
        VARIABLES[name][0]: VARIABLES[name][1](name, environ[name].strip())
        for name in _TAKEN
        if environ.get(name, "").strip()
    }
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or _HOME_REGION
    return Environment(region=region, **given)


class Kept:
    """What decisions were made of, until they are written. Kept by the threads that judge, taken by the one that writes."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._cores: dict[str, list[bytes]] = {}  # by decision id; several where an item is in the input more than once

    def keep(self, decision: Decision, question: Question) -> None:
        """For `judge.Judge`."""
        with self._lock:
            self._cores.setdefault(decision.decision_id, []).append(question.core)

    def take(self, decision: Decision) -> bytes:
        """JSON of what was judged; it is forgotten here."""
        with self._lock:
            cores = self._cores[decision.decision_id]
            core = cores.pop()
            if not cores:
                del self._cores[decision.decision_id]
        return core


@dataclass(frozen=True, slots=True)
class Preview:
    """What is to be shown."""

    outputs: frozenset[str]
    own: Environment  # of the function, as far as it shapes what is sent
    at: str | None
    kept: Kept  # its `keep` is for the Judge

    def writer(self, sink: Sink, entries: Mapping[str, Mapping[str, Any]]) -> DryRun:
        """`entries`: policies of the catalog by id."""
        return DryRun(self, sink, entries)


class DryRun:
    """A `Writer` of what would be sent: a line for each call or entry. Messages come last, or when there are too many changes."""

    def __init__(self, asked: Preview, sink: Sink, entries: Mapping[str, Mapping[str, Any]]) -> None:
        self._outputs, self._own, self._at, self._kept = asked.outputs, asked.own, asked.at, asked.kept
        self._sink = sink
        self._entries = entries
        own = self._own
        self._wishes = Wishes(outputs=self._outputs, passed=own.passed_findings, notice_days=own.notice_days)
        self._tag_keys = TagKeys(owner=own.owner_tags) if own.owner_tags else None
        self._last: tuple[bytes, JsonObject] = (b"", {})  # most policies judge the same of a resource
        self._changes: list[tuple[Change, Case, Standing]] = []
        self._changes_bytes = 0
        self._groupings = 0

    def begin(self) -> None:
        """Nothing comes before the first line."""

    def add(self, decisions: Sequence[Decision]) -> None:
        """What each one leads to."""
        for decision in decisions:
            core = self._kept.take(decision)
            if self._last[0] != core:
                self._last = (core, orjson.loads(core))
            case = Case(decision, self._last[1])
            if CONFIG in self._outputs and (told_ := _evaluation(case, self._at)) is not None:
                self._write(CONFIG, **told_)
            if self._outputs & {SECURITY_HUB, SNS}:
                self._live(case, len(core))
            if LOG in self._outputs:
                self._log(case)

    def end(self, summary: Summary) -> None:  # noqa: ARG002 - the counts are those of decisions
        """The messages."""
        self._notify()

    def notices(self) -> Iterator[str]:
        """What people must know to read the lines."""
        unknown = "; nothing is known of before: each finding is the first of its kind, each failure a new one"
        yield f"nothing was sent{unknown if self._outputs & {SECURITY_HUB, SNS} else ''}"
        if self._groupings > 1:
            yield f"too many changes to group them all: the messages are of {self._groupings} parts of the input"

    def _live(self, case: Case, size: int) -> None:
        """As the first decision of its policy and resource, whatever came before: the function would know, a run does not."""
        entry = self._entries[case.decision.policy_id]
        key = life.finding_id(case, entry)
        now = case.decision.evaluated_at
        step = life.step(None, case, content(case), key=key, refresh_before=now, wishes=self._wishes)
        if step is None:
            return
        if step.finding is not None:
            arn = product_arn(case, home_region=self._own.region)
            self._write(SECURITY_HUB, finding=finding(case, entry, step.standing, product_arn=arn, is_new=True))
        if step.change is not None:
            if len(self._changes) >= MOST_CHANGES or self._changes_bytes + size > MOST_CHANGES_BYTES:
                self._notify()
            self._changes.append((step.change, case, step.standing))
            self._changes_bytes += size

    def _log(self, case: Case) -> None:
        """The records stand here as they stand in the object, to the byte."""
        prefix, rule = self._own.log_prefix, case.decision.policy_id
        for key, body in log_objects([case], prefix=prefix, rule_arn=rule):
            records = b",".join(decompress(body).splitlines())
            self._sink.write(b'{"output":"%s","key":%s,"records":[%s]}\n' % (LOG.encode(), dumped(key), records))

    def _notify(self) -> None:
        if not self._changes:
            return
        for message, _ in told(self._changes, self._entries, keys=self._tag_keys):
            self._write(
                SNS,
                subject=message.subject,
                attributes=dict(message.attributes),
                text=message.text,
                document=message.document,
            )
        self._changes, self._changes_bytes = [], 0
        self._groupings += 1

    def _write(self, output: str, **said: Any) -> None:
        self._sink.write(dumped({"output": output, **said}) + b"\n")


def _evaluation(case: Case, at: str | None) -> JsonObject | None:
    """The entry of PutEvaluations, and whose Config rule it is of; None where Config is told nothing."""
    one, gone = case.decision, case.judged["gone"]
    if gone is not None:  # whatever policies and stages say: a result of what is gone is to go as well
        kind, text = evaluation.NOT_APPLICABLE, fitted(f"not applicable: {gone}", tail(one.decision_id))
    elif (found := evaluation.told([one], umbrella=False, complete=True)) is not None:
        kind, text = found
    else:
        return None
    entry = {
        "ComplianceResourceType": one.resource_type,
        "ComplianceResourceId": one.resource_id,
        "ComplianceType": kind,
        "Annotation": text,
        "OrderingTimestamp": at or one.capture_time or one.evaluated_at,
    }
    return {"account_id": one.account_id, "region": one.region, "policy_id": one.policy_id, "evaluation": entry}

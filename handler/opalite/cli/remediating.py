"""What `opalite remediate` works with: OPA, AWS by one's own credentials or by the roles, and a ledger. A composition root."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opalite.catalog import Catalog
from opalite.cli import clock
from opalite.cli.remediation_ways import Ways, judged_by, said
from opalite.cli.session import EngineOptions, session
from opalite.errors import AwsError, OutputError, UsageError
from opalite.ports import Absent, Denied, Facts, Service
from opalite.remediation import approving, files, permitted
from opalite.remediation.action import Action, Ask
from opalite.remediation.actions import ACTIONS
from opalite.remediation.attempt import Attempt
from opalite.remediation.considering import Look, look
from opalite.remediation.files import FileLedger
from opalite.remediation.flow import Remediation
from opalite.remediation.model import Request, Result, Target, Trigger
from opalite.remediation.parts import Parts

if TYPE_CHECKING:
    from opalite.adapters.aws.sessions import AwsSessions
    from opalite.remediation.aws.ledger import DynamoLedger

_HERE = "the person at the terminal"
_KEY_FILE, _KEY_BYTES = ".approvals", 32
RECORDS = "opalite-remediation"


@dataclass(frozen=True, slots=True)
class Place:
    """Where attempts are kept, and as whom AWS is asked."""

    records: Path
    table: str | None
    role_prefix: str | None
    external_id: str | None

    @property
    def options(self) -> str:
        """What has to be said for another command to find the same attempts."""
        if self.table is not None:
            return said(("--table", self.table))
        return "" if self.records == Path(RECORDS) else said(("--records", self.records))

    def ways(self, options: EngineOptions | None = None) -> Ways:
        """`options`: those that the attempt was made with, if they are known."""
        roles = said(("--role-prefix", self.role_prefix), ("--external-id", self.external_id))
        return Ways(self.options, roles, None if options is None else judged_by(options))


@dataclass(frozen=True, slots=True)
class Workshop:
    """Ready to look, to do and to undo."""

    parts: Parts
    remediation: Remediation
    catalog: Catalog
    entries: Mapping[str, Mapping[str, Any]]
    ways: Ways  # how other commands find and go on with an attempt
    asks_here: bool  # whether the person at the terminal is the one who agrees
    _sign: Callable[[bytes], bytes]
    _files: FileLedger
    _place: Place

    def look(self, request: Request) -> Look:
        """Nothing is kept of it."""
        return look(self.parts, request)

    def consider(self, request: Request) -> Attempt:
        """What the person at this terminal has been asked before, about the same, is asked anew, or needs no question any more."""
        if self.asks_here:
            for one in self._files.all():
                if one.target == request.target and one.result is Result.WAITING:
                    self._files.save(one.ended(Result.REFUSED, "it was asked for again", clock.now()))
        return self.remediation.consider(request)

    def agree(self, attempt: Attempt) -> Attempt:
        """The person at the terminal has said yes to this very plan."""
        signature = self._sign(approving.to_sign(attempt, _HERE))
        return self.remediation.approve(attempt.id, approving.parse(approving.document(attempt, _HERE, signature)))

    def undo(self, attempt: Attempt, trigger: Trigger) -> Attempt:
        """See opalite.remediation.undoing."""
        from opalite.remediation.undoing import undo  # noqa: PLC0415 - for this command alone

        return undo(self.parts, attempt, trigger)

    def record(self, name: str) -> Attempt:
        """By id or by file."""
        return recorded(name, self._place)

    def seconds_until(self, moment: str) -> float:
        """Negative if it is over."""
        return (datetime.fromisoformat(moment) - datetime.fromisoformat(clock.now())).total_seconds()

    def say(self, line: str) -> None:
        """On standard error, for people who wait."""
        click.echo(f"opalite: {line}", err=True)


@contextmanager
def workshop(options: EngineOptions, place: Place) -> Iterator[Workshop]:
    """For the time of a `with` block. Raises UsageError or EngineError."""
    if place.external_id is not None and place.role_prefix is None:
        raise UsageError("--external-id is said when a role is assumed: name its beginning by --role-prefix")
    with session(options) as ready:
        aws = _Aws(place)
        here = _Here(place.records)
        files_ = FileLedger(place.records, clock.now)
        parts = Parts(
            engine=ready.engine,
            catalog=ready.catalog,
            entries=ready.entries,
            actions=ACTIONS,
            ask=aws.ask,
            facts=aws.facts,
            units=aws.units,
            ledger=files_ if place.table is None else ledger(place),
            records=files_,
            findings=None,
            notices=None,
            machine=None,
            signatures=here if place.table is None else None,
            now=clock.now,
            sleep=time.sleep,
            remaining=lambda: float("inf"),
        )
        yield Workshop(
            parts=parts,
            remediation=Remediation(parts),
            catalog=ready.catalog,
            entries=ready.entries,
            ways=place.ways(options),
            asks_here=place.table is None,
            _sign=here.sign,
            _files=files_,
            _place=place,
        )


def recorded(name: str, place: Place) -> Attempt:
    """A record by its file, or by the id of the attempt. Raises UsageError."""
    if name.endswith(".json") or os.sep in name:
        attempt = _read(Path(name))
        if attempt is None:
            raise UsageError(f"{name}: no such file")
    elif not name.isalnum() or not name.isascii():
        raise UsageError(f"{name[:60]!r} is neither the id of an attempt nor the file of a record")
    else:
        attempt = _read(place.records / f"{name}.json") if place.table is None else ledger(place).load(name)
        if attempt is None:
            where = f"table {place.table}" if place.table else f"{place.records}/"
            raise UsageError(f"{where} has no attempt {name}; `opalite remediate list` shows those of a folder")
    return attempt


def to_be_carried_out(attempt: Attempt) -> Attempt:
    """The same, if its calls are such as its action makes: a file may have been edited. Raises UsageError."""
    action = ACTIONS.get(attempt.action)
    if action is None:
        raise UsageError(f"attempt {attempt.id} has no action that is built in: nothing can be done about it")
    stranger = permitted.stranger(attempt, action)
    if stranger is not None:
        raise UsageError(f"the record of attempt {attempt.id} was edited: {action.name} never calls {stranger!r}")
    return attempt


def _read(path: Path) -> Attempt | None:
    try:
        return files.read(path)
    except FileNotFoundError:
        return None


def ledger(place: Place) -> FileLedger | DynamoLedger:
    """That of the function, or that of a folder."""
    if place.table is None:
        return FileLedger(place.records, clock.now)
    from opalite.remediation.aws.ledger import DynamoLedger  # noqa: PLC0415 - with boto3, half a second

    sessions = _sessions(None, None)
    return DynamoLedger(sessions, place.table, "", clock.now)


def who(place: Place) -> str:
    """Who throws the switch: the account of the credentials, or the user of this machine."""
    if place.table is None:
        return os.environ.get("USER") or "somebody"
    return f"account {_sessions(None, None).caller()}"


class _Here:
    """Approvals of the person at the terminal, signed with a key beside the records: who may write there may do all that they say."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _KEY_FILE

    def sign(self, statement: bytes) -> bytes:
        """The key is made with the first approval. Raises OutputError or UsageError."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with (
                contextlib.suppress(FileExistsError),
                os.fdopen(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file,
            ):
                file.write(secrets.token_bytes(_KEY_BYTES))
        except OSError as error:
            raise OutputError(f"{self._path}: {error.strerror}") from None
        return _signature(self._key(), statement)

    def is_genuine(self, statement: bytes, signature: bytes) -> bool:
        """Nothing is, where there is no key."""
        return self._path.exists() and hmac.compare_digest(_signature(self._key(), statement), signature)

    def _key(self) -> bytes:
        try:
            key = self._path.read_bytes()
        except OSError as error:
            raise UsageError(f"{self._path}: {error.strerror}") from None
        if len(key) != _KEY_BYTES:
            raise UsageError(f"{self._path}: is no key: delete it; approvals that were not carried out are void then")
        return key


def _signature(key: bytes, statement: bytes) -> bytes:
    return hmac.new(key, statement, hashlib.sha256).digest()


class _Aws:
    """AWS by one's own credentials, or by the role of each action."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._sessions: dict[str, AwsSessions] = {}
        self._facts: dict[str, Facts] = {}

    def ask(self, action: Action, target: Target) -> Ask:
        """Of the target's account and Region."""
        sessions = self._of(action)

        def ask(service: str) -> Service:
            return sessions.service(service, target.account_id, target.region)

        return ask

    def facts(self, action: Action) -> Facts:
        """By the same credentials."""
        from opalite.facts.live import LiveFacts  # noqa: PLC0415

        if action.name not in self._facts:
            self._facts[action.name] = LiveFacts(self._of(action), now)
        return self._facts[action.name]

    def units(self, target: Target) -> list[str] | None:
        """Organizational units, if the caller may ask for them."""
        from opalite.facts.live import LiveFacts  # noqa: PLC0415

        facts = self._facts.setdefault("", LiveFacts(_sessions(None, None), now))
        document = {"partition": target.partition, "account_id": target.account_id, "region": target.region}
        try:
            found = facts.lookup("account", target.account_id, document)
        except (AwsError, Denied, Absent):
            return None
        return None if found is None else list(found["organizational_units"])

    def _of(self, action: Action) -> AwsSessions:
        prefix = self._place.role_prefix
        name = "" if prefix is None else f"{prefix}{action.name.replace('_', '-')}"
        if name not in self._sessions:
            self._sessions[name] = _sessions(name or None, self._place.external_id)
        return self._sessions[name]


def _sessions(role: str | None, external_id: str | None) -> AwsSessions:
    from opalite.adapters.aws.sessions import AwsSessions, Role  # noqa: PLC0415

    return AwsSessions(now, role=None if role is None else Role(role, external_id=external_id))


def now() -> datetime:
    """For sessions and caches."""
    return datetime.fromisoformat(clock.now())

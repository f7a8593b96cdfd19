"""The ledger and the records of `opalite remediate` where there is no table: JSON files of one folder, for one person at a time.

`<id>.json` is the record of an attempt, written whole and then renamed; `<digest>.lock` says who is at a resource; `STOP` stops all.
Two runs at once are safe on one machine: `.guard` is locked while a file is compared and written. Counters last as long as the
process: brakes over several runs need a table.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson

from opalite.errors import AwsError, InvocationError, UsageError
from opalite.remediation import attempt as attempts
from opalite.remediation.attempt import Attempt
from opalite.remediation.model import Target, digest
from opalite.remediation.parts import Overtaken, Past
from opalite.remediation.typed import faults

_HOUR_CHARACTERS: Final = len("2026-11-28T17")
_STOP: Final = "STOP"
_GUARD: Final = ".guard"
_ID: Final = re.compile(r"[A-Za-z0-9]{1,64}")
_ACTION: Final = re.compile(r"[a-z0-9_]{0,64}")


class FileLedger:
    """Meets remediation.parts.Ledger and Records."""

    def __init__(self, folder: Path, now: Callable[[], str]) -> None:
        self._folder = folder
        self._now = now
        self._counts: Counter[tuple[str, str]] = Counter()
        self._said: dict[str, str] = {}

    def stopped(self) -> str | None:
        """The first line of the file STOP."""
        try:
            return (self._folder / _STOP).read_text().strip().partition("\n")[0] or "stopped"
        except FileNotFoundError:
            return None
        except OSError as error:
            raise AwsError(f"{self._folder / _STOP}: {error.strerror}") from None

    def stop(self, reason: str, by: str) -> None:
        """Nothing is changed any more by whoever uses this folder, until `start`."""
        self._write(self._folder / _STOP, f"{reason} (by {by})\n".encode())

    def start(self) -> None:
        """Take the switch back."""
        try:
            (self._folder / _STOP).unlink(missing_ok=True)
        except OSError as error:
            raise AwsError(f"{self._folder / _STOP}: {error.strerror}") from None

    def load(self, attempt_id: str) -> Attempt | None:
        """Raises AwsError for a file that is no record."""
        path = self._path(attempt_id)
        try:
            return read(path)
        except FileNotFoundError:
            return None
        except UsageError as error:
            raise AwsError(str(error)) from None

    def save(self, attempt: Attempt) -> Attempt:
        """Compared and written while nobody else does."""
        with self._alone():
            known = self.load(attempt.id)
            if (known.version if known else 0) != attempt.version:
                raise Overtaken(f"attempt {attempt.id} was written by somebody else meanwhile")
            written = attempts.next_version(attempt)
            self._write(self._path(attempt.id), _dumped(written))
        return written

    def put(self, attempt: Attempt, document: Mapping[str, Any]) -> None:
        """The ledger's file is the record."""

    def history(self, target: Target, *, since: str) -> Sequence[Past]:
        """Of the records in the folder. Raises UsageError if one cannot be read: it might be of the same resource, and going on."""
        found = []
        for path, one in self.records():
            if isinstance(one, UsageError):
                raise UsageError(f"{one}; move it out of {path.parent}/ if it is no record")
            if one.target.resource_key == target.resource_key and one.began_at >= since:
                found.append(Past.of(one))
        return sorted(found, key=lambda past: past.at)

    def records(self) -> Iterator[tuple[Path, Attempt | UsageError]]:
        """By name of the file; of what is no record, why not."""
        for path in sorted(self._folder.glob("*.json")):
            try:
                yield path, read(path)
            except FileNotFoundError:  # since it was listed
                continue
            except UsageError as error:
                yield path, error

    def all(self) -> list[Attempt]:
        """The latest last; what is no record is passed over."""
        found = [one for _, one in self.records() if isinstance(one, Attempt)]
        return sorted(found, key=lambda attempt: (attempt.began_at, attempt.id))

    def lock(self, resource_key: str, attempt_id: str, *, until: str) -> str | None:
        """A file that names its holder."""
        path = self._lock(resource_key)
        with self._alone():
            holder, end = self._held(path)
            if holder not in (attempt_id, "") and end >= self._now():
                return holder
            self._write(path, json.dumps({"holder": attempt_id, "until": until}).encode())
        return None

    def unlock(self, resource_key: str, attempt_id: str) -> None:
        """Only one's own."""
        path = self._lock(resource_key)
        with self._alone():
            if self._held(path)[0] == attempt_id:
                path.unlink(missing_ok=True)

    def take(self, name: str, limit: int, *, hour: str) -> bool:
        """Within this process."""
        key = (name, hour[:_HOUR_CHARACTERS])
        if self._counts[key] >= limit:
            return False
        self._counts[key] += 1
        return True

    def taken(self, name: str, *, hour: str) -> int:
        """Within this process."""
        return self._counts[name, hour[:_HOUR_CHARACTERS]]

    def first(self, name: str, by: str, *, expires: str) -> bool:  # noqa: ARG002 - a process does not last so long
        """Within this process."""
        return self._said.setdefault(name, by) == by

    def due(self, before: str) -> Sequence[str]:
        """Of the records in the folder."""
        return [one.id for one in self.all() if one.is_open and one.due_at is not None and one.due_at <= before]

    def _held(self, path: Path) -> tuple[str, str]:
        try:
            entry = json.loads(path.read_text())
            return str(entry["holder"]), str(entry["until"])
        except (OSError, ValueError, KeyError, TypeError):
            return "", ""  # there is none, or it was edited: nobody's

    def _path(self, attempt_id: str) -> Path:
        if not _ID.fullmatch(attempt_id):
            raise AwsError(f"{attempt_id[:60]!r} is no id of an attempt")
        return self._folder / f"{attempt_id}.json"

    def _lock(self, resource_key: str) -> Path:
        return self._folder / f"{digest(resource_key)[:32]}.lock"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Ends with the process, whatever becomes of it."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            guard = (self._folder / _GUARD).open("a")
        except OSError as error:
            raise AwsError(f"{self._folder}/: cannot be written: {error.strerror}") from None
        with guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            yield

    def _write(self, path: Path, content: bytes) -> None:
        """Whole or not at all, readable by its owner alone: it tells how resources are configured."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=".part")
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise AwsError(f"{path}: cannot be written: {error.strerror}") from None


def read(path: Path) -> Attempt:
    """A record. Raises UsageError, or FileNotFoundError."""
    try:
        return _checked(orjson.loads(path.read_bytes()))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except orjson.JSONDecodeError:
        raise UsageError(f"{path}: it is no JSON") from None
    except (ValueError, TypeError, AttributeError, InvocationError) as error:
        raise UsageError(f"{path}: {error}") from None


def _checked(document: Any) -> Attempt:
    """Raises whatever is wrong with it; ids and names must not be something else in a path or in a line."""
    found = attempts.read(document)
    wrong = next(faults(document, Attempt), None)
    if wrong is None and not _ID.fullmatch(found.id):
        wrong = "id is no id of an attempt"
    if wrong is None and not _ACTION.fullmatch(found.action):
        wrong = "action is no name of an action"
    if wrong is not None:
        raise InvocationError(f"this is no record of a remediation: {wrong}")
    return found


def _dumped(attempt: Attempt) -> bytes:
    return orjson.dumps(attempts.written(attempt), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

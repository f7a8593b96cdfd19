"""The ledger and the records of `opalite remediate` where there is no table: JSON files of one folder, for one person at a time.

`<id>.json` is the record of an attempt, written whole and then renamed; `<digest>.lock` says who is at a resource; `STOP` stops all.
Counters last as long as the process: brakes over several runs need a table.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import orjson

from opalite.errors import AwsError, InvocationError, UsageError
from opalite.remediation import attempt as attempts
from opalite.remediation.attempt import Attempt
from opalite.remediation.model import Target, digest
from opalite.remediation.parts import Overtaken, Past

_HOUR_CHARACTERS: Final = len("2026-11-28T17")
_STOP: Final = "STOP"


class FileLedger:
    """Meets remediation.parts.Ledger and Records."""

    def __init__(self, folder: Path, now: Callable[[], str]) -> None:
        self._folder = folder
        self._now = now
        self._counts: Counter[tuple[str, str]] = Counter()
        self._said: set[str] = set()

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
        (self._folder / _STOP).unlink(missing_ok=True)

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
        """Overtaken is noticed among runs that come one after the other."""
        known = self.load(attempt.id)
        if (known.version if known else 0) != attempt.version:
            raise Overtaken(f"attempt {attempt.id} was written by somebody else meanwhile")
        written = attempts.next_version(attempt)
        self._write(self._path(attempt.id), _dumped(written))
        return written

    def put(self, attempt: Attempt, document: Mapping[str, Any]) -> None:
        """The ledger's file is the record."""

    def history(self, target: Target, *, since: str) -> Sequence[Past]:
        """Of the records in the folder."""
        found = [
            Past(one.id, one.began_at, one.target.policy_id, one.action, str(one.result))
            for one in self.all()
            if one.target.resource_key == target.resource_key and one.began_at >= since
        ]
        return sorted(found, key=lambda past: past.at)

    def all(self) -> list[Attempt]:
        """The latest last; what is no record is passed over."""
        found = []
        for path in sorted(self._folder.glob("*.json")):
            with suppress(UsageError, FileNotFoundError):
                found.append(read(path))
        return sorted(found, key=lambda attempt: (attempt.began_at, attempt.id))

    def lock(self, resource_key: str, attempt_id: str, *, until: str) -> str | None:
        """A file that only one can make."""
        path = self._lock(resource_key)
        self._folder.mkdir(parents=True, exist_ok=True)
        entry = json.dumps({"holder": attempt_id, "until": until})
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            holder, end = self._held(path)
            if holder != attempt_id and end >= self._now():
                return holder
            self._write(path, entry.encode())
            return None
        with os.fdopen(descriptor, "w") as file:
            file.write(entry)
        return None

    def unlock(self, resource_key: str, attempt_id: str) -> None:
        """Only one's own."""
        path = self._lock(resource_key)
        if path.exists() and self._held(path)[0] == attempt_id:
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

    def first(self, name: str, *, expires: str) -> bool:  # noqa: ARG002 - a process does not last so long
        """Within this process."""
        known = name in self._said
        self._said.add(name)
        return not known

    def due(self, before: str) -> Sequence[str]:
        """Of the records in the folder."""
        return [one.id for one in self.all() if one.is_open and one.due_at is not None and one.due_at <= before]

    def _held(self, path: Path) -> tuple[str, str]:
        try:
            entry = json.loads(path.read_text())
            return str(entry["holder"]), str(entry["until"])
        except (OSError, ValueError, KeyError, TypeError):
            return "somebody", ""  # cut off while it was written: nobody's

    def _path(self, attempt_id: str) -> Path:
        if not attempt_id.isalnum():
            raise AwsError(f"{attempt_id[:60]!r} is no id of an attempt")
        return self._folder / f"{attempt_id}.json"

    def _lock(self, resource_key: str) -> Path:
        return self._folder / f"{digest(resource_key)[:32]}.lock"

    def _write(self, path: Path, content: bytes) -> None:
        """Whole or not at all, readable by its owner alone: it tells how resources are configured."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=".part")
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except OSError as error:
            raise AwsError(f"{path}: cannot be written: {error.strerror}") from None


def read(path: Path) -> Attempt:
    """A record. Raises UsageError, or FileNotFoundError."""
    try:
        return attempts.read(orjson.loads(path.read_bytes()))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except (ValueError, TypeError, InvocationError) as error:
        raise UsageError(f"{path}: {error}") from None


def _dumped(attempt: Attempt) -> bytes:
    return orjson.dumps(attempts.written(attempt), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

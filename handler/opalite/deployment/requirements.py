"""The part of requirements.lock that goes into the functions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from opalite.errors import UsageError

# What the functions load, and what that needs. botocore stands without boto3, whose s3transfer nothing uses.
LIBRARIES: Final = (
    "aws-lambda-powertools", "botocore", "jmespath", "orjson", "python-dateutil", "six", "typing-extensions", "urllib3",
)  # fmt: skip


def part(lock: str, names: Iterable[str] = LIBRARIES) -> str:
    """The entries of these libraries, hashes included. Raises UsageError if one is not in the lock."""
    entries: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in lock.splitlines():
        if line[:1].isalpha():
            lines = entries.setdefault(line.partition("==")[0], [])
        if line.strip() and not line.startswith("#"):
            lines.append(line)
    wanted = sorted(names)
    missing = [name for name in wanted if name not in entries]
    if missing:
        raise UsageError(f"requirements.lock: there is no {missing[0]}, which the functions need")
    return "".join(f"{line}\n" for name in wanted for line in entries[name])

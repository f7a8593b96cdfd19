"""The only clock, and times that users give instead."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from opalite.normalize.values import timestamp

_END_OF_OPAS_TIME = "2262"  # its nanoseconds since 1970 have 63 bits


def now() -> str:
    """The time, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")  # noqa: TID251 - the only clock


def given(text: str | None) -> str | None:
    """The time of `--at`, or None without it."""
    if text is None:
        return None
    moment = timestamp(text)
    if moment is None or moment >= _END_OF_OPAS_TIME:
        raise click.BadParameter(f"{text!r} is not a time like 2026-11-23T00:00:00Z", param_hint="--at")
    return moment

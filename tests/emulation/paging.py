"""Pages of answers: how long, and what a token says."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, TypeVar

from emulation.faults import AwsFault

T = TypeVar("T")


@dataclass(slots=True)
class Pager:
    """Cuts answers into pages.

    `rows`: more never stand on one page, whatever was asked for. `empty`: so many pages without a row come before the first.
    """

    rows: int | None = None
    empty: int = 0

    def page(
        self,
        operation: str,
        found: Sequence[T],
        token: str | None,
        limit: int | None,
        usual: int,
        *,
        together: Callable[[T, T], bool] = lambda *_: True,
    ) -> tuple[list[T], str | None]:
        """The page that the token names, and the token of the next.

        A limit of 0 is AWS's own, `usual`. `together`: whether a row may stand on the page of a first one.
        """
        start = -self.empty if token is None else _position(operation, token)
        if start < 0:
            return [], _token(operation, start + 1)
        size = limit or usual
        if self.rows is not None:
            size = min(size, self.rows)
        rows = found[start : start + size]
        page = list(takewhile(lambda row: together(rows[0], row), rows))
        end = start + len(page)
        return page, _token(operation, end) if end < len(found) else None


def with_token(answer: dict[str, Any], token: str | None, name: str = "NextToken") -> dict[str, Any]:
    """The last page has none."""
    return answer if token is None else answer | {name: token}


def _token(operation: str, position: int) -> str:
    return base64.urlsafe_b64encode(f"{operation} {position}".encode()).decode()


def _position(operation: str, token: str) -> int:
    try:
        name, _, position = base64.urlsafe_b64decode(token).decode().partition(" ")
        if name == operation:
            return int(position)
    except (binascii.Error, ValueError):
        pass
    raise AwsFault("InvalidNextTokenException", "The specified nextToken is not valid")

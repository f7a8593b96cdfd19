"""Rows in any number, in any order, to be had in the order that a report needs: a database that exists while it is open.

It lies in memory as long as it is small, then on disk, and is never seen in a folder.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from opalite.errors import OutputError

_BATCH: Final = 5_000


class RowStore:
    """Columns are texts or whole numbers, by the names that it is given; a row is a tuple of them."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._database = sqlite3.connect("")  # of SQLite's own: temporary, on disk when it grows
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE"):
            self._database.execute(f"PRAGMA {pragma}")
        quoted = ", ".join(f'"{name}"' for name in columns)
        self._database.execute(f"CREATE TABLE kept ({quoted})")
        self._insert = f"INSERT INTO kept VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 - question marks alone
        self._columns = tuple(columns)

    def __enter__(self) -> RowStore:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def add(self, rows: Iterable[tuple[str | int | None, ...]]) -> None:
        """Take them all. Raises OutputError when there is no room on disk."""
        try:
            batch: list[tuple[str | int | None, ...]] = []
            for row in rows:
                batch.append(row)
                if len(batch) >= _BATCH:
                    self._database.executemany(self._insert, batch)
                    batch = []
            self._database.executemany(self._insert, batch)
        except sqlite3.Error as error:
            raise OutputError(f"the log cannot be sorted in the folder for temporary files: {error}") from None

    def grouped(self, by: Sequence[str], within: Sequence[str]) -> Iterator[list[tuple[str | int | None, ...]]]:
        """All rows that have the same in the columns `by`, ordered by those of `within`; a minus before a name turns its order."""
        names = [*by, *within]
        order = ", ".join(f'"{name.lstrip("-")}"{" DESC" if name.startswith("-") else ""}' for name in names)
        places = [self._columns.index(name) for name in by]
        try:
            found = self._database.execute(f"SELECT * FROM kept ORDER BY {order}")  # noqa: S608 - names of our own columns
            for _, rows in groupby(found, key=lambda row: [row[place] for place in places]):
                yield list(rows)
        except sqlite3.Error as error:
            raise OutputError(f"the log cannot be sorted in the folder for temporary files: {error}") from None

"""Rows in any number and order."""

from __future__ import annotations

from opalite.adapters.row_store import RowStore


def test_rows_come_back_in_groups_and_in_order():
    rows = [(name, number, None) for name in "ab" for number in range(3)]
    with RowStore(("name", "number", "nothing")) as store:
        store.add(sorted(rows, key=lambda row: (row[1] % 2, row[0])))
        assert list(store.grouped(["name"], ["number"])) == [
            [(name, number, None) for number in range(3)] for name in "ab"
        ]
        assert list(store.grouped(["nothing"], ["-number", "name"])) == [
            [(name, number, None) for number in (2, 1, 0) for name in "ab"]
        ]


def test_what_a_text_holds_comes_back_as_it_was():
    texts = ["", "\0a\0", "'; DROP TABLE kept; --", "🪨\u2028", "é", "e\u0301", "x" * 100_000]
    with RowStore(("text",)) as store:
        store.add([(text,) for text in texts])
        assert [row for group in store.grouped(["text"], []) for row in group] == [(text,) for text in sorted(texts)]


def test_names_of_columns_may_be_words_of_sql():
    with RowStore(("object", "order", "group")) as store:
        store.add([("a", "b", "c")] * 12_345)
        assert [len(group) for group in store.grouped(["order"], ["group"])] == [12_345]

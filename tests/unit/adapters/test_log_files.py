"""Lines of the decision log, from whatever they were copied into."""

from __future__ import annotations

import gzip

from opalite.adapters import log_files
from opalite.adapters.log_files import LINE_BYTES, lines
from opalite.model import Problem


def test_folders_are_read_in_the_order_of_names_and_only_what_is_named_like_a_log(tmp_path):
    for name, data in (
        ("date=2026-11-29/region=eu-west-1/b.jsonl.gz", gzip.compress(b"3\n")),
        ("date=2026-11-28/region=eu-west-1/a.jsonl.gz", gzip.compress(b"1\n2")),
        ("readme.txt", b"no\n"),
        ("z.jsonl", b"4\n\n"),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    day = "region=eu-west-1"
    assert list(lines([tmp_path])) == [
        (f"{tmp_path}/z.jsonl:1", b"4"),
        (f"{tmp_path}/z.jsonl:2", b""),
        (f"{tmp_path}/date=2026-11-28/{day}/a.jsonl.gz:1", b"1"),
        (f"{tmp_path}/date=2026-11-28/{day}/a.jsonl.gz:2", b"2"),
        (f"{tmp_path}/date=2026-11-29/{day}/b.jsonl.gz:1", b"3"),
    ]


def test_a_file_that_is_named_is_read_whatever_its_name(tmp_path):
    path = tmp_path / "copy"
    path.write_bytes(b"1\n")
    assert list(lines([path])) == [(f"{path}:1", b"1")]


def test_a_line_that_never_ends_is_given_up_before_it_fills_the_memory(tmp_path):
    path = tmp_path / "bomb.jsonl.gz"
    path.write_bytes(gzip.compress(b"1\n" + b"x" * (LINE_BYTES * 3)))
    assert list(lines([path])) == [
        (f"{path}:1", b"1"),
        Problem(f"{path}:2", f"is longer than {LINE_BYTES} bytes: this is no decision log"),
    ]


def test_what_cannot_be_read_is_told(tmp_path):
    assert list(lines([tmp_path / "none", tmp_path])) == [
        Problem(str(tmp_path / "none"), "cannot be read: No such file or directory"),
        Problem(str(tmp_path), f"is a folder without a file that ends in {' or '.join(log_files._SUFFIXES[:2])}"),
    ]

"""Output appears whole or not at all, and every failure of writing is noticed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opalite.cli.sink import Descriptor, OutputFile
from opalite.errors import OutputError, UsageError


def test_a_file_appears_whole(tmp_path):
    path = tmp_path / "out.jsonl"
    with OutputFile(path) as sink:
        sink.write(b"a\n")
        sink.flush()
        assert not path.exists()
        sink.write(b"b\n")
    assert path.read_bytes() == b"a\nb\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.jsonl"]


def test_a_run_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_text("before")
    with pytest.raises(KeyboardInterrupt), OutputFile(path) as sink:
        sink.write(b"half")
        raise KeyboardInterrupt
    assert path.read_text() == "before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.jsonl"]


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UsageError, match="cannot be written: No such file or directory"):
        OutputFile(tmp_path / "none" / "out")


def test_a_full_disk_is_told():
    with pytest.raises(OutputError, match="No space left on device"), OutputFile(Path("/dev/full")) as sink:
        sink.write(b"x")
        sink.flush()


def test_a_closed_pipe_is_its_own_error():
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        sink = Descriptor(writing, "pipe")
        sink.write(b"x")
        sink.flush()
    os.close(writing)

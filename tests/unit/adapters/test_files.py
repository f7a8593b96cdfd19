"""Files, directories, pipes and standard input; plain and packed."""

from __future__ import annotations

import gzip
import io
import os
import threading
import zlib
from pathlib import Path
from typing import Any

import orjson
import pytest

from opalite.adapters import files
from opalite.adapters.chunks import Chunks
from opalite.model import Item, Notice, Problem

FORMS = Path(__file__).parents[2] / "data" / "forms"


def item(name: str) -> dict[str, Any]:
    return {"resourceType": "AWS::SQS::Queue", "resourceId": name}


A, B, C = map(item, "abc")
SNAPSHOT = orjson.dumps({"fileVersion": "1.0", "configurationItems": [A, B, C]})


def read(*paths: str | Path, stdin: bytes = b"") -> list[Item | Problem | Notice]:
    return list(files.read([str(path) for path in paths], stdin=io.BytesIO(stdin)))


def put(path: Path, data: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else orjson.dumps(data))
    return path


def test_a_file_is_named_as_it_was_given_and_items_by_line_or_number(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "one.json", A)
    put(tmp_path / "lines", b'\n{"resourceType":"AWS::SQS::Queue","resourceId":"a"}\n' + orjson.dumps([B, C]))
    put(tmp_path / "snapshot.json", SNAPSHOT)
    assert read("one.json", "./lines", "snapshot.json") == [
        Item(A, "one.json"),
        Item(A, "./lines:2"),
        Item(B, "./lines:3 item 1"),
        Item(C, "./lines:3 item 2"),
        Item(A, "snapshot.json item 1"),
        Item(B, "snapshot.json item 2"),
        Item(C, "snapshot.json item 3"),
    ]


def test_standard_input_is_read_like_a_file():
    lines = orjson.dumps(A) + b"\n" + orjson.dumps({}) + b"\n"
    assert read("-", stdin=lines)[0] == Item(A, "<stdin>:1")
    assert [one.source for one in read("-", stdin=lines)] == ["<stdin>:1", "<stdin>:2"]
    assert read("-", stdin=gzip.compress(SNAPSHOT)) == [
        Item(body, f"<stdin> item {number}") for number, body in enumerate([A, B, C], start=1)
    ]
    assert read("-") == [Problem("<stdin>", "is empty")]


def test_a_pipe_is_read_as_it_is_filled(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def fill() -> None:
        with pipe.open("wb", buffering=0) as file:
            for byte in SNAPSHOT:
                file.write(bytes([byte]))

    writer = threading.Thread(target=fill)
    writer.start()
    assert files.total_bytes([str(pipe)]) is None
    assert [one.body for one in read(pipe) if isinstance(one, Item)] == [A, B, C]
    writer.join()


def test_a_directory_is_walked_in_order_and_forms_are_told_by_content(tmp_path):
    put(tmp_path / "b" / "2.JSON", B)
    put(tmp_path / "b" / "1.jsonl.gz", gzip.compress(orjson.dumps(A)))
    put(tmp_path / "a.txt", b"\xef\xbb\xbf \n" + orjson.dumps(C))
    put(tmp_path / "c", gzip.compress(SNAPSHOT))
    assert read(tmp_path) == [
        Item(C, f"{tmp_path}/a.txt"),
        Item(A, f"{tmp_path}/b/1.jsonl.gz"),
        Item(B, f"{tmp_path}/b/2.JSON"),
        *(Item(body, f"{tmp_path}/c item {number}") for number, body in enumerate([A, B, C], start=1)),
    ]


def test_files_without_json_are_skipped_and_told_of_once_in_a_run(tmp_path):
    put(tmp_path / "x" / "README.md", b"# Title")
    put(tmp_path / "x" / "empty", b"")
    put(tmp_path / "x" / "item.json", A)
    put(tmp_path / "y" / "notes.txt", b"text {")
    put(tmp_path / "y" / "item", B)
    os.mkfifo(tmp_path / "y" / "pipe")
    assert read(tmp_path / "x", tmp_path / "y") == [
        Item(A, f"{tmp_path}/x/item.json"),
        Item(B, f"{tmp_path}/y/item"),
        Notice(f"{tmp_path}/x", f"4 files that hold no JSON were skipped (first: {tmp_path}/x/README.md)"),
    ]
    assert read(tmp_path / "x")[-1] == Notice(
        f"{tmp_path}/x", f"2 files that hold no JSON were skipped (first: {tmp_path}/x/README.md)"
    )


def test_hidden_files_loops_and_the_write_test_of_config_are_skipped_silently(tmp_path):
    put(tmp_path / ".hidden.json", A)
    put(tmp_path / ".git" / "a.json", A)
    put(tmp_path / "ConfigWritabilityCheckFile", b"")
    put(tmp_path / "sub" / "item.json", B)
    (tmp_path / "sub" / "up").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "again").symlink_to(tmp_path / "sub")
    assert read(tmp_path) == [Item(B, f"{tmp_path}/again/item.json")]
    assert read(tmp_path / ".hidden.json") == [Item(A, f"{tmp_path}/.hidden.json")]


def test_a_named_file_is_read_whatever_it_is(tmp_path):
    path = put(tmp_path / "README.md", b"# Title")
    assert read(path) == [Problem(str(path), "is not valid JSON: expecting value at byte 0")]


def test_what_cannot_be_read_is_one_problem_each(tmp_path):
    (tmp_path / "empty").mkdir()
    put(tmp_path / "only" / "notes.txt", b"text")
    put(tmp_path / "zero.json", b"")
    (tmp_path / "dangling" / "sub").mkdir(parents=True)
    (tmp_path / "dangling" / "link.json").symlink_to("nothing")
    paths = [tmp_path / name for name in ["missing", "empty", "only", "zero.json", "dangling", "zero.json/x"]]
    assert read(*paths) == [
        Problem(f"{tmp_path}/missing", "does not exist"),
        Problem(f"{tmp_path}/empty", "is a directory without a file that holds JSON"),
        Problem(f"{tmp_path}/only", "is a directory without a file that holds JSON"),
        Problem(f"{tmp_path}/zero.json", "is empty"),
        Problem(f"{tmp_path}/dangling/link.json", "is a symbolic link to nothing"),
        Problem(f"{tmp_path}/zero.json/x", "cannot be read: Not a directory"),
        Notice(f"{tmp_path}/only", f"1 file that holds no JSON was skipped (first: {tmp_path}/only/notes.txt)"),
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_one_problem_each(tmp_path):
    closed = put(tmp_path / "a.json", A)
    closed.chmod(0)
    folder = tmp_path / "b"
    folder.mkdir(mode=0)
    assert read(closed, tmp_path) == [
        Problem(str(closed), "cannot be read: Permission denied"),
        Problem(str(closed), "cannot be read: Permission denied"),
        Problem(str(folder), "cannot be read: Permission denied"),
    ]


def test_a_name_that_is_not_utf8_is_shown_all_the_same(tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b"caf\xe9.json")  # noqa: PTH118 - bytes
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(orjson.dumps(A))
    assert read(tmp_path) == [Item(A, f"{tmp_path}/caf\ufffd.json")]


def test_progress_adds_up_to_the_total(tmp_path):
    put(tmp_path / "notes.txt", b"text" * 40_000)
    put(tmp_path / "a.json.gz", gzip.compress(SNAPSHOT * 9))
    lines = put(tmp_path / "lines", (orjson.dumps(A) + b"\n") * 9000)
    paths = [str(tmp_path), str(lines), str(tmp_path / "missing")]
    counts: list[int] = []
    list(files.read(paths, stdin=io.BytesIO(), progress=counts.append))
    assert sum(counts) == files.total_bytes(paths)
    assert sum(counts) == 160_000 + lines.stat().st_size * 2 + (tmp_path / "a.json.gz").stat().st_size
    assert files.total_bytes([*paths, "-"]) is None


def problems(data: bytes) -> tuple[list[Any], list[str]]:
    found = read("-", stdin=data)
    return [one.body for one in found if isinstance(one, Item)], [
        one.message for one in found if isinstance(one, Problem)
    ]


def test_gzip_of_several_members_and_with_padding_is_one_stream():
    half = len(SNAPSHOT) // 2
    data = gzip.compress(SNAPSHOT[:half]) + gzip.compress(SNAPSHOT[half:])
    assert problems(data) == ([A, B, C], [])
    assert problems(data + bytes(512)) == ([A, B, C], [])


CUT = "is cut short: its gzip data have no end; what came before the cut was read"


def test_a_truncated_gzip_keeps_the_items_before_the_cut():
    bodies = [item(os.urandom(40).hex()) for _ in range(3000)]
    packed = gzip.compress(orjson.dumps({"configurationItems": bodies}))
    found, messages = problems(packed[: len(packed) // 2])
    assert messages == [CUT]
    assert found == bodies[: len(found)]
    assert 1400 < len(found) < 1600
    assert problems(packed[:-1]) == (bodies, [CUT])
    assert problems(packed[:5]) == ([], [CUT])


def test_a_corrupt_gzip_keeps_the_items_before_the_fault():
    bodies = [item(os.urandom(40).hex()) for _ in range(3000)]
    plain = orjson.dumps({"configurationItems": bodies})
    compressor = zlib.compressobj(wbits=31)
    start = compressor.compress(plain[:100_000]) + compressor.flush(zlib.Z_FULL_FLUSH)
    found, messages = problems(start + b"\xff" * 100)
    assert messages == ["holds corrupt gzip data (invalid block type); what came before was read"]
    assert found == bodies[: len(found)]
    assert len(found) == plain[:100_000].count(b"}")


def test_a_wrong_checksum_casts_doubt_on_all_that_was_read():
    packed = bytearray(gzip.compress(SNAPSHOT))
    packed[-8] ^= 1
    message = "fails the checksum of gzip (incorrect data check): what was read from it may be wrong"
    assert problems(bytes(packed)) == ([A, B, C], [message])


def test_something_behind_the_gzip_data_is_told():
    message = "has something behind its gzip data that is not gzip; what came before was read"
    assert problems(gzip.compress(SNAPSHOT) + b"rubbish") == ([A, B, C], [message])


class Failing(io.RawIOBase):
    """A disk that fails after so many bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, size: int = -1) -> bytes:
        data, self._data = self._data[:size], self._data[size:]
        if not data:
            raise OSError(5, "Input/output error")
        return data


def test_a_read_that_fails_keeps_the_items_before_it():
    assert list(files.read(["-"], stdin=Failing(SNAPSHOT[:-20]))) == [
        Item(A, "<stdin> item 1"),
        Item(B, "<stdin> item 2"),
        Problem("<stdin>", "could not be read to its end: Input/output error"),
    ]
    assert list(files.read(["-"], stdin=Failing(gzip.compress(SNAPSHOT)[:-9])))[-1] == Problem(
        "<stdin>", "could not be read to its end: Input/output error"
    )


class Trickle(io.RawIOBase):
    """A pipe that gives one byte at a time."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._data.read(1)


@pytest.mark.parametrize("data", [SNAPSHOT, gzip.compress(SNAPSHOT), gzip.compress(b"") + gzip.compress(SNAPSHOT)])
def test_bytes_that_come_one_by_one_are_read_all_the_same(data):
    assert [one.body for one in files.read(["-"], stdin=Trickle(data)) if isinstance(one, Item)] == [A, B, C]


def test_packed_data_are_unpacked_in_small_pieces():
    bomb = gzip.compress(b" " * 50_000_000)
    assert max(map(len, Chunks(io.BytesIO(bomb)))) <= 256 * 1024


def test_every_form_in_a_directory_is_read(tmp_path):
    found = read(FORMS)
    assert {type(one) for one in found} == {Item, Notice}
    assert [one.source.removeprefix(f"{FORMS}/") for one in found if "items.jsonl" in one.source] == [
        "items.jsonl:1",
        "items.jsonl:2",
        "items.jsonl:3",
    ]

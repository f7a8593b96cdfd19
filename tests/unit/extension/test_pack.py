"""The .zip and the folder: equal files, equal bytes, and nothing of anybody else's is lost."""

from __future__ import annotations

import hashlib
import stat
import zipfile

import pytest
from layer.pack import MARK, MOST_UNPACKED, Entry, require_fitting, write_folder, write_zip

from opalite.errors import OutputError, UsageError

FILES = {
    "opalite/opa": Entry(b"program" * 1000, is_executable=True),
    "extensions/opalite-opa": Entry(b"another", is_executable=True),
    MARK: Entry(b"{}"),
}


def test_a_zip_has_fixed_times_sorted_names_and_the_modes_that_lambda_needs(tmp_path):
    write_zip(tmp_path / "new" / "layer.zip", FILES)
    with zipfile.ZipFile(tmp_path / "new" / "layer.zip") as archive:
        found = [(info.filename, oct(info.external_attr >> 16), info.date_time) for info in archive.infolist()]
        content = {name: archive.read(name) for name in archive.namelist()}
    assert found == [
        ("extensions/opalite-opa", oct(stat.S_IFREG | 0o755), (1980, 1, 1, 0, 0, 0)),
        ("opalite/layer.json", oct(stat.S_IFREG | 0o644), (1980, 1, 1, 0, 0, 0)),
        ("opalite/opa", oct(stat.S_IFREG | 0o755), (1980, 1, 1, 0, 0, 0)),
    ]
    assert content == {name: entry.content for name, entry in FILES.items()}


def test_equal_files_give_equal_bytes_and_the_digest_stands_beside_them(tmp_path):
    backwards = dict(reversed(FILES.items()))
    digests = [write_zip(tmp_path / name / "layer.zip", files) for name, files in (("a", FILES), ("b", backwards))]
    content = [(tmp_path / name / "layer.zip").read_bytes() for name in "ab"]
    assert content[0] == content[1]
    assert digests == [hashlib.sha256(content[0]).hexdigest()] * 2
    assert (tmp_path / "a" / "layer.zip.sha256").read_text() == f"{digests[0]}  layer.zip\n"
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["layer.zip", "layer.zip.sha256"]


def test_where_no_zip_can_be_written_that_is_told(tmp_path):
    (tmp_path / "dist").write_text("a file")
    with pytest.raises(OutputError, match=r"^.*dist: File exists$"):
        write_zip(tmp_path / "dist" / "layer.zip", FILES)


def test_a_folder_has_what_lambda_has_in_opt_and_replaces_an_older_one(tmp_path):
    folder = tmp_path / "build" / "layer"
    write_folder(folder, {**FILES, "opalite/old": Entry(b"")})
    write_folder(folder, FILES)
    found = {
        path.relative_to(folder).as_posix(): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert found == {name: (entry.content, entry.mode) for name, entry in FILES.items()}
    assert list(folder.parent.iterdir()) == [folder]


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "mine").write_text("dear to me")
    with pytest.raises(UsageError) as raised:
        write_folder(tmp_path, FILES)
    assert str(raised.value) == f"{tmp_path} is there and is no unpacked layer: name a new or empty folder"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_layer_that_lambda_would_not_take_is_refused():
    require_fitting(FILES)
    big = bytes(MOST_UNPACKED // 2 + 1)
    with pytest.raises(UsageError) as raised:
        require_fitting({"a": Entry(big), "b": Entry(big)})
    assert str(raised.value) == (
        "the layer has 250 MB unpacked, Lambda takes 250 MB: take data out of the bundles"
    )  # fmt: skip

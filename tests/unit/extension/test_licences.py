"""Which licences go along; what Go says is written down here."""

from __future__ import annotations

import json
from pathlib import Path

from layer import licences

from opalite.engine.gobuild import Go
from opalite.engine.watch import Finished

MODULES = "opa: go1.26.8\n\tpath\ta\n\tmod\texample.com/a\tv1.0.0\th1:x=\n\tdep\texample.com/b\tv2.0.0\th1:y=\n"
REPLACED = "\tdep\texample.com/c\tv3.0.0\n\t=>\texample.com/d\tv4.0.0\th1:z=\n"


def quiet(*_):
    pass


class Commands:
    """Answers as go does; `folders` are those of the modules that can be had."""

    def __init__(self, listing, folders, root=""):
        self.listing, self.folders, self.root = listing, folders, root
        self.downloaded = []

    def __call__(self, command, environ, directory, seconds, beat):
        match command[1:3]:
            case ["version", "-m"]:
                return Finished(0, self.listing, "")
            case ["mod", "download"]:
                self.downloaded = command[5:]
                told = [
                    {"Path": name.split("@")[0], "Version": name.split("@")[1], **({"Dir": str(self.folders[name])} if name in self.folders else {"Error": "no"})}
                    for name in self.downloaded
                ]  # fmt: skip
                return Finished(0, "\n".join(json.dumps(each, indent=1) for each in told), "")
            case ["env", "GOROOT"]:
                return Finished(0, f"{self.root}\n", "")
        raise AssertionError(command)


def gather(commands, tmp_path):
    return licences.of_modules(tmp_path / "opa", Go(Path("go"), "go1.26.8", {}), tmp_path, quiet, {}, commands)


def files(folder, **texts):
    for name, text in texts.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_every_module_brings_its_licences_also_those_of_what_it_took_over(tmp_path):
    a = files(tmp_path / "a", LICENSE="a", NOTICE_txt="n", inner__COPYING="c", testdata__LICENSE="t", license_go="code")
    d = files(tmp_path / "d", License_txt="d")
    root = files(tmp_path / "root", LICENSE="go")
    commands = Commands(
        MODULES + REPLACED,
        {"example.com/a@v1.0.0": a, "example.com/d@v4.0.0": d},
        root,
    )
    assert gather(commands, tmp_path) == (
        {
            "example.com/a@v1.0.0/LICENSE": b"a",
            "example.com/a@v1.0.0/NOTICE.txt": b"n",
            "example.com/a@v1.0.0/inner/COPYING": b"c",
            "example.com/d@v4.0.0/License.txt": b"d",
            "go/LICENSE": b"go",
        },
        ["example.com/b@v2.0.0"],
    )
    assert commands.downloaded == ["example.com/a@v1.0.0", "example.com/b@v2.0.0", "example.com/d@v4.0.0"]


def test_a_go_without_its_licence_borrows_that_of_a_module_by_the_same_authors(tmp_path):
    sys = files(tmp_path / "sys", LICENSE="the Go authors", PATENTS="p")
    listing = "x\n\tmod\tgolang.org/x/sys\tv0.1.0\th1:x=\n"
    found, missing = gather(Commands(listing, {"golang.org/x/sys@v0.1.0": sys}, tmp_path / "root"), tmp_path)
    assert (found["go/LICENSE"], missing) == (b"the Go authors", [])


def test_what_is_written_is_read_again(tmp_path):
    texts = {"a@v1/LICENSE": b"a", "go/LICENSE": b"\xff"}
    licences.write(texts, tmp_path / "licenses")
    assert licences.read(tmp_path / "licenses") == texts

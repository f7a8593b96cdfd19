"""Where the executables of the layer come from. Commands and downloads are played; nothing is fetched or built."""

from __future__ import annotations

import hashlib
import io
import json
import urllib.error
from pathlib import Path

import pytest
from layer import programs
from layer.architecture import ARM64, X86_64
from layer.programs import Workshop

from opalite.engine.gobuild import MODULE, MODULE_SUM
from opalite.engine.locate import OPA_VERSION
from opalite.engine.watch import Finished
from opalite.errors import InstallError

HERE = ("Linux", "riscv64")  # neither is run on this machine
ARM, X86 = (b"\x7fELF\x02\x01".ljust(18, b"\0") + bytes([machine]).ljust(110, b"\0") for machine in (183, 62))


class Reply(io.BytesIO):
    headers: dict[str, str] = {}  # noqa: RUF012


def offline(url):
    raise urllib.error.URLError("no route to host")


class Commands:
    """Go as it is asked; it builds `made`."""

    def __init__(self, made=ARM, code=0):
        self.made, self.code = made, code
        self.calls = []

    def __call__(self, command, environ, directory, seconds, beat):
        self.calls.append((list(command), dict(environ)))
        match command[1:2]:
            case ["env"]:
                return Finished(0, json.dumps({"GOVERSION": "go1.26.8", "GOPATH": "/home/ann/go"}), "")
            case ["install"]:
                path = Path(environ["GOPATH"], "bin", f"{environ['GOOS']}_{environ['GOARCH']}", "opa")
                path.parent.mkdir(parents=True)
                path.write_bytes(self.made)
                return Finished(self.code, "", "go: it did not work\n")
            case ["build"]:
                Path(command[command.index("-o") + 1]).write_bytes(self.made)
                return Finished(self.code, "", "go: it did not work\n")
            case ["version"]:
                return Finished(0, f"x\n\tmod\t{MODULE}\tv{OPA_VERSION}\t{MODULE_SUM}\n", "")
        raise AssertionError(command)

    def of(self, name):
        return [(command, environ) for command, environ in self.calls if command[1] == name]


@pytest.fixture
def shop(tmp_path):
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.touch(0o755)
    (tmp_path / "work").mkdir()
    environ = {"PATH": str(go.parent), "OPALITE_CACHE": str(tmp_path / "cache"), "GOFLAGS": "-evil", "GOBIN": "/x"}
    return Workshop(tmp_path / "work", lambda *_: None, environ, fetch=offline, run=Commands(), platform=HERE)


def place(shop, name="linux-arm64"):
    return Path(shop.environ["OPALITE_CACHE"]) / "opa" / OPA_VERSION / name / "opa"


def test_the_official_release_is_taken_and_kept(shop):
    asked = []

    def fetch(url):
        asked.append(url.rsplit("/", 1)[1])
        return Reply(hashlib.sha256(ARM).hexdigest().encode() if url.endswith(".sha256") else ARM)

    shop.fetch = fetch
    found = [programs.opa(shop, ARM64), programs.opa(shop, ARM64)]
    assert found == [place(shop)] * 2
    assert (place(shop).read_bytes(), place(shop).stat().st_mode & 0o777) == (ARM, 0o755)
    assert asked == ["opa_linux_arm64_static.sha256", "opa_linux_arm64_static"]
    assert shop.run.calls == []


def test_without_a_release_go_builds_for_the_other_machine_below_a_gopath_of_ours(shop):
    assert programs.opa(shop, ARM64) == place(shop)
    ((command, environ),) = shop.run.of("install")
    assert command[2:] == ["-modcacherw", "-trimpath", "-ldflags", "-s -w", f"{MODULE}@v{OPA_VERSION}"]
    assert {
        name: value for name, value in environ.items() if name in {"GOOS", "GOARCH", "GOBIN", "GOPATH", "GOFLAGS"}
    } == {
        "GOOS": "linux",
        "GOARCH": "arm64",
        "GOPATH": str(shop.directory / "gopath"),
        "GOFLAGS": "",
    }
    assert place(shop).read_bytes() == ARM


def test_a_build_that_fails_says_what_go_said(shop):
    shop.run = Commands(code=1)
    with pytest.raises(InstallError) as raised:
        programs.opa(shop, ARM64)
    go = Path(shop.environ["PATH"]) / "go"
    assert str(raised.value) == f"building OPA {OPA_VERSION} for linux/arm64 with {go} failed: go: it did not work"
    assert not place(shop).exists()


def test_an_opa_for_another_machine_is_not_kept(shop):
    shop.run = Commands(made=X86)
    with pytest.raises(InstallError, match="is not for arm64"):
        programs.opa(shop, ARM64)
    assert not place(shop).exists()


def test_a_kept_one_that_was_changed_is_not_used(shop):
    place(shop).parent.mkdir(parents=True)
    place(shop).write_bytes(b"no program")
    with pytest.raises(InstallError) as raised:
        programs.opa(shop, ARM64)
    assert str(raised.value) == (
        f"{place(shop)} is no executable of 64-bit Linux: it is not used; remove it and build again"
    )


def test_what_opa_install_made_serves_for_this_machine(shop, opa, tmp_path):
    shop.platform = ("Linux", "x86_64")
    managed = tmp_path / "cache" / "opa" / OPA_VERSION / "opa"
    managed.parent.mkdir(parents=True)
    managed.symlink_to(opa.path)
    try:
        assert programs.opa(shop, X86_64) == managed
    except InstallError as error:  # where these tests run on another machine, or with another OPA
        assert str(managed) in str(error)  # noqa: PT017
    assert shop.run.calls == []


def test_the_extension_is_built_for_the_machine_offline_and_without_traces_of_this_place(shop):
    built = programs.extension(shop, ARM64)
    assert built.read_bytes() == ARM
    ((command, environ),) = shop.run.of("build")
    assert command[1:] == [
        *("build", "-C", str(programs.SOURCES), "-o", str(built)),
        *("-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "."),
    ]
    chosen = ("GOOS", "GOARCH", "GOPROXY", "GOFLAGS", "CGO_ENABLED", "GOTOOLCHAIN")
    assert [environ[name] for name in chosen] == ["linux", "arm64", "off", "-mod=readonly", "0", "local"]


def test_go_is_looked_for_once(shop):
    programs.opa(shop, ARM64)
    programs.extension(shop, ARM64)
    assert len(shop.run.of("env")) == 1


def test_licences_that_could_not_be_had_are_told_and_asked_for_again(shop):
    told = []
    shop.report = lambda step, _: told.append(step)

    def no_modules(command, environ, directory, seconds, beat):
        match command[1:3]:
            case ["env", "-json"]:
                return Finished(0, json.dumps({"GOVERSION": "go1.26.8"}), "")
            case ["version", "-m"]:
                return Finished(0, f"x\n\tmod\t{MODULE}\tv{OPA_VERSION}\t{MODULE_SUM}\n", "")
        return Finished(1, "", "no route to host")

    shop.run = no_modules
    assert programs.opa_licences(shop, ARM64, Path("opa")) == {}
    assert told[-1] == (
        f"the licences of 2 modules in OPA could not be had ({MODULE}@v{OPA_VERSION} …): "
        "the layer is built without them; do not pass it on"
    )
    assert not (place(shop).parent / "licenses").exists()

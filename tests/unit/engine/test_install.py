"""Installing: the order of the ways, all or nothing, one at a time. No network; the commands are recorded."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from opalite.engine.gobuild import MODULE, MODULE_SUM
from opalite.engine.install import Means, install
from opalite.engine.locate import OPA_VERSION, Opa
from opalite.engine.watch import Finished
from opalite.errors import EngineError, InstallError

LINUX = ("Linux", "x86_64")
ANSWERS = b"#!/bin/sh\necho 'Version: 1.22.2'\n"


class Reply(io.BytesIO):
    headers: dict[str, str] = {}  # noqa: RUF012


class Web:
    """Serves one release and its digest; `before` happens when the release is asked for."""

    def __init__(self, content: bytes = ANSWERS, digest_of: bytes | None = None, before=lambda: None) -> None:
        self.content, self.before = content, before
        self.digest = hashlib.sha256(content if digest_of is None else digest_of).hexdigest()
        self.urls: list[str] = []

    def __call__(self, url: str) -> Reply:
        self.urls.append(url)
        if url.endswith(".sha256"):
            return Reply(self.digest.encode())
        self.before()
        return Reply(self.content)


def unreachable(url: str) -> Reply:
    raise OSError(f"no way to {url.split('/')[2]}")


def no_commands(command, environ, directory, seconds, beat) -> Finished:
    raise AssertionError(f"{command} was started")


class Told:
    def __init__(self) -> None:
        self.steps: list[str] = []

    def __call__(self, step: str, fraction: float | None) -> None:
        if step not in self.steps:
            self.steps.append(step)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"PATH": "", "OPALITE_CACHE": str(tmp_path / "cache")}


def files(environ: dict[str, str]) -> list[str]:
    cache = Path(environ["OPALITE_CACHE"])
    return sorted(str(path.relative_to(cache)) for path in cache.rglob("*") if not path.is_dir())


def installed(environ: dict[str, str]) -> Opa:
    return Opa(Path(environ["OPALITE_CACHE"], "opa", OPA_VERSION, "opa"), OPA_VERSION, "managed")


def test_the_release_becomes_the_managed_copy_and_nothing_else_is_left(environ):
    assert install(Told(), environ, means=Means(Web(), no_commands, LINUX)) == installed(environ)
    assert files(environ) == ["install.lock", "opa/1.22.2/opa"]
    assert not Path(environ["OPALITE_CACHE"], "tmp").exists()


def test_what_is_usable_is_not_installed_again_unless_forced(environ):
    install(Told(), environ, means=Means(Web(), no_commands, LINUX))
    web = Web()
    assert install(Told(), environ, means=Means(web, no_commands, LINUX)) == installed(environ)
    assert web.urls == []
    assert install(Told(), environ, force=True, means=Means(web, no_commands, LINUX)) == installed(environ)
    assert len(web.urls) == 2


def test_a_wrong_explicit_opa_is_an_error_and_nothing_is_installed(environ):
    for explicit, variable in (("/no/opa", ""), (None, "/no/opa")):
        with pytest.raises(EngineError, match="there is no file '/no/opa'"):
            install(
                Told(),
                environ | {"OPALITE_OPA": variable},
                explicit=explicit,
                means=Means(Web(), no_commands),
            )
    assert files(environ) == []


def test_an_opa_on_path_out_of_range_is_told_and_the_managed_copy_installed(environ, tmp_path):
    old = tmp_path / "opa"
    old.write_text("#!/bin/sh\necho 'Version: 0.60.0'\n")
    old.chmod(0o755)
    told = Told()
    environ["PATH"] = str(tmp_path)
    assert install(told, environ, means=Means(Web(), no_commands, LINUX)) == installed(environ)
    assert told.steps[0] == f"passed over on PATH: {old} is OPA 0.60.0, supported is >=1.4.0,<2.0.0"


def test_a_checksum_mismatch_leaves_nothing_and_is_not_answered_by_a_build(environ):
    with pytest.raises(InstallError, match="the download is not used"):
        install(Told(), environ, means=Means(Web(digest_of=b"other"), no_commands, LINUX))
    assert files(environ) == ["install.lock"]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, MemoryError])
def test_an_interrupted_download_leaves_nothing_half_done(environ, interruption):
    class Broken(Reply):
        def read(self, size: int | None = -1, /) -> bytes:
            seen.extend(files(environ))
            raise interruption

    seen: list[str] = []

    def fetch(url: str) -> Reply:
        return Reply(b"0" * 64) if url.endswith(".sha256") else Broken()

    with pytest.raises(interruption):
        install(Told(), environ, means=Means(fetch, no_commands, LINUX))
    assert [name for name in seen if name.startswith("tmp/opalite-install-")], "the file was being written"
    assert files(environ) == ["install.lock"]


def test_a_forced_install_that_fails_keeps_the_copy_that_is_there(environ):
    install(Told(), environ, means=Means(Web(), no_commands, LINUX))
    with pytest.raises(InstallError):
        install(Told(), environ, force=True, means=Means(Web(digest_of=b"other"), no_commands, LINUX))
    assert installed(environ).path.read_bytes() == ANSWERS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"#!/bin/sh\necho 'Version: 1.22.1'\n",
            "the new OPA says it is 1.22.1, expected was 1.22.2: it is not used",
        ),
        (b"\x7fELF", "the new OPA does not run: .* set OPALITE_CACHE to another"),
    ],
)
def test_what_does_not_answer_as_the_wanted_version_does_not_become_visible(environ, content, message):
    with pytest.raises(InstallError, match=message):
        install(Told(), environ, means=Means(Web(content), no_commands, LINUX))
    assert files(environ) == ["install.lock"]


def test_what_a_killed_install_left_is_removed_by_the_next_and_nothing_else(environ):
    tmp = Path(environ["OPALITE_CACHE"], "tmp")
    (tmp / "opalite-install-dead" / "go").mkdir(parents=True)
    (tmp / "opalite-install-dead" / "go" / "half").write_text("")
    (tmp / "somebody-elses").write_text("")
    install(Told(), environ, means=Means(Web(), no_commands, LINUX))
    assert files(environ) == ["install.lock", "opa/1.22.2/opa", "tmp/somebody-elses"]


def test_of_two_installs_at_once_the_second_waits_and_uses_what_the_first_made(environ):
    downloading, go_on = threading.Event(), threading.Event()

    def before() -> None:
        downloading.set()
        assert go_on.wait(20)

    first_web, second_web, results = Web(before=before), Web(), []
    first = threading.Thread(
        target=lambda: results.append(install(Told(), environ, means=Means(first_web, no_commands, LINUX)))
    )
    first.start()
    assert downloading.wait(20)

    steps: list[str] = []

    def second_report(step: str, fraction: float | None) -> None:
        steps.append(step)
        go_on.set()

    results.append(install(second_report, environ, means=Means(second_web, no_commands, LINUX)))
    first.join()
    assert results == [installed(environ)] * 2
    assert set(steps) == {f"waiting for another install that works in {environ['OPALITE_CACHE']}"}
    assert (len(first_web.urls), second_web.urls) == (2, [])


def test_sigterm_during_the_build_ends_the_child_and_leaves_nothing(environ, tmp_path):
    """In a process of its own: the fake `go` writes its process id, then hangs as a long build does."""
    go, pid = tmp_path / "bin" / "go", tmp_path / "pid"
    go.parent.mkdir()
    go.write_text(
        '#!/bin/sh\nif [ "$1" = env ]; then echo \'{"GOVERSION": "go1.99.0"}\'; exit; fi\n'
        f"echo $$ > {pid}.new; mv {pid}.new {pid}; exec sleep 300\n"
    )
    go.chmod(0o755)
    program = textwrap.dedent("""
        import os
        from opalite.engine.install import Means, install
        def unreachable(url): raise OSError("unreachable")
        install(lambda step, fraction: print(step, flush=True), os.environ, means=Means(unreachable))
    """)
    path = f"{go.parent}:/usr/bin:/bin"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, **environ, "PATH": path, "OPALITE_OPA": ""},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("building") and pid.exists():
                break
        child = int(pid.read_text())
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert files(environ) == ["install.lock"]


def test_where_no_release_can_be_had_the_build_of_the_system_go_is_used(environ, tmp_path):
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text("")
    go.chmod(0o755)
    environ["PATH"] = str(go.parent)

    def run(command, environ, directory, seconds, beat) -> Finished:
        if command[1] == "env":
            return Finished(0, '{"GOVERSION": "go1.26.8"}', "")
        if command[1] == "version":
            return Finished(0, f"{command[3]}: go1.26.8\n\tmod\t{MODULE}\tv1.22.2\t{MODULE_SUM}\n", "")
        beat()
        Path(environ["GOBIN"]).mkdir()
        Path(environ["GOBIN"], "opa").write_bytes(ANSWERS)
        return Finished(0, "", "")

    told = Told()
    assert install(told, environ, means=Means(unreachable, run, LINUX)) == installed(environ)
    assert told.steps == [
        "no release: https://openpolicyagent.org/downloads/v1.22.2/opa_linux_amd64_static: no way to openpolicyagent.org",
        "building OPA 1.22.2 with go1.26.8 (takes some minutes)",
    ]
    assert files(environ) == ["install.lock", "opa/1.22.2/opa"]


def test_when_every_way_fails_the_error_gives_each_reason_and_what_to_do(environ):
    def no_pip(command, environ, directory, seconds, beat) -> Finished:
        return Finished(1, "", "No module named pip")

    with pytest.raises(InstallError) as raised:
        install(Told(), environ, means=Means(unreachable, no_pip, LINUX))
    assert str(raised.value) == (
        "OPA 1.22.2 could not be installed. Release: "
        "https://openpolicyagent.org/downloads/v1.22.2/opa_linux_amd64_static: no way to openpolicyagent.org. "
        "Build: this Python has no pip to fetch Go with; install Go 1.26.0 or newer, or OPA itself. "
        "Once the cause is gone run `opalite opa install` again; or put an OPA >=1.4.0,<2.0.0 on PATH or in OPALITE_OPA"
    )
    assert files(environ) == ["install.lock"]


def test_a_cache_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    environ = {"PATH": "", "OPALITE_CACHE": str(tmp_path / "file" / "cache")}
    with pytest.raises(InstallError) as raised:
        install(Told(), environ, means=Means(Web(), no_commands, LINUX))
    assert str(raised.value) == (
        f"{tmp_path}/file/cache: Not a directory; make room, or set OPALITE_CACHE to a directory you can write"
    )

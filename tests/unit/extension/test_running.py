"""The extension as Lambda runs it: against an Extensions API of our own, with the real OPA."""

from __future__ import annotations

import os
import signal
import stat
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest
from layer.programs import EXTENSION

SERVES = """
    import http.server, os, signal, socket, socketserver, sys
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
        def address_string(self):
            return "test"
        def log_message(self, *args):
            pass
    with socketserver.UnixStreamServer(sys.argv[sys.argv.index("--addr") + 1].removeprefix("unix://"), Handler) as server:
        server.serve_forever()
"""


def instead_of_opa(sandbox, script):
    """An executable `opa` of the layer that does what the script says."""
    path = sandbox.layer / "opa"
    path.unlink()
    path.write_text(f"#!{sys.executable} -IS\n" + textwrap.dedent(script))
    path.chmod(0o755)


def is_gone(process: psutil.Process) -> bool:
    """In time. Who takes away the rests of an orphan takes his time: a zombie does nothing any more."""

    def gone():
        try:
            return process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    deadline = time.monotonic() + 30
    while not gone() and time.monotonic() < deadline:
        time.sleep(0.005)
    return gone()


def messages(running, logger):
    return [line["message"] for line in running.lines() if line["logger"] == logger]


def test_it_registers_for_shutdown_alone_and_is_ready_when_opa_answers(sandbox, api):
    running = sandbox.start()
    ready = api.wait_for("/event/next")
    assert [(call.path, call.body) for call in api.calls] == [
        ("/register", {"events": ["SHUTDOWN"]}),
        ("/event/next", None),
    ]
    assert (api.names, ready.opa_answered) == ([EXTENSION], True)
    assert running.process.poll() is None


def test_it_registers_before_opa_is_ready(sandbox, api):
    instead_of_opa(sandbox, "import time; time.sleep(1000)")
    running = sandbox.start()
    api.wait_for("/register")
    opa = running.opa()
    running.process.send_signal(signal.SIGTERM)
    assert (running.ended(), api.paths(), is_gone(opa)) == (0, ["/register"], True)


def test_only_its_owner_may_reach_the_socket(sandbox, api):
    sandbox.start()
    api.wait_for("/event/next")
    modes = [stat.filemode(path.lstat().st_mode) for path in (sandbox.socket.parent, sandbox.socket)]
    assert modes == ["drwx------", "srwx------"]


def test_opa_gets_the_bundle_and_no_credentials(sandbox, api):
    running = sandbox.start(GOMEMLIMIT="100MiB", OPA_LOG_LEVEL="debug", HOME="/elsewhere")
    api.wait_for("/event/next")
    opa = running.opa()
    temporary = "/tmp"  # noqa: S108 - Lambda has no other place to write to
    assert opa.environ() == {"HOME": temporary, "TMPDIR": temporary, "GOGC": "400", "GOMEMLIMIT": "100MiB"}
    assert opa.cmdline()[1:] == [
        *("run", "--server", "--addr", f"unix://{sandbox.socket}", "--unix-socket-perm", "700"),
        *("--log-level", "error", "--log-format", "json", "--skip-version-check", "--optimize-store-for-read-speed"),
        *("--shutdown-grace-period", "1", "--bundle", f"{sandbox.layer}/bundle.tar.gz"),
    ]
    assert (os.getpgid(opa.pid), Path(f"/proc/{opa.pid}/fd/0").readlink()) == (opa.pid, Path("/dev/null"))


def test_opa_listens_on_no_port(sandbox, api):
    running = sandbox.start()
    api.wait_for("/event/next")
    assert running.opa().net_connections("inet") == []


def test_a_proxy_is_never_asked(sandbox, api):
    nobody = "http://127.0.0.1:9"  # nothing listens there
    running = sandbox.start(HTTP_PROXY=nobody, http_proxy=nobody, ALL_PROXY=nobody, HTTPS_PROXY=nobody, NO_PROXY="")
    api.wait_for("/event/next")
    api.shut_down()
    assert running.ended() == 0


def test_a_bundle_that_does_not_load_fails_the_init_with_what_opa_said(sandbox, api):
    (sandbox.layer / "bundle.tar.gz").write_bytes(b"no archive")
    running = sandbox.start()
    assert running.ended() == 1
    assert api.paths() == ["/register", "/init/error"]
    told = api.calls[-1]
    message = told.body.pop("errorMessage")
    assert (told.error_type, told.body) == (
        "Extension.OpaNotReady",
        {"errorType": "Extension.OpaNotReady", "stackTrace": []},
    )
    assert message.startswith("OPA did not start: it ended with exit status 1; it said: ")
    assert "bundle.tar.gz" in message
    assert len(message) < 1200
    assert f"Extension.OpaNotReady: {message}" in messages(running, "extension")


@pytest.mark.parametrize(
    ("absent", "kind"), [("opa", "Extension.OpaMissing"), ("bundle.tar.gz", "Extension.BundleMissing")]
)
def test_what_is_missing_in_the_layer_is_named(sandbox, api, absent, kind):
    (sandbox.layer / absent).unlink()
    assert sandbox.start().ended() == 1
    assert api.paths() == ["/register", "/init/error"]
    assert api.calls[-1].error_type == kind
    assert (
        f"{sandbox.layer}/{absent}: no such file or directory; build the layer anew"
        in api.calls[-1].body["errorMessage"]
    )


def test_an_opa_for_another_machine_fails_the_init(sandbox, api):
    (sandbox.layer / "opa").unlink()
    (sandbox.layer / "opa").write_bytes(b"\x7fELF of another kind")
    (sandbox.layer / "opa").chmod(0o755)
    assert sandbox.start().ended() == 1
    assert (api.calls[-1].path, api.calls[-1].error_type) == ("/init/error", "Extension.OpaNotReady")
    assert "exec format error" in api.calls[-1].body["errorMessage"]


def test_a_folder_that_others_may_enter_is_not_used(sandbox, api):
    sandbox.socket.parent.mkdir(mode=0o755)
    assert sandbox.start().ended() == 1
    assert "others could reach OPA's socket" in api.calls[-1].body["errorMessage"]


def test_what_an_earlier_opa_left_is_no_obstacle(sandbox, api):
    first = sandbox.start()
    api.wait_for("/event/next")
    opa = first.opa()
    first.process.kill()
    assert (first.ended(), is_gone(opa), sandbox.socket.is_socket()) == (-signal.SIGKILL, True, True)
    api.calls.clear()
    sandbox.start()
    assert api.wait_for("/event/next").opa_answered


def test_an_opa_that_dies_is_started_anew_on_the_same_socket(sandbox, api, ask, eventually):
    running = sandbox.start()
    api.wait_for("/event/next")
    first = running.opa()
    first.kill()
    first.wait(30)
    second = running.opa()
    assert eventually(lambda: "OPA answers again" in messages(running, "extension"))
    assert (first.pid != second.pid, ask(sandbox.socket, "/v1/data/a/answer")) == (True, (200, {"result": 42}))
    assert (running.process.poll(), api.paths()) == (None, ["/register", "/event/next"])
    died, again = messages(running, "extension")[1:]
    assert died.startswith(
        "OPA died and is started anew: it ended with signal: killed"
    )  # and what it said, if anything
    assert again == "OPA answers again"


def test_the_fourth_death_within_a_minute_ends_the_sandbox(sandbox, api, eventually):
    running = sandbox.start()
    api.wait_for("/event/next")
    for number in range(4):
        opa = running.opa()
        opa.kill()
        assert is_gone(opa)
        if number < 3:
            eventually(lambda: messages(running, "extension").count("OPA answers again") > number)  # noqa: B023
    assert running.ended() == 1
    assert (api.paths(), api.calls[-1].error_type) == (
        ["/register", "/event/next", "/exit/error"],
        "Extension.OpaDied",
    )
    assert api.calls[-1].body["errorMessage"].startswith("OPA died 4 times within 1m0s: it ended with signal: killed")


def test_shutdown_ends_opa_in_time(sandbox, api):
    running = sandbox.start()
    api.wait_for("/event/next")
    opa = running.opa()
    begun = time.monotonic()
    api.shut_down()
    assert (running.ended(), is_gone(opa), sandbox.socket.exists()) == (0, True, False)
    assert time.monotonic() - begun < 2


def test_shutdown_while_an_opa_is_started_anew_ends_that_one(sandbox, api):
    running = sandbox.start()
    api.wait_for("/event/next")
    first = running.opa()
    first.kill()
    first.wait(30)
    second = running.opa()
    api.shut_down()
    assert (running.ended(), is_gone(second)) == (0, True)


def test_an_opa_that_does_not_end_is_killed_in_time(sandbox, api):
    instead_of_opa(sandbox, "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + textwrap.dedent(SERVES))
    running = sandbox.start()
    api.wait_for("/event/next")
    opa = running.opa()
    begun = time.monotonic()
    api.shut_down()
    assert (running.ended(), is_gone(opa)) == (0, True)
    assert 1 < time.monotonic() - begun < 2


def test_sigterm_ends_it_as_shutdown_does(sandbox, api):
    running = sandbox.start()
    api.wait_for("/event/next")
    opa = running.opa()
    running.process.send_signal(signal.SIGTERM)
    assert (running.ended(), is_gone(opa)) == (0, True)


def test_no_opa_outlives_an_extension_that_was_killed(sandbox, api):
    running = sandbox.start()
    api.wait_for("/event/next")
    opa = running.opa()
    running.process.kill()
    assert (running.ended(), is_gone(opa)) == (-signal.SIGKILL, True)


def test_nor_does_one_that_was_started_anew(sandbox, api, eventually):
    running = sandbox.start()
    api.wait_for("/event/next")
    running.opa().kill()
    eventually(lambda: "OPA answers again" in messages(running, "extension"))
    opa = running.opa()
    running.process.kill()
    assert is_gone(opa)


def test_without_lambda_there_is_no_reason_to_stay(sandbox, api):
    running = sandbox.start()
    api.wait_for("/event/next")
    opa = running.opa()
    api.close()
    assert (running.ended(), is_gone(opa)) == (1, True)


def test_what_opa_writes_is_forwarded_as_lines_of_json(sandbox, api):
    says = """
        import sys
        print('{"level":"error","msg":"a message","time":"2026-11-29T12:00:00Z","more":1}')
        print("x" * 100_000, "not in the log", file=sys.stderr)
        print("plain text", flush=True)
    """
    instead_of_opa(sandbox, textwrap.dedent(says) + textwrap.dedent(SERVES))
    running = sandbox.start()
    api.wait_for("/event/next")
    api.shut_down()
    assert running.ended() == 0
    lines = running.output.read_text().splitlines()
    assert max(map(len, lines)) <= 4096
    told = sorted((line for line in running.lines() if line["logger"] == "opa"), key=lambda line: line["message"])
    assert told[0] == {
        "level": "ERROR",
        "logger": "opa",
        "message": "a message",
        "more": 1,
        "service": EXTENSION,
        "timestamp": "2026-11-29T12:00:00Z",
    }
    assert [(line["level"], line["message"][:10], line.get("cut", False)) for line in told[1:]] == [
        ("ERROR", "plain text", False),
        ("ERROR", "xxxxxxxxxx", True),
    ]
    assert {line["service"] for line in running.lines()} == {EXTENSION}


def test_it_does_not_run_elsewhere_than_in_lambda(sandbox):
    running = sandbox.start(AWS_LAMBDA_RUNTIME_API="")
    assert (running.ended(), messages(running, "extension")) == (
        1,
        ["AWS_LAMBDA_RUNTIME_API is not set: this program is started by Lambda alone"],
    )

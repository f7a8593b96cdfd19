"""The emulated Lambda keeps its promises: functions under the real runtime client, extensions in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import psutil
import pytest

from emulation.lambda_environment import LocalLambda
from emulation.lambda_results import PayloadTooLargeError
from emulation.sandbox import Failure

HANDLER = """
import os, sys, time
print("imported")
def handler(event, context):
    print("called with", sorted(event))
    sys.stdout.flush()
    do = event.get("do")
    if do == "raise":
        raise ValueError("no")
    if do == "sleep":
        time.sleep(60)
    if do == "exit":
        os._exit(3)
    if do == "answer":
        return "x" * event["characters"]
    if do == "environment":
        return dict(os.environ)
    if do == "second time":
        try:
            open(os.environ["TMPDIR"] + "/seen", "x").close()
        except FileExistsError:
            return context.aws_request_id
        raise ValueError("first time")
    if do == "context":
        left = context.get_remaining_time_in_millis()
        return [context.aws_request_id, context.invoked_function_arn, context.function_name, 0 < left <= 30_000]
"""
EXTENSION = """
import http.client, json, os, signal, subprocess, sys, time
def call(method, path, body=None, **headers):
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, "/2020-01-01/extension/" + path, body and json.dumps(body), headers)
    answer = connection.getresponse()
    return answer, json.loads(answer.read() or b"null")
child = subprocess.Popen(["sleep", "1000"], process_group=0)
answer, told = call("POST", "register", {"events": EVENTS}, Lambda_Extension_Name=NAME)
me = {"Lambda_Extension_Identifier": answer.getheader("Lambda-Extension-Identifier") or ""}
print("registered", answer.status, told, flush=True)
AFTER
while answer.status == 200:
    answer, event = call("GET", "event/next", **me)
    print(event["eventType"], event.get("shutdownReason"), flush=True)
    if event["eventType"] == "SHUTDOWN":
        AT_THE_END
        child.kill()
        child.wait()
        break
"""


@pytest.fixture
def app(tmp_path):
    (tmp_path / "app.py").write_text(HANDLER)
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(60)\n")
    return tmp_path


@pytest.fixture
def extension(tmp_path):
    """An extension in Python, with some of its lines replaced."""

    def made(*, name="os.path.basename(sys.argv[0])", events="['SHUTDOWN']", after="", at_the_end="pass"):
        path = tmp_path / "helper"
        text = EXTENSION.replace("NAME)", f"{name})").replace("EVENTS", events)
        text = text.replace("AFTER", after).replace("AT_THE_END", at_the_end)
        path.write_text(f"#!{sys.executable} -IS\n{text}")
        path.chmod(0o755)
        return path

    return made


@pytest.fixture
def function(app):
    """A function that ends with the test."""
    made = []

    def started(**more):
        made.append(LocalLambda(more.pop("handler", "app.handler"), task_root=app, **more))
        return made[-1]

    yield started
    for each in made:
        each.close()


def test_the_handler_gets_what_the_runtime_api_tells(function):
    result = function(timeout=30).invoke({"do": "context"})
    arn = "arn:aws:lambda:eu-west-1:111111111111:function:opalite"
    assert (result.payload, result.error) == ([result.request_id, arn, "opalite", True], None)


def test_the_first_invocation_starts_the_environment_and_the_second_finds_it(function):
    fn = function()
    first, second = fn.invoke({}), fn.invoke({})
    assert (first.init_ms == fn.init_ms, second.init_ms) == (True, None)
    assert fn.log == ["[runtime] imported", "[runtime] called with []", "[runtime] called with []"]


def test_an_environment_can_be_started_without_an_invocation(function):
    fn = function()
    assert (fn.start(), fn.up, fn.log) == (None, True, ["[runtime] imported"])


def test_what_was_written_before_the_answer_is_in_the_log_after_it(function):
    fn = function()
    for number in range(50):
        fn.clear_log()
        fn.invoke({f"key {number}": None})
        assert fn.log[-1] == f"[runtime] called with ['key {number}']"


def test_a_handler_that_raises_leaves_the_environment_as_it_is(function):
    fn = function()
    failed, next_one = fn.invoke({"do": "raise"}), fn.invoke({})
    told = {key: failed.payload[key] for key in ("errorType", "errorMessage", "requestId")}
    assert told == {"errorType": "ValueError", "errorMessage": "no", "requestId": failed.request_id}
    assert (failed.error, next_one.error, next_one.init_ms) == ("Unhandled", None, None)


def test_a_function_that_takes_too_long_is_ended_and_started_again(function):
    fn = function(timeout=0.4)
    late, next_one = fn.invoke({"do": "sleep"}), fn.invoke({})
    message = f"RequestId: {late.request_id} Error: Task timed out after 0.40 seconds"
    assert (late.error, late.payload["errorMessage"]) == ("Sandbox.Timedout", message)
    assert 400 <= late.duration_ms < 5_000
    assert (next_one.error, next_one.init_ms is not None) == (None, True)


def test_a_runtime_that_ends_is_started_again(function):
    fn = function()
    ended, next_one = fn.invoke({"do": "exit"}), fn.invoke({})
    assert ended.payload == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "Runtime exited with error: exit status 3",
    }
    assert (ended.error, next_one.error, next_one.init_ms is not None) == ("Runtime.ExitError", None, True)


def test_a_module_that_cannot_be_imported_fails_the_initialization(function):
    fn = function(handler="nowhere.handler")
    result, failure = fn.invoke({}), fn.start()
    document = {
        "errorType": "Runtime.ImportModuleError",
        "errorMessage": "Unable to import module 'nowhere': No module named 'nowhere'",
        "requestId": "",
        "stackTrace": [],
    }
    assert (result.error, result.payload, result.duration_ms) == ("Runtime.ImportModuleError", document, 0.0)
    assert (failure, fn.up) == (Failure("Runtime.ImportModuleError", document), False)


def test_the_initialization_has_a_limit_of_its_own(function):
    fn = function(handler="slow.handler", init_timeout=0.5, timeout=180)
    assert fn.start() == Failure(
        "Sandbox.Timedout", {"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 0.50 seconds"}
    )


def test_an_answer_of_six_megabytes_is_taken_and_no_more(function):
    fn = function()
    most = 6_291_556 - 2  # the quotation marks
    assert fn.invoke({"do": "answer", "characters": most}).error is None
    assert fn.invoke({"do": "answer", "characters": most + 1}).error == "Function.ResponseSizeTooLarge"


def test_an_event_of_more_than_a_megabyte_is_for_synchronous_invocations_only(function):
    fn, event = function(), {"key": "x" * 1_048_576}
    with pytest.raises(PayloadTooLargeError, match="the event has 1048587 bytes, Lambda takes 1048576"):
        fn.invoke_async(event)
    assert fn.invoke(event).error is None


def test_an_asynchronous_event_is_tried_three_times_and_kept(function):
    fn = function()
    results = fn.invoke_async({"do": "raise"})
    assert [result.error for result in results] == ["Unhandled"] * 3
    assert fn.dead_letters == [
        {
            "version": "1.0",
            "requestContext": {
                "requestId": results[0].request_id,
                "functionArn": "arn:aws:lambda:eu-west-1:111111111111:function:opalite:$LATEST",
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 3,
            },
            "requestPayload": {"do": "raise"},
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "responsePayload": results[2].payload,
        }
    ]


def test_a_retry_that_succeeds_has_the_same_request_id(function):
    fn = function()
    failed, done = fn.invoke_async({"do": "second time"})
    assert (failed.error, done.error, done.payload) == ("Unhandled", None, failed.request_id)
    assert (failed.request_id == done.request_id, fn.dead_letters) == (True, [])


SHARED = {
    "AWS_DEFAULT_REGION", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "GIVEN", "LANG", "PATH", "TMPDIR", "TZ",
}  # fmt: skip
OWN = {
    "AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "COVERAGE_OF_A_TEST", "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT", "_HANDLER", "_X_AMZN_TRACE_ID",
}  # fmt: skip


def test_function_and_extension_see_their_own_variables_and_none_of_ours(function, extension, monkeypatch):
    for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("SECRET_OF_OURS", "x")
    monkeypatch.setenv("COVERAGE_OF_A_TEST", "x")
    monkeypatch.setenv("LANG", "C.UTF-8")
    path = extension(after="print('sees', *sorted(os.environ), flush=True)")
    arn = "arn:aws:lambda:eu-central-1:222222222222:function:other"
    fn = function(arn=arn, extensions=[path], env={"GIVEN": "{tmp}/x"}, memory_mb=256)
    seen = fn.invoke({"do": "environment"}).payload
    seen.pop("LC_CTYPE", None)  # Python's own
    assert seen.keys() == SHARED | OWN
    known = {name: seen[name] for name in ("AWS_REGION", "AWS_LAMBDA_FUNCTION_NAME", "TZ", "GIVEN", "TMPDIR")}
    assert known == {
        "AWS_REGION": "eu-central-1",
        "AWS_LAMBDA_FUNCTION_NAME": "other",
        "TZ": ":UTC",
        "GIVEN": f"{fn.tmp}/x",
        "TMPDIR": str(fn.tmp),
    }
    line = next(line for line in fn.log if line.startswith("[helper] sees"))
    assert set(line.split()[2:]) - {"LC_CTYPE"} == SHARED


def test_extensions_are_told_why_the_environment_ends(function, extension):
    fn = function(extensions=[extension()], timeout=0.4)
    for event in ({"do": "sleep"}, {"do": "exit"}, {}):
        fn.invoke(event)
    fn.stop()
    told = [line for line in fn.log if "SHUTDOWN" in line]
    assert told == [f"[helper] SHUTDOWN {reason}" for reason in ("timeout", "failure", "spindown")]


def test_an_extension_that_asked_for_it_hears_of_invocations(function, extension):
    fn = function(extensions=[extension(events="['INVOKE', 'SHUTDOWN']")])
    fn.invoke({})
    assert [line for line in fn.log if "INVOKE" in line] == ["[helper] INVOKE None"]


def test_an_extension_that_misses_its_deadline_is_killed_with_all_that_it_started(function, extension):
    fn = function(extensions=[extension(at_the_end="time.sleep(60)")])
    fn.start()
    processes, begin = fn.processes(), time.monotonic()
    fn.stop()
    assert 1.9 < time.monotonic() - begin < 10
    assert (fn.log[-1], len(processes)) == ("[helper] missed the deadline of its shutdown", 3)
    assert not any(_alive(process.pid) for process in processes)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"name": "'another'"}, "Extension.Crash"),
        ({"events": "['INVOKED']"}, "Extension.Crash"),
        (
            {
                "after": "call('POST', 'init/error', {'errorMessage': 'm'}, "
                "Lambda_Extension_Function_Error_Type='Extension.NotReady', **me)"
            },
            "Extension.NotReady",
        ),
    ],
)
def test_an_extension_that_fails_at_the_start_fails_the_initialization(function, extension, changes, kind):
    fn = function(extensions=[extension(**changes)])
    result = fn.invoke({})
    assert (result.error, result.init_ms is not None, fn.up) == (kind, True, False)


def test_an_extension_must_be_executable(function, extension):
    path = extension()
    path.chmod(0o644)
    failure = function(extensions=[path]).start()
    message = "extension helper cannot be started: Permission denied"
    assert failure == Failure("Extension.LaunchError", {"errorType": "Extension.LaunchError", "errorMessage": message})


def test_an_extension_that_dies_between_invocations_costs_one(function, extension, poll):
    fn = function(extensions=[extension()])
    fn.start()
    os.kill(fn.pid_of("helper"), signal.SIGKILL)
    assert poll(lambda: fn.failure)
    assert [fn.invoke({}).error for _ in range(2)] == ["Extension.Crash", None]


def test_nothing_runs_between_invocations_of_an_environment_that_is_frozen(function, extension):
    fn = function(extensions=[extension()], freeze_between=True)
    for event in ({}, {"do": "raise"}, {}):
        fn.invoke(event)
        assert {process.status() for process in fn.processes()} == {psutil.STATUS_STOPPED}
    fn.thaw()
    assert psutil.STATUS_STOPPED not in {process.status() for process in fn.processes()}
    fn.freeze()
    assert fn.invoke({"do": "context"}).error is None


def test_what_the_test_has_stopped_stays_stopped(function, extension, poll):
    fn = function(extensions=[extension()], freeze_between=True)
    fn.start()
    fn.thaw()
    child = psutil.Process(fn.pid_of("sleep"))
    child.suspend()
    assert poll(lambda: child.status() == psutil.STATUS_STOPPED)
    assert fn.invoke({}).error is None
    fn.thaw()
    assert child.status() == psutil.STATUS_STOPPED


def test_environments_stand_side_by_side(function, extension):
    path = extension()
    one, other = function(extensions=[path]), function(extensions=[path])
    answers = [fn.invoke({"do": "environment"}).payload for fn in (one, other, one)]
    assert [answer["TMPDIR"] for answer in answers] == [str(one.tmp), str(other.tmp), str(one.tmp)]
    assert one.pid_of("sleep") != other.pid_of("sleep")


def test_a_process_of_the_environment_is_found_by_its_name(function, extension):
    fn = function(extensions=[extension()])
    fn.start()
    assert psutil.Process(fn.pid_of("sleep")).cmdline() == ["sleep", "1000"]
    with pytest.raises(LookupError, match="no process 'opa' in the environment"):
        fn.pid_of("opa")


def test_nothing_is_left_when_the_test_raises(app, extension):
    with pytest.raises(RuntimeError), LocalLambda("app.handler", task_root=app, extensions=[extension()]) as fn:
        fn.start()
        processes, folder = fn.processes(), fn.tmp
        assert (len(processes), folder.is_dir()) == (3, True)
        raise RuntimeError
    assert ([process for process in processes if _alive(process.pid)], folder.exists()) == ([], False)


def test_nothing_is_left_when_the_process_of_the_test_is_killed(app, extension, repository, poll):
    script = f"""
        import os, signal
        from emulation.lambda_environment import LocalLambda
        fn = LocalLambda("app.handler", task_root={str(app)!r}, extensions=[{str(extension())!r}], freeze_between=True)
        fn.start()
        print(*(process.pid for process in fn.processes()), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "PYTHONPATH": str(repository / "tests"), "TMPDIR": str(app)},
        capture_output=True,
        check=False,
    )
    pids = [int(pid) for pid in done.stdout.split()]
    assert (done.returncode, len(pids)) == (-signal.SIGKILL, 3)
    assert poll(lambda: not any(_alive(pid) for pid in pids))


def _alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

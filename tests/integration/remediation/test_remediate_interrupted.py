"""`opalite remediate` that is interrupted, killed or run twice at once: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import os
import pty
import re
import signal

import pytest

from integration.remediation.terminal import BEFORE, MENDED


@pytest.fixture
def half(terminal, poll):
    """A remediation whose call was begun when the signal came; how it ended."""
    group = terminal.group()
    terminal.aws.hold("ec2", "RevokeSecurityGroupIngress")
    settings = terminal.settings("auto")

    def interrupted(number):
        with terminal.start("apply", *terminal.named(group), "--data", settings) as process:
            assert poll(lambda: terminal.aws.calls["ec2:RevokeSecurityGroupIngress"])
            process.send_signal(number)
            out, err = process.communicate(timeout=180)
        terminal.aws.mend()
        return group, settings, process.returncode, out, err.decode().splitlines()

    return interrupted


def test_after_ctrl_c_it_is_told_how_to_go_on_and_resume_does(terminal, half):
    group, settings, code, out, err = half(signal.SIGINT)
    ((name, record),) = terminal.records().items()

    assert (code, out) == (130, b"")
    assert err == [
        f"opalite: attempt {name} is not over: opalite remediate resume {name} --data {settings}",
        "opalite: interrupted",
    ]
    assert (record["result"], [one["progress"] for one in record["applied"]]) == ("applying", ["begun"])

    again = terminal.remediate("apply", *terminal.named(group), "--data", settings, "--format", "jsonl")
    assert (again.code, again.lines[0]["reason"]) == (1, f"another remediation of the resource is not over: {name}")

    resumed = terminal.remediate("resume", name, "--data", settings, "--format", "jsonl")
    assert (resumed.code, resumed.lines[0]["id"], resumed.lines[0]["result"]) == (0, name, "applied")
    assert terminal.ranges(group) == MENDED
    assert terminal.remediate("undo", name).code == 0
    assert terminal.ranges(group) == BEFORE
    assert [path.name for path in (terminal.folder / "opalite-remediation").glob("*.lock")] == []


def test_after_sigkill_resume_goes_on_as_well(terminal, half):
    group, settings, code, _, _ = half(signal.SIGKILL)
    ((name, record),) = terminal.records().items()
    resumed = terminal.remediate("resume", name, "--data", settings, "--format", "jsonl")

    assert (code, record["result"]) == (-signal.SIGKILL, "applying")
    assert (resumed.code, resumed.lines[0]["result"], terminal.ranges(group)) == (0, "applied", MENDED)


def test_of_two_runs_at_once_one_mends_and_the_other_says_so(terminal):
    group = terminal.group()
    terminal.aws.slow("ec2", "RevokeSecurityGroupIngress", seconds=1.0)
    settings = terminal.settings("auto")
    arguments = ("apply", *terminal.named(group), "--data", settings, "--format", "jsonl")
    both = [terminal.start(*arguments) for _ in range(2)]
    ended = [process.communicate(timeout=180) for process in both]

    results = sorted(one["result"] for one in terminal.records().values())
    assert [err for _, err in ended] == [b"", b""]
    assert results in (["applied", "deferred"], ["applied", "off"], ["applied", "nothing"])
    assert terminal.ranges(group) == MENDED
    assert terminal.aws.calls["ec2:RevokeSecurityGroupIngress"] == 1


def test_of_two_that_go_on_at_once_one_is_told_that_the_other_does(terminal, half):
    group, settings, *_ = half(signal.SIGKILL)
    (name,) = terminal.records()
    terminal.aws.slow("ec2", "RevokeSecurityGroupIngress", seconds=1.0)
    both = [terminal.start("resume", name, "--data", settings, "--format", "jsonl") for _ in range(2)]
    ended = [(process.communicate(timeout=180), process.returncode) for process in both]

    codes = sorted(code for _, code in ended)
    said = [err.decode() for (_, err), _ in ended if err]
    assert codes in ([0, 0], [0, 3])
    assert said in ([], [f"opalite: attempt {name}: another run goes on with it at the same time\n"])
    assert (terminal.records()[name]["result"], terminal.ranges(group)) == ("applied", MENDED)


def _at_a_terminal(terminal, answer: bytes, *arguments) -> tuple[int, bytes]:
    """With a person who answers; what was said on standard error."""
    ours, theirs = pty.openpty()
    try:
        with terminal.start(*arguments, stdin=theirs) as process:
            os.write(ours, answer)
            out, err = process.communicate(timeout=180)
        assert out.startswith(b'{"form":1,')
        return process.returncode, err
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(("answer", "code", "ranges"), [(b"y\n", 0, MENDED), (b"n\n", 1, BEFORE), (b"\n", 1, BEFORE)])
def test_at_a_terminal_the_plan_is_shown_and_asked_for(terminal, answer, code, ranges):
    group = terminal.group()
    arguments = ("apply", *terminal.named(group), "--data", terminal.settings("approve"), "--format", "jsonl")
    ended, err = _at_a_terminal(terminal, answer, *arguments)

    assert (ended, terminal.ranges(group)) == (code, ranges)
    assert re.search(rb"1\. revoke sgr-\w+: tcp/22-22 from 0\.0\.0\.0/0", err)
    assert b"Agree to exactly this plan? [y/N]: " in err


def test_what_was_changed_while_the_person_was_thinking_is_not_done(terminal, poll):
    group = terminal.group()
    arguments = ("apply", *terminal.named(group), "--data", terminal.settings("approve"), "--format", "jsonl")
    ours, theirs = pty.openpty()
    try:
        with terminal.start(*arguments, stdin=theirs) as process:
            assert poll(terminal.records)
            terminal.open(group, "0.0.0.0/0", port=3389)
            os.write(ours, b"y\n")
            process.communicate(timeout=180)
    finally:
        os.close(ours)
        os.close(theirs)

    (record,) = terminal.records().values()
    assert (process.returncode, record["result"]) == (1, "refused")
    assert "changed since the plan was approved" in record["reason"]
    assert terminal.ranges(group) == ["0.0.0.0/0", *BEFORE]


def test_a_failure_of_one_keeps_no_other_from_being_done_nor_shown(terminal):
    groups = [terminal.group(), terminal.group()]
    terminal.aws.fail("ec2", "DescribeSecurityGroups", code="InternalError", times=5)
    lines = b"".join(map(terminal.decision, groups))
    done = terminal.remediate("apply", "-", "--data", terminal.settings("auto"), "--format", "jsonl", stdin=lines)

    assert (done.code, [line["target"]["resource_id"] for line in done.lines]) == (3, groups[1:])
    assert (len(done.err), groups[0] in done.err[0]) == (1, True)
    assert [terminal.ranges(group) for group in groups] == [BEFORE, MENDED]


def test_ctrl_c_at_the_question_changes_nothing_and_it_may_be_asked_again(terminal, poll):
    group = terminal.group()
    settings = terminal.settings("approve")
    arguments = ("apply", *terminal.named(group), "--data", settings, "--format", "jsonl")
    ours, theirs = pty.openpty()
    try:
        with terminal.start(*arguments, stdin=theirs) as process:
            assert poll(terminal.records)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=180)
    finally:
        os.close(ours)
        os.close(theirs)

    assert (process.returncode, out, err.endswith(b"opalite: interrupted\n")) == (130, b"", True)
    assert terminal.ranges(group) == BEFORE
    again = terminal.remediate(*arguments, "--yes")
    assert (again.code, again.lines[0]["result"], terminal.ranges(group)) == (0, "applied", MENDED)

"""What `opalite remediate` prints can be believed, and run as it stands."""

from __future__ import annotations

import shlex
import signal

import pytest

from integration.remediation.terminal import BEFORE, MEMBER, MENDED, POLICY


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("auto", "auto is set here: `apply` does it"),
        ("approve", "approve is set here: `apply` asks for an approval"),
    ],
)
def test_whatever_the_mode_a_plan_is_planned_and_nothing_waits_or_is_under_way(terminal, mode, reason):
    group = terminal.group()
    done = terminal.remediate("plan", *terminal.named(group), "--data", terminal.settings(mode), "--format", "jsonl")
    (line,) = done.lines

    assert (done.code, line["result"], line["reason"], line["mode"]) == (1, "planned", reason, mode)
    assert (line["approval"], line["due_at"]) == (None, None)
    text = terminal.remediate("plan", *terminal.named(group), "--data", terminal.settings(mode)).out.decode()
    assert text.startswith("Remediation: planned, nothing was done\n")
    assert f"\nPlan: {line['plan_digest']}\n" in text
    assert (terminal.ranges(group), terminal.records()) == (BEFORE, {})


def test_a_plan_says_that_its_window_is_closed(terminal):
    group = terminal.group()
    closed = {"days": ["mon"], "from": "00:00", "to": "00:01", "zone": "UTC"}
    path = terminal.settings("auto", remediation={POLICY: {"default": {"mode": "auto", "windows": [closed]}}})
    (line,) = terminal.remediate("plan", *terminal.named(group), "--data", path, "--format", "jsonl").lines
    assert line["result"] == "planned"
    assert line["reason"].startswith("auto is set here: `apply` does it")


def test_the_command_that_an_interrupted_run_prints_goes_on_as_it_was_begun(terminal, poll):
    group = terminal.group()
    terminal.aws.hold("ec2", "RevokeSecurityGroupIngress")
    arguments = ("apply", *terminal.named(group), "--data", terminal.settings("auto"), "--records", "my records")
    with terminal.start(*arguments) as process:
        assert poll(lambda: terminal.aws.calls["ec2:RevokeSecurityGroupIngress"])
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=180)
    terminal.aws.mend()
    printed = err.decode().splitlines()[0].partition("opalite remediate ")[2]
    (record,) = terminal.records("my records")
    shown = terminal.remediate("show", record, "--records", "my records").out.decode()
    done = terminal.remediate(*shlex.split(printed), "--format", "jsonl")

    assert "\nTo go on, with the --data and --bundle that it was begun with: opalite remediate resume " in shown
    assert [(line["id"], line["result"]) for line in done.lines] == [(record, "applied")]
    assert (done.code, terminal.ranges(group)) == (0, MENDED)


def test_the_command_that_takes_back_asks_by_the_same_role(terminal):
    group = terminal.group(MEMBER)
    terminal.aws.allow_role(MEMBER, "mend-revoke-ingress", external_id="abc-1")
    options = ("--data", terminal.settings("auto"), "--role-prefix", "mend-", "--external-id", "abc-1")
    out = terminal.remediate("apply", *terminal.named(group, MEMBER), *options).out.decode()
    printed = out.rpartition("To take it back: opalite remediate ")[2]
    done = terminal.remediate(*shlex.split(printed))

    assert (done.code, terminal.ranges(group, MEMBER)) == (0, BEFORE)


def test_what_was_taken_back_is_said_to_be(terminal):
    group = terminal.group()
    settings = terminal.settings("auto")
    (applied,) = terminal.remediate("apply", *terminal.named(group), "--data", settings, "--format", "jsonl").lines
    (undone,) = terminal.remediate("undo", applied["id"], "--format", "jsonl").lines
    listed = terminal.remediate("list").out.decode().splitlines()
    shown = terminal.remediate("show", applied["id"]).out.decode()
    resumed = terminal.remediate("resume", applied["id"], "--data", settings).out.decode()

    assert [line.partition(f"/{group}  ")[2] for line in listed] == [
        f"taken back by {undone['id']}",
        f"undo of {applied['id']}",
    ]
    last = f"\nIt was taken back: opalite remediate show {undone['id']}\n"
    assert shown.endswith(last)
    assert resumed.endswith(last)


def test_whoever_stops_everything_says_why_and_can_still_take_back(terminal):
    group = terminal.group()
    settings = terminal.settings("auto")
    (applied,) = terminal.remediate("apply", *terminal.named(group), "--data", settings, "--format", "jsonl").lines
    silent = terminal.remediate("stop", " ")
    stopped = terminal.remediate("stop", "incident 7")
    back = terminal.remediate("undo", applied["id"])

    assert (silent.code, silent.err) == (
        2,
        ["opalite: say why it is stopped: whoever is kept from a remediation reads that"],
    )
    assert stopped.out.decode() == "stopped: no remediation changes anything now, but for `undo`\n"
    assert (back.code, terminal.ranges(group)) == (0, BEFORE)

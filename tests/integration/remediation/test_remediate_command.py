"""`opalite remediate` as a user runs it: from decisions to what is mended, agreed to, taken back and listed."""

from __future__ import annotations

import re

import orjson
import pytest

from integration.remediation.terminal import BEFORE, MEMBER, MENDED, OTHER, OWN, POLICY, REGION, TYPE

BY_DECISIONS = ("apply", "decisions.jsonl")


@pytest.fixture
def group(terminal) -> str:
    """With the decision about it in a file."""
    made = terminal.group()
    (terminal.folder / "decisions.jsonl").write_bytes(terminal.decision(made))
    return made


def results(done):
    return [(line["result"], line["reason"]) for line in done.lines]


def test_what_evaluate_prints_is_planned_and_nothing_is_done_or_kept(terminal, group):
    decided = terminal("evaluate", "-", "--policy", POLICY, "--format", "jsonl", stdin=terminal.item(group))
    done = terminal.remediate("plan", "-", stdin=decided.out)

    (rule,) = re.findall(r"revoke (sgr-\w+)", done.out.decode())
    (digest,) = re.findall(r"Plan: (\w+)", done.out.decode())
    (attempt,) = re.findall(r"Attempt: +(\w+)", done.out.decode())
    (decision,) = re.findall(r"\[(\w+)\]", done.out.decode())
    assert (done.code, done.err) == (1, [])
    assert done.out.decode() == (
        "Remediation: planned, nothing was done\n"
        "\n"
        "Reason:     plan is set here\n"
        f"Policy:     Security groups do not open administration ports to the world ({POLICY})\n"
        f"Resource:   {TYPE} {group}\n"
        f"Account:    {OWN}, {REGION}\n"
        f"Why:        tcp port 22 is open to 0.0.0.0/0 (ingress.0) [{decision}]\n"
        "Mode:       plan\n"
        f"Attempt:    {attempt}\n"
        "\n"
        "What would be done:\n"
        f"1. revoke {rule}: tcp/22-22 from 0.0.0.0/0 (RevokeSecurityGroupIngress)\n"
        "   because open wider than the policy allows\n"
        "\n"
        "What is up to you:\n"
        "- Whoever still connects by what is closed has to come by an allowed network: look at the flow logs first.\n"
        "\n"
        f"Plan: {digest}\n"
    )
    assert (terminal.ranges(group), terminal.records()) == (BEFORE, {})
    assert terminal.opalite.leftovers() == []


def test_in_mode_auto_it_is_done_once(terminal, group):
    settings = terminal.settings("auto")
    first = terminal.remediate(*BY_DECISIONS, "--data", settings, "--format", "jsonl")
    second = terminal.remediate(*BY_DECISIONS, "--data", settings, "--format", "jsonl")

    assert (first.code, results(first)) == (0, [("applied", "the policy passes")])
    assert (second.code, results(second)) == (0, [("nothing", "it complies")])
    assert terminal.ranges(group) == MENDED
    assert {key: one["result"] for key, one in terminal.records().items()} == {
        first.lines[0]["id"]: "applied",
        second.lines[0]["id"]: "nothing",
    }
    assert terminal.aws.calls["ec2:RevokeSecurityGroupIngress"] == 1


@pytest.mark.parametrize(("mode", "result"), [("off", "off"), ("plan", "planned")])
def test_what_the_settings_do_not_allow_is_not_done(terminal, group, mode, result):
    done = terminal.remediate(*BY_DECISIONS, "--data", terminal.settings(mode), "--yes", "--format", "jsonl")

    assert (done.code, results(done)) == (1, [(result, f"{mode} is set here")])
    assert terminal.ranges(group) == BEFORE


def test_without_settings_it_is_planned(terminal, group):
    assert results(terminal.remediate(*BY_DECISIONS, "--yes", "--format", "jsonl")) == [("planned", "plan is set here")]
    assert terminal.ranges(group) == BEFORE


def test_a_plan_waits_without_a_terminal_and_its_digest_agrees_to_it(terminal, group):
    settings = terminal.settings("approve")
    asked = terminal.remediate(*BY_DECISIONS, "--data", settings)
    ((first, waiting),) = terminal.records().items()
    (digest,) = re.findall(r"To agree: opalite remediate apply once more, with --approve (\w+)", asked.out.decode())
    assert (asked.code, waiting["result"], terminal.ranges(group)) == (1, "waiting", BEFORE)

    other = terminal.remediate(*BY_DECISIONS, "--data", settings, "--approve", "0" * 12, "--format", "jsonl")
    assert (other.code, results(other)) == (1, [("waiting", "a person has to agree to it")])

    done = terminal.remediate(*BY_DECISIONS, "--data", settings, "--approve", digest, "--format", "jsonl")
    assert (done.code, results(done)) == (0, [("applied", "the policy passes")])
    assert done.lines[0]["approval"]["approver"] == "the person at the terminal"
    assert terminal.ranges(group) == MENDED
    assert (terminal.records()[first]["result"], terminal.records()[first]["reason"]) == (
        "refused",
        "it was asked for again",
    )


def test_yes_agrees_beforehand(terminal, group):
    done = terminal.remediate(*BY_DECISIONS, "--data", terminal.settings("approve"), "--yes", "--format", "jsonl")

    assert (done.code, results(done), terminal.ranges(group)) == (0, [("applied", "the policy passes")], MENDED)


def test_what_is_exempt_is_left_alone(terminal, group):
    exemption = {
        "scope": {"resources": [group]},
        "owner": "anna",
        "ticket": "SEC-1",
        "reason": "a bastion",
        "expires": "2099-03-31T00:00:00Z",
    }
    settings = terminal.settings("auto", exemptions={POLICY: {"bastion": exemption}})
    done = terminal.remediate(*BY_DECISIONS, "--data", settings, "--format", "jsonl")

    assert (done.code, results(done), terminal.ranges(group)) == (0, [("nothing", "it is exempt")], BEFORE)


@pytest.mark.parametrize("by", ["id", "file"])
def test_it_is_taken_back_and_twice_is_once(terminal, group, by):
    applied = terminal.remediate(*BY_DECISIONS, "--data", terminal.settings("auto"), "--format", "jsonl").lines[0]["id"]
    name = applied if by == "id" else f"opalite-remediation/{applied}.json"
    first = terminal.remediate("undo", name)
    second = terminal.remediate("undo", name, "--format", "jsonl")

    assert (first.code, first.err, terminal.ranges(group)) == (0, [], BEFORE)
    assert first.out.decode().startswith("Remediation: undone\n")
    assert (second.code, second.lines[0]["undoes"], second.lines[0]["result"]) == (0, applied, "undone")
    assert terminal.aws.calls["ec2:AuthorizeSecurityGroupIngress"] == 1


def test_what_was_changed_since_is_explained_and_not_taken_back(terminal, group):
    applied = terminal.remediate(*BY_DECISIONS, "--data", terminal.settings("auto"), "--format", "jsonl").lines[0]["id"]
    terminal.open(group, "203.0.113.0/24")
    done = terminal.remediate("undo", applied, "--format", "jsonl")

    assert (done.code, done.lines[0]["result"]) == (1, "refused")
    assert done.lines[0]["reason"].startswith("it was changed since: rules (2 instead of 1); take back by hand")
    assert terminal.ranges(group) == [*MENDED, "203.0.113.0/24"]


def test_attempts_are_listed_and_shown(terminal, group):
    settings = terminal.settings("auto")
    one = terminal.remediate(*BY_DECISIONS, "--data", settings, "--records", "kept", "--format", "json")
    two = terminal.remediate(*BY_DECISIONS, "--data", settings, "--records", "kept", "--format", "jsonl")
    listed = terminal.remediate("list", "--records", "kept")
    as_json = terminal.remediate("list", "--records", "kept", "--format", "jsonl")
    (first,) = orjson.loads(one.out)
    (second,) = two.lines
    shown = terminal.remediate("show", first["id"], "--records", "kept", "--format", "jsonl")

    key = f"aws/{OWN}/{REGION}/{TYPE}/{group}"
    assert listed.out.decode().splitlines() == [
        f"{first['id']}  {first['began_at']}  applied     revoke_ingress  {key}",
        f"{second['id']}  {second['began_at']}  nothing     revoke_ingress  {key}",
    ]
    assert as_json.lines == [first, second]
    assert shown.lines == [first]
    text = terminal.remediate("show", first["id"], "--records", "kept").out.decode()
    assert text.endswith(f"\nTo take it back: opalite remediate undo {first['id']} --records kept\n")


def test_nothing_is_changed_between_stop_and_start(terminal, group):
    settings = terminal.settings("auto")
    stopped = terminal.remediate("stop", "incident 7")
    during = terminal.remediate(*BY_DECISIONS, "--data", settings, "--format", "jsonl")
    started = terminal.remediate("start")
    after = terminal.remediate(*BY_DECISIONS, "--data", settings, "--format", "jsonl")

    assert (stopped.code, started.code, started.err) == (0, 0, [])
    assert (during.code, results(during)) == (1, [("off", "remediation is stopped: incident 7 (by anna)")])
    assert (after.code, results(after), terminal.ranges(group)) == (0, [("applied", "the policy passes")], MENDED)
    assert terminal.remediate("start").code == 0  # twice is once


def test_roles_lead_into_member_accounts(terminal):
    groups = {account: terminal.group(account) for account in (MEMBER, OTHER)}
    terminal.aws.allow_role(MEMBER, "mend-revoke-ingress", external_id="abc-1")
    lines = b"".join(terminal.decision(group, account) for account, group in groups.items())
    options = ("--data", terminal.settings("auto"), "--role-prefix", "mend-", "--external-id", "abc-1")
    first = terminal.remediate("apply", "-", *options, "--format", "jsonl", stdin=lines)
    terminal.aws.allow_role(OTHER, "mend-revoke-ingress", external_id="abc-1")
    second = terminal.remediate("apply", "-", *options, "--format", "jsonl", stdin=lines)

    reason = f"its state cannot be read: role mend-revoke-ingress of account {OTHER} cannot be assumed"
    assert (first.code, results(first)) == (1, [("applied", "the policy passes"), ("refused", reason)])
    assert (second.code, results(second)) == (0, [("nothing", "it complies"), ("applied", "the policy passes")])
    assert [terminal.ranges(group, account) for account, group in groups.items()] == [MENDED, MENDED]
    back = terminal.remediate("undo", second.lines[1]["id"], "--role-prefix", "mend-", "--external-id", "abc-1")
    assert (back.code, terminal.ranges(groups[OTHER], OTHER)) == (0, BEFORE)


def test_another_account_without_a_role_is_refused_and_says_so(terminal):
    group = terminal.group(MEMBER)
    done = terminal.remediate("plan", *terminal.named(group, MEMBER), "--format", "jsonl")

    ((result, reason),) = results(done)
    assert (done.code, result) == (1, "refused")
    assert reason.endswith(f"the credentials are of account {OWN}, and no role was named")


def test_the_transcript_of_the_documents_is_a_true_one(terminal, group, repository):
    page = (repository / "docs" / "remediation.md").read_text()
    (plan, apply) = re.findall(r"(?ms)^\$ opalite remediate (?:plan|apply) .*?\n(.*?)^```$", page)
    planned = terminal.remediate("plan", "decisions.jsonl").out.decode()
    (digest,) = re.findall(r"(?m)^Plan: (\w+)", planned)
    applied = terminal.remediate(*BY_DECISIONS, "--data", terminal.settings("approve"), "--approve", digest[:12])

    def plain(text):
        return re.sub(r"\b(?:sg-|sgr-)?[0-9a-f]{12,64}\b", "…", text)

    assert plain(planned) == plain(plan)
    assert plain(applied.out.decode()) == plain(apply)

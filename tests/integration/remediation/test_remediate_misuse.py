"""`opalite remediate` given what it should not be given: one clear line each, and whatever can be done is done."""

from __future__ import annotations

import orjson
import pytest

from integration.remediation.terminal import BEFORE, MENDED, OWN, POLICY, REGION, TYPE

RESOURCE = f"{OWN}/{REGION}/{TYPE}/sg-1"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["plan"], "name decisions (a file of `opalite evaluate --format jsonl`, or -), or else --resource and --policy"),
        (["plan", "-", "--resource", RESOURCE], "name decisions (a file of `opalite evaluate --format jsonl`, or -), or else --resource and --policy"),
        (["plan", "--resource", RESOURCE], "--resource: which policy is it about? name it by --policy"),
        (["plan", "--policy", POLICY, "--resource", "sg-1"], "--resource: 'sg-1' is not ACCOUNT/REGION/TYPE/ID, as 111122223333/eu-west-1/AWS::S3::Bucket/name"),
        (["plan", "none.jsonl"], "error: none.jsonl: No such file or directory"),
        (["apply", "-", "--approve", "3f9ac21"], "--approve: '3f9ac21' is not the beginning of a digest, 8 characters at least"),
        (["apply", "-", "--external-id", "abc"], "--external-id is said when a role is assumed: name its beginning by --role-prefix"),
        (["undo", "none"], "opalite-remediation/ has no attempt none; `opalite remediate list` shows those of a folder"),
        (["undo", "none.json"], "none.json: no such file"),
        (["show", "no\u001b[2Jpe"], "'no\\x1b[2Jpe' is neither the id of an attempt nor the file of a record"),
        (["resume", "none"], "opalite-remediation/ has no attempt none; `opalite remediate list` shows those of a folder"),
        (["list", "--table", "t"], "--table: attempts of a table are listed by its records in the bucket; see docs/remediation"),
        (["approve", "a", "--table", "t", "--key", "alias/approvals"], "--key: 'alias/approvals' is not the ARN of a KMS key"),
        (["new", "encrypt", "--type", TYPE, "--service", "sns"], "'encrypt' is no name of an action: write two words or more with underscores, as encrypt_topic"),
        (["new", "encrypt_topic", "--type", "topic", "--service", "sns"], "--type: 'topic' is no resource type such as AWS::SNS::Topic"),
        (["new", "encrypt_topic", "--type", TYPE, "--service", "S N S"], "--service: 'S N S' is no name of a service as boto3 writes it, such as sns"),
        (["new", "encrypt_topic", "--type", TYPE, "--service", "sns"], ".: is no checkout of Opalite: name one by --into"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_misuse_is_one_line(opalite, tmp_path, arguments, line):
    done = opalite("remediate", *arguments, cwd=tmp_path)

    assert (done.code, done.out, done.err) == (2, b"", [f"opalite: {line}"])


def test_a_misspelt_policy_is_not_taken_for_nothing_to_do(opalite):
    done = opalite("remediate", "plan", "--policy", "aws.ec2.group", "--resource", RESOURCE)

    assert (done.code, done.out, len(done.err)) == (2, b"", 1)
    assert done.err[0].startswith("opalite: --policy aws.ec2.group: there is no such policy; there are: aws.any.")


def test_lines_that_are_no_decisions_are_named_and_the_others_are_done(terminal):
    group = terminal.group()
    lines = [
        b"{\n",
        b"\xff\xfe\n",
        b"\n",
        b"[1]\n",
        b"null\n",
        b"[" * 5000 + b"\n",
        b'{"outcome": "fail"}\n',
        terminal.decision(group, resource_id=7),
        terminal.decision(group, policy_id="custom.of.mine\u001b[2J"),
        terminal.decision(group, outcome="pass"),
        terminal.decision(group),
        terminal.decision(group),
    ]
    (terminal.folder / "odd.jsonl").write_bytes(b"".join(lines))
    done = terminal.remediate(
        "apply", "none.jsonl", "odd.jsonl", "--data", terminal.settings("auto"), "--format", "jsonl"
    )

    no_json, no_decision = "it is no line of JSON", "it is no decision of `opalite evaluate --format jsonl`"
    assert (done.code, [line["result"] for line in done.lines]) == (2, ["applied"])
    assert done.err == [
        "opalite: error: none.jsonl: No such file or directory",
        *(f"opalite: error: odd.jsonl:{number}: {no_json}" for number in (1, 2)),
        *(f"opalite: error: odd.jsonl:{number}: {no_decision}" for number in (4, 5)),
        f"opalite: error: odd.jsonl:6: {no_json}",
        *(f"opalite: error: odd.jsonl:{number}: {no_decision}" for number in (7, 8)),
        "opalite: error: odd.jsonl:9: there is no policy 'custom.of.mine\\x1b[2J': name its bundle by --bundle",
    ]
    assert terminal.ranges(group) == MENDED


def test_a_file_of_another_form_is_not_told_line_by_line(opalite, tmp_path):
    (tmp_path / "table.txt").write_bytes(b"not a decision\n" * 1000)
    done = opalite("remediate", "plan", "table.txt", cwd=tmp_path)

    assert (done.code, done.out, len(done.err)) == (2, b"", 11)
    assert done.err[-1] == (
        "opalite: error: table.txt: 1000 lines are no decisions; expected is the output of `opalite evaluate --format jsonl`"
    )


def test_places_that_are_none_are_refused_each_by_itself(terminal):
    group = terminal.group()
    lines = [
        terminal.decision(group, account_id="../../etc"),
        terminal.decision(group, region="mars\n1"),
        terminal.decision(group, resource_type="AWS::S3::Bucket"),
        terminal.decision("sg-\u202e\u001b]0;x\u0007" + "x" * 100_000),
        terminal.decision(group),
    ]
    done = terminal.remediate(
        "apply", "-", "--data", terminal.settings("auto"), "--format", "jsonl", stdin=b"".join(lines)
    )
    shown = terminal.remediate("list")

    assert (done.code, [line["result"] for line in done.lines]) == (
        1,
        ["refused", "refused", "refused", "nothing", "applied"],
    )
    assert (len(shown.out.splitlines()), shown.err) == (5, [])
    assert max(map(len, shown.out.decode().splitlines())) < 400
    assert shown.out.decode().replace("\n", "").isprintable()


@pytest.fixture
def applied(terminal):
    """The record of what was done to a group, as a document."""
    group = terminal.group()
    done = terminal.remediate("apply", *terminal.named(group), "--data", terminal.settings("auto"), "--format", "jsonl")
    (record,) = terminal.records().values()
    assert done.code == 0
    return record


CALL = {"service": "iam", "operation": "CreateAccessKey", "parameters": {"UserName": "root"}}


def test_a_record_that_was_edited_is_not_taken_back(terminal, applied):
    (step,) = applied["plan"]["steps"]
    (one,) = applied["applied"]
    calls = "was edited: revoke_ingress never calls 'iam:CreateAccessKey'"
    for changes, why in (
        ({"form": 2}, "the record is not of form 1: another version has written it"),
        ({"id": "a\u001b[2J"}, "this is no record of a remediation: id is no id of an attempt"),
        ({"due_at": 5}, "this is no record of a remediation: due_at is no str"),
        ({"action": "format_disk"}, "has no action that is built in: nothing can be done about it"),
        ({"applied": [{**one, "inverse": CALL}]}, calls),
        ({"plan": {**applied["plan"], "steps": [{**step, "inverse": CALL}]}}, calls),
    ):
        (terminal.folder / "edited.json").write_bytes(orjson.dumps({**applied, **changes}))
        done = terminal.remediate("undo", "edited.json")
        assert (done.code, done.out, len(done.err)) == (2, b"", 1), why
        assert why in done.err[0]
        assert done.err[0].isprintable()


def test_what_is_no_record_is_told_and_the_others_are_listed(terminal, applied):
    for number, content in enumerate((b"", b"{", b"[]", b"null", b"\xff", b'{"form": 1}', b"[" * 5000, b"\x00" * 10)):
        (terminal.folder / "opalite-remediation" / f"odd{number}.json").write_bytes(content)
    listed = terminal.remediate("list")
    shown = terminal.remediate("show", "odd0")

    assert (listed.code, listed.out.decode()[:20], len(listed.out.splitlines())) == (2, applied["id"], 1)
    assert [line.split(":")[2] for line in listed.err] == [
        f" opalite-remediation/odd{number}.json" for number in range(8)
    ]
    assert (shown.code, shown.out, shown.err) == (2, b"", ["opalite: opalite-remediation/odd0.json: it is no JSON"])


def test_nothing_is_changed_beside_a_record_that_cannot_be_read(terminal):
    """It might be of the same resource, and going on."""
    group = terminal.group()
    folder = terminal.folder / "opalite-remediation"
    folder.mkdir()
    (folder / "later.json").write_bytes(b'{"form": 2}')
    done = terminal.remediate("apply", *terminal.named(group), "--data", terminal.settings("auto"))

    assert (done.code, done.out, terminal.ranges(group)) == (2, b"", BEFORE)
    (line,) = done.err
    assert line.endswith(
        "/later.json: the record is not of form 1: another version has written it; move it out of opalite-remediation/ "
        "if it is no record"
    )


def test_a_folder_that_cannot_be_written_changes_nothing(terminal):
    group = terminal.group()
    (terminal.folder / "opalite-remediation").write_bytes(b"")
    done = terminal.remediate("apply", *terminal.named(group), "--data", terminal.settings("auto"))

    assert (done.code, done.out, len(done.err), terminal.ranges(group)) == (3, b"", 1, BEFORE)


def test_records_are_for_their_owner_alone(terminal, applied):
    (path,) = (terminal.folder / "opalite-remediation").glob("*.json")

    assert path.stat().st_mode & 0o077 == 0

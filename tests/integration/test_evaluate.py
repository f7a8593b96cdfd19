"""`opalite evaluate` and `opalite normalize` as their users meet them: what goes in, what comes out, and with which exit code."""

from __future__ import annotations

import gzip
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

FIELDS = [
    "account_id", "region", "resource_type", "resource_id", "arn", "capture_time", "evaluated_at", "policy_id",
    "policy_version", "outcome", "compliance_type", "severity", "annotation", "violations", "unknown", "reasons",
    "exemption", "stage", "decision_id", "bundle_revision", "opa_version", "input_digest",
]  # fmt: skip
SHIPPED = ("aws.ec2.instance.approved_image", "aws.ec2.securitygroup.restricted_ingress", "aws.s3.bucket.encryption")
AT = "2026-11-23T00:00:00.000Z"
OWN = "custom.ec2.securitygroup.own"


@pytest.fixture
def write(tmp_path):
    """Writes files below a folder of the test's own and returns the folder."""

    def written(folder: str, files: dict[str, bytes | str]) -> Path:
        for name, content in files.items():
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path / folder

    return written


@pytest.fixture
def three(item) -> list[dict[str, Any]]:
    """A group that passes, a bucket that fails, an instance that fails."""
    return [item("ec2-security-group.event"), item("s3-bucket.sse-s3"), item("ec2-instance.event")]


def lines(*documents: Any) -> bytes:
    return b"".join(orjson.dumps(document) + b"\n" for document in documents)


# --- forms of input --------------------------------------------------------------------------------------------------


def event_of(item: dict[str, Any]) -> dict[str, Any]:
    invoking = {"configurationItem": item, "messageType": "ConfigurationItemChangeNotification"}
    invoking |= {"notificationCreationTime": "2026-03-05T01:02:03.004Z"}
    return {"invokingEvent": orjson.dumps(invoking).decode(), "eventLeftScope": False, "accountId": "111122223333"}


def test_the_same_items_in_any_form_give_the_same_decisions(decided, evaluate, write, item, three):
    apis = [item(name) for name in ("ec2-security-group.api", "s3-bucket.sse-s3", "ec2-instance.api")]
    snapshot = orjson.dumps({"fileVersion": "1.0", "configurationItems": three})
    whole = b"\n".join(orjson.dumps(one, option=orjson.OPT_INDENT_2) for one in three)
    sns = [{"Type": "Notification", "Message": event_of(one)["invokingEvent"]} for one in three]
    forms = {
        "list.json": orjson.dumps(three),
        "lines.jsonl": lines(*three),
        "lines.jsonl.gz": gzip.compress(lines(*reversed(three))),
        "behind-one-another.json": whole,
        "snapshot.json": snapshot,
        "snapshot.json.gz": gzip.compress(snapshot),
        "named-wrongly.txt": snapshot,
        "windows.json": b"\xef\xbb\xbf" + whole.replace(b"\n", b"\r\n"),
        "history.json": orjson.dumps({"configurationItems": apis, "nextToken": ""}),
        "rows.json": orjson.dumps({"Results": [orjson.dumps(one).decode() for one in apis]}),
        "events.jsonl": lines(*map(event_of, three)),
        "sns.json": orjson.dumps({"Records": [{"Sns": message} for message in sns]}),
        "sqs.json": orjson.dumps({"Messages": [{"Body": orjson.dumps(message).decode()} for message in sns]}),
        "mixed.jsonl": lines(three[0], event_of(three[1]), [three[2]]),
    }
    folder = write("forms", forms)
    piped = evaluate("-", "--at", AT, "--format", "jsonl", stdin=snapshot)
    done = evaluate(*(folder / name for name in forms), "--at", AT, "--format", "jsonl")
    size = len(three)
    chunks = [decided(done.lines[start : start + size]) for start in range(0, len(done.lines), size)]
    assert {name: chunk - decided(piped.lines) for name, chunk in zip(forms, chunks, strict=True)} == {
        name: set() for name in forms
    }
    assert [(len(decided(piped.lines)), piped.code, piped.err), (done.code, done.err)] == [(size, 1, []), (1, [])]


def test_a_key_among_the_items_tells_its_manager_wherever_it_stands(evaluate, write, item):
    key, bucket = orjson.dumps(item("kms-key.event")), orjson.dumps(item("s3-bucket.event"))
    outcomes = {
        name: [
            (line["resource_id"], line["outcome"]) for line in evaluate(write(name, files), "--format", "jsonl").lines
        ]
        for name, files in {
            "before": {"a.json": key, "b.json": bucket},
            "behind": {"a.json": bucket, "b.json": key},
            "absent": {"a.json": bucket},
        }.items()
    }
    name = item("s3-bucket.event")["resourceId"]
    assert outcomes == {"before": [(name, "pass")], "behind": [(name, "pass")], "absent": [(name, "undetermined")]}


def test_unknown_types_are_a_notice_and_no_fault(evaluate, write, item):
    folder = write(
        "items",
        {
            "a.json": orjson.dumps(item("events-rule.text-and-floats")),
            "b.json": orjson.dumps(item("rds-db-subnet-group.event")),
        },
    )
    done = evaluate(folder, "--format", "jsonl")
    notice = "2 items of types without a policy were not judged: AWS::Events::Rule (1), AWS::RDS::DBSubnetGroup (1)"
    assert (done.code, done.out, done.err) == (0, b"", [f"opalite: notice: {notice}"])


def test_types_that_other_policies_judge_are_not_called_types_without_a_policy(opalite, write, three):
    done = opalite("evaluate", write("items", {"a.jsonl": lines(*three)}), "--policy", SHIPPED[0], "--format", "jsonl")
    assert [line["policy_id"] for line in done.lines] == [SHIPPED[0]]
    assert done.err == []


def test_what_does_not_exist_is_an_unreadable_input(evaluate, write, three):
    folder = write("items", {"a.jsonl": lines(*three)})
    done = evaluate(folder / "nothing.json", folder, "--format", "jsonl")
    assert len(done.lines) == len(three)
    assert (done.code, done.err) == (2, [f"opalite: error: {folder}/nothing.json: does not exist"])


# --- exit codes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "options", "code"),
    [
        (["ec2-security-group.event"], [], 0),
        (["ec2-instance.deleted"], [], 0),
        (["s3-bucket.sse-s3"], [], 1),
        (["s3-bucket.sse-s3"], ["--fail-on", "HIGH"], 1),
        (["s3-bucket.sse-s3"], ["--fail-on", "critical"], 0),
        (["s3-bucket.without-encryption-record-2019"], [], 1),
        (["s3-bucket.without-encryption-record-2019"], ["--fail-on", "CRITICAL"], 1),
        (["s3-bucket.without-encryption-record-2019"], ["--allow-undetermined"], 0),
        (["s3-bucket.without-encryption-record-2019", "s3-bucket.sse-s3"], ["--allow-undetermined"], 1),
        (["malformed.region", "ec2-security-group.event"], [], 2),
        (["malformed.region", "s3-bucket.sse-s3"], [], 2),
    ],
)
def test_the_exit_code_tells_the_worst(evaluate, repository, names, options, code):
    items = [repository / "tests" / "data" / "items" / f"{name}.json" for name in names]
    assert evaluate(*items, *options).code == code


def test_what_is_only_audited_fails_no_run(evaluate, write, item):
    settings = write("settings", {"stages/data.yaml": '"*": {default: {stage: audit}}'})
    folder = write("items", {"a.jsonl": lines(item("s3-bucket.sse-s3"), item("ec2-instance.cut-configuration"))})
    done = evaluate(folder, "--data", settings, "--format", "jsonl")
    assert done.code == 0
    assert [(line["outcome"], line["stage"], line["compliance_type"]) for line in done.lines] == [
        ("fail", "audit", None),
        ("undetermined", "audit", None),
    ]


def test_what_is_switched_off_is_not_decided(evaluate, write, three):
    settings = write("settings", {"stages/data.yaml": f'{SHIPPED[2]}: {{default: {{stage: "off"}}}}'})
    done = evaluate(write("items", {"a.jsonl": lines(*three)}), "--data", settings, "--format", "jsonl")
    assert [line["policy_id"] for line in done.lines] == [SHIPPED[1], SHIPPED[0]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing argument 'PATH…|-'."),
        (("x", "--policy", "aws.s3.bucket.nothing"), "--policy aws.s3.bucket.nothing: there is no such policy; there are: "),
        (("x", "--at", "yesterday"), "Invalid value for --at: 'yesterday' is not a time like 2026-11-23T00:00:00Z"),
        (("x", "--fail-on", "BAD"), "Invalid value for '--fail-on': 'BAD' is not one of "),
        (("x", "--jobs", "0"), "Invalid value for '--jobs': 0 is not in the range 1<=x<=64."),
        (("x", "--data", "/nowhere"), "/nowhere: cannot be read: No such file or directory"),
        (("x", "--facts", "/nowhere"), "/nowhere: cannot be read: No such file or directory"),
        (("x", "--bundle", "/nowhere"), "/nowhere: there is no such bundle; name a folder or a .tar.gz"),
        (("x", "--no-shipped"), "--no-shipped leaves no policies: name some by --bundle"),
        (("x", "--opa-url", "http://127.0.0.1:1", "--data", "y"), "--data cannot change an OPA that runs already"),
        (("x", "--output", "/nowhere/out"), "--output /nowhere/out: cannot be written: No such file or directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_misuse_is_one_line_and_exit_code_2(opalite, tmp_path, arguments, said):
    (tmp_path / "x").write_bytes(b"{}")
    done = opalite("evaluate", *arguments, cwd=tmp_path)
    assert (done.code, done.out, len(done.err)) == (2, b"", 1)
    assert done.err[0].startswith(f"opalite: {said}")


def test_the_command_alone_shows_its_help(opalite):
    done = opalite()
    assert done.code == 2
    assert done.err[0] == "Usage: opalite [OPTIONS] COMMAND [ARGS]..."


# --- output ----------------------------------------------------------------------------------------------------------


def test_json_and_json_lines_hold_the_same_decisions_with_the_fixed_fields_in_order(samples):
    by_line = samples("jsonl").lines
    document = orjson.loads(samples("json").out)
    assert list(document) == ["decisions", "summary"]
    assert document["decisions"] == by_line
    assert {tuple(line) for line in by_line} == {tuple(FIELDS)}
    assert {tuple(line) for line in document["decisions"]} == {tuple(FIELDS)}


def test_no_decision_is_an_empty_list(evaluate, write, item):
    folder = write("items", {"a.json": orjson.dumps(item("rds-db-subnet-group.event"))})
    document = orjson.loads(evaluate(folder, "--format", "json").out)
    assert (document["decisions"], document["summary"]["items"]) == ([], 1)


def test_the_table_names_what_needs_attention_and_nothing_else(evaluate, organization, settled):
    table = evaluate(organization, *settled[:-2]).out.decode()
    decisions = evaluate(organization, *settled[:-2], "--format", "jsonl").lines
    shown = {line["resource_id"] for line in decisions if line["outcome"] in {"fail", "undetermined", "exempt"}}
    quiet = {line["resource_id"] for line in decisions} - shown
    words = set(table.split())
    assert (shown - words, quiet & words) == (set(), set())
    assert "\x1b" not in table


@pytest.mark.parametrize("form", ["table", "json", "jsonl"])
def test_output_holds_what_would_be_printed(samples, opalite, organization, settled, tmp_path, form):
    (tmp_path / "out").mkdir()
    output = tmp_path / "out" / "decisions"
    output.write_text("of yesterday")
    printed = samples(form)
    written = opalite("evaluate", organization, *settled, "--format", form, "--output", output)
    assert (written.out, written.code, written.err) == (b"", printed.code, printed.err)
    assert {path.name: path.read_bytes() for path in output.parent.iterdir()} == {output.name: printed.out}


def test_stock_opa_gives_the_outcomes_that_evaluate_gives(opalite, opa, repository, write, three, item):
    """As docs tell authors, `opalite normalize item.json | opa eval -b policies -b data --stdin-input …`, but all at once."""
    names = (
        "ec2-security-group.odd-rules",
        "ec2-instance.deleted",
        "ec2-instance.batch-get",
        "s3-bucket.malformed-records",
    )
    items = [*three, *map(item, names)]
    folder = write("items", {f"{number}.json": orjson.dumps(one) for number, one in enumerate(items)})
    questions = [orjson.loads(line) for line in opalite("normalize", folder).out.splitlines()]
    query = "[results | some question in input; results := data.opalite.decision.results with input as question]"
    command = [opa.path, "eval", "-b", "policies", "-b", "data", "--stdin-input", query]
    done = subprocess.run(command, input=orjson.dumps(questions), capture_output=True, cwd=repository, check=True)
    answers = orjson.loads(done.stdout)["result"][0]["expressions"][0]["value"]
    results = Counter(
        (question["resource"]["id"], policy, result["outcome"])
        for question, answer in zip(questions, answers, strict=True)
        for policy, result in answer.items()
    )
    judged = opalite("evaluate", folder, "--format", "jsonl").lines
    asked = {line["policy_id"] for line in judged}
    idle = {(policy, outcome) for _, policy, outcome in results if policy not in asked}
    assert idle <= {("aws.any.resource.required_tags", "not_applicable")}
    assert Counter({result: count for result, count in results.items() if result[1] in asked}) == Counter(
        (line["resource_id"], line["policy_id"], line["outcome"]) for line in judged
    )
    assert len(judged) > len(items)


# --- time and exemptions ---------------------------------------------------------------------------------------------


def exemptions(**entries: str) -> str:
    """Of the bucket, by name: the day on which each ends."""
    rows = [
        f"  {name}: {{scope: {{accounts: ['111122223333']}}, owner: o, ticket: T-1, reason: r, expires: '{day}T00:00:00Z'}}\n"
        for name, day in entries.items()
    ]
    return f"{SHIPPED[2]}:\n{''.join(rows)}"


@pytest.fixture
def exempted(evaluate, write, item):
    """The decision on a failing bucket, and the notices, under exemptions."""

    def run(text: str, *options: str):
        account = {"awsAccountId": "111122223333"}
        folder = write("items", {"a.json": orjson.dumps(item("s3-bucket.sse-s3") | account)})
        settings = write("settings", {"exemptions/data.yaml": text})
        done = evaluate(folder, "--data", settings, "--format", "jsonl", *options)
        (line,) = done.lines
        return line["outcome"], (line["exemption"] or {}).get("id"), done.code, done.err

    return run


def test_an_exemption_in_force_excuses_and_the_longest_is_named(exempted):
    notice = "exemptions that excused nothing here (expired, fixed, or for other resources): "
    assert exempted(exemptions(A="2027-01-01")) == ("exempt", "A", 0, [])
    assert exempted(exemptions(A="2027-01-01", B="2027-02-01")) == (
        "exempt", "B", 0, [f"opalite: notice: {notice}A ({SHIPPED[2]})"],
    )  # fmt: skip


def test_an_exemption_ends_at_the_time_as_of_which_is_judged(exempted):
    notice = "opalite: notice: exemptions that excused nothing here (expired, fixed, or for other resources): "
    text = exemptions(A="2027-01-01")
    assert exempted(text, "--at", "2026-12-31T23:59:59Z") == ("exempt", "A", 0, [])
    assert exempted(text, "--at", "2027-01-01T00:00:00Z") == ("fail", None, 1, [f"{notice}A ({SHIPPED[2]})"])


def test_the_time_as_of_which_is_judged_is_in_every_decision(samples, opalite, organization, settled):
    plain = samples("jsonl").lines
    later = opalite("evaluate", organization, *settled, "--format", "jsonl", "--at", "2026-11-23T01:00:00+01:00").lines
    assert {line["evaluated_at"] for line in later} == {AT}
    assert len({line["evaluated_at"] for line in plain}) > 1
    assert [line["input_digest"] for line in later] == [line["input_digest"] for line in plain]
    assert not {line["decision_id"] for line in later} & {line["decision_id"] for line in plain}


def test_an_item_without_a_time_is_judged_as_of_now_and_told(evaluate, write, item):
    body = item("s3-bucket.sse-s3") | {"configurationItemCaptureTime": None}
    folder = write("items", {"a.json": orjson.dumps(body)})
    done = evaluate(folder, "--format", "jsonl")
    assert done.lines[0]["capture_time"] is None
    assert done.err == ["opalite: notice: 1 item without a capture time was judged as of now; give --at to say when"]
    assert evaluate(folder, "--format", "jsonl", "--at", AT).err == []


# --- settings that are wrong -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("parameters/data.yaml", f"{SHIPPED[2]}: {{default: {{levl: kms}}}}", f"parameters.{SHIPPED[2]}.default: "),
        ("parameters/data.yaml", f"{SHIPPED[2]}: {{default: {{level: none}}}}", f"parameters.{SHIPPED[2]}.default.level: 'none' is not one of "),
        ("parameters/data.yaml", f"{SHIPPED[2]}: {{level: kms}}", f"parameters.{SHIPPED[2]}.level: unknown; values belong below `default`"),
        ("parameters/data.yaml", f"{SHIPPED[1]}: {{default: {{ports: '22'}}}}", f"parameters.{SHIPPED[1]}.default.ports: "),
        ("parameters/data.yaml", f"{SHIPPED[2]}: {{overrides: [{{accounts: [111122223333], set: {{level: any}}}}]}}", f"parameters.{SHIPPED[2]}.overrides[0].accounts: must be a list of texts"),
        ("parameters/data.yaml", f"{SHIPPED[2]}: {{overrides: [{{set: {{level: any}}}}]}}", f"parameters.{SHIPPED[2]}.overrides[0]: names no accounts"),
        ("parameters/data.yaml", "aws.s3.bucket.nothing: {default: {}}", "parameters.aws.s3.bucket.nothing: there is no such policy"),
        ("stages/data.yaml", f"{SHIPPED[2]}: {{default: {{stage: off}}}}", f'stages.{SHIPPED[2]}.default.stage: False is not one of off, audit, enforce (in YAML write "off" with quotes)'),
        ("exemptions/data.yaml", f"{SHIPPED[2]}: {{A: {{scope: {{}}, owner: o, ticket: t, reason: r, expires: '2027-01-01T00:00:00Z'}}}}", f"exemptions.{SHIPPED[2]}.A.scope: "),
        ("exemptions/data.yaml", f"{SHIPPED[2]}: {{A: {{scope: {{regions: [eu-west-1]}}, owner: o, ticket: t, reason: r}}}}", f"exemptions.{SHIPPED[2]}.A.expires: is missing"),
        ("exemptions/data.yaml", f"{SHIPPED[2]}: {{A: {{scope: {{tags: {{a: b}}}}, owner: o, ticket: t, reason: r, expires: '2027-01-01T00:00:00Z'}}}}", f"exemptions.{SHIPPED[2]}.A.scope.tags: also name accounts"),
        ("rules/data.yaml", "a: {}", "rules: not a kind of setting; there are parameters, exemptions, stages, remediation"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_one_line_that_names_file_and_key(opalite, write, file, text, said):
    settings = write("settings", {file: text})
    done = opalite("evaluate", write("items", {"a.json": "{}"}), "--data", settings)
    assert (done.code, done.out, len(done.err)) == (2, b"", 1)
    assert done.err[0].startswith(f"opalite: {settings}")
    assert said in done.err[0]


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("exemptions/data.yaml", exemptions(A="2027-01-01") + exemptions(A="2028-01-01").partition("\n")[2], ":3: the key 'A' is given twice"),
        ("parameters/data.yaml", "a: [\n", ": is not YAML: "),
        ("parameters/data.yaml", "1: {}\n", ":1: the key 1 is not a text: put it in quotes"),
        ("parameters/data.json", '{"a": 1,}', ": is not valid JSON: "),
        ("exemptions/data.json", f'{{"{SHIPPED[2]}": {{}}, "{SHIPPED[2]}": {{}}}}', " twice"),
    ],
)  # fmt: skip
def test_a_settings_file_that_cannot_be_read_is_named(opalite, write, file, text, said):
    settings = write("settings", {file: text})
    done = opalite("evaluate", write("items", {"a.json": "{}"}), "--data", settings)
    assert (done.code, done.out, len(done.err)) == (2, b"", 1)
    assert done.err[0].startswith(f"opalite: {settings}/{file}")
    assert said in done.err[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("images: {}", ": images: is not a kind of fact; there are image, kms_key, account"),
        ("image: {ami-1: {owner: me}}", ": image.ami-1.owner: unknown; there are state, owner_id"),
        ("image: {ami-1: {owner_id: 111122223333}}", ": image.ami-1.owner_id: must be a text (ids of digits in quotes)"),
        ("account: {'111122223333': {organizational_units: ou-1}}", ": account.111122223333.organizational_units: must be a list of texts"),
    ],
)  # fmt: skip
def test_wrong_facts_are_one_line_that_names_file_and_key(opalite, write, text, said):
    facts = write("facts", {"facts.yaml": text}) / "facts.yaml"
    done = opalite("evaluate", write("items", {"a.json": "{}"}), "--facts", facts)
    assert (done.code, done.out, len(done.err)) == (2, b"", 1)
    assert done.err[0].startswith(f"opalite: {facts}{said}")


# --- policies of one's own that misbehave ------------------------------------------------------------------------------

METADATA = f"""# METADATA
# title: A policy of one's own
# description: Because.
# scope: package
# custom:
#   severity: LOW
#   resource_types: [AWS::EC2::SecurityGroup]
#   version: 1.0.0
package {OWN}

"""


@pytest.fixture
def judged_by(evaluate, write, item):
    """A run over two groups (names good, bad) and a bucket, with a policy of one's own for groups."""

    def run(rules: str, *options: str):
        bundle = write(
            "own",
            {
                "custom/ec2/securitygroup/own/own.rego": METADATA + rules,
                ".manifest": '{"roots": ["custom"], "rego_version": 1}',
            },
        )
        group = item("ec2-security-group.event")
        groups = [group | {"resourceId": f"sg-{name}", "tags": {"range": name}} for name in ("good", "bad")]
        items = write("items", {"a.jsonl": lines(*groups, item("s3-bucket.sse-s3"))})
        done = evaluate(items, "--bundle", bundle, "--policy", OWN, "--format", "jsonl", *options)
        return done, {(line["resource_id"], line["policy_id"]): line["outcome"] for line in done.lines}

    return run


OTHERS = {("sg-good", SHIPPED[1]): "pass", ("sg-bad", SHIPPED[1]): "pass", ("orders-archive-eu", SHIPPED[2]): "fail"}


def test_a_policy_of_ones_own_is_asked_beside_the_others(judged_by):
    done, outcomes = judged_by(
        'compliant if input.resource.tags.range == "good"\nviolations contains {"message": "bad"} if not compliant\n'
    )
    assert outcomes == {**OTHERS, ("sg-good", OWN): "pass", ("sg-bad", OWN): "fail"}
    assert (done.code, done.err) == (1, [])


def test_a_built_in_that_fails_hurts_only_the_resource_it_fails_on(judged_by):
    done, outcomes = judged_by(
        'compliant if net.cidr_contains("10.0.0.0/8", _range)\nviolations contains {"message": "outside"} if not net.cidr_contains("10.0.0.0/8", _range)\n'
        '_range := {"good": "10.1.0.0/16", "bad": "10.one.0.0/16"}[input.resource.tags.range]\n'
    )
    assert outcomes == {**OTHERS, ("sg-good", OWN): "pass", ("sg-bad", OWN): "undetermined"}
    (line,) = [line for line in done.lines if line["resource_id"] == "sg-bad" and line["policy_id"] == OWN]
    assert line["unknown"][0]["reason"].startswith("the policy failed: /own/custom/ec2/securitygroup/own/own.rego:1")
    assert line["compliance_type"] is None
    assert (done.code, done.err) == (1, [])


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("", f"{OWN} gave no result: its package is not in the bundle, or has no `violations`"),
        ("compliant := true\n", f"{OWN} gave no result: its package is not in the bundle, or has no `violations`"),
        ('violations contains "bad"\n', f"{OWN} answered a violation that is no object; the contract asks for message, subject, evidence"),
        ('violations contains {"message": ""}\n', f"{OWN} answered a violation's message that is no text"),
        ('violations contains {"message": "m", "evidence": []}\n', f"{OWN} answered a violation whose evidence is no object"),
        ('violations contains "x" if false\nunknown contains "what"\n', f"{OWN} answered an unknown that is no object of {{fact, key}} or {{path}}"),
        ('violations contains "x" if false\nnot_applicable contains 7\n', f"{OWN} answered a reason that is no text"),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_an_error_and_never_a_decision(judged_by, rules, said):
    """One line for the policy, however many resources; what the other policies decided is printed."""
    done, outcomes = judged_by(rules)
    assert outcomes == OTHERS
    assert done.code == 3
    assert len(done.err) == 1
    assert done.err[0].startswith("opalite: error: ")
    assert done.err[0].endswith(f": {said}; no decision was made")


def test_violations_that_are_no_set_never_pass(judged_by):
    outcomes = judged_by("compliant := true\nviolations := 7\n")[1]
    assert outcomes == {**OTHERS, ("sg-good", OWN): "undetermined", ("sg-bad", OWN): "undetermined"}


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ('violations contains "x" if false\n', "the policy says neither compliant nor violations"),
        ('compliant if true\nviolations contains {"message": "m"}\n', "contradiction: compliant, with violations"),
        ('compliant := "yes"\nviolations contains "x" if false\n', "the policy says neither compliant nor violations"),
    ],
)
def test_a_policy_that_proves_nothing_leaves_the_resource_undetermined(judged_by, rules, reason):
    done, outcomes = judged_by(rules)
    assert outcomes == {**OTHERS, ("sg-good", OWN): "undetermined", ("sg-bad", OWN): "undetermined"}
    assert [line["unknown"] for line in done.lines if line["policy_id"] == OWN] == [[{"reason": reason}]] * 2
    assert (done.code, done.err) == (1, [])


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (METADATA + "violations contains if {\n", "own: OPA cannot read it: "),
        (METADATA.replace("LOW", "SEVERE") + "compliant := true\n", "custom.severity is 'SEVERE', not one of INFORMATIONAL, LOW"),
        (METADATA.replace("custom.ec2", "aws.ec2") + "compliant := true\n", "own: package aws.ec2.securitygroup.own is the product's; put your own below `custom`"),
        (METADATA + "import data.opalite.nothing\nviolations contains nothing.at_all(1)\n", "undefined function data.opalite.nothing.at_all"),
    ],
)  # fmt: skip
def test_a_bundle_that_cannot_be_used_is_one_line(opalite, write, three, module, said):
    bundle = write("own", {"custom/ec2/securitygroup/own/own.rego": module})
    done = opalite("evaluate", write("items", {"a.jsonl": lines(*three)}), "--bundle", bundle)
    assert (done.out, len(done.err)) == (b"", 1)
    assert said in done.err[0]
    assert done.code in {2, 3}

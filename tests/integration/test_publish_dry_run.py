"""`opalite evaluate … --publish … --dry-run`: what the function would send, as JSON Lines; and that nothing is sent."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from types import SimpleNamespace

import boto3
import orjson
import pytest
from jsonschema import Draft202012Validator
from moto import mock_aws

import logged
from opalite.cli.evaluate import evaluate as command
from opalite.cli.publish import MOST_CHANGES, OUTPUTS, preview
from opalite.cli.session import EngineOptions, session
from opalite.cli.summary import Summary
from opalite.config_rule.outputs import Life, Outputs
from opalite.model import Outcome, Severity
from unit.publish.securityhub_cases import ACCOUNT, ENTRY, POLICY, RESOURCE, at, case
from unit.publish.securityhub_format import faults

ALL = ["--publish", ",".join(OUTPUTS), "--dry-run"]
NOTHING_SENT = (
    "opalite: notice: nothing was sent; nothing is known of before: "
    "each finding is the first of its kind, each failure a new one"
)
ENFORCED_STATUS = {"fail": "FAILED", "exempt": "WARNING", "undetermined": "NOT_AVAILABLE"}


@pytest.fixture
def shown(opalite, organization, settled, remembered):
    """The dry run over the samples, once for all tests."""
    if "dry" not in remembered:
        nowhere = {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
        remembered["dry"] = opalite("evaluate", organization, *settled, *ALL, environ=nowhere)
    return remembered["dry"]


@pytest.fixture
def of(shown):
    """Its lines for one output."""
    return lambda output: [line for line in shown.lines if line["output"] == output]


def decision_of(resource_id, policy_id, decisions):
    (found,) = [one for one in decisions if (one["resource_id"], one["policy_id"]) == (resource_id, policy_id)]
    return found


# --- the samples -----------------------------------------------------------------------------------------------------


def test_every_output_is_there_messages_come_last_and_the_exit_code_is_that_of_the_decisions(shown, samples):
    named = [line["output"] for line in shown.lines]
    assert Counter(named).keys() == set(OUTPUTS)
    assert "sns" not in named[: -named.count("sns")]
    assert shown.code == samples("jsonl").code == 1
    assert shown.err == [*samples("jsonl").err, NOTHING_SENT]


def test_config_is_told_by_each_policy_what_its_decision_says(of, samples):
    expected = [
        {
            "output": "config",
            **{name: one[name] for name in ("account_id", "region", "policy_id")},
            "evaluation": {
                "ComplianceResourceType": one["resource_type"],
                "ComplianceResourceId": one["resource_id"],
                "ComplianceType": one["compliance_type"],
                "Annotation": one["annotation"],
                "OrderingTimestamp": one["capture_time"],
            },
        }
        for one in samples("jsonl").lines
        if one["compliance_type"]
    ]
    audited = [line for line in of("config") if line not in expected]
    assert [line for line in of("config") if line not in audited] == expected
    assert {line["evaluation"]["Annotation"].rpartition(" [")[0] for line in audited} == {
        "not applicable: the resource was deleted"  # whatever its stage, no old result of it may stay
    }


def test_every_decision_is_logged_in_an_object_of_its_own(of, samples, repository):
    validator = Draft202012Validator(json.loads((repository / "docs" / "decision-log" / "schema-1.json").read_text()))
    records = [record for line in of("s3") for record in line["records"]]
    assert [list(validator.iter_errors(record)) for record in records] == [[]] * len(records)
    same = ("decision_id", "outcome", "policy_id", "account_id", "input_digest", "compliance_type", "stage")
    assert [[record[name] for name in same] for record in records] == [
        [one[name] for name in same] for one in samples("jsonl").lines
    ]
    for line in of("s3"):
        (record,) = line["records"]
        folder = f"date={record['date']}/region={record['region']}/{record['account_id']}-"
        assert line["key"].startswith(folder)
    assert len({line["key"] for line in of("s3")}) == len(records)


def test_every_finding_is_one_that_security_hub_takes(of):
    findings = [line["finding"] for line in of("securityhub")]
    assert [(one["Id"], found) for one in findings if (found := faults(one))] == []


def test_there_is_a_finding_for_all_that_is_enforced_and_neither_passes_nor_is_without_object(of, samples):
    findings = [line["finding"] for line in of("securityhub")]
    assert [(one["ProductFields"]["opalite/decision_id"], one["Compliance"]["Status"]) for one in findings] == [
        (one["decision_id"], ENFORCED_STATUS[one["outcome"]])
        for one in samples("jsonl").lines
        if one["stage"] == "enforce" and one["outcome"] in ENFORCED_STATUS
    ]


def test_a_whole_finding(of, samples):
    resource_id, policy = "AROA0F27827D3ACA3D40E", "custom.iam.role.permissions_boundary"
    decision = decision_of(resource_id, policy, samples("jsonl").lines)
    (line,) = [line for line in of("securityhub") if f"/{resource_id}/" in line["finding"]["Id"]]
    fields = {
        name: decision[name] for name in ("bundle_revision", "decision_id", "input_digest", "opa_version")
    }  # other than these nothing depends on the policies or the program of the day
    moment = "2026-11-11T11:03:38.098Z"
    provided = {
        "Severity": {"Label": "HIGH"},
        "Types": ["Software and Configuration Checks/AWS Security Best Practices"],
    }
    reason = "there is no permissions boundary (permissionsBoundary.permissionsBoundaryArn)"
    boundaries = "arn:aws:iam::111122223333:policy/workload, arn:aws:iam::444455556666:policy/sandbox"
    assert line == {
        "output": "securityhub",
        "finding": {
            "SchemaVersion": "2018-10-08",
            "Id": f"opalite/aws/111122223333/global/AWS::IAM::Role/{resource_id}/{policy}",
            "ProductArn": "arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default",
            "ProductName": "Opalite",
            "GeneratorId": f"opalite/{policy}",
            "AwsAccountId": "111122223333",
            "CreatedAt": moment,
            "UpdatedAt": moment,
            "FirstObservedAt": moment,
            "LastObservedAt": moment,
            "Title": "Roles stay within a permissions boundary",
            "Description": f"{reason}. Whoever may write the policies of a role can do anything with it, unless a boundary "
            "limits what they can give.",
            "FindingProviderFields": provided,
            "ProductFields": {
                "opalite/policy_id": policy,
                "opalite/policy_version": "1.0.0",
                "opalite/outcome": "fail",
                "opalite/stage": "enforce",
                "opalite/compliance_type": "NON_COMPLIANT",
                **{f"opalite/{name}": value for name, value in fields.items()},
                "opalite/evaluated_at": moment,
                "opalite/capture_time": moment,
                "opalite/resource_type": "AWS::IAM::Role",
                "opalite/resource_id": resource_id,
                "opalite/violations": "1",
                "opalite/evidence": '[{"evidence":{"actual":null,"expected":"one of '
                + boundaries
                + '","path":["permissionsBoundary","permissionsBoundaryArn"]},'
                '"message":"there is no permissions boundary","subject":"permissionsBoundary"}]',
            },
            "Resources": [
                {
                    "Type": "AwsIamRole",
                    "Id": "arn:aws:iam::111122223333:role/shop-thumbnailer-role",
                    "Partition": "aws",
                    "Region": "global",
                    "Details": {
                        "Other": {
                            "resource_name": "shop-thumbnailer-role",
                            "organizational_units": "r-exmp/ou-exmp-prod0001",
                        }
                    },
                }
            ],
            "Compliance": {
                "Status": "FAILED",
                "SecurityControlId": policy,
                "StatusReasons": [{"ReasonCode": "VIOLATION", "Description": reason}],
            },
            "RecordState": "ACTIVE",
            "Remediation": {
                "Recommendation": {
                    "Text": "Set one of the organization's boundaries on the role.",
                    "Url": "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html",
                }
            },
            **provided,
        },
    }


def test_a_whole_message(of, samples):
    resource_id, policy = "db-B11E126B7D589558B577356ACC", "aws.any.resource.required_tags"
    decision = decision_of(resource_id, policy, samples("jsonl").lines)
    (line,) = [line for line in of("sns") if (line["document"]["owner"], line["document"]["severity"]) == ("bi", "LOW")]
    moment = "2026-11-08T18:42:37.876Z"
    console = (
        "https://eu-west-1.console.aws.amazon.com/config/home?region=eu-west-1#/resources/timeline"
        f"?resourceId={resource_id}&resourceType=AWS%3A%3ARDS%3A%3ADBInstance"
    )
    reference = "https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html"
    assert line == {
        "output": "sns",
        "subject": "Opalite LOW: new failure in 111122223333: Resources carry the required tags",
        "attributes": {
            "severity": "LOW",
            "owner": "bi",
            "change": '["new_failure"]',
            "policy": f'["{policy}"]',
            "account": '["111122223333"]',
            "region": '["eu-west-1"]',
        },
        "text": "LOW: 1 new failure\n"
        "For: bi (by the tag team)\n"
        "\n"
        "1. Resources carry the required tags\n"
        f"   State:     fail since {moment} (new failure)\n"
        f"   Policy:    {policy}, version 1.0.0\n"
        f"   Resource:  AWS::RDS::DBInstance {resource_id} (shop-analytics)\n"
        "   Account:   111122223333, eu-west-1\n"
        "   Why:       tag data is missing\n"
        "   Fix:       Add the missing tags, and correct the values of the others.\n"
        f"   Read:      {reference}\n"
        f"   Decision:  {decision['decision_id']}\n"
        f"   Timeline:  {console}\n",
        "document": {
            "type": "opalite.notification",
            "schema_version": 1,
            "id": line["document"]["id"],  # a digest, of the decision id among others
            "severity": "LOW",
            "owner": "bi",
            "change": ["new_failure"],
            "policy": [policy],
            "account": ["111122223333"],
            "region": ["eu-west-1"],
            "environment": [],
            "addressed_by": ["team"],
            "count": 1,
            "counts": {"change": {"new_failure": 1}, "policy": {policy: 1}, "account": {"111122223333": 1}},
            "changes": [
                {
                    "decision_id": decision["decision_id"],
                    "change": "new_failure",
                    "outcome": "fail",
                    "severity": "LOW",
                    "policy_id": policy,
                    "policy_version": "1.0.0",
                    "title": "Resources carry the required tags",
                    "account_id": "111122223333",
                    "region": "eu-west-1",
                    "environment": None,
                    "resource_type": "AWS::RDS::DBInstance",
                    "resource_id": resource_id,
                    "resource_name": "shop-analytics",
                    "arn": "arn:aws:rds:eu-west-1:111122223333:db:shop-analytics",
                    "annotation": decision["annotation"],
                    "remediation": "Add the missing tags, and correct the values of the others.",
                    "since": moment,
                    "first_observed_at": moment,
                    "capture_time": moment,
                    "evaluated_at": moment,
                    "finding_id": f"opalite/aws/111122223333/eu-west-1/AWS::RDS::DBInstance/{resource_id}/{policy}",
                    "exemption": None,
                    "violations": [
                        {
                            "message": "tag data is missing",
                            "subject": "data",
                            "path": "tags.data",
                            "actual": None,
                            "expected": None,
                        }
                    ],
                    "unknown": [],
                    "reference": reference,
                    "console": console,
                }
            ],
        },
    }


def test_messages_are_grouped_over_the_whole_run(of, samples):
    told = Counter()
    for line in of("sns"):
        told[line["document"]["severity"]] += line["document"]["count"]
    worse = [one for one in samples("jsonl").lines if one["stage"] == "enforce"]
    worse = [one for one in worse if one["outcome"] in ("fail", "undetermined")]
    assert told == Counter(one["severity"] for one in worse)
    groups = Counter((line["document"]["owner"], line["document"]["severity"]) for line in of("sns"))
    assert set(groups.values()) == {1}


def test_it_is_what_the_function_sends_when_nothing_is_known(repository):
    """Case by case, as each Config rule of one policy has them; the function writes to stores in memory."""
    cases = logged.sample_cases(repository / "samples")
    with session(EngineOptions(bundle=[repository / "samples" / "custom"])) as ready:
        entries = ready.entries
    sent = {"securityhub": [], "s3": []}
    hub = SimpleNamespace(put=lambda findings, **_: sent["securityhub"].extend(findings))
    log = SimpleNamespace(put=lambda objects, **_: sent["s3"].extend(objects))
    nothing = SimpleNamespace(
        get=lambda _, **__: SimpleNamespace(standings={}, faults={}),
        put=lambda _, **__: True,
        settle=lambda *_, **__: True,
    )
    life = Life(entries=entries, standings=nothing, hub=hub, topic=None, home_region="us-east-1")
    outputs = Outputs(log=log, prefix="", life=life)
    for one in cases:
        assert outputs.deliver([one], rule_arn=one.decision.policy_id, deadline=lambda: 60.0) == []
    lines, _ = dry_run(cases, entries, "securityhub,s3")
    assert [line["finding"] for line in lines if line["output"] == "securityhub"] == sent["securityhub"]
    assert [(line["key"], line["records"]) for line in lines if line["output"] == "s3"] == [
        (key, [orjson.loads(record) for record in gzip.decompress(body).splitlines()]) for key, body in sent["s3"]
    ]


def test_what_would_be_logged_can_be_explained(of, opalite, settled, tmp_path):
    (tmp_path / "log.jsonl").write_bytes(
        b"".join(orjson.dumps(one) + b"\n" for line in of("s3") for one in line["records"])
    )
    decision_id = of("s3")[0]["records"][0]["decision_id"]
    settings = [option for option in settled if "facts" not in str(option)]
    done = opalite("explain", decision_id, "--log", tmp_path / "log.jsonl", *settings, "--format", "json")
    assert (done.code, orjson.loads(done.out)["verdict"]) == (0, "same")


# --- the options -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--publish", "securityhub"],
            "--publish: only the function sends (docs/lambda.md); add --dry-run to see what it would send",
        ),
        (["--dry-run"], "--dry-run says that nothing is sent: say by --publish config,securityhub,s3,sns what to show"),
        (
            ["--publish", "s3,slack", "--dry-run"],
            "--publish: there is no output 'slack'; there are config, securityhub, s3, sns",
        ),
        (
            ["--publish", "", "--dry-run"],
            "--publish: there is no output ''; there are config, securityhub, s3, sns",
        ),
        (
            ["--publish", "s3", "--dry-run", "--format", "table"],
            "--format table: what would be sent has no such form; leave --format out, or say jsonl",
        ),
        (
            ["--publish", "s3", "--dry-run", "--format", "json"],
            "--format json: what would be sent has no such form; leave --format out, or say jsonl",
        ),
    ],
    ids=["no dry run", "no outputs", "unknown", "none", "table", "json"],
)
def test_options_that_do_not_go_together_are_refused(opalite, organization, arguments, said):
    done = opalite("evaluate", organization, *arguments)
    assert (done.code, done.out, done.err) == (2, b"", [f"opalite: {said}"])


def test_a_variable_that_the_function_would_refuse_is_refused(opalite, organization):
    done = opalite("evaluate", organization, *ALL, environ={"OPALITE_NOTICE_DAYS": "soon"})
    assert (done.code, done.out) == (2, b"")
    assert done.err == ["opalite: OPALITE_NOTICE_DAYS: 'soon' is not a number of days from 1 to 80"]


def test_only_the_named_outputs_are_shown_and_findings_are_the_same_without_notifications(evaluate, repository):
    item = repository / "tests" / "data" / "items" / "s3-bucket.sse-s3.json"
    whole = evaluate(item, *ALL)
    for output in OUTPUTS:
        done = evaluate(item, "--publish", output, "--dry-run", "--format", "jsonl")
        assert done.lines == [line for line in whole.lines if line["output"] == output] != []
    assert evaluate(item, "--publish", "s3", "--dry-run").err == ["opalite: notice: nothing was sent"]


def test_a_file_takes_the_lines_whole(evaluate, repository, tmp_path):
    item = repository / "tests" / "data" / "items" / "s3-bucket.sse-s3.json"
    done = evaluate(item, *ALL, "--output", tmp_path / "sent.jsonl")
    assert (done.out, (tmp_path / "sent.jsonl").read_bytes()) == (b"", evaluate(item, *ALL).out)


def test_exit_codes_are_those_of_evaluate(evaluate, repository, tmp_path):
    items = repository / "tests" / "data" / "items"
    broken = tmp_path / "broken.json"
    broken.write_bytes(b"{")
    good, bad = items / "ec2-security-group.event.json", items / "s3-bucket.sse-s3.json"
    for arguments in ([good], [bad], [bad, "--fail-on", "CRITICAL"], [broken, bad]):
        assert evaluate(*arguments, *ALL).code == evaluate(*arguments, "--format", "jsonl").code
    done = evaluate(broken, bad, *ALL)
    assert (done.code, Counter(line["output"] for line in done.lines)) == (2, dict.fromkeys(OUTPUTS, 1))


def test_with_at_it_is_a_schedule_of_that_time(evaluate, repository):
    item = repository / "tests" / "data" / "items" / "s3-bucket.sse-s3.json"
    done = evaluate(item, "--publish", "config,s3", "--dry-run", "--at", "2026-11-23T00:00:00Z")
    config, log = done.lines
    assert config["evaluation"]["OrderingTimestamp"] == "2026-11-23T00:00:00.000Z"
    assert log["key"].startswith("date=2026-11-23/")


def test_the_functions_variables_shape_what_is_shown(opalite, organization, settled):
    environ = {
        "AWS_REGION": "eu-central-1",
        "OPALITE_LOG_PREFIX": "opalite/",
        "OPALITE_OWNER_TAGS": "application",
        "OPALITE_PASSED_FINDINGS": "on",
    }
    lines = opalite("evaluate", organization, *settled, *ALL, environ=environ).lines
    findings = [line["finding"] for line in lines if line["output"] == "securityhub"]
    assert {one["Compliance"]["Status"] for one in findings} == {"FAILED", "WARNING", "NOT_AVAILABLE", "PASSED"}
    assert [one["Id"] for one in findings if faults(one)] == []
    assert {one["ProductArn"].split(":")[3] for one in findings if "/global/" in one["Id"]} == {"eu-central-1"}
    assert all(line["key"].startswith("opalite/date=") for line in lines if line["output"] == "s3")
    assert {line["document"]["owner"] for line in lines if line["output"] == "sns"}.isdisjoint({"bi", "shop", "web"})


def test_an_item_that_is_there_twice_is_shown_twice(evaluate, repository, tmp_path):
    item = (repository / "tests" / "data" / "items" / "s3-bucket.sse-s3.json").read_bytes()
    twice = tmp_path / "twice.jsonl"
    twice.write_bytes((orjson.dumps(orjson.loads(item)) + b"\n") * 2)
    lines = evaluate(twice, *ALL).lines
    assert Counter(line["output"] for line in lines) == {"config": 2, "securityhub": 2, "s3": 2, "sns": 1}
    assert lines[:3] == lines[3:6]


# --- facts of AWS ----------------------------------------------------------------------------------------------------


def test_with_live_facts_the_log_holds_what_aws_said(monkeypatch, tmp_path, capsys, opa, item):
    owner, image = "123456789012", "aws.ec2.instance.approved_image"
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    secrets = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "eu-west-1"}
    for name, value in {**secrets, "OPALITE_OPA": str(opa.path), "AWS_CONFIG_FILE": str(tmp_path / "none")}.items():
        monkeypatch.setenv(name, value)
    template = item("ec2-instance.event")
    settings, items, output = tmp_path / "settings.json", tmp_path / "item.json", tmp_path / "sent.jsonl"
    settings.write_text(
        json.dumps({"parameters": {image: {"default": {"owners": {owner: {"tags": {"ok": ["yes"]}}}}}}})
    )
    with mock_aws():
        image_id = boto3.client("ec2", region_name="eu-west-1").register_image(Name="golden")["ImageId"]
        configuration = template["configuration"] | {"imageId": image_id}
        items.write_bytes(orjson.dumps(template | {"awsAccountId": owner, "ARN": None, "configuration": configuration}))
        given = [str(items), "--policy", image, "--data", str(settings), "--live", *ALL, "--output", str(output)]
        with command.make_context("evaluate", given) as context:
            code = command.invoke(context)
    lines = [orjson.loads(line) for line in output.read_bytes().splitlines()]
    assert (code, [line["output"] for line in lines]) == (1, ["config", "securityhub", "s3", "sns"])
    assert list(orjson.loads(lines[2]["records"][0]["facts"])["image"]) == [image_id]
    assert faults(lines[1]["finding"]) == []
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "opalite: notice: 2 AWS calls: ec2:DescribeImages 1, sts:GetCallerIdentity 1",
        NOTHING_SENT,
    ]


# --- without OPA -----------------------------------------------------------------------------------------------------


class Sink:
    def __init__(self):
        self.taken = b""

    def write(self, data):
        self.taken += data

    def flush(self):
        raise AssertionError("whoever makes the writer hands on")


def dry_run(cases, entries, publish, **environ):
    """The lines and notices for decisions that were made elsewhere."""
    asked = preview(publish, dry_run=True, form=None, at=None, environ=environ)
    sink = Sink()
    writer = asked.writer(sink, entries)
    writer.begin()
    for one in cases:
        core = orjson.dumps(one.judged, option=orjson.OPT_SORT_KEYS)
        asked.kept.keep(one.decision, SimpleNamespace(core=core))
        writer.add([one.decision])
    writer.end(Summary())
    return [orjson.loads(line) for line in sink.taken.splitlines()], list(writer.notices())


def buckets(count, **members):
    resources = ({**RESOURCE, **members, "id": f"reports-{n}", "name": f"reports-{n}"} for n in range(count))
    return [case(resource=one, decision_id=f"{n:064x}") for n, one in enumerate(resources)]


@pytest.mark.parametrize(
    ("cases", "counts"),
    [
        (buckets(MOST_CHANGES), [MOST_CHANGES]),
        (buckets(MOST_CHANGES + 1), [MOST_CHANGES, 1]),
        (buckets(5, configuration={"policy": "x" * 3_000_000}), [2, 2, 1]),
    ],
    ids=["as many as are grouped", "one more", "large ones"],
)
def test_no_more_changes_are_grouped_than_memory_is_meant_for(cases, counts):
    lines, notices = dry_run(cases, {POLICY: ENTRY}, "sns")
    assert [line["document"]["count"] for line in lines] == counts
    parts = f"too many changes to group them all: the messages are of {len(counts)} parts of the input"
    assert notices[1:] == ([parts] if len(counts) > 1 else [])


def test_the_end_of_an_exemption_is_told_so_many_days_before_as_the_function_is_set(repository):
    exempt = case(Outcome.EXEMPT)
    told = [dry_run([exempt], {POLICY: ENTRY}, "sns", OPALITE_NOTICE_DAYS=days)[0] for days in ("14", "80")]
    assert told == [[], []]  # it ends in March
    soon = case(Outcome.EXEMPT, exemption={**exempt.decision.exemption, "expires": "2026-12-20T00:00:00Z"})
    told = [dry_run([soon], {POLICY: ENTRY}, "sns", OPALITE_NOTICE_DAYS=days)[0] for days in ("14", "40")]
    assert [[line["document"]["change"] for line in lines] for lines in told] == [[], [["exemption_ends_soon"]]]


def test_what_is_only_audited_is_told_to_nobody_but_the_log():
    lines, _ = dry_run([case(stage="audit", compliance_type=None)], {POLICY: ENTRY}, ",".join(OUTPUTS))
    assert [line["output"] for line in lines] == ["s3"]


def test_a_line_holds_no_end_of_a_line_that_some_programs_see():
    named = case(resource={**RESOURCE, "name": "a\u2028b\x85c"}, severity=Severity.LOW)
    asked = preview("s3,securityhub", dry_run=True, form=None, at=at(0), environ={})
    sink = Sink()
    writer = asked.writer(sink, {POLICY: ENTRY})
    asked.kept.keep(named.decision, SimpleNamespace(core=orjson.dumps(named.judged)))
    writer.add([named.decision])
    assert len(sink.taken.decode().splitlines()) == 2
    assert ACCOUNT in sink.taken.decode()

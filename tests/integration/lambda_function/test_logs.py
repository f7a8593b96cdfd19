"""What the function writes: enough to find each decision again and to count what happened, and nothing that items hold."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from emulation.aws import ACCOUNTS
from opalite.errors import OpaliteError

ADMIN, MEMBER, OTHER = ACCOUNTS
ENCRYPTION, ACCESS, TLS = (f"aws.s3.bucket.{name}" for name in ("encryption", "public_access_block", "tls_only"))
INGRESS, TAGS = "aws.ec2.securitygroup.restricted_ingress", "aws.any.resource.required_tags"
BUCKET = ("AWS::S3::Bucket", "orders-archive-eu")
REQUEST = "6f1c0b52-5c1e-4b7e-9a55-0d1c6b3f7a10"
CHANGE = "ConfigurationItemChangeNotification"


@pytest.fixture
def umbrella(aws):
    return aws.config.rule(MEMBER, "all")


def lines(function):
    return [document for document in function.documents() if "_aws" not in document]


def test_each_decision_has_a_line_that_names_it(aws, function, umbrella, bucket):
    answer = function(aws.config.change_event(bucket(tls=False), umbrella))
    found = lines(function)
    times = [datetime.fromisoformat(line.pop("timestamp")) for line in found]
    ids = [line.pop("decision_id") for line in found]
    same = {
        "level": "INFO",
        "message": "decision",
        "service": "opalite",
        "function_request_id": REQUEST,
        "cold_start": True,
        "config_rule": umbrella.name,
        "account_id": MEMBER,
        "message_type": CHANGE,
        "stage": "enforce",
        "resource_type": BUCKET[0],
        "resource_id": BUCKET[1],
        "resource_account_id": MEMBER,
        "resource_region": "eu-west-1",
        "bundle_revision": function.layer.bundle_revision,
    }
    assert found == [
        same | {"policy_id": ENCRYPTION, "outcome": "fail", "compliance_type": "NON_COMPLIANT"},
        same | {"policy_id": ACCESS, "outcome": "pass", "compliance_type": "COMPLIANT"},
        same | {"policy_id": TLS, "outcome": "fail", "compliance_type": "NON_COMPLIANT"},
    ]
    assert times == sorted(times)
    assert all(moment.utcoffset().total_seconds() == 0 for moment in times)
    assert len({*ids}) == 3
    assert all(len(name) == 64 for name in ids)
    (evaluation,) = answer["evaluations"]
    assert evaluation["annotation"].endswith(f" [{ids[0][:12]}]")  # the gravest


def test_the_id_in_each_annotation_of_a_schedule_finds_its_line(aws, function, group):
    rule = aws.config.rule(MEMBER, "ingress", parameters={"policies": INGRESS})
    for number in range(120):
        aws.config.record(group(f"sg-{number:017x}", opened=22 if number % 3 == 0 else None))
    function(aws.config.schedule_event(MEMBER, rule))
    by_tail = {line["decision_id"][:12]: line for line in function.lines("decision")}
    assert len(by_tail) == 120
    for (_, name), (compliance_type, says, _) in function.results(rule).items():
        line = by_tail[says[-13:-1]]
        assert (line["resource_id"], line["compliance_type"]) == (name, compliance_type)


def test_the_first_invocation_of_a_sandbox_is_the_cold_one(aws, function, umbrella, bucket):
    event = aws.config.change_event(bucket(), umbrella)
    cold = []
    for _ in range(2):
        function(event)
        cold.append({line["cold_start"] for line in lines(function)})
    assert cold == [{True}, {False}]


def test_metrics_are_what_happened(aws, function, umbrella, bucket):
    function(aws.config.change_event(bucket(tls=False), umbrella))
    duration = function.metrics()[1][1]["Duration"]
    assert function.metrics() == [
        ({}, {"Evaluations": 1, "ApiCalls": 3}),
        ({"message_type": CHANGE}, {"Duration": duration}),
        ({"policy_id": ENCRYPTION, "outcome": "fail"}, {"Decisions": 1}),
        ({"policy_id": ACCESS, "outcome": "pass"}, {"Decisions": 1}),
        ({"policy_id": TLS, "outcome": "fail"}, {"Decisions": 1}),
    ]
    assert 0 < duration < 60_000
    assert sum(aws.calls.values()) == 3


def test_decisions_of_a_schedule_are_summed(aws, function, bucket, key):
    rule = aws.config.rule(MEMBER, "keys", parameters={"policies": f"{ENCRYPTION},{TLS}"})
    for number in range(3):
        aws.config.record(bucket(f"good-{number}", key=key))
    aws.config.record(bucket("bad", tls=False))
    function(aws.config.schedule_event(MEMBER, rule))
    assert [(dimensions, values) for dimensions, values in function.metrics() if "policy_id" in dimensions] == [
        ({"policy_id": ENCRYPTION, "outcome": "fail"}, {"Decisions": 1}),
        ({"policy_id": TLS, "outcome": "fail"}, {"Decisions": 1}),
        ({"policy_id": ENCRYPTION, "outcome": "pass"}, {"Decisions": 3}),
        ({"policy_id": TLS, "outcome": "pass"}, {"Decisions": 3}),
    ]
    assert function.counts() == {"Evaluations": 4}
    # One key for three buckets: a miss for it, one for the aliases.
    assert function.calls() == {
        "ApiCalls": sum(aws.calls.values()),
        "CacheHits": function.calls()["CacheHits"],
        "CacheMisses": 2,
    }


def test_metrics_are_in_the_embedded_format(aws, function, umbrella, bucket):
    function(aws.config.change_event(bucket(), umbrella))
    documents = [document for document in function.documents() if "_aws" in document]
    for document in documents:
        (directive,) = document["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "Opalite"
        assert len(directive["Dimensions"]) == 1
        assert all(document[name] for name in directive["Dimensions"][0])
        assert isinstance(document["_aws"]["Timestamp"], int)
        assert {metric["Unit"] for metric in directive["Metrics"]} <= {"Count", "Milliseconds"}


def test_a_failure_is_logged_and_counted_with_what_had_been_done(aws, function, group):
    rule = aws.config.rule(MEMBER, "ingress", parameters={"policies": INGRESS})
    event = aws.config.change_event(group(opened=22), rule)
    aws.config.expire_tokens()
    with pytest.raises(OpaliteError) as raised:
        function(event)
    decision, failed = lines(function)
    assert (decision["message"], decision["policy_id"], decision["outcome"]) == ("decision", INGRESS, "fail")
    assert failed == {
        "level": "ERROR",
        "message": "failed",
        "timestamp": failed["timestamp"],
        "service": "opalite",
        "function_request_id": REQUEST,
        "cold_start": True,
        "config_rule": rule.name,
        "account_id": MEMBER,
        "message_type": CHANGE,
        "error": "DeliveryError",
        "reason": str(raised.value),
    }
    assert function.counts() == {"Evaluations": 1, "Failures": 1}
    assert ({"policy_id": INGRESS, "outcome": "fail"}, {"Decisions": 1}) in function.metrics()


def test_a_fault_of_our_own_is_told_by_its_kind_only(aws, function, umbrella, bucket):
    class Broken:
        opa_version, bundle_revision = "1.22.2", "r"

        def ask(self, items):
            raise ZeroDivisionError("hunter2")

    parts = function.function._parts
    function.function = type(function.function)(_replaced(parts, engine=Broken()))
    with pytest.raises(ZeroDivisionError):
        function(aws.config.change_event(bucket(), umbrella))
    assert function.lines("failed") == [
        {"error": "ZeroDivisionError", "reason": "a fault in Opalite; the trace below shows where"}
    ]
    assert function.counts() == {"Failures": 1}
    assert "hunter2" not in function.log.getvalue()
    assert aws.config.put_calls == []


def _replaced(parts, **members):
    values = {name: getattr(parts, name) for name in parts.__dataclass_fields__}
    return type(parts)(**(values | members))


SECRETS = ("hunter2", "Tr0ub4dor", "s3cr3t-val", "payroll-team")


def spiked(item):
    """The same item with secrets in all of its corners."""
    item["configuration"]["userData"] = "hunter2"
    item["configuration"]["environment"] = {"variables": {"PASSWORD": "Tr0ub4dor"}}
    item["supplementaryConfiguration"]["Notes"] = {"token": "s3cr3t-val"}
    item["tags"] = {"owner": "payroll-team", "Tr0ub4dor": "hunter2"}
    item["resourceName"] = "s3cr3t-val"
    return item


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
@pytest.mark.parametrize("form", ["change", "oversized", "schedule", "denied", "unreadable", "undelivered"])
def test_no_content_of_items_and_no_value_of_tags_is_ever_written(aws, deploy, bucket, key, capfd, level, form):
    layer = {"parameters": {TAGS: {"default": {"required": {"owner": ["web", "shop"], "data": None}}}}}
    function = deploy(aws, layer=layer, OPALITE_LOG_LEVEL=level)
    rule = aws.config.rule(MEMBER, "all")
    item = spiked(bucket(key=key if form == "denied" else None, tls=False))
    event = aws.config.change_event(item, rule, recorded=form != "oversized")
    if form == "oversized":
        event = aws.config.oversized_event(item, rule)
    elif form == "schedule":
        event = aws.config.schedule_event(MEMBER, rule)
    elif form == "denied":
        aws.deny("kms")
    elif form == "unreadable":
        event = aws.config.change_event(item, rule, recorded=False)
        event["invokingEvent"] = event["invokingEvent"].replace('"awsRegion":"eu-west-1"', '"awsRegion":["hunter2"]')
    elif form == "undelivered":
        aws.config.expire_tokens()
    failed = ""
    try:
        function(event)
    except OpaliteError as error:
        failed = str(error)
    assert (failed != "") == (form in ("unreadable", "undelivered"))
    written = function.log.getvalue() + "".join(capfd.readouterr()) + failed
    assert [secret for secret in SECRETS if secret in written] == []
    assert event["resultToken"] not in written
    assert json.loads(written.splitlines()[0])["service"] == "opalite"


def test_below_its_level_the_log_is_silent_and_metrics_are_written(aws, deploy, umbrella, bucket):
    function = deploy(aws, OPALITE_LOG_LEVEL="ERROR")
    function(aws.config.change_event(bucket(), umbrella))
    assert lines(function) == []
    assert function.counts() == {"Evaluations": 1}


def test_a_refusal_is_a_line_with_its_reason_and_whose_it_was(aws, function, group):
    rule = aws.config.rule(MEMBER, "own", organization=False)
    function(aws.config.change_event(group(), rule))
    (line,) = lines(function)
    assert line == {
        "level": "ERROR",
        "message": "refused",
        "timestamp": line["timestamp"],
        "service": "opalite",
        "function_request_id": REQUEST,
        "cold_start": True,
        "config_rule": "own",
        "account_id": MEMBER,
        "message_type": CHANGE,
        "reason": "rule",
    }


def test_nothing_of_one_invocation_stands_in_the_lines_of_the_next(aws, function, umbrella, bucket):
    function(aws.config.change_event(bucket(), umbrella))
    with pytest.raises(OpaliteError):
        function({})
    for line in lines(function):
        assert {"config_rule", "account_id", "message_type"}.isdisjoint(line)
    assert function.counts() == {"Refused": 1, "Failures": 1}
    assert [dimensions for dimensions, values in function.metrics() if "Duration" in values] == [
        {"message_type": "none"}
    ]

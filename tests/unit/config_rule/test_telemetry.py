"""Logs and metrics: lines of JSON with ids and counts, whatever happens, and never what an item holds."""

from __future__ import annotations

import io
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.config_rule.judging import Verdict
from opalite.config_rule.telemetry import COUNTS, Telemetry
from opalite.errors import AwsError, InvocationError
from opalite.event import ConfigRule, Invocation, MessageType
from opalite.judge import Fault
from opalite.model import Decision, Evaluation, Outcome, Resource, Severity
from opalite.trust import Refusal

SECRET = "hunter2-Tr0ub4dor"
ACCOUNT = "111122223333"
RULE = ConfigRule(
    "OrgConfigRule-opalite",
    f"arn:aws:config:eu-west-1:{ACCOUNT}:config-rule/a",
    "aws",
    "eu-west-1",
    ACCOUNT,
    {"tags": SECRET},
)
CHANGE = Invocation(RULE, MessageType.CHANGE, SECRET, left_scope=False, notified_at=None, item=None)
DECISION = Decision(
    account_id=ACCOUNT,
    region="eu-west-1",
    resource_type="AWS::S3::Bucket",
    resource_id="reports",
    arn="arn:aws:s3:::reports",
    capture_time="2026-11-20T08:00:00.000Z",
    evaluated_at="2026-11-20T08:00:00.000Z",
    policy_id="aws.s3.bucket.encryption",
    policy_version="1.0.0",
    outcome=Outcome.FAIL,
    compliance_type="NON_COMPLIANT",
    severity=Severity.HIGH,
    annotation=f"default encryption is {SECRET} [abc]",
    violations=({"message": SECRET, "subject": SECRET, "evidence": {"actual": SECRET}},),
    unknown=({"reason": SECRET},),
    reasons=(SECRET,),
    exemption={"reason": SECRET},
    stage="enforce",
    decision_id="abcdef0123456789" * 4,
    bundle_revision="3f2a",
    opa_version="1.22.2",
    input_digest="d",
)
RESOURCE = Resource({"tags": {"owner": SECRET}, "configuration": {"note": SECRET}}, (), None, None, None, "event")
EVALUATION = Evaluation("AWS::S3::Bucket", "reports", "NON_COMPLIANT", SECRET, "2026-11-20T08:00:00.000Z")
DECIDED = {
    "level": "INFO",
    "message": "decision",
    "service": "opalite",
    "cold_start": True,
    "function_request_id": "request-1",
    "decision_id": DECISION.decision_id,
    "policy_id": "aws.s3.bucket.encryption",
    "outcome": "fail",
    "compliance_type": "NON_COMPLIANT",
    "stage": "enforce",
    "resource_type": "AWS::S3::Bucket",
    "resource_id": "reports",
    "resource_account_id": ACCOUNT,
    "resource_region": "eu-west-1",
    "bundle_revision": "3f2a",
}


class Recorded(Telemetry):
    """Writes where a test can read it. `ticks`: what the clock shows, one after the other."""

    def __init__(self, level="INFO", *, ticks=(1.0, 1.5) * 99, **more):
        self.written = io.StringIO()
        times = iter(ticks)
        super().__init__(level, stream=self.written, clock=lambda: next(times), **more)

    def documents(self):
        """Everything that was written: one JSON object per line."""
        text = self.written.getvalue()
        assert not text or text.endswith("\n")
        return [json.loads(line) for line in text.splitlines()]

    def lines(self):
        """Log lines without their times, which are checked."""
        found = [document for document in self.documents() if "_aws" not in document]
        for line in found:
            assert line.pop("timestamp").endswith("+00:00")
        return found

    def metrics(self):
        """(dimensions, values) of each metric document, which is checked against the specification."""
        return [embedded(document) for document in self.documents() if "_aws" in document]

    def sums(self):
        """The values without dimensions; those of nothing are not written."""
        return next((values for dimensions, values, _ in self.metrics() if not dimensions), {})


def embedded(document):
    """The parts of a document in embedded metric format, if it keeps to the specification of CloudWatch."""
    directive = document.pop("_aws")
    assert directive.keys() == {"Timestamp", "CloudWatchMetrics"}
    assert 1_500_000_000_000 < directive["Timestamp"] < 9_999_999_999_999
    [definition] = directive["CloudWatchMetrics"]
    assert definition.keys() == {"Namespace", "Dimensions", "Metrics"}
    assert definition["Namespace"] == "Opalite"
    [names] = definition["Dimensions"]
    assert 1 <= len(names) <= 30
    assert len(definition["Metrics"]) <= 100
    dimensions = {name: document.pop(name) for name in names}
    assert all(isinstance(value, str) and 1 <= len(value) <= 1024 and value.isascii() for value in dimensions.values())
    assert dimensions.pop("service") == "opalite"
    values = {}
    for metric in definition["Metrics"]:
        assert metric.keys() == {"Name", "Unit"}
        [number] = document.pop(metric["Name"])
        values[metric["Name"], metric["Unit"]] = number
    assert document == {}
    return dimensions, {name: number for (name, _), number in values.items()}, dict(values.keys())


def verdict(*decisions, faults=(), spoken_of=True, evaluation=EVALUATION):
    return Verdict(RESOURCE, decisions, tuple(faults), spoken_of, evaluation)


def test_an_invocation_in_which_nothing_happens():
    telemetry = Recorded()
    with telemetry.invocation("request-1"):
        pass
    assert telemetry.lines() == []
    assert telemetry.metrics() == [
        ({"message_type": "none"}, {"Duration": 500.0}, {"Duration": "Milliseconds"}),
    ]


def test_a_decision_is_a_line_and_counts():
    telemetry = Recorded()
    with telemetry.invocation("request-1"):
        telemetry.about(CHANGE)
        telemetry.judged([verdict(DECISION)])
    assert telemetry.lines() == [
        {
            **DECIDED,
            "account_id": ACCOUNT,
            "config_rule": "OrgConfigRule-opalite",
            "message_type": "ConfigurationItemChangeNotification",
        }
    ]
    assert telemetry.metrics() == [
        ({}, {"Evaluations": 1}, {"Evaluations": "Count"}),
        ({"message_type": "ConfigurationItemChangeNotification"}, {"Duration": 500.0}, {"Duration": "Milliseconds"}),
        ({"policy_id": "aws.s3.bucket.encryption", "outcome": "fail"}, {"Decisions": 1}, {"Decisions": "Count"}),
    ]


def test_decisions_are_counted_by_policy_and_outcome():
    telemetry = Recorded()
    unclear = Decision(**{**as_arguments(DECISION), "outcome": Outcome.UNDETERMINED, "compliance_type": None})
    other = Decision(**{**as_arguments(DECISION), "policy_id": "aws.s3.bucket.tls_only"})
    with telemetry.invocation("request-1"):
        telemetry.judged([verdict(DECISION, unclear), verdict(DECISION, other, evaluation=None)])
        telemetry.judged([verdict(spoken_of=False, evaluation=None)])
    assert telemetry.sums() == {"Evaluations": 1, "Undetermined": 1, "WithoutPolicy": 1}
    assert [(dimensions, values) for dimensions, values, _ in telemetry.metrics()[2:]] == [
        ({"policy_id": "aws.s3.bucket.encryption", "outcome": "fail"}, {"Decisions": 2}),
        ({"policy_id": "aws.s3.bucket.encryption", "outcome": "undetermined"}, {"Decisions": 1}),
        ({"policy_id": "aws.s3.bucket.tls_only", "outcome": "fail"}, {"Decisions": 1}),
    ]
    assert "compliance_type" not in telemetry.lines()[1]


def as_arguments(decision):
    return {name: getattr(decision, name) for name in Decision.__dataclass_fields__}


def test_refusals_are_counted_by_reason():
    telemetry = Recorded()
    with telemetry.invocation("request-1"):
        for refusal in (Refusal.RULE, Refusal.ACCOUNT, Refusal.RULE):
            telemetry.refused(refusal)
    common = {
        "level": "ERROR",
        "message": "refused",
        "service": "opalite",
        "cold_start": True,
        "function_request_id": "request-1",
    }
    assert telemetry.lines() == [{**common, "reason": reason} for reason in ("rule", "account", "rule")]
    assert telemetry.sums() == {"Refused": 3}
    assert [(dimensions, values) for dimensions, values, _ in telemetry.metrics()[2:]] == [
        ({"reason": "rule"}, {"RefusedBy": 2}),
        ({"reason": "account"}, {"RefusedBy": 1}),
    ]


def test_faults_and_unreadable_items_are_told_and_counted():
    telemetry = Recorded()
    with telemetry.invocation("request-1"):
        telemetry.judged([verdict(faults=[Fault("aws.a.b.c", "event", "gave no result")], evaluation=None)])
        telemetry.unreadable("AWS::S3::Bucket reports: no awsRegion")
    common = {"level": "ERROR", "service": "opalite", "cold_start": True, "function_request_id": "request-1"}
    assert telemetry.lines() == [
        {**common, "message": "fault", "policy_id": "aws.a.b.c", "reason": "gave no result"},
        {**common, "message": "unreadable", "reason": "AWS::S3::Bucket reports: no awsRegion"},
    ]
    assert telemetry.sums() == {"Faults": 1, "Unreadable": 1}


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            AwsError("nothing can be told to AWS Config"),
            {"error": "AwsError", "reason": "nothing can be told to AWS Config"},
        ),
        (InvocationError("x" * 5000), {"error": "InvocationError", "reason": "x" * 1000}),
        (KeyError(SECRET), {"error": "KeyError", "reason": "a fault in Opalite; the trace below shows where"}),
        (RecursionError(), {"error": "RecursionError", "reason": "a fault in Opalite; the trace below shows where"}),
    ],
)
def test_what_fails_is_told_counted_and_raised_and_what_was_done_before_is_counted(error, told):
    telemetry = Recorded()
    with pytest.raises(type(error)) as caught, telemetry.invocation("request-1"):
        telemetry.about(CHANGE)
        telemetry.judged([verdict(DECISION)])
        raise error
    assert caught.value is error
    assert telemetry.lines()[1] == {
        "level": "ERROR",
        "message": "failed",
        "service": "opalite",
        "cold_start": True,
        "function_request_id": "request-1",
        "account_id": ACCOUNT,
        "config_rule": "OrgConfigRule-opalite",
        "message_type": "ConfigurationItemChangeNotification",
        **told,
    }
    assert telemetry.sums() == {"Evaluations": 1, "Failures": 1}
    assert len(telemetry.metrics()) == 3


def test_metrics_are_written_even_when_the_process_is_told_to_end():
    telemetry = Recorded()
    with pytest.raises(KeyboardInterrupt), telemetry.invocation("request-1"):
        telemetry.refused(Refusal.EVENT)
        raise KeyboardInterrupt
    assert telemetry.sums() == {"Refused": 1}


def test_what_was_said_of_one_invocation_is_not_said_of_the_next():
    telemetry = Recorded()
    with pytest.raises(AwsError), telemetry.invocation("request-1"):
        telemetry.about(CHANGE)
        telemetry.judged([verdict(DECISION)])
        raise AwsError("throttled")
    telemetry.written.truncate(telemetry.written.seek(0))
    with telemetry.invocation("request-2"):
        telemetry.refused(Refusal.EVENT)
    telemetry.unreadable("outside of any invocation")
    common = {"level": "ERROR", "service": "opalite"}
    assert telemetry.lines() == [
        {**common, "message": "refused", "reason": "event", "cold_start": False, "function_request_id": "request-2"},
        {**common, "message": "unreadable", "reason": "outside of any invocation"},
    ]
    assert [(dimensions, values) for dimensions, values, _ in telemetry.metrics()] == [
        ({}, {"Refused": 1}),
        ({"message_type": "none"}, {"Duration": 500.0}),
        ({"reason": "event"}, {"RefusedBy": 1}),
    ]


def test_only_the_first_invocation_is_a_cold_start():
    telemetry = Recorded()
    for request in "123":
        with telemetry.invocation(request):
            telemetry.refused(Refusal.EVENT)
    assert [line["cold_start"] for line in telemetry.lines()] == [True, False, False]


def test_others_counters_grow_and_their_growth_is_told():
    totals = {"ApiCalls": 5, "CacheHits": 1}
    telemetry = Recorded(counters=lambda: totals)
    with telemetry.invocation("request-1"):
        totals |= {"ApiCalls": 9, "CacheHits": 1, "CacheMisses": 2}
    with telemetry.invocation("request-2"):
        totals["ApiCalls"] = 10
    first, _, second, _ = (values for _, values, _ in telemetry.metrics())
    assert (first, second) == ({"ApiCalls": 4, "CacheMisses": 2}, {"ApiCalls": 1})


def test_each_count_is_one_metric_and_those_of_nothing_are_left_out():
    totals = dict.fromkeys(COUNTS, 3)
    telemetry = Recorded(counters=lambda: totals)
    with telemetry.invocation("request-1"):
        totals |= {name: 3 + number for number, name in enumerate(COUNTS)}
    expected = {name: number for number, name in enumerate(COUNTS) if number}
    assert telemetry.metrics()[0] == ({}, expected, dict.fromkeys(expected, "Count"))
    with telemetry.invocation("request-2"):
        pass
    assert [dimensions for dimensions, *_ in telemetry.metrics()[2:]] == [{"message_type": "none"}]


def test_a_note_is_a_line_with_its_fields():
    telemetry = Recorded()
    with telemetry.invocation("request-1"):
        telemetry.note("started", member_account_id=ACCOUNT, config_rules=2, reasons=["time"], reason="r" * 5000)
    assert telemetry.lines() == [
        {
            "level": "INFO",
            "message": "started",
            "service": "opalite",
            "cold_start": True,
            "function_request_id": "request-1",
            "member_account_id": ACCOUNT,
            "config_rules": 2,
            "reasons": ["time"],
            "reason": "r" * 1000,
        }
    ]
    assert telemetry.sums() == {}


def test_a_note_is_left_out_above_its_level():
    telemetry = Recorded("WARNING")
    with telemetry.invocation("request-1"):
        telemetry.note("started", config_rules=2)
    assert telemetry.lines() == []


def test_a_function_that_config_does_not_invoke_names_its_message_type_itself():
    telemetry = Recorded(usual="Sweep")
    with telemetry.invocation("request-1"):
        pass
    with telemetry.invocation("request-2"):
        telemetry.about(CHANGE)
    with telemetry.invocation("request-3"):
        pass
    assert [dimensions["message_type"] for dimensions, *_ in telemetry.metrics()] == [
        "Sweep",
        "ConfigurationItemChangeNotification",
        "Sweep",
    ]


@pytest.mark.parametrize(("level", "messages"), [("DEBUG", 2), ("INFO", 2), ("WARNING", 1), ("ERROR", 1)])
def test_metrics_are_written_at_every_level(level, messages):
    telemetry = Recorded(level)
    with telemetry.invocation("request-1"):
        telemetry.judged([verdict(DECISION)])
        telemetry.refused(Refusal.EVENT)
    assert (len(telemetry.lines()), len(telemetry.metrics())) == (messages, 4)


def test_each_instance_has_its_own_stream_level_and_keys():
    one, other, third = Recorded("INFO"), Recorded("ERROR"), Recorded("INFO")
    with one.invocation("request-1"), other.invocation("request-2"):
        one.about(CHANGE)
        one.judged([verdict(DECISION)])
        other.judged([verdict(DECISION)])
        other.refused(Refusal.EVENT)
        third.refused(Refusal.RULE)
    assert [(line["message"], line.get("function_request_id"), line.get("config_rule")) for line in one.lines()] == [
        ("decision", "request-1", "OrgConfigRule-opalite")
    ]
    assert [(line["message"], line.get("function_request_id"), line.get("config_rule")) for line in other.lines()] == [
        ("refused", "request-2", None)
    ]
    assert [line["message"] for line in third.lines()] == ["refused"]
    assert (len(one.metrics()), len(other.metrics()), third.metrics()) == (3, 4, [])


def test_lines_are_not_written_a_second_time_by_the_loggers_of_others(caplog):
    caplog.set_level(logging.DEBUG)
    telemetry = Recorded()
    with telemetry.invocation("request-1"):
        telemetry.judged([verdict(DECISION)])
    assert [record for record in caplog.records if record.name.startswith("opalite")] == []
    assert len(telemetry.lines()) == 1


def test_what_powertools_reads_from_the_environment_changes_neither_names_nor_level(monkeypatch):
    for name, value in {
        "POWERTOOLS_SERVICE_NAME": "other",
        "POWERTOOLS_METRICS_NAMESPACE": "Other",
        "POWERTOOLS_LOG_LEVEL": "CRITICAL",
        "POWERTOOLS_METRICS_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    telemetry = Recorded()
    with telemetry.invocation("request-1"):
        telemetry.judged([verdict(DECISION)])
    assert telemetry.lines() == [DECIDED]
    assert len(telemetry.metrics()) == 3


def test_lines_carry_the_id_of_the_trace(monkeypatch):
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
    telemetry = Recorded()
    with telemetry.invocation("request-1"):
        telemetry.judged([verdict(DECISION)])
    assert telemetry.lines() == [{**DECIDED, "xray_trace_id": "1-5759e988-bd862e3fe1be46a994272793"}]


def test_what_an_item_holds_is_never_written():
    telemetry = Recorded("DEBUG")
    with pytest.raises(ValueError), telemetry.invocation("request-1"):
        telemetry.about(CHANGE)
        telemetry.judged([verdict(DECISION)])
        raise ValueError(f"could not read {SECRET}")
    assert SECRET not in telemetry.written.getvalue()


def test_long_ids_and_messages_are_cut():
    telemetry = Recorded()
    long = Decision(**{**as_arguments(DECISION), "resource_id": "i" * 768})
    with telemetry.invocation("request-1"):
        telemetry.judged([verdict(long, faults=[Fault("p", "event", "f" * 5000)])])
        telemetry.unreadable("u" * 5000)
    fault, decision, unreadable = telemetry.lines()
    assert (fault["reason"], decision["resource_id"], unreadable["reason"]) == ("f" * 1000, "i" * 256, "u" * 1000)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS, TEXTS, TEXTS)
def test_each_line_is_one_json_object_whatever_the_ids_are(request, name, message):
    telemetry = Recorded()
    rule = ConfigRule(name, RULE.arn, "aws", "eu-west-1", ACCOUNT, {})
    strange = Decision(**{**as_arguments(DECISION), "resource_id": name})
    with telemetry.invocation(request):
        telemetry.about(Invocation(rule, MessageType.CHANGE, "t", left_scope=False, notified_at=None, item=None))
        telemetry.judged([verdict(strange)])
        telemetry.unreadable(message)
    lines = telemetry.written.getvalue().split("\n")
    assert [isinstance(json.loads(line), dict) for line in lines[:-1]] == [True] * 5
    assert lines[-1] == ""
    assert json.loads(lines[0])["resource_id"] == name[:256]

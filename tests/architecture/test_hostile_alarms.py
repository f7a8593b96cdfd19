"""Alarms and rules of EventBridge against what the functions write, and what they take."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from architecture.cloudformation import ACCOUNT, ROOT, Stack, template
from architecture.test_template import ALL_ON
from opalite.config_rule.telemetry import COUNTS, Telemetry
from opalite.ports import Place
from opalite.remediation.telemetry import COUNTS as OF_REMEDIATION
from opalite.remediation.telemetry import RemediationTelemetry
from opalite.remediation.triggers import Triggers
from opalite.trust import Refusal

EVENTS = ROOT / "tests" / "data" / "events" / "remediation"
POLICY = "aws.ec2.securitygroup.restricted_ingress"
HUB_ON, HUB_OFF = ALL_ON, {**ALL_ON, "SecurityHub": "off"}


def told(stream: io.StringIO) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Namespace, metric and names of dimensions, as CloudWatch takes them from the log."""
    for line in stream.getvalue().splitlines():
        for directive in json.loads(line).get("_aws", {}).get("CloudWatchMetrics", []):
            for dimensions in directive["Dimensions"]:
                for metric in directive["Metrics"]:
                    yield directive["Namespace"], metric["Name"], frozenset(dimensions)


def written() -> set[tuple[str, str, frozenset[str]]]:
    """Whatever the functions may write: every count once, a refusal, and what filters make of logs."""
    stream = io.StringIO()
    of_rules = Telemetry("INFO", stream=stream, counters=dict)
    with of_rules.invocation("1"):
        of_rules.refused(Refusal.PARAMETERS)
        of_rules._counts.update(dict.fromkeys(COUNTS, 1))
    of_remediation = RemediationTelemetry("INFO", stream=stream, counters=dict)
    with of_remediation.invocation("2"):
        of_remediation._own.update(dict.fromkeys(OF_REMEDIATION, 1))
    filters = Stack(template("template.yaml"), ALL_ON).of("AWS::Logs::MetricFilter").values()
    made = [one for each in filters for one in each["MetricTransformations"]]
    return {*told(stream), *((one["MetricNamespace"], one["MetricName"], frozenset()) for one in made)}


def watched() -> Iterator[tuple[str, str, frozenset[str]]]:
    for alarm in Stack(template("template.yaml"), ALL_ON).of("AWS::CloudWatch::Alarm").values():
        metrics = [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", ()) if "MetricStat" in one]
        for metric in metrics or [alarm]:
            yield (
                metric["Namespace"],
                metric["MetricName"],
                frozenset(one["Name"] for one in metric.get("Dimensions", ())),
            )


def test_alarms_on_our_own_metrics_look_at_what_is_written():
    ours = {one for one in watched() if one[0] == "Opalite"}
    assert len(ours) == 6
    assert ours - written() == set()


def test_the_share_of_undetermined_is_told_even_if_nothing_else_is_decided():
    """A count of 0 is not written, so both halves of the division have to be filled."""
    alarms = Stack(template("template.yaml"), ALL_ON).of("AWS::CloudWatch::Alarm")
    [rate] = [one["Expression"] for one in alarms["UndeterminedRate"]["Metrics"] if "Expression" in one]
    bare = rate.replace("FILL(undetermined, 0)", "").replace("FILL(evaluations, 0)", "")
    assert [name for name in ("undetermined", "evaluations") if name in bare] == []


def matches(pattern: Any, value: Any) -> bool:
    """As much of EventBridge's patterns as the rules use."""
    if isinstance(pattern, Mapping):
        if isinstance(value, list):
            return any(matches(pattern, one) for one in value)
        return isinstance(value, Mapping) and all(matches(one, value.get(name)) for name, one in pattern.items())
    values = value if isinstance(value, list) else [value]
    return any(_is(one, got) for one in pattern for got in values)


def _is(wanted: Any, got: Any) -> bool:
    if isinstance(wanted, Mapping):
        [(operator, text)] = wanted.items()
        assert operator == "prefix"
        return isinstance(got, str) and got.startswith(text)
    return bool(wanted == got)


def patterns(parameters: Mapping[str, str]) -> dict[str, Any]:
    found = Stack(template("template.yaml"), parameters).of("AWS::Events::Rule")
    return {name: one["EventPattern"] for name, one in found.items() if "EventPattern" in one}


@pytest.mark.parametrize(
    ("sample", "parameters", "rule"),
    [
        ("finding_imported", HUB_ON, "FindingsRule"),
        ("custom_action", HUB_ON, "CustomActionRule"),
        ("compliance_change", HUB_OFF, "ComplianceRule"),
    ],
)
def test_each_event_that_the_function_takes_is_let_through_by_one_rule(sample, parameters, rule):
    event = json.loads((EVENTS / f"{sample}.json").read_text())
    assert [name for name, one in patterns(parameters).items() if matches(one, event)] == [rule]
    seen = Triggers(Place("aws", ACCOUNT, "eu-west-1"), lambda _: [POLICY]).event(event)
    assert len(seen.requests) > 0


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("Compliance", {"Status": "PASSED"}),
        ("Workflow", {"Status": "SUPPRESSED"}),
        ("RecordState", "ARCHIVED"),
        ("GeneratorId", "prowler-1"),
    ],
)
def test_of_findings_only_those_are_let_through_that_somebody_has_to_see_to(member, value):
    event = json.loads((EVENTS / "finding_imported.json").read_text())
    for finding in event["detail"]["findings"]:
        finding[member] = value
    assert [name for name, one in patterns(HUB_ON).items() if matches(one, event)] == []

"""What CloudWatch tells of a load balancer, and what it leaves open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from opalite.errors import AwsError
from opalite.ports import Denied
from opalite.remediation.reading.traffic import time_of, traffic

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
MADE = datetime(2025, 1, 2, 3, tzinfo=UTC)
ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/shop/50dc6c495c0c9188"
DAY = datetime(2026, 11, 29, tzinfo=UTC)


class CloudWatch:
    def __init__(self, *pages):
        self.asked = []
        self._pages = pages

    def __call__(self, service):
        assert service == "cloudwatch"
        return self

    def pages(self, operation, **parameters):
        self.asked.append((operation, parameters))
        for page in self._pages:
            if isinstance(page, Exception):
                raise page
            yield {"MetricDataResults": page}


def result(index, days, status="Complete"):
    return {
        "Id": f"m{index}", "StatusCode": status, "Timestamps": list(days), "Values": list(days.values()),
    }  # fmt: skip


def test_days_with_traffic_and_days_of_which_something_is_known():
    cloudwatch = CloudWatch(
        [result(0, {DAY: 0.0}, "PartialData"), result(1, {DAY: 0.0})],
        [result(0, {DAY - timedelta(days=1): 0.0}), result(2, {DAY - timedelta(days=1): 3.0})],
    )
    assert traffic(cloudwatch, "network", ARN, MADE, NOW) == {
        "created": "2025-01-02", "busy": ["2026-11-28"], "told": ["2026-11-28", "2026-11-29"],
    }  # fmt: skip
    ((operation, parameters),) = cloudwatch.asked
    assert (operation, parameters["StartTime"]) == ("GetMetricData", datetime(2026, 9, 1, tzinfo=UTC))
    metrics = [query["MetricStat"]["Metric"] for query in parameters["MetricDataQueries"]]
    assert {metric["Dimensions"][0]["Value"] for metric in metrics} == {"net/shop/50dc6c495c0c9188"}


def test_of_a_classic_one_nothing_is_ever_certain():
    assert traffic(CloudWatch([]), "classic", "legacy", MADE, NOW)["told"] is None


@pytest.mark.parametrize(
    ("kind", "now", "page"),
    [("unheard-of", NOW, []), ("network", None, []), ("network", NOW, Denied("cloudwatch:GetMetricData is denied"))],
)
def test_what_keeps_it_from_being_known_is_said(kind, now, page):
    assert list(traffic(CloudWatch(page), kind, ARN, MADE, now)) == ["problem"]


@pytest.mark.parametrize("status", ["PartialData", "InternalError", "Forbidden"])
def test_data_that_stay_incomplete_are_a_failure(status):
    with pytest.raises(AwsError, match=status):
        traffic(CloudWatch([result(0, {DAY: 0.0}, status)]), "network", ARN, MADE, NOW)


def test_aws_says_what_time_it_is():
    told = {"ResponseMetadata": {"HTTPHeaders": {"date": "Mon, 30 Nov 2026 12:00:00 GMT"}}}
    assert time_of(told) == NOW
    assert [time_of(answer) for answer in ({}, {"ResponseMetadata": {"HTTPHeaders": {"date": "noon"}}})] == [None, None]

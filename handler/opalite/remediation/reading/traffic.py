"""What has gone through a load balancer, day by day, as CloudWatch counted it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from opalite.errors import AwsError
from opalite.model import JsonObject
from opalite.ports import Denied, Service
from opalite.remediation.action import Ask

MOST_DAYS = 90  # that can be asked for by a setting
_DAY = timedelta(days=1)


class _Metrics(NamedTuple):
    """`counts`: each is 0, or not reported, while nobody uses it. `beat`: reported as long as the load balancer is there."""

    namespace: str
    dimension: str
    counts: tuple[str, ...]
    beat: str | None


# A load balancer without targets answers by itself, so that RequestCount alone says nothing: connections do.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html, …/network/… and
# …/gateway/cloudwatch-metrics.html say which are always reported; for classic ones, …/classic/elb-cloudwatch-metrics.html, none is.
_METRICS = {
    "application": _Metrics(
        "AWS/ApplicationELB",
        "LoadBalancer",
        ("ActiveConnectionCount", "NewConnectionCount", "ProcessedBytes", "RequestCount"),
        "ConsumedLCUs",
    ),
    "network": _Metrics(
        "AWS/NetworkELB", "LoadBalancer", ("ActiveFlowCount", "NewFlowCount", "ProcessedBytes"), "ActiveFlowCount"
    ),
    "gateway": _Metrics(
        "AWS/GatewayELB", "LoadBalancer", ("ActiveFlowCount", "NewFlowCount", "ProcessedBytes"), "ConsumedLCUs"
    ),
    "classic": _Metrics(
        "AWS/ELB",
        "LoadBalancerName",
        ("EstimatedALBNewConnectionCount", "EstimatedProcessedBytes", "HTTPCode_ELB_5XX", "RequestCount"),
        None,
    ),
}


def traffic(ask: Ask, kind: str, balancer: str, created_at: datetime, now: datetime | None) -> JsonObject:
    """`busy`: days with traffic; `told`: days of which CloudWatch said something for sure. `problem` if nothing is known."""
    metrics = _METRICS.get(kind)
    if metrics is None:
        return {"problem": f"what goes through load balancers of kind {kind} is not known"}
    if now is None:
        return {"problem": "AWS did not say what time it is"}
    try:
        counted = _counted(ask("cloudwatch"), metrics, balancer.partition(":loadbalancer/")[2] or balancer, now)
    except Denied as denied:
        return {"problem": str(denied)}
    busy = {day for metric in metrics.counts for day, value in counted.get(metric, {}).items() if value != 0}
    return {
        "created": _date(created_at),
        "busy": sorted(busy),
        "told": None if metrics.beat is None else sorted(counted.get(metrics.beat, {})),
    }


def time_of(answer: Mapping[str, Any]) -> datetime | None:
    """By AWS's clock: each of its answers tells the time, and a reading has no clock of its own."""
    headers = (answer.get("ResponseMetadata") or {}).get("HTTPHeaders") or {}
    try:
        return parsedate_to_datetime(str(headers.get("date"))).astimezone(UTC)
    except ValueError:
        return None


def _counted(cloudwatch: Service, metrics: _Metrics, balancer: str, now: datetime) -> dict[str, dict[str, float]]:
    """By metric and day."""
    names = list(dict.fromkeys((*metrics.counts, *([metrics.beat] if metrics.beat else ()))))
    queries = [_query(f"m{index}", metrics, balancer, metric) for index, metric in enumerate(names)]
    counted: dict[str, dict[str, float]] = {}
    status: dict[str, str] = {}
    start = _midnight(now) - MOST_DAYS * _DAY
    for page in cloudwatch.pages("GetMetricData", StartTime=start, EndTime=now, MetricDataQueries=queries):
        for result in page["MetricDataResults"]:
            status[result["Id"]] = result.get("StatusCode", "Complete")
            days = counted.setdefault(names[int(result["Id"][1:])], {})
            for day, value in zip(result["Timestamps"], result["Values"], strict=True):
                days[_date(day)] = days.get(_date(day), 0.0) + value
    # Partial data are completed by the pages that follow; what is still partial after the last may lack the traffic.
    for code in status.values():
        if code != "Complete":
            raise AwsError(f"cloudwatch:GetMetricData: {code}")
    return counted


def _query(query_id: str, metrics: _Metrics, balancer: str, metric: str) -> JsonObject:
    dimensions = [{"Name": metrics.dimension, "Value": balancer}]
    return {
        "Id": query_id,
        "MetricStat": {
            "Metric": {"Namespace": metrics.namespace, "MetricName": metric, "Dimensions": dimensions},
            "Period": int(_DAY.total_seconds()),
            "Stat": "Sum",
        },
    }


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _date(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()

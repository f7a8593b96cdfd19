"""Since when a load balancer has had no target: what CloudWatch has counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from opalite.adapters.aws.cache import Now
from opalite.errors import AwsError
from opalite.ports import Answer, Denied, Place, Service, Sessions

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html: data of an hour or more are kept for 455
# days. An idle load balancer counts nothing, so how long it has been idle is known only if its last hosts are within.
WINDOW_DAYS = 455
_DAY = timedelta(days=1)
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html: 500 queries and 100,800 data points.
_QUERIES_PER_CALL = 200
_COUNTS = ("HealthyHostCount", "UnHealthyHostCount")


class Hosts(NamedTuple):
    """By which names CloudWatch counts the hosts of a load balancer."""

    namespace: str
    balancer: str
    groups: tuple[str, ...] | None  # None: a classic one, whose hosts are its own


class _Metric(NamedTuple):
    namespace: str
    dimensions: tuple[tuple[str, str], ...]


class HostCounts:
    """Days on which there were hosts."""

    def __init__(self, sessions: Sessions, now: Now) -> None:
        self._sessions = sessions
        self._now = now

    def idle_since(self, place: Place, balancers: Mapping[str, Hosts]) -> dict[str, Answer]:
        """`idle_since` and `idle_at_least_since` by load balancer, each RFC 3339 or null, or why neither is known."""
        now = self._now().astimezone(UTC)
        days: dict[str, dict[datetime, float]] = {key: {} for key in balancers}
        try:
            metrics = [(key, metric) for key, hosts in balancers.items() for metric in self._metrics(place, hosts)]
            for key, day, count in self._counted(place, metrics, now):
                days[key][day] = max(count, days[key].get(day, 0.0))
        except Denied as denied:
            return dict.fromkeys(balancers, Answer(None, f"since when it is idle is not known: {denied}", refused=True))
        return {key: _since(counts, now) for key, counts in days.items()}

    def _metrics(self, place: Place, hosts: Hosts) -> list[_Metric]:
        if hosts.groups is None:
            return [_Metric(hosts.namespace, (("LoadBalancerName", hosts.balancer),))]
        groups = dict.fromkeys([*hosts.groups, *self._lately(place, hosts)])
        return [
            _Metric(hosts.namespace, (("LoadBalancer", hosts.balancer), ("TargetGroup", group))) for group in groups
        ]

    def _lately(self, place: Place, hosts: Hosts) -> list[str]:
        """The target groups of the last two weeks: one that was taken away since may have had hosts."""
        wanted = [{"Name": "LoadBalancer", "Value": hosts.balancer}]
        pages = self._service(place).pages(
            "ListMetrics", Namespace=hosts.namespace, MetricName=_COUNTS[0], Dimensions=wanted
        )
        return [
            dimension["Value"]
            for page in pages
            for metric in page["Metrics"]
            for dimension in metric["Dimensions"]
            if dimension["Name"] == "TargetGroup"
        ]

    def _counted(
        self, place: Place, metrics: Sequence[tuple[str, _Metric]], now: datetime
    ) -> Iterator[tuple[str, datetime, float]]:
        """Load balancer, day, and the most hosts at a time on it, in no order."""
        wanted = [(key, metric, name) for key, metric in metrics for name in _COUNTS]
        start = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=WINDOW_DAYS)
        for first in range(0, len(wanted), _QUERIES_PER_CALL):
            chunk = wanted[first : first + _QUERIES_PER_CALL]
            status: dict[str, str] = {}
            queries = [_query(f"m{index}", metric, name) for index, (_, metric, name) in enumerate(chunk)]
            for page in self._service(place).pages(
                "GetMetricData", StartTime=start, EndTime=now, MetricDataQueries=queries
            ):
                for result in page["MetricDataResults"]:
                    status[result["Id"]] = result.get("StatusCode", "Complete")
                    key = chunk[int(result["Id"][1:])][0]
                    for day, hosts in zip(result["Timestamps"], result["Values"], strict=True):
                        yield key, day.astimezone(UTC), hosts
            # Partial data are completed by the pages that follow; what is still partial after the last may lack the last hosts.
            for code in status.values():
                if code != "Complete":
                    raise AwsError(f"cloudwatch:GetMetricData in account {place.account_id}, {place.region}: {code}")

    def _service(self, place: Place) -> Service:
        return self._sessions.service("cloudwatch", place.account_id, place.region)


def _since(counts: Mapping[datetime, float], now: datetime) -> Answer:
    if not counts:
        return Answer(None, f"CloudWatch has counted no hosts, and no lack of any, for {WINDOW_DAYS} days")
    busy = [day for day, hosts in counts.items() if hosts > 0]
    if busy:
        return Answer({"idle_since": _text(min(max(busy) + _DAY, now)), "idle_at_least_since": None})
    # Before the first count there may have been hosts, or nothing to count: an empty target group may be new itself.
    return Answer({"idle_since": None, "idle_at_least_since": _text(min(min(counts) + _DAY, now))})


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


def _query(query_id: str, metric: _Metric, name: str) -> dict[str, Any]:
    dimensions = [{"Name": key, "Value": value} for key, value in metric.dimensions]
    return {
        "Id": query_id,
        "MetricStat": {
            "Metric": {"Namespace": metric.namespace, "MetricName": name, "Dimensions": dimensions},
            "Period": int(_DAY.total_seconds()),
            "Stat": "Maximum",
        },
    }

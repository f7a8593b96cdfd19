"""Logs and metrics of the function: ids and counts, never what items hold.

Logs are one JSON object per line. Metrics go into the same log in CloudWatch's embedded metric format, which costs no call:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from opalite.errors import OpaliteError
from opalite.model import Outcome

if TYPE_CHECKING:
    from opalite.config_rule.judging import Verdict
    from opalite.event import Invocation
    from opalite.model import Decision
    from opalite.trust import Refusal

NAMESPACE = "Opalite"
SERVICE = "opalite"
_KEYS = ("function_request_id", "cold_start", "config_rule", "account_id", "message_type")  # of one invocation
_LONGEST_MESSAGE = 1000
_LONGEST_ID = 256  # of a resource; ARNs of load balancers have some 130 characters

# Metrics without further dimensions, one value each per invocation; zeros are left out, so that each function writes what
# concerns it. docs/lambda.md says what they mean.
COUNTS = (
    "Refused", "Evaluations", "Undetermined", "WithoutPolicy", "Unreadable", "Faults", "Failures",
    "CacheHits", "CacheMisses", "ApiCalls", "ApiRetries", "RulesStarted", "RulesBusy", "AccountsFailed",
)  # fmt: skip


class _OwnLogger(Logger):
    """powertools gives all loggers of a service one stream and one level, those of the first; this one has its own."""

    def _get_logger(self) -> logging.Logger:
        return logging.Logger(self.service)  # noqa: LOG001 - not among those that logging keeps by name


class Telemetry:
    """`counters`: what has been counted since the start by others (calls, retries, cache hits), by the name of its metric.

    `usual`: the message type of invocations that `about` says nothing of.
    """

    def __init__(
        self,
        level: str,
        *,
        counters: Callable[[], Mapping[str, int]] = dict,
        usual: str = "none",
        stream: IO[str] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._stream = stream or sys.stdout
        self._log = _OwnLogger(
            service=SERVICE, level=level, stream=self._stream, location=None, use_rfc3339=True, utc=True, log_uncaught_exceptions=False
        )  # fmt: skip
        self._counters = counters
        self._clock = clock
        self._counts: Counter[str] = Counter()
        self._decisions: Counter[tuple[str, str]] = Counter()
        self._refusals: Counter[str] = Counter()
        self._usual = self._type = usual
        self._is_cold = True

    @contextmanager
    def invocation(self, request_id: str) -> Iterator[None]:
        """Everything in the block belongs to one invocation; its end writes the metrics, whatever has happened."""
        began, before = self._clock(), dict(self._counters())
        self._counts.clear()
        self._decisions.clear()
        self._refusals.clear()
        self._type = self._usual
        self._log.append_keys(function_request_id=request_id, cold_start=self._is_cold)
        try:
            yield
        except OpaliteError as error:
            self._failed(type(error).__name__, str(error))
            raise
        except Exception as error:  # a fault of ours: told by its kind, since its words may hold parts of an item
            self._failed(type(error).__name__, "a fault in Opalite; the trace below shows where")
            raise
        finally:
            after = self._counters()
            self._counts.update({name: after[name] - before.get(name, 0) for name in after})
            self._log.remove_keys(_KEYS)
            self._is_cold = False
            self._write_metrics((self._clock() - began) * 1000)

    def about(self, invocation: Invocation) -> None:
        """What all further lines of the invocation name."""
        self._type = str(invocation.message_type)
        self._log.append_keys(
            config_rule=invocation.rule.name, account_id=invocation.rule.account_id, message_type=self._type
        )

    def note(self, name: str, **fields: Any) -> None:
        """Something worth a line. Fields are ids, counts and our own words."""
        cut: dict[str, Any] = {
            key: value[:_LONGEST_MESSAGE] if isinstance(value, str) else value for key, value in fields.items()
        }
        self._log.info(name, **cut)

    def refused(self, refusal: Refusal) -> None:
        """Somebody asked for what he may not have."""
        self._counts["Refused"] += 1
        self._refusals[str(refusal)] += 1
        self._log.error("refused", reason=str(refusal))

    def unreadable(self, message: str) -> None:
        """An item among others that cannot be judged."""
        self._counts["Unreadable"] += 1
        self._log.error("unreadable", reason=message[:_LONGEST_MESSAGE])

    def judged(self, verdicts: Sequence[Verdict]) -> None:
        """A line for each decision, found again by the id that the annotation ends with."""
        for verdict in verdicts:
            self._counts["WithoutPolicy"] += not verdict.spoken_of
            self._counts["Evaluations"] += verdict.evaluation is not None
            self._counts["Faults"] += len(verdict.faults)
            for fault in verdict.faults:
                self._log.error("fault", policy_id=fault.policy_id, reason=fault.message[:_LONGEST_MESSAGE])
            for decision in verdict.decisions:
                self._decided(decision)

    def _decided(self, decision: Decision) -> None:
        self._decisions[decision.policy_id, str(decision.outcome)] += 1
        self._counts["Undetermined"] += decision.outcome is Outcome.UNDETERMINED
        self._log.info(
            "decision",
            decision_id=decision.decision_id,
            policy_id=decision.policy_id,
            outcome=str(decision.outcome),
            compliance_type=decision.compliance_type,
            stage=decision.stage,
            resource_type=decision.resource_type,
            resource_id=decision.resource_id[:_LONGEST_ID],
            resource_account_id=decision.account_id,
            resource_region=decision.region,
            bundle_revision=decision.bundle_revision,
        )

    def _failed(self, kind: str, message: str) -> None:
        self._counts["Failures"] += 1
        self._log.error("failed", error=kind, reason=message[:_LONGEST_MESSAGE])

    def _write_metrics(self, milliseconds: float) -> None:
        self._write({}, {name: (MetricUnit.Count, self._counts[name]) for name in COUNTS if self._counts[name]})
        self._write({"message_type": self._type}, {"Duration": (MetricUnit.Milliseconds, milliseconds)})
        for reason, count in self._refusals.items():
            self._write({"reason": reason}, {"RefusedBy": (MetricUnit.Count, count)})
        for (policy_id, outcome), count in self._decisions.items():
            self._write({"policy_id": policy_id, "outcome": outcome}, {"Decisions": (MetricUnit.Count, count)})

    def _write(self, dimensions: Mapping[str, str], values: Mapping[str, tuple[Any, float]]) -> None:
        if not values:  # which the format does not allow
            return
        metrics = EphemeralMetrics(namespace=NAMESPACE, service=SERVICE)
        for name, value in dimensions.items():
            metrics.add_dimension(name, value)
        for name, (unit, number) in values.items():
            metrics.add_metric(name, unit, number)
        self._stream.write(json.dumps(metrics.serialize_metric_set(), separators=(",", ":")) + "\n")
        self._stream.flush()

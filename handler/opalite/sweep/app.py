"""Entry point and composition root of the sweep: `opalite.sweep.app.lambda_handler`, a function of its own, for a schedule.

Only AWS Config may invoke the function of the rules, and only EventBridge this one; it needs the layer for the catalog and the
exemptions, but asks no OPA.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Any

from opalite import environment
from opalite.adapters.aws.active_findings import ActiveFindings
from opalite.adapters.aws.config_results import ConfigResults
from opalite.adapters.aws.functions import Functions
from opalite.adapters.aws.members import Members
from opalite.adapters.aws.sessions import AwsSessions
from opalite.catalog import Catalog
from opalite.composition import member_sessions, now, outputs
from opalite.config_rule.parts import Context, Remaining
from opalite.config_rule.telemetry import Telemetry
from opalite.engine import layer
from opalite.environment import Environment
from opalite.errors import AwsError, InvocationError, UsageError
from opalite.normalize.values import timestamp
from opalite.ports import Place
from opalite.sweep import event as events
from opalite.sweep.at_once import HAND_ON_SECONDS
from opalite.sweep.due import Judged, Window
from opalite.sweep.event import Sweep
from opalite.sweep.findings import Asked, Findings
from opalite.sweep.rest import hand_on
from opalite.sweep.walk import Walk, Walked

_ARN = re.compile(r"arn:(aws[a-z-]*):lambda:([a-z0-9-]+):([0-9]{12}):function:.+")


def lambda_handler(event: Any, context: Context) -> dict[str, Any]:
    """One sweep, or the rest of one."""
    return _sweeper().handle(event, context)


class Sweeper:
    """What a sweep needs between invocations."""

    def __init__(self, environ: Mapping[str, str], *, sleep: Callable[[float], None] = time.sleep) -> None:
        own = environment.read(environ)
        if own.function_arn is None:
            raise UsageError("OPALITE_FUNCTION_ARN: is not set; it says which Config rules are ours")
        self._function_arn = own.function_arn
        self._own: Environment = own
        self._layer = layer.read(own.layer)
        self._catalog = Catalog(self._layer.catalog)
        self._sessions: AwsSessions = member_sessions(own)
        self._functions = Functions(self._sessions)
        entries = self._layer.catalog["policies"]
        self._outputs = outputs(replace(own, topic_arn=None), self._sessions, entries) if own.security_hub else None
        self._sleep = sleep
        self._remaining = Remaining()
        self._done: Counter[str] = Counter()  # since the start, by the name of its metric
        self._telemetry = Telemetry(own.log_level, counters=self._counters, usual="Sweep")

    def handle(self, event: Any, context: Context) -> dict[str, Any]:
        """What was done. Raises DeliveryError for accounts that failed too often, AwsError for what tells nothing at all."""
        self._remaining.begin(context)
        with self._telemetry.invocation(context.aws_request_id):
            sweep = events.parse(event)
            window = sweep.window(self._own.sweep_hours)
            home = self._home(context)
            self._sessions.renew()
            # Who goes on is told what has been found here: by then the function may have been changed once more.
            if sweep.rules:
                sweep = replace(sweep, everything=sweep.everything or self._changed(home, window))
            accounts = sweep.accounts if sweep.accounts is not None else self._accounts(home)
            findings = self._findings(sweep)
            walk = Walk(
                ConfigResults(self._sessions),
                self._judged(home, window, everything=sweep.everything),
                remaining=self._remaining,
                sleep=self._sleep,
                report=self._telemetry.note,
                findings=findings,
                with_rules=sweep.rules,
            )
            walked = walk.walk([home._replace(account_id=account) for account in accounts])
            done = self._told(walked, with_findings=findings is not None)
            send = partial(self._functions.invoke, home, context.invoked_function_arn)
            hand_on(sweep.of_findings(), walked.unseen, walked.unended, send)
            hand_on(sweep, walked.unreached, walked.failed, send)
            return done

    def _findings(self, sweep: Sweep) -> Findings | None:
        """After a change of the layer, or where it is asked for; only if there are findings."""
        if self._outputs is None or not (sweep.everything or sweep.findings):
            return None
        return Findings(
            ActiveFindings(self._sessions, sleep=self._sleep),
            self._outputs,
            Asked(self._catalog, self._layer.catalog["policies"]),
            at=sweep.at,
            deadline=lambda: self._remaining() - HAND_ON_SECONDS,
        )

    def _home(self, context: Context) -> Place:
        parts = _ARN.fullmatch(context.invoked_function_arn)
        if parts is None:
            raise InvocationError("the function's own ARN does not tell its account")
        beside = _ARN.fullmatch(self._function_arn)
        if beside is None or beside.groups() != parts.groups():
            raise UsageError(
                f"OPALITE_FUNCTION_ARN: {self._function_arn} is not in account {parts[3]}, {parts[2]}, as the sweep is"
            )
        self._sessions.known_as(parts[3], parts[1])
        return Place(parts[1], parts[3], parts[2])

    def _accounts(self, home: Place) -> tuple[str, ...]:
        if self._own.accounts is not None:
            return tuple(sorted(self._own.accounts | {home.account_id}))
        members = set(Members(self._sessions, now).all()) - self._own.excluded_accounts
        return tuple(sorted(members | {home.account_id}))

    def _changed(self, home: Place, window: Window) -> bool:
        """Policies and settings lie in the layer, and another layer is a change of the function."""
        told = self._functions.changed_at(home, self._function_arn)
        moment = timestamp(told)
        if moment is None:
            raise AwsError(f"{self._function_arn}: when it was changed cannot be read: {told[:50]!r}")
        return window.has(moment)

    def _judged(self, home: Place, window: Window, *, everything: bool) -> Judged:
        return Judged(
            function_arn=self._function_arn,
            listed=self._own.rules,
            own_account=home.account_id,
            catalog=self._catalog,
            exemptions=self._layer.exemptions,
            window=window,
            everything=everything,
        )

    def _told(self, walked: Walked, *, with_findings: bool) -> dict[str, Any]:
        """The same for the log, for the metrics and for whoever calls by hand."""
        busy = sum(len(names) for names in walked.busy.values())
        failed = walked.failed.keys() | walked.unended.keys()
        counts = {"RulesStarted": walked.started, "RulesBusy": busy, "AccountsFailed": len(failed)}
        self._done.update(counts)
        done: dict[str, Any] = {
            "accounts": walked.accounts,
            "rules": walked.rules,
            "started": walked.started,
            "busy": busy,
            "failed": sorted(walked.failed),
            "unreached": len(walked.unreached),
        }
        if with_findings:
            done |= {"ended": walked.ended, "unended": sorted(walked.unended), "unseen": len(walked.unseen)}
        counted = {name: len(value) if isinstance(value, list) else value for name, value in done.items()}
        self._telemetry.note("swept", **counted)
        return done

    def _counters(self) -> dict[str, int]:
        calls, retries = self._sessions.calls.counts(), self._sessions.calls.retries()
        return {**self._done, "ApiCalls": sum(calls.values()), "ApiRetries": sum(retries.values())}


@cache
def _sweeper() -> Sweeper:
    return Sweeper(os.environ)


if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    _sweeper()

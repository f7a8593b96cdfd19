"""Entry point and composition root of the sweep: `opalite.sweep.app.lambda_handler`, a function of its own, for a schedule.

Only AWS Config may invoke the function of the rules, and only EventBridge this one; it needs the layer for the catalog and the
exemptions, but asks no OPA.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from opalite import environment
from opalite.adapters.aws.config_results import ConfigResults
from opalite.adapters.aws.functions import Functions
from opalite.adapters.aws.members import Members
from opalite.adapters.aws.sessions import AwsSessions
from opalite.catalog import Catalog
from opalite.composition import member_sessions, now
from opalite.config_rule.parts import Context, Remaining
from opalite.config_rule.telemetry import Telemetry
from opalite.engine import layer
from opalite.environment import Environment
from opalite.errors import InvocationError, UsageError
from opalite.normalize.values import timestamp
from opalite.ports import Place
from opalite.sweep import event as events
from opalite.sweep.due import Judged, Window
from opalite.sweep.walk import Walk, hand_on

_ARN = re.compile(r"arn:(aws[a-z-]*):lambda:([a-z0-9-]+):([0-9]{12}):function:.+")
_ZONE = re.compile(r"([+-][0-9]{2})([0-9]{2})$")  # Lambda writes +0000, Python 3.11 reads it, RFC 3339 has +00:00


def lambda_handler(event: Any, context: Context) -> dict[str, Any]:
    """One sweep, or the rest of one."""
    return _sweeper().handle(event, context)


class Sweeper:
    """What a sweep needs between invocations."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        own = environment.read(environ)
        if own.function_arn is None:
            raise UsageError("OPALITE_FUNCTION_ARN: is not set; it says which Config rules are ours")
        self._function_arn = own.function_arn
        self._own: Environment = own
        self._layer = layer.read(own.layer)
        self._catalog = Catalog(self._layer.catalog)
        self._sessions: AwsSessions = member_sessions(own)
        self._remaining = Remaining()
        self._telemetry = Telemetry(own.log_level)

    def handle(self, event: Any, context: Context) -> dict[str, Any]:
        """What was done. Raises DeliveryError for accounts that failed too often, AwsError for what tells nothing at all."""
        self._remaining.begin(context)
        with self._telemetry.invocation(context.aws_request_id):
            sweep = events.parse(event)
            home = self._home(context)
            self._sessions.renew()
            accounts = sweep.accounts if sweep.accounts is not None else self._accounts(home)
            functions = Functions(self._sessions)
            window = sweep.window(self._own.sweep_hours)
            judged = Judged(
                self._catalog,
                self._layer.exemptions,
                self._function_arn,
                everything=sweep.everything or self._changed(functions, home, window),
            )
            walk = Walk(
                ConfigResults(self._sessions), window, judged, remaining=self._remaining, report=self._telemetry.note
            )
            walked = walk.walk([home._replace(account_id=account) for account in accounts])
            for account, why in sorted(walked.failed.items()):
                self._telemetry.note("account failed", member_account_id=account, reason=why)
            hand_on(sweep, walked, partial(functions.invoke, home, context.invoked_function_arn))
            return {
                "accounts": walked.accounts,
                "started": walked.started,
                "busy": walked.busy,
                "failed": sorted(walked.failed),
                "unreached": len(walked.unreached),
            }

    def _home(self, context: Context) -> Place:
        parts = _ARN.fullmatch(context.invoked_function_arn)
        if parts is None:
            raise InvocationError("the function's own ARN does not tell its account")
        self._sessions.known_as(parts[3], parts[1])
        return Place(parts[1], parts[3], parts[2])

    def _accounts(self, home: Place) -> tuple[str, ...]:
        if self._own.accounts is not None:
            return tuple(sorted(self._own.accounts | {home.account_id}))
        return tuple(sorted({*Members(self._sessions, now).all(), home.account_id}))

    def _changed(self, functions: Functions, home: Place, window: Window) -> bool:
        """Policies and settings lie in the layer, and another layer is a change of the function."""
        return window.has(timestamp(_ZONE.sub(r"\1:\2", functions.changed_at(home, self._function_arn))))


@cache
def _sweeper() -> Sweeper:
    return Sweeper(os.environ)


if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    _sweeper()

"""The function's entry point and composition root: `opalite.app.lambda_handler` is what AWS Config's rules invoke.

Everything that takes time is made while Lambda starts the sandbox, beside OPA, which the extension starts; nothing is asked of AWS.
"""

from __future__ import annotations

import gc
import os
import random
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

_IN_LAMBDA = "AWS_LAMBDA_RUNTIME_API" in os.environ
if _IN_LAMBDA:  # what is imported stays: looking through it again and again takes a fifth of the start
    gc.disable()

from opalite import environment
from opalite.adapters.aws.config_items import ConfigItems
from opalite.adapters.aws.config_results import ConfigResults
from opalite.adapters.aws.delivery_bucket import DeliveryBucket
from opalite.adapters.aws.evaluations import Evaluations
from opalite.adapters.aws.members import Members
from opalite.adapters.aws.sessions import AwsSessions
from opalite.catalog import Catalog
from opalite.composition import member_sessions, now, outputs
from opalite.config_rule.function import Function
from opalite.config_rule.parts import Context, Parts, Remaining
from opalite.config_rule.telemetry import Telemetry
from opalite.engine import layer
from opalite.engine.extension import ExtensionOpa
from opalite.environment import Environment
from opalite.facts.live import KINDS, LiveFacts


def lambda_handler(event: Any, context: Context) -> dict[str, Any]:
    """One invocation by AWS Config; see config_rule.function."""
    return _function().handle(event, context)


def parts(environ: Mapping[str, str]) -> Parts:
    """What the function is made of. Raises UsageError for what in it, or in the layer, is not as it must be."""
    own = environment.read(environ)
    contents = layer.read(own.layer)
    remaining = Remaining()
    sessions = member_sessions(own)
    for service in ("config", "sts"):  # of these the first event has need
        sessions.prepare(service, own.region)
    facts = LiveFacts(sessions, now)
    return Parts(
        environment=own,
        catalog=Catalog(contents.catalog),
        engine=ExtensionOpa(
            own.socket, version=contents.opa_version, revision=contents.bundle_revision, remaining=remaining
        ),
        facts=facts,
        kinds=KINDS,
        items=ConfigItems(sessions),
        results=ConfigResults(sessions),
        delivery=Evaluations(sessions, sleep=time.sleep, jitter=random.random),
        oversized=_oversized(own, sessions),
        members=Members(sessions, now),
        outputs=outputs(own, sessions, contents.catalog["policies"]),
        telemetry=Telemetry(own.log_level, counters=lambda: _counters(sessions, facts)),
        remaining=remaining,
        renew=lambda: _renew(sessions, facts),
        known_as=sessions.known_as,
    )


def _oversized(own: Environment, sessions: AwsSessions) -> DeliveryBucket | None:
    if own.delivery_bucket is None:
        return None
    return DeliveryBucket(sessions, bucket=own.delivery_bucket, prefix=own.delivery_prefix, owner=own.delivery_owner)


def _counters(sessions: AwsSessions, facts: LiveFacts) -> dict[str, int]:
    hits, misses = facts.counts()
    return {
        "CacheHits": hits,
        "CacheMisses": misses,
        "ApiCalls": sum(sessions.calls.counts().values()),
        "ApiRetries": sum(sessions.calls.retries().values()),
    }


def _renew(sessions: AwsSessions, facts: LiveFacts) -> None:
    sessions.renew()
    facts.renew()


@cache
def _function() -> Function:
    return Function(parts(os.environ))


if _IN_LAMBDA:  # the start of a sandbox has more CPU than the first event, which waits for it
    _function()
    gc.freeze()
    gc.enable()

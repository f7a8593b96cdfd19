"""Entry point of the remediation function: `opalite.remediation.app.lambda_handler`, a function of its own, in the same account.

It runs with the same layer as the Config rules' function, whose OPA answers for the guard and for the policies.
"""
# ruff: noqa: E402 - no garbage is collected while the rest is imported

from __future__ import annotations

import gc
import os
from functools import cache
from typing import Any

_IN_LAMBDA = "AWS_LAMBDA_RUNTIME_API" in os.environ
if _IN_LAMBDA:  # what is imported stays: looking through it again and again takes a fifth of the start
    gc.disable()

from opalite.config_rule.parts import Context
from opalite.remediation.composition import parts
from opalite.remediation.function import Function


def lambda_handler(event: Any, context: Context) -> dict[str, Any]:
    """One invocation; see remediation.function and docs/remediation/function.md."""
    return _function().handle(event, context)


@cache
def _function() -> Function:
    return Function(parts(os.environ))


if _IN_LAMBDA:
    _function()
    gc.freeze()
    gc.enable()

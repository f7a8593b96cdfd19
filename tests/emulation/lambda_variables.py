"""The environment variables of a function and of its extensions.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

_KEPT = ("PATH", "LANG")
COVERAGE = "COVERAGE_"  # what coverage.py measures processes by that others start


def shared(arn: str, api: str, memory_mb: int, tmp: Path, given: Mapping[str, str]) -> dict[str, str]:
    """Of both. Of our own environment nothing but PATH and LANG is in it."""
    _, _, _, region, _, _, name = arn.split(":")[:7]
    return {
        **{kept: os.environ[kept] for kept in _KEPT if kept in os.environ},
        "AWS_LAMBDA_RUNTIME_API": api,
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "TZ": ":UTC",
        "TMPDIR": str(tmp),
        **{key: value.replace("{tmp}", str(tmp)) for key, value in given.items()},
    }


def hidden(arn: str, handler: str, task_root: Path) -> dict[str, str]:
    """Of the function alone.

    https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
    """
    name = arn.split(":")[6]
    return {
        **{key: value for key, value in os.environ.items() if key.startswith(COVERAGE)},
        "_HANDLER": handler,
        "LAMBDA_TASK_ROOT": str(task_root),
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]00000000000000000000000000000000",
    }


def measured() -> bool:
    """Whether coverage.py wants to hear of the function."""
    return any(name.startswith(COVERAGE) for name in os.environ)

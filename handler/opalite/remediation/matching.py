"""The wildcards of IAM."""

from __future__ import annotations

import re


def matches(pattern: str, name: str) -> bool:
    """Whether an action is meant by what a policy writes; capitals do not matter."""
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern))
    return re.fullmatch("".join(parts), name, re.IGNORECASE | re.DOTALL) is not None

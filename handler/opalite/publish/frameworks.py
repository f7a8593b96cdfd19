"""Frameworks of METADATA as Security Hub names them: requirements, and its own standards. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opalite.publish.annotation import clean, cut

# https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Compliance.html: RelatedRequirements, at most 32
REQUIREMENTS = 32
_CHARACTERS = 256

# By key of METADATA: how a requirement is written, and the end of the standard's ARN. Others are written by their key.
_KNOWN = {
    "cis_aws_foundations_3_0_0": (
        "CIS AWS Foundations Benchmark v3.0.0/{}",
        "standards/cis-aws-foundations-benchmark/v/3.0.0",
    ),
    "fsbp": (
        "AWS Foundational Security Best Practices v1.0.0/{}",
        "standards/aws-foundational-security-best-practices/v/1.0.0",
    ),
    "nist_800_53_r5": ("NIST.800-53.r5 {}", "standards/nist-800-53/v/5.0.0"),
}


def requirements(frameworks: Mapping[str, Any] | None) -> list[str]:
    """Each framework has its turn, so that a long list does not hide a short one."""
    written = [
        [_KNOWN[name][0].format(entry) if name in _KNOWN else f"{name} {entry}" for entry in entries]
        for name, entries in sorted((frameworks or {}).items())
    ]
    turns = range(max(map(len, written), default=0))
    found = [entries[turn] for turn in turns for entries in written if turn < len(entries)][:REQUIREMENTS]
    return sorted(text for entry in found if (text := cut(clean(entry), _CHARACTERS)))


def standards(frameworks: Mapping[str, Any] | None) -> list[str]:
    """The ids of the standards that Security Hub has itself."""
    return sorted(_KNOWN[name][1] for name in frameworks or {} if name in _KNOWN)

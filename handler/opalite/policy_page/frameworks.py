"""The full names of the frameworks that METADATA name by key. Pure."""

from __future__ import annotations

import re

_NAMES = {
    "cis_aws_foundations": "CIS AWS Foundations Benchmark",
    "cis_controls": "CIS Critical Security Controls",
    "fsbp": "AWS Foundational Security Best Practices",
    "iso_27001": "ISO/IEC 27001",
    "nist_800_171": "NIST SP 800-171",
    "nist_800_53": "NIST SP 800-53",
    "nist_csf": "NIST Cybersecurity Framework",
    "pci_dss": "PCI DSS",
}
_VERSION = re.compile(r"^(?P<name>.+?)_(?:v(?P<v>\d+(?:_\d+)*)|r(?P<r>\d+)|(?P<n>\d+(?:_\d+)*))$")


def full_name(key: str) -> str:
    """`nist_800_53_r5` is NIST SP 800-53 Rev. 5; a key that nobody knows is its own name."""
    if key in _NAMES:
        return _NAMES[key]
    version = _VERSION.match(key)
    if version is None or version["name"] not in _NAMES:
        return key
    name = _NAMES[version["name"]]
    if version["r"]:
        return f"{name} Rev. {version['r']}"
    return f"{name} {(version['v'] or version['n']).replace('_', '.')}"

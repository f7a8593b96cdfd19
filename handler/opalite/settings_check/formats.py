"""What `format` of a parameter's schema may name. Each says True, or raises ValueError; what is no text has no format. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from datetime import date

from opalite.patterns import is_pattern

_LAST_PORT = 65535


def _is_cidr(value: object) -> bool:
    return not isinstance(value, str) or bool(ipaddress.ip_network(value, strict=False))


def _is_network(value: object) -> bool:
    """A CIDR without bits beyond its length: 10.0.0.0/8, not 10.1.2.3/8."""
    return not isinstance(value, str) or bool(ipaddress.ip_network(value))


def _is_date(value: object) -> bool:
    return not isinstance(value, str) or bool(date.fromisoformat(value))


def _is_range_of_ports(value: object) -> bool:
    if not isinstance(value, str):
        return True
    first, _, last = value.partition("-")
    return int(first) <= int(last or first) <= _LAST_PORT


FORMATS: Mapping[str, Callable[[object], bool]] = {
    "cidr": _is_cidr,
    "network": _is_network,
    "ports": _is_range_of_ports,
    "regex": is_pattern,
    "date": _is_date,
}

"""The environment of the function → one frozen value. Pure: the variables are an argument.

A variable that is misspelt would be a setting that silently does nothing, so an unknown OPALITE_ name is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from opalite.errors import UsageError

LAYER = "/opt/opalite"  # where Lambda unpacks `opalite/` of the layer
SOCKET = "/tmp/opalite/opa.sock"  # noqa: S108 - the sandbox has one user; the extension makes the folder for its owner alone
ORGANIZATION = "organization"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

_ACCOUNT = re.compile(r"[0-9]{12}")
# https://docs.aws.amazon.com/config/latest/APIReference/API_ConfigRule.html: 128 characters; the ARN ends in the rule's id.
_RULE = re.compile(r"arn:aws[a-z-]*:config:[a-z0-9-]+:[0-9]{12}:config-rule/[A-Za-z0-9._/-]+|[^:\s,][^:,]{0,127}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_FUNCTION = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}")
_HOURS = re.compile(r"[0-9]{1,3}")
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_FEW_DIGITS = re.compile(r"[0-9]{1,3}")
_MOST_DAYS = 80  # Security Hub forgets a finding after 90 days without an update
_MOST_HOURS = 24 * 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What an operator has set. `accounts`: whose Config rules may call, None for all of the organization."""

    region: str
    layer: Path = Path(LAYER)
    socket: str = SOCKET
    member_role: str | None = None
    external_id: str | None = None
    source_identity: str | None = None
    session_tags: Mapping[str, str] = field(default_factory=dict)
    accounts: frozenset[str] | None = frozenset()
    excluded_accounts: frozenset[str] = frozenset()  # have none of the organization's rules: no sweep
    rules: frozenset[str] = frozenset()  # ARNs; names count in the function's own account only
    delivery_bucket: str | None = None
    delivery_prefix: str = ""
    delivery_owner: str | None = None
    log_level: str = "INFO"
    sweep_hours: int = 24
    log_bucket: str | None = None
    log_prefix: str = ""
    log_owner: str | None = None
    log_key: str | None = None
    state_table: str | None = None
    security_hub: bool = False
    passed_findings: bool = False
    refresh_days: int = 30
    suppress_exempt: bool = False  # findings of what is exempt
    topic_arn: str | None = None
    owner_tags: tuple[str, ...] = ()
    notice_days: int = 14
    creator_lookup: bool = False
    function_arn: str | None = None  # of the function that Config rules name; the sweep asks for its rules only


def _text(name: str, value: str) -> str:
    if not value.isprintable():
        raise UsageError(f"{name}: has characters that cannot be printed; write one line of text")
    return value


def _names(name: str, value: str) -> list[str]:
    return [entry.strip() for entry in _text(name, value).split(",") if entry.strip()]


def _accounts(name: str, value: str) -> frozenset[str] | None:
    if value.strip() == ORGANIZATION:
        return None
    return _ids(name, value, f"write 12 digits each, or `{ORGANIZATION}`")


def _excluded(name: str, value: str) -> frozenset[str]:
    return _ids(name, value, "write 12 digits each")


def _ids(name: str, value: str, remedy: str) -> frozenset[str]:
    entries = _names(name, value)
    for entry in entries:
        if not _ACCOUNT.fullmatch(entry):
            raise UsageError(f"{name}: {entry!r} is not the id of an account; {remedy}")
    return frozenset(entries)


def _rules(name: str, value: str) -> frozenset[str]:
    entries = _names(name, value)
    for entry in entries:
        if not _RULE.fullmatch(entry):
            raise UsageError(f"{name}: {entry!r} is neither the ARN nor the name of a Config rule")
    return frozenset(entries)


def _bucket(name: str, value: str) -> str:
    if not _BUCKET.fullmatch(value):
        raise UsageError(f"{name}: {value!r} is not the name of a bucket")
    return value


def _account(name: str, value: str) -> str:
    if not _ACCOUNT.fullmatch(value):
        raise UsageError(f"{name}: {value!r} is not the id of an account; write 12 digits")
    return value


def _tags(name: str, value: str) -> Mapping[str, str]:
    tags = {}
    for entry in _names(name, value):
        key, equals, worth = (part.strip() for part in entry.partition("="))
        if not key or not equals:
            raise UsageError(f"{name}: {entry!r} is not a tag; write key=value, with commas between")
        if key in tags:
            raise UsageError(f"{name}: the tag {key!r} is given twice")
        tags[key] = worth
    return MappingProxyType(tags)


def _level(name: str, value: str) -> str:
    if value.upper() not in LOG_LEVELS:
        raise UsageError(f"{name}: {value!r} is not a level; there are {', '.join(LOG_LEVELS)}")
    return value.upper()


def _hours(name: str, value: str) -> int:
    if not _HOURS.fullmatch(value) or not 1 <= int(value) <= _MOST_HOURS:
        raise UsageError(f"{name}: {value!r} is not a number of hours from 1 to {_MOST_HOURS}")
    return int(value)


def _function(name: str, value: str) -> str:
    if not _FUNCTION.fullmatch(value):
        raise UsageError(f"{name}: {value!r} is not the ARN of a Lambda function")
    return value


def _switch(name: str, value: str) -> bool:
    if value not in ("on", "off"):
        raise UsageError(f"{name}: {value!r} is neither `on` nor `off`")
    return value == "on"


def _exempt_findings(name: str, value: str) -> bool:
    if value not in ("warning", "suppressed"):
        raise UsageError(f"{name}: {value!r} is neither `warning` nor `suppressed`")
    return value == "suppressed"


def _days(name: str, value: str) -> int:
    if not _FEW_DIGITS.fullmatch(value) or not 1 <= int(value) <= _MOST_DAYS:
        raise UsageError(f"{name}: {value!r} is not a number of days from 1 to {_MOST_DAYS}")
    return int(value)


def _keys(name: str, value: str) -> tuple[str, ...]:
    return tuple(_names(name, value))


def _table(name: str, value: str) -> str:
    if not _TABLE.fullmatch(value):
        raise UsageError(f"{name}: {value!r} is not the name of a DynamoDB table")
    return value


def _path(_: str, value: str) -> Path:
    return Path(value)


Variables = Mapping[str, tuple[str, Callable[[str, str], Any]]]  # by name: the field, and how it is read
Together = Sequence[tuple[str, frozenset[str], str]]

# Each variable, the field that it sets, and how it is read. docs/lambda.md says what they mean.
VARIABLES: Variables = {
    "OPALITE_ACCOUNTS": ("accounts", _accounts),
    "OPALITE_CREATOR_LOOKUP": ("creator_lookup", _switch),
    "OPALITE_DELIVERY_BUCKET": ("delivery_bucket", _bucket),
    "OPALITE_DELIVERY_OWNER": ("delivery_owner", _account),
    "OPALITE_DELIVERY_PREFIX": ("delivery_prefix", _text),
    "OPALITE_EXCLUDED_ACCOUNTS": ("excluded_accounts", _excluded),
    "OPALITE_EXEMPT_FINDINGS": ("suppress_exempt", _exempt_findings),
    "OPALITE_EXTERNAL_ID": ("external_id", _text),
    "OPALITE_FUNCTION_ARN": ("function_arn", _function),
    "OPALITE_LAYER": ("layer", _path),
    "OPALITE_LOG_BUCKET": ("log_bucket", _bucket),
    "OPALITE_LOG_KEY": ("log_key", _text),
    "OPALITE_LOG_LEVEL": ("log_level", _level),
    "OPALITE_LOG_OWNER": ("log_owner", _account),
    "OPALITE_LOG_PREFIX": ("log_prefix", _text),
    "OPALITE_MEMBER_ROLE": ("member_role", _text),
    "OPALITE_NOTICE_DAYS": ("notice_days", _days),
    "OPALITE_OPA_SOCKET": ("socket", _text),
    "OPALITE_OWNER_TAGS": ("owner_tags", _keys),
    "OPALITE_PASSED_FINDINGS": ("passed_findings", _switch),
    "OPALITE_REFRESH_DAYS": ("refresh_days", _days),
    "OPALITE_RULES": ("rules", _rules),
    "OPALITE_SECURITY_HUB": ("security_hub", _switch),
    "OPALITE_SESSION_TAGS": ("session_tags", _tags),
    "OPALITE_SOURCE_IDENTITY": ("source_identity", _text),
    "OPALITE_STATE_TABLE": ("state_table", _table),
    "OPALITE_SWEEP_HOURS": ("sweep_hours", _hours),
    "OPALITE_TOPIC_ARN": ("topic_arn", _text),
}
# Those of the command line may stand in the same shell.
_OTHERS = frozenset({"OPALITE_CACHE", "OPALITE_DEBUG", "OPALITE_OPA", "OPALITE_OPA_TOKEN", "OPALITE_REWRITE_GOLDEN"})

# A variable, the fields that do nothing without it, and how that is told.
_TOGETHER: Together = (
    ("OPALITE_DELIVERY_BUCKET", frozenset({"delivery_prefix", "delivery_owner"}), "its prefix or owner is"),
    (
        "OPALITE_MEMBER_ROLE",
        frozenset({"external_id", "source_identity", "session_tags"}),
        "an external id, a source identity or tags for its sessions are",
    ),
    ("OPALITE_LOG_BUCKET", frozenset({"log_prefix", "log_owner", "log_key"}), "its prefix, owner or key is"),
    ("OPALITE_STATE_TABLE", frozenset({"security_hub", "topic_arn"}), "Security Hub or a topic is, which need it"),
    (
        "OPALITE_SECURITY_HUB",
        frozenset({"passed_findings", "refresh_days", "suppress_exempt"}),
        "what its findings are to be is",
    ),
    ("OPALITE_TOPIC_ARN", frozenset({"owner_tags", "notice_days", "creator_lookup"}), "what is told there is"),
)


def read(environ: Mapping[str, str]) -> Environment:
    """The function's environment. Raises UsageError naming the variable, what it holds and the remedy."""
    return Environment(**fields(environ, VARIABLES, _TOGETHER))


def fields(environ: Mapping[str, str], variables: Variables, together: Together) -> dict[str, Any]:
    """The fields that are set, and the region; of every function that has a table of variables. Raises UsageError, as `read`."""
    for name in sorted(environ):
        if name.startswith("OPALITE_") and name not in variables and name not in _OTHERS:
            raise UsageError(f"{name}: there is no such setting; there are {', '.join(variables)}")
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise UsageError("AWS_REGION: is not set; Lambda sets it, elsewhere set it yourself")
    given = {
        field: read_one(name, environ[name].strip())
        for name, (field, read_one) in variables.items()
        if environ.get(name, "").strip()
    }
    for needed, dependent, words in together:
        if not given.get(variables[needed][0]) and dependent & given.keys():
            raise UsageError(f"{needed}: is not set, but {words}")
    return {"region": region, **given}

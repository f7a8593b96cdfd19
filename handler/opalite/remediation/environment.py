"""The environment of the remediation function → one frozen value. Pure; read as that of the Config rules' function."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from opalite.environment import LAYER, SOCKET, Together, Variables, fields
from opalite.environment import VARIABLES as _OTHERS
from opalite.errors import UsageError

ROLE_PREFIX = "opalite-remediate-"

# https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html: 64 characters with the action's name behind it.
_PREFIX = re.compile(r"(?:[A-Za-z0-9+=,.@_-]+/)*[A-Za-z0-9+=,.@_-]{1,40}")
_KEY = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{1,64}")
_MACHINE = re.compile(r"arn:aws[a-z-]*:states:[a-z0-9-]+:[0-9]{12}:stateMachine:[A-Za-z0-9_-]{1,80}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What an operator has set. `accounts`: whose resources may be touched, None for all of the organization."""

    region: str
    table: str
    record_bucket: str
    layer: Path = Path(LAYER)
    socket: str = SOCKET
    accounts: frozenset[str] | None = frozenset()
    role_prefix: str = ROLE_PREFIX
    external_id: str | None = None
    source_identity: str | None = None
    record_prefix: str = ""
    record_owner: str | None = None
    record_key: str | None = None
    state_machine_arn: str | None = None
    approval_key_arn: str | None = None
    topic_arn: str | None = None
    owner_tags: tuple[str, ...] = ()
    creator_lookup: bool = False
    security_hub: bool = False
    log_level: str = "INFO"


def _prefix(name: str, value: str) -> str:
    if not _PREFIX.fullmatch(value):
        raise UsageError(f"{name}: {value!r} is not the beginning of a role's name; give at most 40 characters, no ARN")
    return value


def _key(name: str, value: str) -> str:
    if not _KEY.fullmatch(value):
        raise UsageError(f"{name}: {value!r} is not the ARN of a KMS key; an alias could be led to another key")
    return value


def _machine(name: str, value: str) -> str:
    if not _MACHINE.fullmatch(value):
        raise UsageError(f"{name}: {value!r} is not the ARN of a state machine")
    return value


# Each variable, the field that it sets, and how it is read. docs/remediation/function.md says what they mean.
VARIABLES: Variables = {
    **{
        name: _OTHERS[name]
        for name in (
            "OPALITE_ACCOUNTS", "OPALITE_CREATOR_LOOKUP", "OPALITE_EXTERNAL_ID", "OPALITE_LAYER", "OPALITE_LOG_LEVEL",
            "OPALITE_OPA_SOCKET", "OPALITE_OWNER_TAGS", "OPALITE_SECURITY_HUB", "OPALITE_SOURCE_IDENTITY",
            "OPALITE_TOPIC_ARN",
        )
    },
    "OPALITE_APPROVAL_KEY_ARN": ("approval_key_arn", _key),
    "OPALITE_RECORD_BUCKET": ("record_bucket", _OTHERS["OPALITE_LOG_BUCKET"][1]),
    "OPALITE_RECORD_KEY": ("record_key", _OTHERS["OPALITE_LOG_KEY"][1]),
    "OPALITE_RECORD_OWNER": ("record_owner", _OTHERS["OPALITE_LOG_OWNER"][1]),
    "OPALITE_RECORD_PREFIX": ("record_prefix", _OTHERS["OPALITE_LOG_PREFIX"][1]),
    "OPALITE_REMEDIATION_ROLE_PREFIX": ("role_prefix", _prefix),
    "OPALITE_REMEDIATION_TABLE": ("table", _OTHERS["OPALITE_STATE_TABLE"][1]),
    "OPALITE_STATE_MACHINE_ARN": ("state_machine_arn", _machine),
}  # fmt: skip
_NEEDED = {
    "OPALITE_RECORD_BUCKET": "nothing is changed without a record",
    "OPALITE_REMEDIATION_TABLE": "nothing is changed without a ledger",
}
_TOGETHER: Together = (
    ("OPALITE_TOPIC_ARN", frozenset({"owner_tags", "creator_lookup"}), "what is told there is"),
    (
        "OPALITE_STATE_MACHINE_ARN",
        frozenset({"approval_key_arn"}),
        "a key for approvals is: nobody would be waiting for them",
    ),
)


def read(environ: Mapping[str, str]) -> Environment:
    """The function's environment. Raises UsageError naming the variable, what it holds and the remedy."""
    given = fields(environ, VARIABLES, _TOGETHER)
    for name, why in _NEEDED.items():
        if VARIABLES[name][0] not in given:
            raise UsageError(f"{name}: is not set, and {why}")
    return Environment(**given)

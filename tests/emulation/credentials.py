"""Access keys by account, and the roles that may be assumed: AWS STS as far as a caller of AssumeRole sees it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from emulation.faults import AwsFault, Call
from emulation.limits import problems, service_model
from emulation.wire import Asked, Reply

SECRET = "not-a-secret"
_ROLE = re.compile(r"arn:([a-z-]+):iam::(\d{12}):role/(.+)")
_CHAINED_SECONDS = 3600  # https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html


@dataclass(slots=True)
class Caller:
    """Whom an access key belongs to. What is assumed has a token and an end."""

    account: str
    arn: str
    token: str | None = None
    until: float = float("inf")

    @property
    def is_the_test(self) -> bool:
        """Nobody but the test's own hands has keys without an end."""
        return self.token is None


@dataclass(frozen=True, slots=True)
class _Trust:
    external_id: str | None
    trusted: str
    seconds: int


@dataclass(slots=True)
class Credentials:
    """`skew`: by how many seconds AWS's clock is behind that of the caller."""

    partition: str
    now: Callable[[], float] = time.time
    skew: float = 0.0
    assumed: list[dict[str, Any]] = field(default_factory=list)  # parameters of AssumeRole, granted or not
    _keys: dict[str, Caller] = field(default_factory=dict)
    _roles: dict[tuple[str, str], _Trust] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def allow_role(self, account: str, name: str, *, external_id: str | None, trusted: str, max_seconds: int) -> None:
        """Let the role `name` (with its path) be assumed from the account `trusted`, by whoever gives the external id."""
        self._roles[account, name] = _Trust(external_id, trusted, max_seconds)

    def forbid_role(self, account: str, name: str) -> None:
        self._roles.pop((account, name), None)

    def expire(self, account: str) -> None:
        """End the sessions of all roles of the account."""
        for key in list(self._keys.values()):
            if key.account == account and key.token:
                key.until = 0.0

    def long_lived(self, account: str) -> dict[str, str]:
        """The access key of an administrator of the account, as boto3 takes it."""
        access_key = f"AKIA{account}0000"
        self._keys[access_key] = Caller(account, f"arn:{self.partition}:iam::{account}:root")
        return {"aws_access_key_id": access_key, "aws_secret_access_key": SECRET}

    def session(self, account: str, role: str, session: str, seconds: float = float("inf")) -> dict[str, str]:
        """Keys of an assumed role, as boto3 takes them."""
        with self._lock:
            access_key = f"ASIA{account}{len(self._keys):04}"
            token = f"session-token-{len(self._keys)}"
            arn = f"arn:{self.partition}:sts::{account}:assumed-role/{role.rpartition('/')[2]}/{session}"
            self._keys[access_key] = Caller(account, arn, token, self.now() + seconds)
        return {"aws_access_key_id": access_key, "aws_secret_access_key": SECRET, "aws_session_token": token}

    def caller(self, service: str, access_key: str, headers: Mapping[str, str]) -> Caller:
        """Whose call it is. Raises AwsFault if the key is not known or its session is over."""
        key = self._keys.get(access_key)
        if key is None or headers.get("x-amz-security-token") != key.token:
            code = "InvalidClientTokenId" if service == "sts" else "UnrecognizedClientException"
            raise AwsFault(code, "The security token included in the request is invalid", 403)
        if self.now() >= key.until:
            code = "ExpiredToken" if service in ("s3", "sts") else "ExpiredTokenException"
            raise AwsFault(code, "The security token included in the request is expired", 403)
        return key

    def answer(self, call: Call, said: Asked) -> Reply:
        """GetCallerIdentity and AssumeRole."""
        form = {name: values[0] for name, values in parse_qs(said.body.decode()).items()}
        key = self._keys[said.access_key]
        if call.operation == "GetCallerIdentity":
            inner = f"<Arn>{key.arn}</Arn><UserId>{said.access_key}</UserId><Account>{key.account}</Account>"
        elif call.operation == "AssumeRole":
            inner = self._assume(form, key)
        else:
            raise AwsFault("InvalidAction", f"Could not find operation {call.operation}")
        name, space = call.operation, "https://sts.amazonaws.com/doc/2011-06-15/"
        text = f'<{name}Response xmlns="{space}"><{name}Result>{inner}</{name}Result></{name}Response>'
        return Reply(200, {"Content-Type": "text/xml"}, text.encode())

    def _assume(self, form: Mapping[str, str], caller: Caller) -> str:
        parameters = _parameters(form)
        self.assumed.append(parameters)
        if wrong := problems(service_model("sts").operation_model("AssumeRole").input_shape, parameters):
            raise AwsFault("ValidationError", wrong[0])
        role = _ROLE.fullmatch(parameters["RoleArn"])
        trust = self._roles.get((role[2], role[3])) if role and role[1] == self.partition else None
        if (
            role is None
            or trust is None
            or trust.trusted != caller.account
            or trust.external_id not in (None, parameters.get("ExternalId"))
        ):
            raise AwsFault("AccessDenied", f"Not authorized to perform: sts:AssumeRole on {parameters['RoleArn']}")
        seconds = parameters.get("DurationSeconds", 3600)
        if seconds > (trust.seconds if caller.token is None else _CHAINED_SECONDS):
            raise AwsFault("ValidationError", "The requested DurationSeconds exceeds the limit of the session")
        keys = self.session(role[2], role[3], parameters["RoleSessionName"], seconds)
        end = datetime.fromtimestamp(self.now() + seconds - self.skew, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        key = self._keys[keys["aws_access_key_id"]]
        return (
            f"<Credentials><AccessKeyId>{keys['aws_access_key_id']}</AccessKeyId>"
            f"<SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken>{key.token}</SessionToken>"
            f"<Expiration>{end}</Expiration></Credentials>"
            f"<AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:{escape(parameters['RoleSessionName'])}</AssumedRoleId>"
            f"<Arn>{escape(key.arn)}</Arn></AssumedRoleUser>"
        )


def _parameters(form: Mapping[str, str]) -> dict[str, Any]:
    """A form of the query protocol as boto3's parameters."""
    found: dict[str, Any] = {name: value for name, value in form.items() if "." not in name}
    for name in ("Action", "Version"):
        found.pop(name, None)
    if "DurationSeconds" in found:
        found["DurationSeconds"] = int(found["DurationSeconds"])
    tags = sorted(int(name.split(".")[2]) for name in form if re.fullmatch(r"Tags\.member\.\d+\.Key", name))
    if tags:
        found["Tags"] = [
            {"Key": form[f"Tags.member.{n}.Key"], "Value": form.get(f"Tags.member.{n}.Value", "")} for n in tags
        ]
    return found

"""Credentials by account: the caller's own, and for other accounts a role of one agreed name."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

import boto3
from botocore.exceptions import UnknownRegionError

from opalite.adapters.aws.cache import BRIEF_SECONDS, Now
from opalite.adapters.aws.remote import CONFIG, Calls, Remote, told
from opalite.errors import AwsError, UsageError
from opalite.ports import Denied

_ROLE = re.compile(r"(?:[A-Za-z0-9+=,.@_-]+/)*[A-Za-z0-9+=,.@_-]{1,64}")  # IAM's names of roles, with a path or without
_ACCOUNT = re.compile(r"[0-9]{12}")
_BEFORE_THE_END = timedelta(minutes=5)  # a session is not used in its last minutes: a call must not meet its end
_CLIENTS = 128  # a client takes some MB; with more accounts and regions the longest unused one goes
_HOME = {"aws": "us-east-1", "aws-cn": "cn-northwest-1", "aws-us-gov": "us-gov-west-1"}


@dataclass(frozen=True, slots=True)
class _Keys:
    """Credentials of an assumed role, or why there are none; good until a time."""

    until: datetime
    secrets: dict[str, str]
    reason: str | None = None


class AwsSessions:
    """Meets opalite.ports.Sessions.

    `role`: its name, the same in every account; without it other accounts are refused. `own`: a boto3 session, if it shall not be
    that of the environment.
    """

    def __init__(self, now: Now, *, role: str | None = None, own: Any = None) -> None:
        if role is not None and not _ROLE.fullmatch(role):
            raise UsageError(f"{role!r} is not the name of an IAM role")
        self.calls = Calls()
        self._now = now
        self._role = role
        self._lock = Lock()  # boto3 makes clients in one thread only; the clients themselves may be shared
        self._own = own
        self._caller: tuple[str, str] | None = None  # account, partition
        self._keys: dict[str, _Keys] = {}
        self._clients: OrderedDict[tuple[str, ...], Any] = OrderedDict()

    def caller(self) -> str:
        """Asked once: GetCallerIdentity."""
        with self._lock:
            return self._identity("")[0]

    def service(self, name: str, account_id: str, region: str) -> Remote:
        """A service with the caller's credentials in his own account, else with those of the role."""
        with self._lock:
            own, partition = self._identity(region)
            region = region or str(self._own.region_name or _HOME.get(partition, "us-east-1"))
            self._check(region, partition)
            secrets = {} if account_id == own else self._assumed(account_id, own, partition, region)
            return Remote(self._client(name, region, secrets), account_id)

    def _identity(self, region: str) -> tuple[str, str]:
        if self._caller is None:
            with told("sts:GetCallerIdentity", "of the caller", region or "home region"):
                if self._own is None:
                    self._own = boto3.Session()
                answer = self._client("sts", self._own.region_name or self._home(region), {}).get_caller_identity()
            self._caller = (answer["Account"], answer["Arn"].split(":")[1])
        return self._caller

    def _home(self, region: str) -> str:
        """A region that is there for sure: one that an item names may be none."""
        try:
            return _HOME.get(self._own.get_partition_for_region(region), "us-east-1")
        except UnknownRegionError:
            return "us-east-1"

    def _check(self, region: str, partition: str) -> None:
        try:
            found = self._own.get_partition_for_region(region)
        except UnknownRegionError:
            raise Denied(f"{region!r} is no AWS region that can be asked") from None
        if found != partition:
            raise Denied(f"region {region} is of partition {found}, the caller's credentials are of {partition}")

    def _assumed(self, account_id: str, own: str, partition: str, region: str) -> dict[str, str]:
        if not _ACCOUNT.fullmatch(account_id):
            raise Denied(f"{account_id!r} is not the id of an account")
        if self._role is None:
            raise Denied(
                f"account {account_id} cannot be asked: the credentials are of account {own}, and no role was named"
            )
        keys = self._keys.get(account_id)
        if keys is None or self._now() >= keys.until:
            keys = self._keys[account_id] = self._assume(account_id, partition, region)
        if keys.reason is not None:
            raise Denied(keys.reason)
        return keys.secrets

    def _assume(self, account_id: str, partition: str, region: str) -> _Keys:
        role = f"arn:{partition}:iam::{account_id}:role/{self._role}"
        place = str(self._own.region_name or region)
        try:
            with told("sts:AssumeRole", account_id, place):
                answer = self._client("sts", place, {}).assume_role(RoleArn=role, RoleSessionName="opalite")
        except Denied:
            reason = f"role {self._role} of account {account_id} cannot be assumed"
            return _Keys(self._now() + timedelta(seconds=BRIEF_SECONDS), {}, reason)
        given = answer["Credentials"]
        secrets = {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }
        return _Keys(given["Expiration"] - _BEFORE_THE_END, secrets)

    def _client(self, name: str, region: str, secrets: dict[str, str]) -> Any:
        """One per service, region and credentials, all of one botocore session, which reads its models once."""
        key = (name, region, secrets.get("aws_access_key_id", ""))
        client = self._clients.get(key)
        if client is None:
            try:
                client = self._own.client(name, region_name=region, config=CONFIG, **secrets)
            except ValueError as error:  # of AWS_ENDPOINT_URL and the like
                raise AwsError(f"{name} in {region}: {error}") from None
            self._clients[key] = client
            self.calls.watch(client)
            if len(self._clients) > _CLIENTS:
                self._clients.popitem(last=False)
        self._clients.move_to_end(key)
        return client

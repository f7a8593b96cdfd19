"""An AWS organization on one port of the loopback: moto behind credentials, faults and a count of calls; AWS Config our own."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from threading import Lock
from typing import Any, ClassVar

import boto3
import botocore.session
from botocore.config import Config
from moto.moto_api._internal import moto_api_backend
from moto.utilities.utils import get_partition

from emulation.config_service import ConfigService
from emulation.credentials import Credentials
from emulation.faults import AwsFault, Call, Faults
from emulation.functions import Functions
from emulation.gateway import Gateway
from emulation.organization import MANAGEMENT, Organization
from emulation.security_hub import SecurityHub

ACCOUNTS = ("111111111111", "222222222222", "333333333333")
REGION = "eu-west-1"
ROLE = "OpaliteFunction"  # of the function itself, in the account of the delegated administrator
_NOTHING = {"profile": None, "config_file": os.devnull, "credentials_file": os.devnull}
# Of the organization a member learns its own place only; the delegated administrator reads all of it.
_OF_MEMBERS = frozenset({"DescribeOrganization"})


class LocalAws:
    """`config`: AWS Config. `organization`: accounts and units. `functions`: Lambda functions that others ask for.

    STS, AWS Config and those functions are our own, everything else is moto's, which keeps its state in the process: so there is
    one LocalAws at a time. `fail`, `deny`, `slow`, `hold` (and `mend`) and the counts concern the function's calls, not those of `client`.
    """

    _running: ClassVar[Lock] = Lock()
    _clients: ClassVar[Lock] = Lock()  # boto3 makes clients in one thread only

    def __init__(
        self, accounts: Sequence[str] = ACCOUNTS, region: str = REGION, *, now: Callable[[], float] = time.time
    ) -> None:
        self.accounts, self.region, self.partition = tuple(accounts), region, get_partition(region)
        self.config = ConfigService(region, partition=self.partition, now=now)
        self.credentials = Credentials(self.partition, now)
        self.faults = Faults()
        self.functions = Functions()
        self.security_hub = SecurityHub()
        self.fail, self.deny, self.slow = self.faults.fail, self.faults.deny, self.faults.slow
        self.hold, self.mend = self.faults.hold, self.faults.mend
        self.expire_sessions, self.forbid_role = self.credentials.expire, self.credentials.forbid_role

    def __enter__(self) -> LocalAws:
        if not self._running.acquire(blocking=False):
            raise RuntimeError("a LocalAws is running already, and moto has one state only: end the other one first")
        try:
            moto_api_backend.reset()
            self.organization = Organization(self.accounts, self.region, self.partition)
            own = {
                "config": self.config.answer,
                "lambda": self.functions.answer,
                "securityhub": self.security_hub.answer,
                "sts": self.credentials.answer,
            }
            self._gateway = Gateway(self.credentials, self.faults, own, self._behind)
            self._gateway.start()
        except BaseException:
            self._running.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._gateway.stop()
            moto_api_backend.reset()
        finally:
            self._running.release()

    @property
    def url(self) -> str:
        """Where all services are."""
        return self._gateway.url

    @property
    def calls(self) -> Counter[str]:
        """How often each action was called, retries included: `calls["sts:AssumeRole"]`."""
        return self.faults.calls

    @property
    def calls_made(self) -> list[Call]:
        """The same one by one: account, service, operation, region."""
        return self.faults.calls_made

    @property
    def assumed(self) -> list[dict[str, Any]]:
        """The parameters of each AssumeRole, granted or not."""
        return self.credentials.assumed

    def allow_role(
        self,
        account: str,
        name: str,
        *,
        external_id: str | None = None,
        trusted: str | None = None,
        max_seconds: int = 3600,
    ) -> None:
        """Let a role (with its path) be assumed from the account `trusted`, by default that of the delegated administrator."""
        self.credentials.allow_role(
            account, name, external_id=external_id, trusted=trusted or self.accounts[0], max_seconds=max_seconds
        )

    def units(self, account: str) -> list[str]:
        """The root and the organizational units above the account, the root first."""
        return self.organization.units(account)

    def environ(self, account: str | None = None) -> dict[str, str]:
        """What leads boto3 here, with the role of the function: in the account of the delegated administrator, if none is named."""
        keys = self.credentials.session(account or self.accounts[0], ROLE, "opalite")
        return {
            **{name.upper(): value for name, value in keys.items()},
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(
        self,
        service: str,
        account: str | None = None,
        *,
        region: str | None = None,
        role: str | None = None,
        config: Config | None = None,
    ) -> Any:
        """A boto3 client that may do all in the account, is not counted and never fails by plan; for the test's own hands.

        With `role` it has a session of that role, and is counted and fails as the function's are.
        """
        of = account or self.accounts[0]
        keys = self.credentials.session(of, role, "test") if role else self.credentials.long_lived(of)
        with self._clients:
            return _boto3().client(
                service, region_name=region or self.region, endpoint_url=self.url, config=config, **keys
            )

    def _behind(self, call: Call) -> str:
        """Under which account moto has what is asked for."""
        if call.service != "organizations" or call.account == MANAGEMENT or call.operation in _OF_MEMBERS:
            return call.account
        if call.account == self.accounts[0]:
            return MANAGEMENT
        raise AwsFault("AccessDeniedException", "You don't have permissions to access this resource.")


@cache
def _boto3() -> boto3.Session:
    """Knows nothing of the environment and its files; reads AWS's service models once."""
    return boto3.Session(
        botocore_session=botocore.session.Session({name: (None, None, value, None) for name, value in _NOTHING.items()})
    )

"""AWS in memory: moto for what it can, botocore's Stubber for errors, plain answers for other people's accounts.

boto3 and moto are loaded by the tests that need them only: they take a second.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from opalite.ports import Denied, Place

OWN = "123456789012"  # of moto's credentials
MEMBER = "111122223333"
OWNER = "444455556666"
REGION = "eu-west-1"


class Clock:
    def __init__(self):
        self.time = datetime.now(UTC)  # noqa: TID251 - moto ends its sessions by the real clock

    def __call__(self):
        return self.time

    def forward(self, seconds):
        self.time += timedelta(seconds=seconds)


class Scripted:
    """A botocore session whose clients give the scripted answers, which botocore checks against its models."""

    region_name = REGION

    def __init__(self):
        import boto3

        self._real = boto3.Session("AKIDEXAMPLE", "secret", region_name=REGION)
        self._answers = {}
        self.made = []  # (service, region, whose credentials)

    def answer(self, service, operation, answer):
        """`answer` is a document or an error code; in the order of the calls."""
        self._answers.setdefault(service, []).append((operation, answer))

    def get_partition_for_region(self, region):
        return self._real.get_partition_for_region(region)

    def get_config_variable(self, name):
        assert name == "region"
        return self.region_name

    def create_client(self, service, *, region_name, config, **secrets):
        from botocore.stub import Stubber

        self.made.append((service, region_name, secrets.get("aws_access_key_id", "own")))
        client = self._real.client(service, region_name=region_name, config=config, **secrets)
        stubber = Stubber(client)
        for operation, answer in self._answers.pop(service, []):
            if isinstance(answer, str):
                stubber.add_client_error(operation, answer, "the words of AWS")
            else:
                stubber.add_response(operation, answer)
        stubber.activate()
        return client


IDENTITY = {"UserId": "AIDAEXAMPLE", "Account": OWN, "Arn": f"arn:aws:iam::{OWN}:user/ci"}


class Accounts:
    """Meets opalite.ports.Sessions: what each account answers is written down beforehand."""

    def __init__(self, own=OWN):
        self.calls = Counter()  # by account and operation
        self.asked = []  # account, region, operation, parameters
        self._own = own
        self._answers = {}

    def tell(self, account, operation, *answers):
        """An exception is raised; several answers are pages."""
        self._answers[account, operation] = answers
        return self

    def caller(self):
        return self._own

    def service(self, name, account, region):
        return _Service(self, account, region)

    def pages(self, account, region, operation, parameters):
        self.calls[account, operation] += 1
        self.asked.append((account, region, operation, parameters))
        for answer in self._answers.get((account, operation), (Denied(f"{operation} is denied in account {account}"),)):
            if isinstance(answer, Exception):
                raise answer
            yield answer(parameters) if callable(answer) else answer


class _Service:
    def __init__(self, accounts, account, region):
        self._accounts, self._account, self._region = accounts, account, region

    def ask(self, operation, **parameters):
        return next(self._accounts.pages(self._account, self._region, operation, parameters))

    def pages(self, operation, **parameters):
        return self._accounts.pages(self._account, self._region, operation, parameters)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts() -> type[Accounts]:
    return Accounts


@pytest.fixture
def scripted() -> Scripted:
    session = Scripted()
    session.answer("sts", "get_caller_identity", IDENTITY)
    return session


@pytest.fixture
def aws(credentials, monkeypatch) -> Iterator[None]:
    from moto import mock_aws

    monkeypatch.delenv("MOTO_EC2_LOAD_DEFAULT_AMIS", raising=False)  # whoever ran before may have done without images
    with mock_aws():
        yield


@pytest.fixture
def sessions(aws, clock):
    from opalite.adapters.aws.sessions import AwsSessions

    return AwsSessions(clock, role="OpaliteRead")


@pytest.fixture
def as_account(aws):
    """A client of another account, as moto has it: its credentials say which account they are of."""

    import boto3

    def client(service, account=MEMBER, region=REGION):
        given = boto3.client("sts").assume_role(RoleArn=f"arn:aws:iam::{account}:role/Admin", RoleSessionName="test")
        keys = given["Credentials"]
        return boto3.client(
            service,
            region_name=region,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    return client


@pytest.fixture
def place() -> Place:
    return Place("aws", MEMBER, REGION)

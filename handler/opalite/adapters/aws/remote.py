"""The border to boto3: calls, and what their errors mean."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any

from botocore import exceptions, xform_name
from botocore.config import Config
from botocore.parsers import ResponseParserError

from opalite import __version__
from opalite.errors import AwsError
from opalite.ports import Absent, Denied

# Standard mode waits with jitter between attempts, and stops early when most calls fail.
CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 5},
    connect_timeout=3,
    read_timeout=15,
    max_pool_connections=16,
    user_agent_extra=f"opalite/{__version__}",
)

# Services whose IAM actions do not begin with boto3's name of the service.
_PREFIXES = {"elb": "elasticloadbalancing", "elbv2": "elasticloadbalancing"}

_DENIED = frozenset(
    {
        "AccessDenied", "AccessDeniedException", "AccessDeniedForDependencyException", "AuthorizationError",
        "AuthorizationErrorException", "AWSOrganizationsNotInUseException", "OptInRequired", "RegionDisabledException",
        "UnauthorizedOperation",
    }
)  # fmt: skip
_ABSENT = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue", "ChildNotFoundException", "ListenerNotFound", "LoadBalancerNotFound",
        "NotFoundException", "QueueDoesNotExist", "TargetGroupNotFound",
    }
)  # fmt: skip
# The key is none that the service could have: asking again would not help.
_MALFORMED = frozenset(
    {"InvalidAddress", "InvalidArnException", "InvalidInputException", "ValidationError", "ValidationException"}
)
_EXPIRED = frozenset(
    {
        "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidSignatureException", "InvalidToken",
        "RequestExpired", "SignatureDoesNotMatch", "TokenRefreshRequired",
    }
)  # fmt: skip
# STS has taken the credentials before any other service is asked. If that one does not know them, the region is switched off.
_NOT_KNOWN = frozenset({"AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException"})
_NO_CREDENTIALS = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.TokenRetrievalError,
    exceptions.SSOError,
    exceptions.ProfileNotFound,
    exceptions.ConfigParseError,
    exceptions.ConfigNotFound,
)
_WORDS = re.compile(r"\s+")


class Calls:
    """How often which operation was called, by the name of its IAM action."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[str] = Counter()

    def watch(self, client: Any) -> None:
        """Count the calls of a client: each page is one, a retry is none."""
        client.meta.events.register("before-parameter-build", self._count)

    def counts(self) -> dict[str, int]:
        """Calls by action, the name of the action first in the alphabet first."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def _count(self, *, model: Any, **_: Any) -> None:
        with self._lock:
            self._counts[action(model.service_model.service_name, model.name)] += 1


class Remote:
    """Meets opalite.ports.Service."""

    def __init__(self, client: Any, account_id: str) -> None:
        self._client = client
        self._account_id = account_id

    def ask(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """One call."""
        with self._told(operation):
            answer: Mapping[str, Any] = getattr(self._client, xform_name(operation))(**parameters)
        return answer

    def pages(self, operation: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        """A call for each page."""
        with self._told(operation):
            yield from self._client.get_paginator(xform_name(operation)).paginate(**parameters)

    def _told(self, operation: str) -> Any:
        meta = self._client.meta
        return told(action(meta.service_model.service_name, operation), self._account_id, meta.region_name)


def action(service: str, operation: str) -> str:
    """The IAM action of an operation."""
    return f"{_PREFIXES.get(service, service)}:{operation}"


@contextmanager
def told(name: str, account_id: str, region: str) -> Iterator[None]:
    """Turn boto3's errors into Denied, Absent or AwsError, each with the action and the account."""
    place = f"{name} in account {account_id}, {region}"
    try:
        yield
    except exceptions.ClientError as error:
        raise _meaning(error, name, account_id, region) from None
    except exceptions.ParamValidationError:
        raise Denied(f"{name} does not take this key (not of its form)") from None
    except _NO_CREDENTIALS as error:
        raise AwsError(f"{name}: no AWS credentials: {_line(error)}; sign in, or set AWS_PROFILE") from None
    except EOFError:
        raise AwsError(f"{name}: no AWS credentials: the profile wants an MFA code; sign in first") from None
    except ResponseParserError:  # its words are those of the answer, which may hold the keys of a role
        raise AwsError(f"{place}: the answer cannot be read: cut short, or not from AWS") from None
    except exceptions.BotoCoreError as error:
        raise AwsError(f"{place}: {_line(error)}") from None


def _meaning(error: exceptions.ClientError, name: str, account_id: str, region: str) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", "unknown"))
    place = f"{name} in account {account_id}, {region}"
    if code in _DENIED:
        return Denied(f"{name} is denied in account {account_id} ({code})")
    if code in _ABSENT:
        return Absent(code)
    if code in _MALFORMED:
        return Denied(f"{name} does not take this key ({code})")
    if code in _NOT_KNOWN and not name.startswith("sts:"):
        return Denied(f"{name} is denied in account {account_id} ({code}): is region {region} enabled there?")
    if code in _EXPIRED or code in _NOT_KNOWN:
        return AwsError(f"{place}: AWS does not take the credentials ({code}): sign in again")
    return AwsError(f"{place}: {_line(error)}")


def _line(error: Exception) -> str:
    return _WORDS.sub(" ", str(error)).strip().rstrip(".")

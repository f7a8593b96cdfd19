"""The border to boto3: calls, and what their errors mean."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import Any

from botocore import exceptions, xform_name
from botocore.config import Config
from botocore.parsers import ResponseParserError

from opalite import __version__
from opalite.errors import AwsError
from opalite.ports import Absent, Denied


def limits(*, connect: float, read: float, attempts: int) -> Config:
    """How many seconds an attempt may take to connect and to read, and how many attempts a call has."""
    return Config(
        # Standard mode waits with jitter between attempts, and stops early when most calls fail.
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=connect,
        read_timeout=read,
        max_pool_connections=16,
        user_agent_extra=f"opalite/{__version__}",
    )


CONFIG = limits(connect=3, read=15, attempts=5)

# Services whose IAM actions do not begin with boto3's name of the service.
_PREFIXES = {
    "elb": "elasticloadbalancing", "elbv2": "elasticloadbalancing", "resourcegroupstaggingapi": "tag", "stepfunctions": "states",
}  # fmt: skip

# For want of a permission, or because the session was revoked, which AWS does by a policy that denies everything.
FORBIDDEN = frozenset(
    {
        "AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException",
        "InsufficientPermissionsException", "OrganizationAccessDeniedException", "UnauthorizedOperation",
    }
)  # fmt: skip
_DENIED = FORBIDDEN | {
    "AccessDeniedForDependencyException", "AWSOrganizationsNotInUseException", "NoAvailableOrganizationException",
    "OptInRequired", "RegionDisabledException", "SubscriptionRequiredException",
}  # fmt: skip
_ABSENT = frozenset(
    {
        "AccountNotFoundException", "AWS.SimpleQueueService.NonExistentQueue", "AutomationExecutionNotFoundException",
        "ChildNotFoundException", "DBClusterNotFoundFault", "DBClusterSnapshotNotFoundFault", "DBInstanceNotFound",
        "DBSnapshotNotFound", "InvalidGroup.NotFound", "InvalidInstanceID.NotFound", "InvalidPermission.NotFound",
        "InvalidSecurityGroupRuleId.NotFound", "InvalidSnapshot.NotFound",
        "InvalidVolume.NotFound", "ListenerNotFound", "LoadBalancerNotFound", "NoSuchBucket", "NoSuchBucketPolicy",
        "NoSuchConfigRuleException", "NoSuchConfigurationRecorderException", "NoSuchKey",
        "NoSuchOrganizationConfigRuleException", "NoSuchTagSet", "NotFoundException", "OrganizationalUnitNotFoundException",
        "ParentNotFoundException", "QueueDoesNotExist", "ResourceNotDiscoveredException", "ResourceNotFoundException",
        "ServerSideEncryptionConfigurationNotFoundError", "TargetGroupNotFound",
    }
)  # fmt: skip
# S3 answers HEAD without a body, so that the status is all there is. From any other service such a code may be a proxy's.
_S3_HEAD = {"403": "AccessDenied", "404": "NoSuchKey"}
# The key is none that the service could have: asking again would not help.
_MALFORMED = frozenset(
    {
        "InvalidAddress", "InvalidArnException", "InvalidInputException", "InvalidParameterValueException",
        "ValidationError", "ValidationException",
    }
)  # fmt: skip
# What is malformed there is no key, but what we wrote: a failure. What AWS says about it may repeat it, so it is not shown.
_WRITES = (
    "Add", "Authorize", "BatchImport", "BatchUpdate", "Copy", "Create", "Delete", "Enable", "Invoke", "Modify", "Publish", "Put",
    "Reboot", "Restore", "Revoke", "Send", "Start", "Stop", "Update",
)  # fmt: skip
_EXPIRED = frozenset(
    {
        "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidSignatureException", "InvalidToken",
        "RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch", "TokenRefreshRequired",
    }
)  # fmt: skip
# STS has taken the credentials before any other service is asked. If that one does not know them, the region is switched off.
_NOT_KNOWN = frozenset({"AuthFailure", "InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException"})
NOT_TAKEN = _EXPIRED | _NOT_KNOWN  # the credentials, not the question
# What would have to answer is not switched on, in that region at least; a permission would not help.
_SWITCHED_OFF = {
    "InvalidAccessException": "is Security Hub enabled in {region}?",
    "NoAvailableConfigurationRecorderException": "is there a configuration recorder in {region}?",
    "NoRunningConfigurationRecorderException": "is the configuration recorder in {region} on?",
    **dict.fromkeys(_NOT_KNOWN, "is region {region} enabled there?"),
}
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
        self._retries: Counter[str] = Counter()

    def watch(self, client: Any) -> None:
        """Count the calls of a client: each page is one, a retry is none."""
        service = client.meta.service_model.service_name
        client.meta.events.register("before-parameter-build", self._count)
        client.meta.events.register("after-call", self._answered)
        client.meta.events.register("after-call-error", partial(self._failed, service))

    def counts(self) -> dict[str, int]:
        """Calls by action since the beginning, the name of the action first in the alphabet first."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def retries(self) -> dict[str, int]:
        """The same of the attempts beyond the first; an action that needed none is left out."""
        with self._lock:
            return dict(sorted(self._retries.items()))

    def _count(self, *, model: Any, **_: Any) -> None:
        with self._lock:
            self._counts[action(model.service_model.service_name, model.name)] += 1

    def _answered(self, *, model: Any, parsed: Mapping[str, Any], **_: Any) -> None:
        retries = parsed.get("ResponseMetadata", {}).get("RetryAttempts", 0)
        self._retried(action(model.service_model.service_name, model.name), retries)

    def _failed(self, service: str, *, event_name: str, context: Mapping[str, Any], **_: Any) -> None:
        """No answer came, so the attempts are known only from where botocore notes them for itself."""
        attempts = (context.get("retries") or {}).get("attempt", 1)
        self._retried(action(service, event_name.rpartition(".")[2]), attempts - 1)

    def _retried(self, name: str, retries: int) -> None:
        if retries > 0:
            with self._lock:
                self._retries[name] += retries


class Remote:
    """Meets opalite.ports.Service.

    `renew`: of the session of a role: the same service by a new session, if the old one may be to blame for an error (its code).
    """

    def __init__(self, client: Any, account_id: str, renew: Callable[[str], Remote | None] | None = None) -> None:
        self._client = client
        self._account_id = account_id
        self._renew = renew

    def ask(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """One call; one more if the session was to blame."""
        with self._told(operation):
            try:
                return self._call(operation, parameters)
            except exceptions.ClientError as error:
                if not self._renewed(error):
                    raise
            return self._call(operation, parameters)

    def pages(self, operation: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        """A call for each page; one more if the session was to blame for the first. On a later page it has just been taken."""
        with self._told(operation):
            pages = self._paginated(operation, parameters)
            try:
                first = next(pages, None)
            except exceptions.ClientError as error:
                if not self._renewed(error):
                    raise
                pages = self._paginated(operation, parameters)
            else:
                if first is not None:
                    yield first
            yield from pages

    def _call(self, operation: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        return Answered(getattr(self._client, xform_name(operation))(**parameters), self._place(operation))

    def _paginated(self, operation: str, parameters: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        pages = self._client.get_paginator(xform_name(operation)).paginate(**parameters)
        return (Answered(page, self._place(operation)) for page in pages)

    def _place(self, operation: str) -> str:
        meta = self._client.meta
        name = action(meta.service_model.service_name, operation)
        return f"{name} in account {self._account_id}, {meta.region_name}"

    def _renewed(self, error: exceptions.ClientError) -> bool:
        code = _code(error)
        other = self._renew(code) if self._renew and code in NOT_TAKEN | FORBIDDEN else None
        if other is None:
            return False
        self._client, self._renew = other._client, other._renew  # noqa: SLF001 - of the same class
        return True

    def _told(self, operation: str) -> Any:
        meta = self._client.meta
        name = action(meta.service_model.service_name, operation)
        remedy = "sign in again" if self._renew is None else "they are new ones of the role, try again later"
        return told(name, self._account_id, meta.region_name, remedy=remedy)


class Answered(dict[str, Any]):
    """What AWS answered. If it lacks a member that AWS always gives, something else has answered, a proxy for one."""

    def __init__(self, members: Mapping[str, Any], place: str) -> None:
        super().__init__(members)
        self._place = place

    def __missing__(self, name: str) -> Any:
        raise AwsError(f"{self._place}: what answered is not AWS: it left out {name!r}")


def action(service: str, operation: str) -> str:
    """The IAM action of an operation."""
    return f"{_PREFIXES.get(service, service)}:{operation}"


@contextmanager
def told(name: str, account_id: str, region: str, *, remedy: str = "sign in again") -> Iterator[None]:
    """Turn boto3's errors into Denied, Absent or AwsError, each with the action and the account.

    `remedy`: what to do if AWS does not take the credentials.
    """
    place = f"{name} in account {account_id}, {region}"
    try:
        yield
    except exceptions.ClientError as error:
        raise _meaning(error, name, account_id, region, remedy) from None
    except exceptions.ParamValidationError:
        raise _malformed(name, place, "not of its form") from None
    except _NO_CREDENTIALS as error:
        raise AwsError(f"{name}: no AWS credentials: {_line(error)}; sign in, or set AWS_PROFILE") from None
    except EOFError:
        raise AwsError(f"{name}: no AWS credentials: the profile wants an MFA code; sign in first") from None
    except ResponseParserError:  # its words are those of the answer, which may hold the keys of a role
        raise AwsError(f"{place}: the answer cannot be read: cut short, or not from AWS") from None
    except exceptions.BotoCoreError as error:
        raise AwsError(f"{place}: {_line(error)}") from None


def _meaning(error: exceptions.ClientError, name: str, account_id: str, region: str, remedy: str) -> Exception:
    code = _code(error)
    kind = _S3_HEAD.get(code, code) if name.startswith("s3:") else code
    place = f"{name} in account {account_id}, {region}"
    if kind in _ABSENT:
        return Absent(code)
    if kind in _MALFORMED:
        return _malformed(name, place, code, code)
    if kind in NOT_TAKEN and (kind not in _NOT_KNOWN or name.startswith("sts:")):
        return AwsError(f"{place}: AWS does not take the credentials ({code}): {remedy}", code)
    refusal = f"{name} is denied in account {account_id} ({code})"
    if kind in _DENIED:
        return Denied(refusal)
    if kind in _SWITCHED_OFF:
        return Denied(f"{refusal}: {_SWITCHED_OFF[kind].format(region=region)}")
    return AwsError(f"{place}: {_line(error)}", code)


def _malformed(name: str, place: str, why: str, code: str = "") -> Exception:
    if name.partition(":")[2].startswith(_WRITES):
        return AwsError(f"{place}: AWS does not take what was sent ({why})", code)
    return Denied(f"{name} does not take this key ({why})")


def _code(error: exceptions.ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _line(error: Exception) -> str:
    return _WORDS.sub(" ", str(error)).strip().rstrip(".")

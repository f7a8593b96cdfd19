"""Credentials by account: the caller's own, and for other accounts a role of one agreed name."""

from __future__ import annotations

import re
import unicodedata
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from threading import RLock
from typing import Any

from botocore.config import Config
from botocore.exceptions import UnknownRegionError
from botocore.session import get_session

from opalite.adapters.aws.cache import Cache, Now
from opalite.adapters.aws.remote import CONFIG, FORBIDDEN, Answered, Calls, Remote, told
from opalite.errors import AwsError, UsageError
from opalite.ports import Answer, Denied

# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html; of tags, as that page links it:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
_ROLE = re.compile(r"(?:[A-Za-z0-9+=,.@_-]+/)*[A-Za-z0-9+=,.@_-]{1,64}")  # IAM's names of roles, with a path or without
_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}")
_EXTERNAL_ID = re.compile(r"[A-Za-z0-9_+=,.@:/-]{2,1224}")
_SECONDS = range(900, 43_200 + 1)
CHAINED_SECONDS = 3600  # at most, if the credentials of the caller are those of a role themselves
_TAGS = 50
_TAG_KEY, _TAG_VALUE = 128, 256  # characters

_ACCOUNT = re.compile(r"[0-9]{12}")
_BEFORE_THE_END = (
    900  # seconds: what begins with a session must not meet its end, and an invocation lasts so long at most
)
_PAUSE = timedelta(minutes=1)  # before a session that is not taken, or refused, is replaced by yet another
_SESSIONS = 5_000  # one takes a kilobyte or two
_CLIENTS = 128  # a client takes up to some MB; with more accounts and regions the longest unused one goes
_HOME = {"aws": "us-east-1", "aws-cn": "cn-northwest-1", "aws-us-gov": "us-gov-west-1"}


@dataclass(frozen=True, slots=True)
class Role:
    """The role that is assumed in other accounts than the caller's own: its name, with a path if it has one, and how.

    `seconds`: the life of a session. `external_id`, `source_identity` and `tags` must be what the trust policy of the role demands.
    """

    name: str
    external_id: str | None = None
    source_identity: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    session_name: str = "opalite"
    seconds: int = CHAINED_SECONDS

    def __post_init__(self) -> None:
        """Raises UsageError for what STS would refuse in every account."""
        if not _ROLE.fullmatch(self.name):
            raise UsageError(f"{self.name!r} is not the name of an IAM role: give its name, and no ARN")
        for what, value, pattern, form in (
            ("session_name", self.session_name, _NAME, "2 to 64 letters, digits and _+=,.@-"),
            ("source_identity", self.source_identity, _NAME, "2 to 64 letters, digits and _+=,.@-"),
            ("external_id", self.external_id, _EXTERNAL_ID, "2 to 1224 letters, digits and _+=,.@:/-"),
        ):
            if value is not None and not pattern.fullmatch(value):
                raise UsageError(f"role {self.name}: {what} has {len(value)} characters, it must be {form}")
        if self.seconds not in _SECONDS:
            span = f"{_SECONDS[0]} to {_SECONDS[-1]}"
            raise UsageError(f"role {self.name}: a session cannot last {self.seconds} seconds: set {span}")
        if fault := _tags_fault(self.tags):
            raise UsageError(f"role {self.name}: {fault}")

    def parameters(self) -> dict[str, Any]:
        """Those of AssumeRole, but for the ARN."""
        given = {
            "RoleSessionName": self.session_name,
            "DurationSeconds": self.seconds,
            "ExternalId": self.external_id,
            "SourceIdentity": self.source_identity,
            "Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()],
        }
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True, slots=True)
class _Keys:
    """Credentials of an assumed role."""

    received: datetime
    secrets: Mapping[str, str] = field(repr=False)


class AwsSessions:
    """Meets opalite.ports.Sessions.

    `role`: without it other accounts are refused; a text is its name. `own`: a botocore session, if it shall not be that of the
    environment. `config`: the limits of every call. `everywhere`: the role is assumed in the caller's own account, too.

    boto3 itself is not loaded: it brings s3transfer, a quarter of its time at the start of a sandbox, and nothing else we use.
    """

    def __init__(
        self,
        now: Now,
        *,
        role: Role | str | None = None,
        own: Any = None,
        config: Config = CONFIG,
        everywhere: bool = False,
    ) -> None:
        self.calls = Calls()
        self._now = now
        self._role = Role(role) if isinstance(role, str) else role
        self._config = config
        self._everywhere = everywhere
        self._lock = RLock()  # botocore makes clients in one thread only; the clients themselves may be shared
        self._own = own
        self._caller: tuple[str, str] | None = None  # account, partition
        # The end that AWS names is by its clock, which need not agree with ours: the life of a session counts from its receipt.
        life = self._role.seconds if self._role else CHAINED_SECONDS
        self._sessions: Cache[str] = Cache(now, seconds=life - min(_BEFORE_THE_END, life / 2), size=_SESSIONS)
        self._replaced: dict[str, datetime] = {}  # by account, when its session was found not to be taken
        self._clients: OrderedDict[tuple[str, ...], Any] = OrderedDict()

    def known_as(self, account_id: str, partition: str) -> None:
        """Whose credentials the caller's are, if that is known without asking: a function's are those of a role in its account."""
        if self._role is not None and self._role.seconds > CHAINED_SECONDS:
            raise UsageError(
                f"role {self._role.name}: a session cannot last {self._role.seconds} seconds if a role assumes it: "
                f"set at most {CHAINED_SECONDS}"
            )
        with self._lock:
            self._caller = (account_id, partition)

    def by_role(self, role: Role) -> AwsSessions:
        """The same caller, who does nothing but assume another role, also in his own account; the calls are counted here."""
        with self._lock:
            other = AwsSessions(self._now, role=role, own=self._session(), config=self._config, everywhere=True)
            other._lock, other._caller = self._lock, self._caller
            other._clients, other.calls = self._clients, self.calls
            return other

    def caller(self) -> str:
        """Asked once: GetCallerIdentity, unless it is known."""
        with self._lock:
            return self._identity("")[0]

    def prepare(self, name: str, region: str = "") -> None:
        """Make a client of the caller's own, so that the first who asks for it, or for one like it, need not wait for that."""
        with self._lock:
            self._client(name, region or str(self._own_region() or _HOME["aws"]))

    def renew(self) -> None:
        """A new event begins: an account that refused its role to an earlier one is asked again. Sessions stay for their time."""
        self._sessions.renew()

    def service(self, name: str, account_id: str, region: str) -> Remote:
        """A service with the caller's credentials in his own account, else with those of the role."""
        with self._lock:
            own, partition = self._identity(region)
            region = region or str(self._own_region() or _HOME.get(partition, "us-east-1"))
            self._check(region, partition)
            if account_id == own and not self._everywhere:
                return Remote(self._client(name, region), account_id)
        session = self._assumed(account_id, own, partition, region)
        renew = partial(self._renewed, name, account_id, region, session)
        return Remote(self._client(name, region, _keys(session).secrets), account_id, renew)

    def _session(self) -> Any:
        """The session of the environment, with one thing settled: the STS of the region, whose sessions all regions take."""
        if self._own is None:
            self._own = get_session()
            self._own.set_config_variable("sts_regional_endpoints", "regional")
        return self._own

    def _own_region(self) -> str | None:
        region: str | None = self._session().get_config_variable("region")
        return region

    def _identity(self, region: str) -> tuple[str, str]:
        if self._caller is None:
            with told("sts:GetCallerIdentity", "of the caller", region or "home region"):
                sts = self._client("sts", str(self._own_region() or self._home(region)))
                answer = Answered(sts.get_caller_identity(), "sts:GetCallerIdentity")
                self._caller = (answer["Account"], answer["Arn"].split(":")[1])
        return self._caller

    def _home(self, region: str) -> str:
        """A region that is there for sure: one that an item names may be none."""
        try:
            return _HOME.get(self._session().get_partition_for_region(region), "us-east-1")
        except UnknownRegionError:
            return "us-east-1"

    def _check(self, region: str, partition: str) -> None:
        try:
            found = self._session().get_partition_for_region(region)
        except UnknownRegionError:
            raise Denied(f"{region!r} is no AWS region that can be asked") from None
        if found != partition:
            raise Denied(f"region {region} is of partition {found}, the caller's credentials are of {partition}")

    def _assumed(self, account_id: str, own: str, partition: str, region: str) -> Answer:
        """Of several threads that want the same account one assumes the role; those that want others do not wait for it."""
        if not _ACCOUNT.fullmatch(account_id):
            raise Denied(f"{account_id!r} is not the id of an account")
        role = self._role
        if role is None:
            raise Denied(
                f"account {account_id} cannot be asked: the credentials are of account {own}, and no role was named"
            )

        def assume(accounts: Sequence[str]) -> dict[str, Answer]:
            return {account: self._assume(role, account, partition, region) for account in accounts}

        session = self._sessions.get([account_id], assume)[account_id]
        if session.fact is None:
            raise Denied(session.reason)
        return session

    def _assume(self, role: Role, account_id: str, partition: str, region: str) -> Answer:
        place = str(self._own_region() or region)
        sts = self._client("sts", place)
        try:
            with told("sts:AssumeRole", account_id, place):
                arn = f"arn:{partition}:iam::{account_id}:role/{role.name}"
                answer = sts.assume_role(RoleArn=arn, **role.parameters())
                given = Answered(answer, f"sts:AssumeRole in account {account_id}, {place}")["Credentials"]
                secrets = {
                    "aws_access_key_id": given["AccessKeyId"],
                    "aws_secret_access_key": given["SecretAccessKey"],
                    "aws_session_token": given["SessionToken"],
                }
        except Denied as denied:
            why = "" if "(AccessDenied)" in str(denied) else f": {denied}"  # that is what it means, whatever is wrong
            reason = f"role {role.name} of account {account_id} cannot be assumed{why}"
            return Answer(None, reason, refused=True)
        return Answer({"keys": _Keys(self._now(), secrets)})

    def _renewed(self, name: str, account_id: str, region: str, session: Answer, code: str) -> Remote | None:
        """The service by another session, if this one may be to blame for the error; nothing new within a minute."""
        with self._lock:
            if self._sessions.peek(account_id) is session:  # else somebody else has replaced it already
                now = self._now()
                # A session that is revoked is refused like one without the permission. Only an old one can have been revoked.
                times = [self._replaced.get(account_id), _keys(session).received if code in FORBIDDEN else None]
                if any(moment is not None and timedelta() <= now - moment < _PAUSE for moment in times):
                    return None
                self._replaced[account_id] = now
                self._sessions.forget(account_id)
        return self.service(name, account_id, region)

    def _client(self, name: str, region: str, secrets: Mapping[str, str] | None = None) -> Any:
        """One per service, region and credentials, all of one botocore session, which reads its models once."""
        secrets = secrets or {}
        key = (name, region, secrets.get("aws_access_key_id", ""))
        with self._lock:
            client = self._clients.get(key)
            if client is None:
                try:
                    client = self._session().create_client(name, region_name=region, config=self._config, **secrets)
                except ValueError as error:  # of AWS_ENDPOINT_URL and the like
                    raise AwsError(f"{name} in {region}: {error}") from None
                self._clients[key] = client
                self.calls.watch(client)
                if len(self._clients) > _CLIENTS:
                    self._clients.popitem(last=False)
            self._clients.move_to_end(key)
            return client


def _keys(session: Answer) -> _Keys:
    keys: _Keys = (session.fact or {})["keys"]
    return keys


def _tags_fault(tags: Mapping[str, str]) -> str | None:
    """Values are not shown: nobody knows what they say."""
    if len(tags) > _TAGS:
        return f"a session cannot have {len(tags)} tags: set at most {_TAGS}"
    for key, value in tags.items():
        if not 1 <= len(key) <= _TAG_KEY or not _is_text(key) or key.lower().startswith("aws:"):
            return f"{key!r} is not the key of a tag: it must be 1 to {_TAG_KEY} letters, digits, spaces and _.:/=+-@"
        if len(value) > _TAG_VALUE or not _is_text(value):
            return f"the value of tag {key} must be at most {_TAG_VALUE} letters, digits, spaces and _.:/=+-@"
    if len({key.lower() for key in tags}) < len(tags):
        return "two of the tags differ by capitals only, which is no difference to AWS"
    return None


def _is_text(text: str) -> bool:
    return all(character in "_.:/=+-@" or unicodedata.category(character)[0] in "LNZ" for character in text)

"""Facts that AWS itself tells, by `--live`: which adapter answers which kind, in which account, and what that takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, Protocol

from opalite.adapters.aws.cache import SECONDS, Cache, Now, granted
from opalite.adapters.aws.ec2 import IDS_PER_CALL, Images
from opalite.adapters.aws.elb import LoadBalancers
from opalite.adapters.aws.kms import Keys
from opalite.adapters.aws.organizations import Accounts
from opalite.adapters.aws.sqs import QueuePolicies
from opalite.errors import AwsError
from opalite.facts.keys import spellings
from opalite.facts.leaving import Leaving
from opalite.ports import Absent, Answer, Denied, Place, Sessions, Wanted

# The IAM actions that each kind takes. Nothing else is ever called, but to take on the role (SESSION_ACTIONS).
ACTIONS: Mapping[str, tuple[str, ...]] = {
    "image": ("ec2:DescribeImages",),
    "kms_key": ("kms:DescribeKey", "kms:ListAliases"),
    "account": ("organizations:ListParents",),  # of the caller himself, not of the role
    "load_balancer": (
        "cloudwatch:GetMetricData",
        "cloudwatch:ListMetrics",
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DescribeTargetGroups",
        "elasticloadbalancing:DescribeTargetHealth",
    ),
    "resource_policy": ("sqs:GetQueueAttributes",),
}
SESSION_ACTIONS = ("sts:AssumeRole", "sts:GetCallerIdentity")  # of the caller
KINDS = frozenset(ACTIONS)

_AT_ONCE = 8  # tasks in flight
_TASK = 20  # keys of one task, where each takes calls of its own
_Key = tuple[str, Place, str]  # kind, where to ask, the key in its one spelling


class _Source(Protocol):
    @property
    def caches(self) -> Sequence[Cache[Any]]: ...

    def fetch(self, place: Place, keys: Sequence[str], /) -> Mapping[str, Answer]: ...


class LiveFacts:
    """Meets opalite.ports.Facts. An answer is good for `seconds`, a refusal for a moment; see adapters/aws/cache.py."""

    def __init__(self, sessions: Sessions, now: Now, *, seconds: float = SECONDS) -> None:
        self._sources: Mapping[str, _Source] = {
            "image": Images(sessions, now),
            "kms_key": Keys(sessions, now),
            "account": Accounts(sessions, now),
            "load_balancer": LoadBalancers(sessions, now),
            "resource_policy": QueuePolicies(sessions),
        }
        self._answers: Cache[_Key] = Cache(now, seconds=seconds, lasting=_lasting)
        self._caches: Sequence[Cache[Any]] = (
            self._answers,
            *(cache for source in self._sources.values() for cache in source.caches),
        )
        self._leaving = Leaving()

    def prepare(self, wanted: Iterable[Wanted]) -> None:
        """Ask for all of it, many keys per call where AWS allows it, several calls at once."""
        groups: defaultdict[tuple[str, Place], dict[_Key, None]] = defaultdict(dict)
        for kind, key, resource in wanted:
            if kind in KINDS:
                located = _located(kind, key, resource)
                groups[located[:2]][located] = None
        tasks = [task for (kind, _), keys in groups.items() for task in _tasks(kind, list(keys))]
        if len(tasks) == 1:
            self._get(tasks[0])
        elif tasks:
            pool = ThreadPoolExecutor(min(_AT_ONCE, len(tasks)))
            try:
                for done in as_completed([pool.submit(self._get, task) for task in tasks]):
                    done.result()
            finally:  # after a failure nothing more is asked, and nobody waits for what is under way
                pool.shutdown(wait=False, cancel_futures=True)

    def lookup(self, kind: str, key: str, resource: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """One fact, from the cache if it was prepared."""
        if kind not in KINDS:
            return None
        located = _located(kind, key, resource)
        return self._get([located])[located].fact

    def why(self, kind: str, key: str, resource: Mapping[str, Any]) -> str | None:
        """What AWS said instead of the fact, or of its null members; nobody is asked."""
        answer = self._answers.peek(_located(kind, key, resource)) if kind in KINDS else None
        return None if answer is None else answer.reason

    def renew(self) -> None:
        """A new event begins: what an earlier one was refused, or did not find, is asked for again. Facts stay for their time."""
        for cache in self._caches:
            cache.renew()

    def counts(self) -> tuple[int, int]:
        """Hits and misses of all caches since the beginning; they only grow."""
        counts = [cache.counts() for cache in self._caches]
        return sum(hits for hits, _ in counts), sum(misses for _, misses in counts)

    def stop(self) -> None:
        """The end of a run, even of one that was interrupted: whoever waits for AWS gets AwsError, at once."""
        self._leaving.stop()

    def _get(self, keys: Sequence[_Key]) -> Mapping[_Key, Answer]:
        """All of one kind and place."""
        kind, place, _ = keys[0]

        def fetch(wanted: Sequence[_Key]) -> dict[_Key, Answer]:
            try:
                told = self._leaving.wait(lambda: self._sources[kind].fetch(place, [name for _, _, name in wanted]))
            except (Denied, Absent) as refusal:  # the adapters turn what they expect into answers of their own
                return dict.fromkeys(wanted, Answer(None, str(refusal)))
            except KeyError as error:
                where = f"account {place.account_id or 'of the caller'}, {place.region or 'home region'}"
                raise AwsError(f"{kind} of {where}: what answered is not AWS: it left out {error}") from error
            return {(kind, place, name): answer for name, answer in told.items()}

        return self._answers.get(keys, fetch)


def _lasting(answer: Answer) -> bool:
    """Not even an image or a key that is gone: it may be shared, or made, a moment later."""
    return granted(answer) and (answer.fact or {}).get("state") != "gone"


def _tasks(kind: str, keys: Sequence[_Key]) -> Iterator[Sequence[_Key]]:
    size = IDS_PER_CALL if kind == "image" else _TASK
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


def _located(kind: str, key: str, resource: Mapping[str, Any]) -> _Key:
    """Where to ask, and the one spelling under which the answer is kept."""
    partition = resource["partition"]
    if kind == "account":  # the same for all who ask
        return kind, Place(partition, "", ""), key
    region = resource["region"]
    if kind == "kms_key":
        key = next((spelling for spelling in spellings(key, resource) if spelling.startswith("arn:")), key)
        region = (key.split(":") + [""] * 4)[3]
    return kind, Place(partition, resource["account_id"], region), key

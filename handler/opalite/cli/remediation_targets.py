"""Decisions, or words on the command line → the resources that `opalite remediate` looks at."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import orjson

from opalite.errors import UsageError
from opalite.remediation.model import Target

_RESOURCE = re.compile(r"(?:(aws[a-z-]*)/)?([0-9]{12})/([a-z0-9-]+)/([A-Za-z0-9]+::[A-Za-z0-9]+::[A-Za-z0-9]+)/(.+)")
_PARTITIONS = (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"))
_MOST_TOLD = 10  # lines of one file that are no decisions; that many are no slips
_FIELDS = ("account_id", "region", "resource_type", "resource_id", "policy_id", "outcome")


class Targets(NamedTuple):
    """What is to be looked at, each once, and how many lines could not be read."""

    targets: list[Target]
    unread: int


def targets(
    paths: Sequence[str], policies: Sequence[str], resources: Sequence[str], known: Callable[[str], bool]
) -> Targets:
    """`known`: whether there is a policy of that id. Raises UsageError if nothing, or both, are named."""
    check(paths, policies, resources)
    if resources:
        return Targets(list(dict.fromkeys(_named(text, policy) for text in resources for policy in policies)), 0)
    found: dict[Target, None] = {}
    unread: Counter[str] = Counter()
    for path in paths:
        for place, line in _lines(path, unread):
            try:
                target = _decided(line)
                if target is not None and not known(target.policy_id):
                    raise ValueError(f"there is no policy {target.policy_id[:100]!r}: name its bundle by --bundle")  # noqa: TRY301
            except ValueError as error:
                unread[path] += 1
                if unread[path] <= _MOST_TOLD:
                    _say(f"{place}: {error}")
                continue
            if target is not None and (not policies or target.policy_id in policies):
                found[target] = None
        if unread[path] > _MOST_TOLD:
            _say(
                f"{path}: {unread[path]} lines are no decisions; expected is the output of `opalite evaluate --format jsonl`"
            )
    return Targets(list(found), unread.total())


def check(paths: Sequence[str], policies: Sequence[str], resources: Sequence[str]) -> None:
    """Before anything is started. Raises UsageError."""
    if bool(paths) == bool(resources):
        raise UsageError(
            "name decisions (a file of `opalite evaluate --format jsonl`, or -), or else --resource and --policy"
        )
    if resources and not policies:
        raise UsageError("--resource: which policy is it about? name it by --policy")
    for text in resources:
        _named(text, "")


def _named(text: str, policy: str) -> Target:
    parts = _RESOURCE.fullmatch(text)
    if parts is None:
        raise UsageError(
            f"--resource: {text!r} is not ACCOUNT/REGION/TYPE/ID, as 111122223333/eu-west-1/AWS::S3::Bucket/name"
        )
    partition, account, region, kind, name = parts.groups()
    return _target(policy, account, region, kind, name, partition)


def _target(policy: str, account: str, region: str, kind: str, name: str, partition: str | None = None) -> Target:
    known = next((found for prefix, found in _PARTITIONS if region.startswith(prefix)), "aws")
    return Target(
        policy_id=policy,
        partition=partition or known,
        account_id=account,
        region=region,
        resource_type=kind,
        resource_id=name,
    )


def _lines(path: str, unread: Counter[str]) -> Iterator[tuple[str, bytes]]:
    """With their place. A file that cannot be read keeps none of the others from being read."""
    if path == "-":
        yield from _numbered("standard input", sys.stdin.buffer)
        return
    try:
        with Path(path).open("rb") as file:
            yield from _numbered(path, file)
    except OSError as error:
        unread[path] += 1
        _say(f"{path}: {error.strerror}")


def _numbered(source: str, lines: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield f"{source}:{number}", line


def _decided(line: bytes) -> Target | None:
    """None if there is nothing to remediate. Raises ValueError for what is no decision."""
    try:
        body: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise ValueError("it is no line of JSON") from None
    if not isinstance(body, Mapping) or any(not isinstance(body.get(name), str) for name in _FIELDS):
        raise ValueError("it is no decision of `opalite evaluate --format jsonl`")
    if body["outcome"] != "fail":
        return None
    return _target(body["policy_id"], body["account_id"], body["region"], body["resource_type"], body["resource_id"])


def _say(line: str) -> None:
    click.echo(f"opalite: error: {line}", err=True)

"""Decisions of one invocation, or one page of it → objects of the decision log. Pure.

Key and bytes depend on the decisions and the Config rule alone: the same event again overwrites what it wrote before.
"""

from __future__ import annotations

import gzip
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import sha256
from io import BytesIO
from typing import Final

from opalite.model import Case
from opalite.publish.record import Kept, record
from opalite.publish.record_bounds import dumped

_HASH_CHARACTERS: Final = 32
_ODD = re.compile(r"[^A-Za-z0-9-]")
_DAY: Final = len("2026-11-28")


def log_objects(cases: Iterable[Case], *, prefix: str, rule_arn: str) -> list[tuple[str, bytes]]:
    """Keys and bodies, sorted; one object for each day, region and account, which is one unless a page has several.

    `rule_arn`: of the Config rule, because several may ask about the same resource at the same time.
    """
    groups: defaultdict[tuple[str, str, str], dict[str, Case]] = defaultdict(dict)
    for case in cases:
        one = case.decision
        groups[one.evaluated_at[:_DAY], one.region, one.account_id][one.decision_id] = case
    return sorted(
        (_key(prefix, place, sorted(group), rule_arn), _body(sorted(group.values(), key=_order)))
        for place, group in groups.items()
    )


def _key(prefix: str, place: tuple[str, str, str], decision_ids: Sequence[str], rule_arn: str) -> str:
    day, region, account = (_ODD.sub("_", part) for part in place)
    name = sha256("\n".join((rule_arn, *decision_ids)).encode()).hexdigest()[:_HASH_CHARACTERS]
    folder = f"{prefix.strip('/')}/".lstrip("/")
    return f"{folder}date={day}/region={region}/{account}-{name}.jsonl.gz"


def _order(case: Case) -> tuple[str, ...]:
    """What was judged of one resource stands together: gzip then stores it once."""
    one = case.decision
    return one.resource_type, one.resource_id, one.input_digest, one.policy_id, one.decision_id


def _body(cases: Sequence[Case]) -> bytes:
    """Packed on the way, so that the records never are in memory all at once."""
    packed = BytesIO()
    kept: tuple[str, Kept | None] = ("", None)  # what was judged last; most policies judge the same of a resource
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0, compresslevel=6) as file:
        for case in cases:
            if kept[0] != case.decision.input_digest:
                kept = (case.decision.input_digest, Kept(case.judged))
            file.write(dumped(record(case, kept[1])) + b"\n")
    return packed.getvalue()

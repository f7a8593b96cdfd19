"""The whole examination: what is asked once, then account by account, several at once and few in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

import orjson

from opalite.catalog import Catalog
from opalite.doctor import account, central, entering, function, organization, rules, settings
from opalite.doctor.account import Context
from opalite.doctor.asking import Asking
from opalite.doctor.diagnosis import Diagnosis, Reply, skipped, unknown
from opalite.doctor.layer import LayerFile
from opalite.doctor.settings import Subject
from opalite.errors import AwsError, InvocationError
from opalite.metadata import EVERY_TYPE
from opalite.ports import Place
from opalite.selection import selection

_AHEAD: Final = 4  # accounts for each thread that are asked, or wait to be told


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What the examination needs of the world.

    `asking`: with the caller's own credentials; `asking_members`: by the role that is known then. `accounts`: of the organization.
    """

    asking: Asking
    asking_members: Callable[[Subject], Asking]
    subject: Subject
    place: Place  # of the function, or of the caller
    now: datetime
    catalog: Mapping[str, Any]  # of this installation
    accounts: Callable[[], Sequence[str]]
    layer: LayerFile | None = None
    fetch: Callable[[str], LayerFile | None] = lambda _: None
    jobs: int = 8
    progress: Callable[[int, int], None] = lambda _done, _total: None


def examined(job: Job) -> Iterator[Diagnosis]:
    """All diagnoses: of the whole first, then by account in the order of their ids. Raises AwsError if accounts are not told."""
    home = job.place
    configuration = central.configuration(job.asking, job.subject, home)
    subject, said = settings.told_by(job.subject, configuration, home.region)
    members = central.organization(job.asking, home, hub=subject.security_hub)
    named = central.naming(job.asking, subject, home) if subject.own_only and _is_there(members) else ()
    yield settings.served(subject, said, members.organization, named)
    accounts = _accounts(subject, members, job)
    found = Reply(())
    alone = subject.own_only or bool(members.organization.absent)
    if _is_there(members) and not alone:
        yield from organization.diagnoses(members)
        found, rest = central.organization_rules(job.asking, subject, home)
        yield from rest
    else:
        yield from _without(subject, members)
    served = [one for one in accounts if one != members.management and _is_served(found, one)]
    seen = central.function(job.asking, subject, home, configuration, served, members.id)
    if seen is None:
        yield from (skipped(check, "no --function was named") for check in (*function.CHECKS, "failed_events"))
    else:
        yield from function.diagnoses(seen)
        if configuration.value is not None:
            yield from central.layers(job.asking, home, seen, job.layer, job.fetch, job.catalog)
        yield central.failed_events(job.asking, subject, home, seen, job.now)
    yield from central.outputs_told(job.asking, subject, home)
    role = str((configuration.value or {}).get("Role", ""))
    is_function = central.is_caller(job.asking, home, role)
    context = Context(
        subject=subject,
        own=home.account_id,
        partition=home.partition,
        now=job.now,
        regions=subject.regions or (home.region,),
        management=members.management,
        organization=members.id,
        alone=alone,
        function_role=role,
        caller=_caller(subject, role, members),
        expected=job.subject.role is not None or is_function,
        proven=is_function and _is_same(subject),
        organization_rules={home.region: found},
        types=needed(found, job.layer.catalog if job.layer else job.catalog),
    )
    yield from _by_account(job, context, accounts)


def needed(found: Reply, catalog: Mapping[str, Any]) -> frozenset[str]:
    """The resource types of the policies that the rules select; of all policies, where nobody knows what they select."""
    known = Catalog(catalog)
    chosen: set[str] | None = set()
    for rule in found.value or ():
        parameters = (rule.get("OrganizationCustomRuleMetadata") or {}).get("InputParameters") or "{}"
        try:
            selected = selection(_texts(parameters), known).chosen
        except (InvocationError, ValueError, AttributeError):  # whatever it is: then all policies count
            selected = None
        chosen = None if selected is None or chosen is None else chosen | selected
    return frozenset(
        kind
        for policy_id, policy in known.policies.items()
        if (not chosen or policy_id in chosen) and policy_id not in known.idle
        for kind in policy.resource_types
        if kind != EVERY_TYPE
    )


def _texts(parameters: str) -> dict[str, str]:
    document = orjson.loads(parameters)
    return {name: str(value) for name, value in document.items()}


def _is_there(members: organization.Seen) -> bool:
    return members.organization.value is not None


def _caller(subject: Subject, role: str, members: organization.Seen) -> entering.Caller | None:
    """The function as it comes into other accounts; None where nobody knows how."""
    if subject.entering is None or not role:
        return None
    return entering.caller(role, subject.entering, members.organization, members.id)


def _is_same(subject: Subject) -> bool:
    """Whether the doctor enters other accounts as the function does, and not by an option of his."""
    given = subject.entering
    return given is not None and (subject.role, subject.external_id) == (subject.member_role, given.external_id)


def _without(subject: Subject, members: organization.Seen) -> Iterator[Diagnosis]:
    """The function is not the organization's, there is none, or nobody says whether there is one."""
    reply = members.organization
    why = "the account is in no organization"
    if subject.own_only:
        reply, why = Reply(absent="own"), "the function serves its own account alone (OPALITE_ACCOUNTS)"
    for check in organization.CHECKS:
        yield skipped(check, why) if reply.absent else unknown(check, reply)


def _is_served(found: Reply, account_id: str) -> bool:
    """Whether there is a rule that is not kept from the account, or no rule at all that says so."""
    return not found.value or bool(rules.copies(found, account_id).value)


def _accounts(subject: Subject, members: organization.Seen, job: Job) -> Sequence[str]:
    if subject.accounts:
        return subject.accounts
    if subject.whole and not members.organization.absent:
        found = job.accounts()
        if not found:  # there is the management account, at least: to have looked at nothing must not be taken for well
            raise AwsError("organizations:ListAccounts: AWS lists no active account: name some by --accounts")
        return found
    return (job.place.account_id,)


def _by_account(job: Job, context: Context, accounts: Sequence[str]) -> Iterator[Diagnosis]:
    asking = job.asking_members(context.subject)
    with ThreadPoolExecutor(job.jobs) as pool:
        started = (pool.submit(account.examined, asking, context, one) for one in accounts)
        try:
            for done, told in enumerate(_windowed(started, job.jobs * _AHEAD), 1):
                job.progress(done, len(accounts))
                yield from told
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _windowed(started: Iterable[Future[list[Diagnosis]]], size: int) -> Iterator[list[Diagnosis]]:
    """In order, and never more than so many ahead: `started` begins the next one only when it is asked for it."""
    source = iter(started)
    window = deque(islice(source, size))
    while window:
        yield window.popleft().result()
        window.extend(islice(source, 1))

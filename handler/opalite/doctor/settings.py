"""What is examined: from options, and from what the function's environment says. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from opalite.doctor.diagnosis import Diagnosis, Reply, State, notice, skipped, unknown, well, wrong
from opalite.environment import Environment, read
from opalite.errors import UsageError

_CHECK = "function_settings"
_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Entering:
    """What the function says when it assumes the member role. The doctor may go by another role, and say something else."""

    external_id: str | None = field(default=None, repr=False)
    source_identity: str | None = None
    session_tags: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is to be examined. None: there is no such thing, or nobody named it."""

    function: str | None = None  # ARN
    role: str | None = None  # by which the doctor looks into members
    member_role: str | None = None  # by which the function does
    external_id: str | None = field(default=None, repr=False)
    source_identity: str | None = None
    session_tags: Mapping[str, str] = field(default_factory=dict, repr=False)
    log_bucket: str | None = None
    log_prefix: str = ""
    log_owner: str | None = None
    state_table: str | None = None
    topic: str | None = None
    queue: str | None = None
    remediation_table: str | None = None
    security_hub: bool = True
    stale_days: int = 7
    write: bool = False
    accounts: tuple[str, ...] = ()
    entering: Entering | None = None  # None: it enters no member, or nobody knows how
    own_only: bool = False  # the function serves its own account alone
    of_organization: bool = False  # it serves all accounts of the organization
    rules: frozenset[str] | None = None  # names and ARNs that may call beside the organization's; None: nobody knows
    listed: frozenset[str] = frozenset()  # accounts with rules that are no organization's, and may call the function
    blind: bool = False  # there is a function, and its environment is not known
    whole: bool = False  # all accounts of the organization
    regions: tuple[str, ...] = ()


def told_by(subject: Subject, configuration: Reply, region: str) -> tuple[Subject, Diagnosis]:
    """The subject, filled up from the function's environment, and what is to be said of that."""
    if subject.function is None:
        return replace(subject, member_role=subject.role), skipped(_CHECK, "no --function was named")
    blind = replace(subject, member_role=subject.role, blind=True)
    if not configuration.known:
        return blind, unknown(_CHECK, configuration)
    if configuration.absent:
        return blind, skipped(_CHECK, "there is no function")
    environment = (configuration.value or {}).get("Environment") or {}
    if environment.get("Error"):
        reply = Reply(unknown="Lambda cannot decrypt the function's environment", permission="kms:Decrypt on its key")
        return blind, unknown(_CHECK, reply)
    try:
        own = read({**(environment.get("Variables") or {}), "AWS_REGION": region})
    except UsageError as error:
        remedy = "correct the variable; docs/lambda.md has them all"
        return blind, wrong(_CHECK, f"the function does not start: {error}", remedy)
    return _filled(subject, own), _agreed(subject, own)


def unnamed(subject: Subject, check: str, why: str) -> Diagnosis:
    """Of what no option names: skipped, unless the function may have it."""
    if subject.blind:
        reply = Reply(unknown="the function's environment is not known, and no option names it")
        return replace(unknown(check, reply), remedy="name it by an option, or see function_settings")
    return skipped(check, why)


def served(subject: Subject, said: Diagnosis, organization: Reply, named: Sequence[str]) -> Diagnosis:
    """What is said of the settings, unless they do not fit the organization. `named`: its rules that name the function."""
    if said.state in (State.WRONG, State.UNKNOWN):
        return said
    if subject.of_organization and organization.absent:
        remedy = "has the account left it? Deploy the function in one of its accounts, or set OPALITE_ACCOUNTS to empty"
        return wrong(_CHECK, "the function serves an organization, but its account is in none", remedy)
    if subject.of_organization and subject.entering is None:
        message = "the function serves an organization, but has no role to enter its accounts (OPALITE_MEMBER_ROLE)"
        return wrong(_CHECK, message, "name the member role (docs/lambda.md)")
    if subject.whole and organization.absent and not (subject.own_only or subject.blind):
        message = "--all means an organization, but the account is in none"
        return wrong(_CHECK, message, "leave --all out, or sign in in an account of the organization")
    if subject.own_only and named:
        shown = ", ".join(named[:_NAMED]) + (" …" if len(named) > _NAMED else "")
        message = f"the function refuses the events of other accounts, but organization rules name it: {shown}"
        return wrong(_CHECK, message, "set OPALITE_ACCOUNTS to organization (docs/lambda.md), or delete the rules")
    return said


def _filled(subject: Subject, own: Environment) -> Subject:
    """What is named by options counts. How a role is assumed is the function's matter, if it is the function's role."""
    same = own.member_role is not None and subject.role in (None, own.member_role)
    return replace(
        subject,
        source_identity=own.source_identity if same else None,
        session_tags=own.session_tags if same else {},
        role=subject.role or own.member_role,
        member_role=own.member_role or subject.role,
        external_id=subject.external_id or (own.external_id if same else None),
        log_bucket=subject.log_bucket or own.log_bucket,
        log_prefix=own.log_prefix,
        log_owner=own.log_owner,
        state_table=subject.state_table or own.state_table,
        topic=subject.topic or own.topic_arn,
        security_hub=own.security_hub,
        entering=None if own.member_role is None else _entering(own),
        own_only=own.accounts == frozenset(),
        of_organization=own.accounts is None,
        rules=own.rules,
        listed=frozenset(rule.split(":")[4] for rule in own.rules if rule.startswith("arn:")),
    )


def _entering(own: Environment) -> Entering:
    return Entering(external_id=own.external_id, source_identity=own.source_identity, session_tags=own.session_tags)


def _agreed(subject: Subject, own: Environment) -> Diagnosis:
    pairs: Mapping[str, tuple[str | None, str | None]] = {
        "--log-bucket": (subject.log_bucket, own.log_bucket),
        "--state-table": (subject.state_table, own.state_table),
        "--topic": (subject.topic, own.topic_arn),
    }
    other = [name for name, (given, used) in pairs.items() if given and given != used]
    if other:
        return notice(_CHECK, f"{', '.join(other)}: the function uses another one, or none", "examine what it uses")
    return well(_CHECK)

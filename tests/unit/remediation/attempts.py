"""Attempts of every kind, for hypothesis: with words of others wherever there may be any."""

from __future__ import annotations

from hypothesis import strategies as st

from opalite.remediation.applying import Applied, Progress
from opalite.remediation.attempt import Approval, Attempt, Judgement
from opalite.remediation.model import Call, Mode, Plan, Result, Step, Target, Trigger, TriggerKind, Until

WORDS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["", "x" * 3000, "🏳️‍🌈" * 700, "é\u0301" * 900, "a\nSubject: b\r\n\u2028\u202e\x1b[2J", "https://a.b", "名" * 2000]),
)  # fmt: skip
TIMES = st.datetimes().map(lambda moment: moment.isoformat(timespec="milliseconds") + "Z")
IDS = st.text("0123456789abcdef", min_size=20, max_size=20)
JSON = st.dictionaries(
    st.text(max_size=8), st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=8)), max_size=3
)
NAMES = st.sampled_from(["Describe", "RevokeSecurityGroupIngress"])
CALLS = st.builds(Call, service=st.sampled_from(["ec2", "s3"]), operation=NAMES, parameters=JSON)
SEVERAL = st.lists(WORDS, max_size=2).map(tuple)
UNTILS = st.builds(
    Until, call=CALLS, path=WORDS, wanted=SEVERAL, failed=SEVERAL, seconds=st.integers(1, 900), absent=st.booleans()
)
STEPS = st.builds(
    Step,
    name=WORDS,
    reason=WORDS,
    call=CALLS,
    inverse=st.none() | CALLS,
    irreversible=WORDS,
    stays=st.booleans(),
    closes=st.booleans(),
    already=SEVERAL,
    busy=SEVERAL,
    outputs=st.dictionaries(st.text(max_size=5), WORDS, max_size=2),
    until=st.none() | UNTILS,
    inverse_until=st.none() | UNTILS,
)
PLANS = st.builds(
    Plan,
    action=WORDS,
    steps=st.lists(STEPS, max_size=2).map(tuple),
    refusal=WORDS,
    instructions=SEVERAL,
    successor=st.none() | WORDS,
    mends=st.booleans(),
    locks=SEVERAL,
)
APPLIED = st.builds(
    Applied,
    name=WORDS,
    progress=st.sampled_from(Progress),
    already=st.booleans(),
    outputs=JSON,
    inverse=st.none() | CALLS,
    inverse_until=st.none() | UNTILS,
    busy=SEVERAL,
    stays=st.booleans(),
    closes=st.booleans(),
)
JUDGEMENTS = st.builds(
    Judgement,
    decision_id=IDS,
    outcome=st.sampled_from(["pass", "fail", "undetermined"]),
    severity=st.sampled_from(["LOW", "CRITICAL"]),
    annotation=WORDS,
    bundle_revision=WORDS,
    evaluated_at=TIMES,
)
TARGETS = st.builds(
    Target,
    policy_id=WORDS,
    partition=WORDS,
    account_id=WORDS,
    region=WORDS,
    resource_type=WORDS,
    resource_id=WORDS,
)
TRIGGERS = st.builds(
    Trigger,
    kind=st.sampled_from(TriggerKind),
    event_id=WORDS,
    at=TIMES,
    by=WORDS,
    finding_id=st.none() | WORDS,
    product_arn=st.none() | WORDS,
    workflow_status=st.sampled_from([None, "NEW", "NOTIFIED", "SUPPRESSED"]),
)
ATTEMPTS = st.builds(
    Attempt,
    id=IDS,
    target=TARGETS,
    trigger=TRIGGERS,
    began_at=TIMES,
    changed_at=TIMES,
    mode=st.sampled_from(Mode),
    action=st.from_regex(r"[a-z]{0,20}(_[a-z]{1,20})?", fullmatch=True),
    result=st.sampled_from(Result),
    workflow_status=st.sampled_from([None, "NEW", "NOTIFIED", "SUPPRESSED"]),
    reason=WORDS,
    parameters=JSON,
    finding_id=st.none() | st.text(min_size=1, max_size=500),
    before=st.none() | JUDGEMENTS,
    details_before=st.none() | JSON,
    plan=st.none() | PLANS,
    applied=st.lists(APPLIED, max_size=2).map(tuple),
    approval=st.none() | st.builds(Approval, expires=TIMES, token=st.none() | WORDS, approver=st.none() | WORDS),
    after=st.none() | JUDGEMENTS,
    details_after=st.none() | JSON,
    due_at=st.none() | TIMES,
    started_at=st.none() | TIMES,
    undoes=st.none() | IDS,
    gives_up=WORDS,
    retries=st.integers(0, 3),
    told=st.lists(st.sampled_from(["record", "finding", "notice"]), unique=True).map(tuple),
    version=st.integers(0, 99),
)

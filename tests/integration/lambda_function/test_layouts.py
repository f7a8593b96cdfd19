"""One Config rule for one policy, or for many: what each says, with stages, exemptions, and what nobody can tell."""

from __future__ import annotations

import pytest

from emulation.aws import ACCOUNTS

_, MEMBER, OTHER = ACCOUNTS
ENCRYPTION, ACCESS, TLS = (f"aws.s3.bucket.{name}" for name in ("encryption", "public_access_block", "tls_only"))
BUCKET = ("AWS::S3::Bucket", "orders-archive-eu")
CAPTURED = "2026-03-02T08:15:30.412Z"
AES = "default encryption is AES256; required is a customer managed KMS key"
NO_TLS = "the bucket policy does not deny plain HTTP to everybody, for the bucket and all its objects"
TITLE = "S3 buckets encrypt new objects with a customer managed key"


@pytest.fixture
def one(aws):
    """A Config rule of one policy."""
    return aws.config.rule(MEMBER, "encryption", parameters={"policies": ENCRYPTION})


@pytest.fixture
def umbrella(aws):
    """A Config rule without parameters: of all policies."""
    return aws.config.rule(MEMBER, "all")


def tail_of(function, policy_id):
    (tail,) = (
        f" [{line['decision_id'][:12]}]" for line in function.lines("decision") if line["policy_id"] == policy_id
    )
    return tail


def test_an_umbrella_of_which_all_pass_says_how_many(aws, function, umbrella, bucket, key):
    function(aws.config.change_event(bucket(key=key), umbrella))
    says = f"3 of 3 policies pass{tail_of(function, ENCRYPTION)}"
    assert function.outcomes() == {ENCRYPTION: "pass", ACCESS: "pass", TLS: "pass"}
    assert function.results(umbrella) == {BUCKET: ("COMPLIANT", says, CAPTURED)}


def test_an_umbrella_of_which_one_fails_says_what_it_says(aws, function, umbrella, bucket, key):
    function(aws.config.change_event(bucket(key=key, tls=False), umbrella))
    says = f"1 of 3 policies fails: {TLS}: {NO_TLS}{tail_of(function, TLS)}"
    assert function.results(umbrella) == {BUCKET: ("NON_COMPLIANT", says, CAPTURED)}


def test_an_umbrella_of_which_several_fail_begins_with_the_gravest(aws, function, umbrella, bucket):
    function(aws.config.change_event(bucket(tls=False), umbrella))
    says = f"2 of 3 policies fail: {ENCRYPTION}: {AES}; {TLS}{tail_of(function, ENCRYPTION)}"
    assert function.results(umbrella) == {BUCKET: ("NON_COMPLIANT", says, CAPTURED)}


def test_both_layouts_come_of_the_same_decisions(aws, function, one, umbrella, bucket):
    event = bucket(tls=False)
    function(aws.config.change_event(event, one))
    (alone,) = function.lines("decision")
    assert function.results(one) == {BUCKET: ("NON_COMPLIANT", f"{AES}{tail_of(function, ENCRYPTION)}", CAPTURED)}
    function(aws.config.change_event(event, umbrella))
    assert alone in function.lines("decision")


def test_what_does_not_apply_is_counted_by_itself(aws, function, recorded):
    balancer = recorded("elbv2-load-balancer.network")
    for attribute in balancer["supplementaryConfiguration"]["LoadBalancerAttributes"]:
        if attribute["key"] == "deletion_protection.enabled":
            attribute["value"] = "true"
    headers, protection = (
        f"aws.elasticloadbalancingv2.loadbalancer.{name}" for name in ("drop_invalid_headers", "deletion_protection")
    )
    several = aws.config.rule(MEMBER, "several", parameters={"policies": f"{headers},{protection}"})
    single = aws.config.rule(MEMBER, "single", parameters={"policies": headers})
    key = (balancer["resourceType"], balancer["resourceId"])
    function(aws.config.change_event(balancer, several))
    says = f"1 of 2 policies passes, 1 not applicable{tail_of(function, protection)}"
    assert function.outcomes() == {headers: "not_applicable", protection: "pass"}
    assert function.results(several) == {key: ("COMPLIANT", says, CAPTURED)}
    function(aws.config.change_event(balancer, single))
    says = f"not applicable: a load balancer of type network does not look at HTTP headers{tail_of(function, headers)}"
    assert function.results(single) == {key: ("NOT_APPLICABLE", says, CAPTURED)}


# What is laid over the settings.
AUDIT = {"stages": {ENCRYPTION: {"default": {"stage": "audit"}}}}
OFF = {"stages": {ENCRYPTION: {"default": {"stage": "off"}}}}
ALL_OFF = {"stages": {"*": {"default": {"stage": "off"}}}}
AUDIT_ELSEWHERE = {"stages": {"*": {"overrides": [{"accounts": [OTHER], "set": {"stage": "audit"}}]}}}


def test_a_policy_at_stage_audit_is_judged_and_logged_and_tells_nothing(aws, deploy, one, umbrella, bucket):
    function = deploy(aws, layer=AUDIT)
    answer = function(aws.config.change_event(bucket(), one))
    assert answer == {"evaluations": [], "outcomes": {ENCRYPTION: "fail"}}
    (line,) = function.lines("decision")
    assert (line["stage"], line["outcome"], line.get("compliance_type")) == ("audit", "fail", None)
    assert function.results(one) == {}
    function(aws.config.change_event(bucket(), umbrella))
    assert function.outcomes() == {ENCRYPTION: "fail", ACCESS: "pass", TLS: "pass"}
    says = f"2 of 2 policies pass{tail_of(function, ACCESS)}"
    assert function.results(umbrella) == {BUCKET: ("COMPLIANT", says, CAPTURED)}


@pytest.mark.parametrize("layer", [AUDIT, OFF], ids=["audit", "off"])
def test_what_config_holds_of_a_policy_that_is_enforced_no_more_is_taken_back(aws, deploy, one, bucket, layer):
    event = aws.config.change_event(bucket(), one)
    deploy(aws)(event)
    function = deploy(aws, layer=layer)
    assert [kind for kind, *_ in function.results(one).values()] == ["NON_COMPLIANT"]
    function(event)
    says = "not applicable: no policy of this Config rule is enforced for this resource"
    assert function.results(one) == {BUCKET: ("NOT_APPLICABLE", says, CAPTURED)}


def test_a_policy_that_is_off_is_not_judged(aws, deploy, one, umbrella, bucket):
    function = deploy(aws, layer=OFF)
    assert function(aws.config.change_event(bucket(), one)) == {"evaluations": [], "outcomes": {}}
    function(aws.config.change_event(bucket(), umbrella))
    assert function.outcomes() == {ACCESS: "pass", TLS: "pass"}
    says = f"2 of 2 policies pass{tail_of(function, ACCESS)}"
    assert function.results(umbrella) == {BUCKET: ("COMPLIANT", says, CAPTURED)}


def test_if_all_policies_are_off_nothing_is_told(aws, deploy, umbrella, bucket):
    function = deploy(aws, layer=ALL_OFF)
    assert function(aws.config.change_event(bucket(), umbrella)) == {"evaluations": [], "outcomes": {}}
    assert [call.evaluations for call in aws.config.put_calls] == [()]


@pytest.mark.parametrize("layer", [AUDIT, OFF, ALL_OFF])
def test_results_of_what_is_gone_go_at_every_stage(aws, deploy, one, bucket, put, layer):
    put(one, BUCKET, compliance_type="NON_COMPLIANT")
    function = deploy(aws, layer=layer)
    gone = bucket(configuration=None, configurationItemStatus="ResourceDeleted")
    function(aws.config.change_event(gone, one))
    ((compliance_type, says, at),) = function.results(one).values()
    assert (compliance_type, at) == ("NOT_APPLICABLE", CAPTURED)
    assert says.startswith("not applicable: the resource was deleted")


def test_stages_are_set_by_account(aws, deploy, bucket):
    function = deploy(aws, layer=AUDIT_ELSEWHERE)
    rules = {
        account: aws.config.rule(account, "all", parameters={"tags": "encryption,baseline"})
        for account in (MEMBER, OTHER)
    }
    for account, rule in rules.items():
        function(aws.config.change_event(bucket(account=account), rule))
    assert {account: [told[0] for told in function.results(rule).values()] for account, rule in rules.items()} == {
        MEMBER: ["NON_COMPLIANT"],
        OTHER: [],
    }


def exempting(*, expires="2027-03-31T00:00:00Z", scope=None, **stage):
    entry = {
        "scope": scope or {"accounts": [MEMBER], "resources": ["orders-*"]},
        "owner": "web",
        "ticket": "WEB-1190",
        "reason": "public web content",
        "expires": expires,
    }
    stages = {"stages": {ENCRYPTION: {"default": stage}}} if stage else {}
    return {"exemptions": {ENCRYPTION: {"EX-2026-021": entry}}, **stages}


EXCUSE = f"exempt until 2027-03-31 by EX-2026-021 (WEB-1190): {AES}"


def test_an_exemption_is_named_in_both_layouts(aws, deploy, one, umbrella, bucket):
    function = deploy(aws, layer=exempting())
    function(aws.config.change_event(bucket(), one))
    assert function.outcomes() == {ENCRYPTION: "exempt"}
    assert function.results(one) == {BUCKET: ("COMPLIANT", f"{EXCUSE}{tail_of(function, ENCRYPTION)}", CAPTURED)}
    function(aws.config.change_event(bucket(), umbrella))
    says = f"2 of 3 policies pass, 1 exempt (EX-2026-021){tail_of(function, ENCRYPTION)}"
    assert function.outcomes() == {ENCRYPTION: "exempt", ACCESS: "pass", TLS: "pass"}
    assert function.results(umbrella) == {BUCKET: ("COMPLIANT", says, CAPTURED)}


def test_an_exemption_excuses_from_its_own_policy_only(aws, deploy, umbrella, bucket):
    function = deploy(aws, layer=exempting())
    function(aws.config.change_event(bucket(tls=False), umbrella))
    says = f"1 of 3 policies fails: {TLS}: {NO_TLS}{tail_of(function, TLS)}"
    assert function.results(umbrella) == {BUCKET: ("NON_COMPLIANT", says, CAPTURED)}


def test_what_is_exempt_can_be_not_applicable_by_setting(aws, deploy, one, umbrella, bucket):
    function = deploy(aws, layer=exempting(exempt="NOT_APPLICABLE"))
    function(aws.config.change_event(bucket(), one))
    assert function.results(one) == {BUCKET: ("NOT_APPLICABLE", f"{EXCUSE}{tail_of(function, ENCRYPTION)}", CAPTURED)}
    function(aws.config.change_event(bucket(), umbrella))
    assert function.results(umbrella)[BUCKET][0] == "COMPLIANT"


def test_an_exemption_holds_as_of_the_notification_and_not_of_now(aws, deploy, one, bucket):
    function = deploy(aws, layer=exempting(expires="2026-03-02T08:16:00Z"))
    for at, outcome in (("2026-03-02T08:15:59.999Z", "exempt"), ("2026-03-02T08:16:00.000Z", "fail")):
        function(aws.config.change_event(bucket(), one, notified_at=at))
        assert function.outcomes() == {ENCRYPTION: outcome}


@pytest.mark.parametrize(
    "scope",
    [
        {"accounts": [OTHER]},
        {"accounts": [MEMBER], "regions": ["us-east-1"]},
        {"accounts": [MEMBER], "resources": ["web-*"]},
    ],
)
def test_an_exemption_of_another_scope_excuses_nothing(aws, deploy, one, bucket, scope):
    function = deploy(aws, layer=exempting(scope=scope))
    function(aws.config.change_event(bucket(), one))
    assert function.results(one) == {BUCKET: ("NON_COMPLIANT", f"{AES}{tail_of(function, ENCRYPTION)}", CAPTURED)}


def treated(choice):
    return {"stages": {ENCRYPTION: {"default": {"undetermined": choice}}}} if choice else None


BEFORE = "before"
TREATMENTS = [
    # what the stage says, what Config holds, what it holds after
    (None, None, None),
    (None, "COMPLIANT", "NON_COMPLIANT"),
    (None, "NON_COMPLIANT", BEFORE),
    (None, "NOT_APPLICABLE", BEFORE),
    ("withdraw", None, None),
    ("withdraw", "COMPLIANT", "NON_COMPLIANT"),
    ("NON_COMPLIANT", None, "NON_COMPLIANT"),
    ("NON_COMPLIANT", "COMPLIANT", "NON_COMPLIANT"),
    ("NOT_APPLICABLE", None, "NOT_APPLICABLE"),
    ("NOT_APPLICABLE", "COMPLIANT", "NOT_APPLICABLE"),
    ("nothing", None, None),
    ("nothing", "COMPLIANT", BEFORE),
]


@pytest.fixture
def untold(aws, bucket, key, put):
    """The event of a bucket whose key nobody tells, what is said of it, and what a Config rule holds of it before."""

    def made(rule, held):
        if held:
            put(rule, BUCKET, compliance_type=held)
        aws.deny("kms")
        says = f"kms_key {key}: kms:DescribeKey is denied in account {MEMBER} (AccessDeniedException)"
        before = {BUCKET: (held, "before", "2026-03-01T12:00:00.000Z")} if held else {}
        return aws.config.change_event(bucket(key=key), rule), says, before

    return made


@pytest.mark.parametrize(("choice", "held", "after"), TREATMENTS)
def test_what_nobody_can_tell_is_treated_as_the_stage_says(deploy, aws, one, untold, choice, held, after):
    event, gap, before = untold(one, held)
    function = deploy(aws, layer=treated(choice))
    function(event)
    is_told = after not in (None, BEFORE)
    told = {BUCKET: (after, f"undetermined: {gap}{tail_of(function, ENCRYPTION)}", CAPTURED)}
    assert function.outcomes() == {ENCRYPTION: "undetermined"}
    assert function.counts() == {"Undetermined": 1} | ({"Evaluations": 1} if is_told else {})
    assert function.results(one) == (told if is_told else before)


@pytest.mark.parametrize("held", [None, "COMPLIANT", "NON_COMPLIANT"])
@pytest.mark.parametrize("choice", [None, "NON_COMPLIANT", "NOT_APPLICABLE", "nothing"])
def test_an_umbrella_is_never_compliant_while_one_policy_cannot_tell(deploy, aws, umbrella, untold, choice, held):
    event, gap, before = untold(umbrella, held)
    function = deploy(aws, layer=treated(choice))
    function(event)
    assert function.outcomes() == {ENCRYPTION: "undetermined", ACCESS: "pass", TLS: "pass"}
    tail = tail_of(function, ENCRYPTION)
    told = {
        "NON_COMPLIANT": f"1 of 3 policies fails: {ENCRYPTION}: undetermined: {gap}{tail}",
        "NOT_APPLICABLE": f"1 of 3 policies is undetermined: {ENCRYPTION}: {gap}{tail}",
    }
    sent = "NON_COMPLIANT" if (choice, held) == (None, "COMPLIANT") else choice
    assert function.results(umbrella) == ({BUCKET: (sent, told[sent], CAPTURED)} if sent in told else before)


def test_what_fails_counts_whatever_else_cannot_be_told(aws, function, umbrella, bucket, key):
    aws.deny("kms")
    function(aws.config.change_event(bucket(key=key, tls=False), umbrella))
    says = f"1 of 3 policies fails: {TLS}: {NO_TLS}{tail_of(function, TLS)}"
    assert function.results(umbrella) == {BUCKET: ("NON_COMPLIANT", says, CAPTURED)}
    assert aws.calls["config:GetComplianceDetailsByResource"] == 1


def test_what_config_holds_is_asked_for_only_if_the_verdict_hangs_on_it(aws, function, umbrella, bucket, key):
    function(aws.config.change_event(bucket(key=key), umbrella))
    function(aws.config.change_event(bucket(), umbrella))
    assert aws.calls["config:GetComplianceDetailsByResource"] == 0

"""Attacks on remediation: of whoever may do much in a member account, of bad luck, and of others who are at it at the same time."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock

import pytest
from moto.rds import rds_backends

from integration.remediation.driver import ACCOUNT, REGION, Crash
from integration.remediation.driver_rds import Driver
from integration.remediation.flow.scene import MENDING, PLANNING, Scene, make_table, settled
from integration.remediation.test_replace_with_encrypted_instance import create, key, rds  # noqa: F401 - fixtures
from opalite.errors import AwsError, DeliveryError, InvocationError
from opalite.facts.live import LiveFacts
from opalite.ports import Absent
from opalite.remediation import brakes, note
from opalite.remediation.actions import replace_with_encrypted_instance
from opalite.remediation.attempt import read, written
from opalite.remediation.aws.ledger import DynamoLedger
from opalite.remediation.flow import Remediation
from opalite.remediation.model import Plan, Target
from opalite.remediation.reading import anything
from opalite.remediation.reading import rds as reading
from opalite.remediation.undoing import undo

GROUPS, BUCKETS = "aws.ec2.securitygroup.restricted_ingress", "aws.s3.bucket.encryption"
OPEN = "0.0.0.0/0"
KEPT = [(0, 21), (23, 3388), (3390, 65535)]


@pytest.fixture(scope="session")
def willing(opa, tmp_path_factory):
    """An OPA that lets everything be done."""
    limits = {"per_hour": 5, "per_hour_everywhere": 8, "per_resource_day": 50, "failures_per_hour": 50}
    window = {"days": ["sun"], "from": "12:00", "to": "12:10", "zone": "UTC"}
    sundays = {"accounts": [PLANNING], "set": {"windows": [window]}}
    settings = {"*": {"default": {"mode": "auto", "limits": limits}, "overrides": [sundays]}}
    exempt = {
        "scope": {"accounts": [MENDING], "regions": [REGION], "resources": ["exempt-*"]},
        "owner": "anna",
        "ticket": "SEC-1",
        "reason": "read by partners",
        "expires": "2027-03-31T00:00:00Z",
    }
    both = {"remediation": settings, "exemptions": {BUCKETS: {"partners": exempt}}}
    with settled(opa, tmp_path_factory.mktemp("settings"), both) as ready:
        yield ready


class _Tagging:
    """moto's tagging API knows no KMS keys: as of KMS itself."""

    def __init__(self, kms):
        self._kms = kms

    def pages(self, _, *, TagFilters, **__):  # noqa: N803 - AWS's name
        for page in self._kms.pages("ListKeys"):
            for one in page["Keys"]:
                tags = self._kms.ask("ListResourceTags", KeyId=one["KeyId"])["Tags"]
                if any(tag["TagKey"] == TagFilters[0]["Key"] for tag in tags):
                    yield {"ResourceTagMappingList": [{"ResourceARN": one["KeyArn"]}]}


class Attacked(Scene):
    """Also of buckets. `before`: what happens just before a call, by its operation."""

    def __init__(self, *parts):
        super().__init__(*parts)
        self.before = {}
        self.parts = replace(self.parts, facts=lambda _: LiveFacts(self.sessions, lambda: datetime.now(UTC)))  # noqa: TID251
        self.flow = Remediation(self.parts)

    def _ask(self, action, target):
        inner = super()._ask(action, target)
        scene = self

        class Service:
            def __init__(self, name):
                self._service = _Tagging(inner("kms")) if name == "resourcegroupstaggingapi" else inner(name)

            def ask(self, operation, **parameters):
                happens = scene.before.pop(operation, None)
                if happens is not None:
                    happens(parameters)
                return self._service.ask(operation, **parameters)

            def pages(self, operation, **parameters):
                return self._service.pages(operation, **parameters)

        return Service

    def client(self, name, region=REGION):
        return self.client_of(MENDING, name, region)

    def bucket(self, name="invoices"):
        s3 = self.client("s3")
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        owned = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=owned)
        self.encrypt(name, {"SSEAlgorithm": "AES256"})
        return Target(
            policy_id=BUCKETS,
            partition="aws",
            account_id=MENDING,
            region=REGION,
            resource_type="AWS::S3::Bucket",
            resource_id=name,
        )

    def encrypt(self, name, default):
        rules = [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]
        self.client("s3").put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})

    def key_of(self, name):
        answer = self.client("s3").get_bucket_encryption(Bucket=name)
        rule = answer["ServerSideEncryptionConfiguration"]["Rules"][0]["ApplyServerSideEncryptionByDefault"]
        return rule.get("KMSMasterKeyID")

    def own_key(self):
        return self.client("kms").create_key(KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["Arn"]

    def wide_group(self, account=MENDING):
        """All ports of TCP open to the world: closed, it keeps three spans."""
        target = self.group(account, ranges=())
        self.ec2(account).authorize_security_group_ingress(
            GroupId=target.resource_id, IpProtocol="tcp", FromPort=0, ToPort=65535, CidrIp=OPEN
        )
        return target

    def ports(self, target):
        ec2 = self.ec2(target.account_id)
        group = ec2.describe_security_groups(GroupIds=[target.resource_id])["SecurityGroups"][0]
        return sorted((one["FromPort"], one["ToPort"]) for one in group["IpPermissions"])

    def revoke(self, target, first, last):
        self.ec2(MENDING).revoke_security_group_ingress(
            GroupId=target.resource_id, IpProtocol="tcp", FromPort=first, ToPort=last, CidrIp=OPEN
        )


@pytest.fixture
def scene(willing, aws):
    make_table()
    return Attacked(willing.engine, willing.catalog, willing.entries)


def _raise(error):
    def happens(_):
        raise error

    return happens


# --- what may stay is cut off -------------------------------------------------------------------------------------------------


def test_a_part_that_was_taken_back_before_a_crash_is_made_again_before_its_rule_goes(scene):
    """AWS refuses the revocation; the parts are being taken back, and the process dies before it is written down."""
    target = scene.wide_group()
    request = scene.request(target)
    revoked = []

    def refuse_then_die(parameters):
        revoked.append(parameters)
        # the inverses are revocations, too: one is made, then the process dies
        scene.before["RevokeSecurityGroupIngress"] = lambda _: scene.before.update(
            {"RevokeSecurityGroupIngress": _raise(Crash())}
        )
        raise AwsError("ec2: refused", "UnauthorizedOperation")

    scene.before["RevokeSecurityGroupIngress"] = refuse_then_die
    with pytest.raises(Crash):
        scene.flow.consider(request)
    assert len(scene.ports(target)) == 3  # the wide rule and two of its three parts
    scene.before.clear()
    scene.later(hours=2)
    scene.flow.consider(request)

    assert scene.ports(target) in (KEPT, [(0, 65535)])


def test_a_part_that_a_person_has_taken_half_way_is_made_again_before_its_rule_goes(scene):
    target = scene.wide_group()
    request = scene.request(target)
    scene.before["RevokeSecurityGroupIngress"] = _raise(AwsError("ec2: no answer", ""))
    assert scene.flow.consider(request).result == "deferred"
    scene.revoke(target, 23, 3388)
    scene.later(minutes=10)
    scene.flow.consider(request)

    assert scene.ports(target) in (KEPT, [(0, 65535)])


# --- attempts that never end --------------------------------------------------------------------------------------------------


def test_an_attempt_whose_details_are_long_ends_or_is_never_begun(scene):
    """Somebody fills the group with tags of rules: it fits the ledger before, but not before and after."""
    target = scene.group(ranges=())
    for n in range(50):
        tags = [{"Key": f"{m}".rjust(128, "k"), "Value": "x" * 256} for m in range(12)]
        scene.ec2(MENDING).authorize_security_group_ingress(
            GroupId=target.resource_id,
            IpPermissions=[
                {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": f"10.0.{n}.0/24"}]}
            ],
            TagSpecifications=[{"ResourceType": "security-group-rule", "Tags": tags}],
        )
    scene.open(target, OPEN)
    request = scene.request(target)
    problem = None
    try:
        scene.flow.consider(request)
    except AwsError as error:
        problem = str(error)
    changed = OPEN not in scene.ranges(target)
    scene.later(hours=2)
    for name in scene.ledger.due(scene.clock()):
        try:
            scene.flow.go_on(name)
        except AwsError as error:
            problem = str(error)

    assert (changed, scene.ledger.due(scene.clock())) in ((False, []), (True, [])), problem


def test_what_can_never_go_on_does_not_keep_others_from_their_time(scene):
    """A hundred attempts that fail at each look (a Region that does not answer) are the oldest."""
    target = scene.group()
    attempt = scene.considered(target)
    due = scene.clock()
    for n in range(101):
        name = f"{n:020d}" if n < 100 else "f" * 20
        late = f"2026-11-29T1{0 if n < 100 else 1}:00:00.000Z"
        scene.ledger.save(
            replace(attempt, id=name, result=type(attempt.result)("deferred"), due_at=late, version=0, told=())
        )
    seen = set()
    for _ in range(5):  # five turns of the schedule; those that fail stay as they are
        seen.update(scene.ledger.due(due))

    assert "f" * 20 in seen


# --- undo ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [1, 2, 3])
def test_an_undo_that_died_can_be_called_again_and_goes_on(scene, write):
    applied = scene.considered(scene.group())
    trigger = scene.request(applied.target, kind="command").trigger
    scene.dies(lambda: undo(scene.parts, applied, trigger), at_write=write, after=False)
    scene.later(hours=2)

    assert undo(scene.parts, applied, trigger).result == "undone"


def test_whoever_goes_on_with_an_undo_does_not_call_it_applied(scene):
    applied = scene.considered(scene.group())
    trigger = scene.request(applied.target, kind="command").trigger
    scene.dies(lambda: undo(scene.parts, applied, trigger), at_write=1)
    scene.later(hours=2)
    [name] = [one.id for one in scene.ledger.history(applied.target, since="2026-01-01") if one.result == "undoing"]
    try:
        result = str(scene.flow.go_on(name).result)
    except InvocationError:
        result = "refused"

    assert result in {"refused", "undone"}


def test_a_record_that_was_edited_makes_no_calls_but_those_of_its_action(scene):
    """A file that somebody hands over, with the wish to undo it: it holds calls."""
    applied = scene.considered(scene.group())
    body = json.loads(json.dumps(written(applied)))
    body["applied"][0]["inverse"] = {"service": "ec2", "operation": "CreateKeyPair", "parameters": {"KeyName": "eve"}}
    with suppress(InvocationError):
        undo(scene.parts, read(body), scene.request(applied.target, kind="command").trigger)

    assert scene.ec2(MENDING).describe_key_pairs()["KeyPairs"] == []


# --- the switch, the lock -----------------------------------------------------------------------------------------------------


def test_the_switch_stops_what_is_under_way_before_its_next_step(scene):
    target = scene.wide_group()
    scene.before["AuthorizeSecurityGroupIngress"] = lambda _: scene.ledger.stop("incident 7", "anna")
    scene.considered(target)

    assert (0, 65535) in scene.ports(target)


def test_whoever_goes_on_holds_the_resource_first(scene):
    target = scene.wide_group()
    request = scene.request(target)
    scene.dies(lambda: scene.flow.consider(request), at_write=3)
    scene.later(hours=2)
    assert scene.ledger.lock(target.resource_key, "a person", until="2026-11-30T00:00:00.000Z") is None
    scene.flow.consider(request)

    assert (0, 65535) in scene.ports(target)


def test_what_was_begun_in_a_window_does_not_go_on_outside_of_it(scene):
    target = scene.wide_group(PLANNING)
    request = scene.request(target)
    scene.dies(lambda: scene.flow.consider(request), at_write=3)
    scene.later(hours=2)
    scene.flow.consider(request)

    assert (0, 65535) in scene.ports(target)


def test_what_was_closed_is_not_opened_again_because_somebody_opens_more(scene):
    """Two rules are to go; the process dies after the first, and somebody opens a third."""
    target = scene.group(ranges=(OPEN,))
    scene.ec2(MENDING).authorize_security_group_ingress(
        GroupId=target.resource_id, IpProtocol="tcp", FromPort=3389, ToPort=3389, CidrIp=OPEN
    )
    request = scene.request(target)
    scene.dies(lambda: scene.flow.consider(request), at_write=4)
    closed = {(22, 22), (3389, 3389)} - set(scene.ports(target))
    scene.ec2(MENDING).authorize_security_group_ingress(
        GroupId=target.resource_id, IpProtocol="tcp", FromPort=20, ToPort=23, CidrIp=OPEN
    )
    scene.later(hours=2)
    scene.flow.consider(request)

    assert closed
    assert not closed & set(scene.ports(target))


# --- who else is at it --------------------------------------------------------------------------------------------------------


class _Interrupted(DynamoLedger):
    """Something happens between the look and the lock."""

    def __init__(self, inner, happens):
        super().__init__(inner._sessions, inner._table, inner._region, inner._now)
        self._happens = happens

    def lock(self, resource_key, attempt_id, *, until):
        happens, self._happens = self._happens, None
        if happens:
            happens()
        return super().lock(resource_key, attempt_id, until=until)


def _meanwhile(scene, happens):
    return Remediation(replace(scene.parts, ledger=_Interrupted(scene.ledger, happens)))


def test_two_events_about_a_bucket_at_once_make_one_key(scene):
    """A finding, and the result of the Config rule that it was made of."""
    target = scene.bucket()
    first, second = scene.request(target), scene.request(target)
    _meanwhile(scene, lambda: scene.flow.consider(second)).consider(first)

    assert len(scene.client("kms").list_keys()["Keys"]) == 1


def test_two_buckets_at_once_get_one_key(scene):
    one, other = scene.bucket("invoices"), scene.bucket("orders")
    first, second = scene.request(one), scene.request(other)
    _meanwhile(scene, lambda: scene.flow.consider(second)).consider(first)

    [made] = scene.client("kms").list_keys()["Keys"]
    assert [scene.key_of(name) for name in ("invoices", "orders")] == [made["KeyArn"]] * 2


def test_what_a_person_has_mended_since_the_look_is_left_alone(scene):
    target = scene.bucket()
    own = scene.own_key()
    request = scene.request(target)
    _meanwhile(scene, lambda: scene.encrypt("invoices", {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": own})).consider(
        request
    )

    assert scene.key_of("invoices") == own


def test_what_a_person_has_mended_half_way_is_left_alone(scene):
    target = scene.bucket()
    own = scene.own_key()
    request = scene.request(target)
    scene.before["CreateAlias"] = _raise(Crash())
    with pytest.raises(Crash):
        scene.flow.consider(request)
    scene.encrypt("invoices", {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": own})
    scene.later(hours=2)
    scene.flow.consider(request)

    assert scene.key_of("invoices") == own


def test_a_key_that_somebody_has_put_behind_the_alias_half_way_is_not_what_was_planned(scene):
    target = scene.bucket()
    request = scene.request(target)
    scene.before["CreateAlias"] = _raise(Crash())
    with pytest.raises(Crash):
        scene.flow.consider(request)
    foreign = scene.own_key()
    scene.client("kms").create_alias(AliasName="alias/opalite/s3", TargetKeyId=foreign)
    scene.later(hours=2)
    scene.flow.consider(request)

    assert scene.key_of("invoices") != foreign


# --- forged places ------------------------------------------------------------------------------------------------------------


def test_a_bucket_gets_no_key_of_a_region_that_it_is_not_in(scene):
    """A finding that names another Region: S3 answers in all of them, and would take the key without a look at it."""
    target = replace(scene.bucket(), region="us-east-1")
    scene.considered(target)

    assert (scene.key_of("invoices") or "").split(":")[3:4] in ([], [""], [REGION])


def test_what_is_exempt_stays_so_whatever_region_a_finding_names(scene):
    target = scene.bucket("exempt-reports")
    assert str(scene.considered(target).result) == "nothing"
    scene.considered(replace(target, region="us-east-1"))

    assert scene.key_of("exempt-reports") is None


@pytest.mark.parametrize(
    "arn",
    [
        f"arn:aws:ec2:{REGION}:999999999999:instance/i-1",
        f"arn:aws:ec2:us-east-1:{MENDING}:instance/i-1",
        f"arn:aws:ec2:{REGION}:{MENDING}:instance/i-1",  # which AWS Config knows as i-1, and exemptions too
    ],
)
def test_an_arn_is_not_the_id_of_what_has_another(arn):
    target = Target(
        policy_id="aws.any.tags",
        partition="aws",
        account_id=MENDING,
        region=REGION,
        resource_type="AWS::EC2::Instance",
        resource_id=arn,
    )

    class Tagging:
        def ask(self, *_, **__):
            return {"ResourceTagMappingList": []}

    with pytest.raises(Absent):
        anything.read(lambda _: Tagging(), target)


@pytest.mark.parametrize("way", ["alias", "tag"])
def test_a_key_that_locks_others_out_is_not_taken(scene, way):
    """Whoever may make keys puts one behind the alias, or gives it our tag; its policy lets in nobody but himself."""
    target = scene.bucket()
    own = f"arn:aws:iam::{MENDING}:user/eve"
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": own}, "Action": "kms:*", "Resource": "*"}],
    }
    kms = scene.client("kms")
    tags = [{"TagKey": "opalite:s3-default-key", "TagValue": "alias/opalite/s3"}] if way == "tag" else []
    arn = kms.create_key(KeyUsage="ENCRYPT_DECRYPT", Policy=json.dumps(policy), Tags=tags)["KeyMetadata"]["Arn"]
    if way == "alias":
        kms.create_alias(AliasName="alias/opalite/s3", TargetKeyId=arn)
    scene.considered(target)

    assert scene.key_of("invoices") != arn


def test_a_snapshot_of_another_database_is_not_taken_for_one_of_this(rds, key, engine, catalog):  # noqa: F811
    """Whoever may copy and tag snapshots puts one of his own under the name that a replacement looks for."""
    original, other = create(rds, "orders"), create(rds, "evil")
    name = reading.names("orders", original).plain
    made = {"opalite:remediation": original, "opalite:writes": "asked"}
    rds.create_db_snapshot(
        DBSnapshotIdentifier=name,
        DBInstanceIdentifier="evil",
        Tags=[{"Key": tag, "Value": value} for tag, value in made.items()],
    )
    rds_backends[ACCOUNT][REGION].database_snapshots[name].original_created_at = None
    driver = Driver(replace_with_encrypted_instance.ACTION, "aws.rds.dbinstance.encryption", engine, catalog)
    plan = driver.plan(original)

    assert other != original
    assert [step.name for step in plan.steps if step.call.operation == "CreateDBSnapshot"] or plan.refusal


def test_one_database_has_one_lock_by_whichever_of_its_names(rds, key, engine, catalog):  # noqa: F811
    """An instance is found by its id and by its name; a finding can name it by either."""
    original = create(rds, "orders")
    driver = Driver(replace_with_encrypted_instance.ACTION, "aws.rds.dbinstance.encryption", engine, catalog)

    assert driver.read("orders").item["resourceId"] == original  # by which the flow goes on


@pytest.mark.parametrize("kind", ["compliance_change", "command"])
def test_what_a_person_has_suppressed_stays_so_whoever_asked(scene, kind):
    """Only the event of a finding tells its status, as it was then; so Security Hub is asked."""
    scene.told.status = "SUPPRESSED"
    target = scene.group()
    attempt = scene.considered(target, kind=kind)

    assert (attempt.result, OPEN in scene.ranges(target)) == ("off", True)
    product = "arn:aws:securityhub:eu-west-1:333333333333:product/333333333333/default"
    assert "Workflow" not in note.update(replace(attempt, finding_id="opalite/x"), product)


# --- bad luck -----------------------------------------------------------------------------------------------------------------


def test_a_message_that_was_not_taken_is_sent_when_the_event_comes_again(scene):
    target = scene.group()
    action = replace(scene.parts.actions["revoke_ingress"], plan=_refusing, simulated=None)
    scene.parts = replace(scene.parts, actions={"revoke_ingress": action})
    scene.flow = Remediation(scene.parts)
    request = scene.request(target)
    scene.told.broken.add("messages")
    with pytest.raises((DeliveryError, AwsError)):
        scene.flow.consider(request)
    scene.told.broken.clear()
    scene.flow.consider(request)

    assert len(scene.told.messages) == 1


def _refusing(_):
    return Plan(action="revoke_ingress", refusal="look at it yourself")


def test_brakes_hold_for_a_thousand_findings_at_once(scene):
    """moto is no database: one request at a time, as DynamoDB does it for one item."""
    limits = brakes.Limits(per_hour=10, per_hour_everywhere=25, per_resource_day=3, failures_per_hour=3)
    at, gate, service = scene.clock(), Lock(), scene.sessions.service("dynamodb", scene.sessions.caller(), REGION)

    class Serial:
        def ask(self, operation, **parameters):
            with gate:
                return service.ask(operation, **parameters)

    class Sessions:
        def caller(self):
            return "123456789012"

        def service(self, *_):
            return Serial()

    ledger = DynamoLedger(Sessions(), "remediations", REGION, lambda: at)
    targets = [replace(scene.target(f"{n % 4:012d}", f"sg-{n}"), account_id=f"{n % 4:012d}") for n in range(1000)]
    with ThreadPoolExecutor(16) as pool:
        held = list(pool.map(lambda target: brakes.counted(ledger, target, limits, at=at), targets))
    passed = Counter(target.account_id for target, why in zip(targets, held, strict=True) if why is None)

    assert (passed.total(), max(passed.values()) <= 10) == (25, True)


@pytest.mark.parametrize(
    "code", ["KMSInternalException", "DependencyTimeoutException", "InternalServiceException", "503"]
)
def test_what_aws_may_have_done_all_the_same_is_not_called_not_made(scene, code):
    target = scene.group()
    scene.before["RevokeSecurityGroupIngress"] = _raise(AwsError("no answer", code))

    assert scene.considered(target).result == "deferred"


def test_what_was_throttled_is_tried_again_later(scene):
    target = scene.wide_group()
    scene.before["RevokeSecurityGroupIngress"] = _raise(AwsError("slow down", "RequestLimitExceeded"))

    assert scene.considered(target).result == "deferred"


def test_what_an_earlier_version_has_begun_can_be_read(scene):
    """Its steps have fewer members than those of today, and its form is the same."""
    body = json.loads(json.dumps(written(scene.considered(scene.group()))))
    for one in body["applied"]:
        del one["busy"], one["inverse_until"]
    for one in body["plan"]["steps"]:
        del one["busy"], one["inverse_until"]

    assert read(body).result == "applied"


def test_a_flood_of_messages_does_not_keep_a_failure_from_being_told(scene):
    action = replace(scene.parts.actions["revoke_ingress"], plan=_refusing, simulated=None)
    good = scene.parts
    scene.flow = Remediation(replace(good, actions={"revoke_ingress": action}))
    for n in range(21):
        scene.considered(scene.group(ranges=(OPEN, f"192.0.2.{n}/32")))
    scene.flow = Remediation(good)
    scene.before["RevokeSecurityGroupIngress"] = _raise(AwsError("refused", "UnauthorizedOperation"))
    attempt = scene.considered(scene.group())

    assert (attempt.result, any("failed" in message.subject for message in scene.told.messages)) == ("failed", True)

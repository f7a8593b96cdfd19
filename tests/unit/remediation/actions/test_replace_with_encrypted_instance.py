"""What is planned for a DB instance, whatever an earlier attempt has left. RDS is a few lines here: names, tags and keys."""

from __future__ import annotations

from copy import deepcopy

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.remediation.actions.replace_with_encrypted_instance import ACTION
from opalite.remediation.model import Call, Mode, Plan
from opalite.remediation.reading.rds import TAG_KEEP, TAG_MADE, TAG_REPLACED, TAG_WRITES, names
from opalite.remediation.reading.rds_settings import SETTINGS
from unit.remediation.actions import cases
from unit.remediation.actions.cases import ACCOUNT, REGION, target

ID = "db-ORDERSEXAMPLE00000000000000"
AT, RECENT, OLD = "2026-11-23T12:00:00.000Z", "2026-11-23T09:00:00+00:00", "2026-11-22T06:00:00+00:00"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/6a1f0c2e-3b4d-4e5f-8a9b-0c1d2e3f4a5b"
OTHER_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/ffffffff-3b4d-4e5f-8a9b-0c1d2e3f4a5b"
NAMES = names("orders", ID)
ARN = f"arn:aws:rds:{REGION}:{ACCOUNT}:db:"
SETTINGS_OF_ORDERS = dict.fromkeys((setting.name for setting in SETTINGS), None) | {
    "engine": "postgres",
    "class": "db.m6g.large",
    "allocated_storage": 100,
    "storage_type": "gp3",
    "security_groups": ["sg-0aaaabbbbccccdddd"],
    "log_exports": [],
    "processor": [],
    "multi_az": True,
    "public": False,
    "backup_days": 14,
    "deletion_protection": True,
}
OURS = {TAG_MADE: ID}
TARGET = target("aws.rds.dbinstance.encryption", "AWS::RDS::DBInstance", ID)


def details(**members):
    return deepcopy(
        {
            "resource_id": ID,
            "identifier": "orders",
            "arn": f"{ARN}orders",
            "name": "orders",
            "encrypted": False,
            "key": None,
            "tags": {"owner": "shop"},
            "settings": SETTINGS_OF_ORDERS,
            "obstacles": [],
            "aliases": {"alias/opalite/rds": KEY.rpartition("/")[2]},
            "snapshots": {},
            "others": {},
            **members,
        }
    )


def found(state, *, status="available", pending=None, at=AT, **given):
    configuration = {"dBInstanceStatus": status, "pendingModifiedValues": pending or {}, "storageEncrypted": False}
    made = cases.found(ACTION, TARGET, state, item={"configuration": configuration}, at=at, **given)
    jsonschema.Draft7Validator(ACTION.parameters).validate(made.parameters)
    return made


def plan(state, **given):
    made = ACTION.plan(found(state, **given))
    assert bool(made.refusal) + bool(made.steps or made.instructions) == 1
    return made


def refusal(state, **given):
    made = plan(state, **given)
    assert made.steps == ()
    return made.refusal


def snapshot(tags, key=None, at=RECENT, of=ID):
    return {"tags": tags, "of": of, "key": key, "at": at}


def instance(tags, key=KEY, resource_id="db-REPLACEMENT000000000000000", **settings):
    return {"resource_id": resource_id, "key": key, "tags": tags, "settings": SETTINGS_OF_ORDERS | settings}


class Rds:
    """What steps and their inverses make of a state."""

    def __init__(self, state):
        self.state = deepcopy(state)

    def make(self, call: Call):
        getattr(self, call.operation)(**call.parameters)

    def DescribeDBInstances(self, Filters):  # noqa: N802, N803
        pass

    def DescribeDBSnapshots(self, DBSnapshotIdentifier):  # noqa: N802, N803
        assert DBSnapshotIdentifier in self.state["snapshots"]

    def CreateDBSnapshot(self, DBInstanceIdentifier, DBSnapshotIdentifier, Tags):  # noqa: N802, N803
        assert self.state["identifier"] == DBInstanceIdentifier
        self._new(self.state["snapshots"], DBSnapshotIdentifier, snapshot(_tags(Tags), self.state["key"]))

    def CopyDBSnapshot(self, SourceDBSnapshotIdentifier, TargetDBSnapshotIdentifier, KmsKeyId, CopyTags, Tags):  # noqa: N802, N803
        source = self.state["snapshots"][SourceDBSnapshotIdentifier]
        copy = snapshot(_tags(Tags), KmsKeyId, source["at"], source["of"])
        self._new(self.state["snapshots"], TargetDBSnapshotIdentifier, copy)

    def DeleteDBSnapshot(self, DBSnapshotIdentifier):  # noqa: N802, N803
        assert self.state["snapshots"].pop(DBSnapshotIdentifier)["tags"][TAG_MADE] == ID

    def RestoreDBInstanceFromDBSnapshot(self, DBInstanceIdentifier, DBSnapshotIdentifier, Tags, **settings):  # noqa: N802, N803
        key = self.state["snapshots"][DBSnapshotIdentifier]["key"]
        made = instance(_tags(Tags), key, backup_days=1, deletion_protection=None)
        self._new(self.state["others"], DBInstanceIdentifier, made)

    def DeleteDBInstance(self, DBInstanceIdentifier, SkipFinalSnapshot, FinalDBSnapshotIdentifier, **_):  # noqa: N802, N803
        gone = self.state["others"].pop(DBInstanceIdentifier)
        assert gone["tags"][TAG_MADE] == ID
        assert not gone["settings"]["deletion_protection"]
        self._new(self.state["snapshots"], FinalDBSnapshotIdentifier, snapshot({}, gone["key"]))

    def AddTagsToResource(self, ResourceName, Tags):  # noqa: N802, N803
        assert ResourceName == ARN + self.state["identifier"]
        self.state["tags"] |= _tags(Tags)

    def RemoveTagsFromResource(self, ResourceName, TagKeys):  # noqa: N802, N803
        assert ResourceName == ARN + self.state["identifier"]
        for key in TagKeys:
            self.state["tags"].pop(key, None)

    def ModifyDBInstance(self, DBInstanceIdentifier, ApplyImmediately, NewDBInstanceIdentifier=None, **changes):  # noqa: N802, N803
        is_original = self.state["identifier"] == DBInstanceIdentifier
        settings = self.state["settings"] if is_original else self.state["others"][DBInstanceIdentifier]["settings"]
        for setting in SETTINGS:
            if setting.modify in changes:
                settings[setting.name] = changes[setting.modify]
        if NewDBInstanceIdentifier is None:
            return
        assert NewDBInstanceIdentifier not in {self.state["identifier"], *self.state["others"]}
        if is_original:
            self.state |= {"identifier": NewDBInstanceIdentifier, "arn": ARN + NewDBInstanceIdentifier}
        else:
            self.state["others"][NewDBInstanceIdentifier] = self.state["others"].pop(DBInstanceIdentifier)

    def _new(self, things, name, thing):
        assert name not in things
        things[name] = thing


def _tags(tags):
    return {tag["Key"]: tag["Value"] for tag in tags}


PLAIN = st.sampled_from(
    [
        None,
        snapshot(OURS | {TAG_WRITES: "asked"}),
        snapshot(OURS | {TAG_WRITES: "asked"}, at=OLD),
        snapshot(OURS | {TAG_WRITES: "asked"}, at=None),
        snapshot(OURS | {TAG_WRITES: "cut"}),
        snapshot({}),
    ]
)
ENCRYPTED = st.sampled_from([None, snapshot(OURS, KEY), snapshot(OURS, OTHER_KEY), snapshot({}, KEY)])
NEW = st.sampled_from(
    [
        None,
        instance(OURS),
        instance(OURS, backup_days=1),
        instance(OURS, OTHER_KEY),
        instance(OURS, None),
        instance({TAG_MADE: "db-SOMEBODYELSE00000000000000"}),
    ]
)


@st.composite
def states(draw):
    state = details()
    state["settings"]["deletion_protection"] = draw(st.sampled_from([True, False, None]))
    is_aside = draw(st.booleans())
    if is_aside:
        state |= {"identifier": NAMES.original, "arn": ARN + NAMES.original}
    if is_aside or draw(st.booleans()):
        state["tags"] |= {TAG_REPLACED: "orders", TAG_KEEP: "30"}
    things = {NAMES.plain: draw(PLAIN), NAMES.encrypted: draw(ENCRYPTED)}
    if draw(st.integers(0, 9)) == 0:
        things[NAMES.undone] = snapshot({})
    state["snapshots"] = {name: thing for name, thing in things.items() if thing is not None}
    others = {NAMES.new: draw(NEW)}
    if is_aside:
        others["orders"] = draw(st.sampled_from([None, None, instance({}), instance(OURS)]))
        if others["orders"] is not None:
            others[NAMES.new] = None
    state["others"] = {name: thing for name, thing in others.items() if thing is not None}
    if draw(st.integers(0, 9)) == 0:
        state["aliases"] = {}
    return deepcopy(state)


@given(state=states(), writes=st.sampled_from(["asked", "cut"]))
def test_whatever_was_left_the_plan_ends_with_the_replacement_in_place_or_is_refused(state, writes):
    first = plan(state, writes=writes)
    rds = Rds(state)
    for step in first.steps:
        rds.make(step.call)
    if first.refusal:
        return
    after = rds.state
    assert after["identifier"] == NAMES.original
    assert after["settings"]["deletion_protection"]
    assert after["others"]["orders"]["tags"][TAG_MADE] == ID
    assert after["others"]["orders"]["key"] in {KEY, OTHER_KEY}
    again = plan(after, writes=writes)
    assert (again.steps, again.refusal) == ((), "")


@given(state=states(), writes=st.sampled_from(["asked", "cut"]))
def test_after_any_step_a_new_plan_knows_the_rest_and_nothing_else(state, writes):
    first = plan(state, writes=writes)
    known = {step.name for step in first.steps}
    rds = Rds(state)
    for step in first.steps:
        rds.make(step.call)
        again = plan(rds.state, writes=writes)
        assert again.refusal == ""
        assert {later.name for later in again.steps} <= known


@given(state=states(), writes=st.sampled_from(["asked", "cut"]), done=st.integers(0, 9))
def test_the_inverses_give_the_original_its_name_back_whatever_else_stays(state, writes, done):
    rds = Rds(state)
    steps = plan(state, writes=writes).steps[:done]
    for step in steps:
        rds.make(step.call)
    for step in reversed(steps):
        assert (step.inverse is None) == step.stays
        if step.inverse is not None and not _is_protected(rds, step.inverse):
            rds.make(step.inverse)
    after = rds.state
    assert (after["settings"]["deletion_protection"] or None) == (state["settings"]["deletion_protection"] or None)
    names_of_steps = {step.name for step in steps}
    if "set_aside" in names_of_steps:
        assert after["identifier"] == "orders"
    if names_of_steps >= {"mark", "set_aside"}:
        assert after["tags"] == {
            key: value for key, value in state["tags"].items() if key not in {TAG_REPLACED, TAG_KEEP}
        }


def _is_protected(rds, call):
    """An earlier attempt has protected it, so that RDS refuses: it stays, as all that comes before it."""
    return (
        call.operation == "DeleteDBInstance"
        and rds.state["others"][call.parameters["DBInstanceIdentifier"]]["settings"]["deletion_protection"]
    )


def test_all_that_was_made_is_taken_away_again():
    rds = Rds(details())
    steps = plan(details()).steps
    for step in steps:
        rds.make(step.call)
    for step in reversed(steps):
        rds.make(step.inverse)
    assert rds.state == details(snapshots={NAMES.undone: snapshot({}, KEY)})


def test_a_fresh_instance_gets_all_steps_in_the_order_that_keeps_it_in_use_longest():
    made = plan(details())
    assert [(step.name, step.call.operation) for step in made.steps] == [
        ("snapshot", "CreateDBSnapshot"),
        ("copy", "CopyDBSnapshot"),
        ("restore", "RestoreDBInstanceFromDBSnapshot"),
        ("settings", "ModifyDBInstance"),
        ("mark", "AddTagsToResource"),
        ("set_aside", "ModifyDBInstance"),
        ("take_name", "ModifyDBInstance"),
    ]
    assert made.successor == "orders"
    assert made.steps[2].call.parameters == {
        "DBInstanceIdentifier": NAMES.new,
        "DBSnapshotIdentifier": NAMES.encrypted,
        "Tags": [{"Key": TAG_MADE, "Value": ID}, {"Key": "owner", "Value": "shop"}],
        "DBInstanceClass": "db.m6g.large",
        "MultiAZ": True,
        "PubliclyAccessible": False,
        "StorageType": "gp3",
        "VpcSecurityGroupIds": ["sg-0aaaabbbbccccdddd"],
    }
    assert made.steps[3].call.parameters == {
        "DBInstanceIdentifier": NAMES.new,
        "ApplyImmediately": True,
        "BackupRetentionPeriod": 14,
        "DeletionProtection": True,
    }


def test_with_cut_the_name_goes_before_the_snapshot_is_made():
    made = plan(details(), writes="cut")
    assert [step.name for step in made.steps] == [
        "mark", "set_aside", "snapshot", "copy", "restore", "settings", "take_name",
    ]  # fmt: skip
    assert made.steps[2].call.parameters["DBInstanceIdentifier"] == NAMES.original


@pytest.mark.parametrize("writes", ["asked", "cut"])
def test_while_nobody_has_the_name_no_maintenance_window_is_waited_for(writes):
    steps = plan(details(), writes=writes).steps
    renamed = [step.name for step in steps].index("set_aside")
    assert [step.at_once for step in steps] == [number > renamed for number in range(len(steps))]


def test_the_original_is_set_aside_and_its_replacement_is_not_there_yet():
    """The dangerous state: nobody has the name. There is a way on, and the same steps lead back."""
    state = details(
        identifier=NAMES.original,
        arn=ARN + NAMES.original,
        tags={TAG_REPLACED: "orders", TAG_KEEP: "30"},
        snapshots={
            NAMES.plain: snapshot(OURS | {TAG_WRITES: "asked"}, at=OLD),
            NAMES.encrypted: snapshot(OURS, KEY, at=OLD),
        },
        others={NAMES.new: instance(OURS)},
        obstacles=["it has read replicas"],
    )
    made = plan(state)
    changes = [step for step in made.steps if not step.call.operation.startswith("Describe")]
    assert [step.name for step in changes] == ["take_name"]
    assert next(step for step in made.steps if step.name == "set_aside").inverse == Call(
        "rds",
        "ModifyDBInstance",
        {"DBInstanceIdentifier": NAMES.original, "ApplyImmediately": True, "NewDBInstanceIdentifier": "orders"},
    )


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"engine": "oracle-se2"}, "replacing oracle-se2 is not known to keep all that it has: do it by hand"),
        (
            {"engine": "custom-oracle-ee"},
            "replacing custom-oracle-ee is not known to keep all that it has: do it by hand",
        ),
        ({"class": "db.t2.micro"}, "db.t2.micro cannot be encrypted: change its class first"),
        ({"class": "db.m1.large"}, "db.m1.large cannot be encrypted: change its class first"),
    ],
)
def test_what_a_restore_cannot_bring_along_is_refused(members, why):
    assert refusal(details(settings=SETTINGS_OF_ORDERS | members)) == why


def test_every_obstacle_is_named():
    assert refusal(details(obstacles=["it is a read replica", "it has roles"])) == "it is a read replica; it has roles"


def test_an_instance_of_a_stack_is_left_to_the_stack():
    tags = {"aws:cloudformation:stack-name": "shop"}
    assert refusal(details(tags=tags)) == (
        "it belongs to the CloudFormation stack shop: set StorageEncrypted and KmsKeyId there"
    )


def test_tags_that_leave_no_room_for_ours_are_told():
    told = "it has 49 of at most 50 tags, and two more are needed: take some away first"
    assert refusal(details(tags={f"tag{number}": "-" for number in range(49)})) == told
    assert plan(details(tags={f"tag{number}": "-" for number in range(48)} | {"aws:backup:x": "-"})).steps


@pytest.mark.parametrize("status", ["stopped", "modifying", "storage-full", None])
def test_an_instance_that_is_not_ready_is_not_begun_with(status):
    assert refusal(details(), status=status) == f"it is {status}: start it, or wait until it is available"


def test_once_begun_the_states_of_the_original_are_our_doing():
    state = details(snapshots={NAMES.plain: snapshot(OURS | {TAG_WRITES: "asked"}, at=None)})
    assert plan(state, status="backing-up", pending={"dBInstanceIdentifier": NAMES.original}).steps


def test_changes_that_are_pending_are_waited_for():
    pending = {"multiAZ": True, "dBInstanceClass": "db.m6g.xlarge"}
    assert refusal(details(), pending=pending) == (
        "changes are pending (dBInstanceClass, multiAZ): wait until they are made"
    )


def test_a_snapshot_of_last_night_is_not_gone_on_with():
    state = details(
        snapshots={NAMES.plain: snapshot(OURS | {TAG_WRITES: "asked"}, at=OLD)}, others={NAMES.new: instance(OURS)}
    )
    assert refusal(state) == (
        f"the snapshot of an earlier attempt is older than 4 hours: delete {NAMES.new}, {NAMES.plain} and begin anew"
    )
    assert plan(state, snapshot_hours=48).steps


def test_with_cut_a_snapshot_is_stale_as_soon_as_the_original_can_be_found_again():
    state = details(snapshots={NAMES.plain: snapshot(OURS | {TAG_WRITES: "cut"})})
    assert "the original has its name again" in refusal(state, writes="cut")
    assert "an earlier attempt has kept writes away in another way than asked" in refusal(state)


def test_what_somebody_else_has_under_our_names_is_refused():
    state = details(
        snapshots={NAMES.plain: snapshot({TAG_WRITES: "asked"})},
        others={NAMES.new: instance({}), NAMES.original: instance({})},
    )
    assert refusal(state) == (
        f"the name {NAMES.new} is that of another DB instance: rename one of them; "
        f"the name {NAMES.original} is that of another DB instance: rename one of them; "
        f"{told_of(NAMES.plain)}"
    )


def told_of(name):
    return f"the snapshot {name} was not made of it, or for it: copy it under another name, and delete it"


@pytest.mark.parametrize(
    ("plain", "encrypted", "name"),
    [
        ({"of": "db-EVIL0000000000000000000000"}, {}, NAMES.plain),
        ({"of": None}, {}, NAMES.plain),
        ({}, {"of": "db-EVIL0000000000000000000000"}, NAMES.encrypted),
        ({}, {"at": OLD}, NAMES.encrypted),  # a copy of an older one
    ],
)
def test_a_snapshot_of_other_data_is_not_gone_on_with_whatever_its_tags_say(plain, encrypted, name):
    state = details(
        snapshots={
            NAMES.plain: snapshot(OURS | {TAG_WRITES: "asked"}, **plain),
            NAMES.encrypted: snapshot(OURS, KEY, **encrypted),
        }
    )
    assert refusal(state) == told_of(name)


def test_a_snapshot_whose_age_nobody_knows_is_not_gone_on_with():
    state = details(snapshots={NAMES.plain: snapshot(OURS | {TAG_WRITES: "asked"}, at="")})
    assert refusal(state) == told_of(NAMES.plain)


def test_an_earlier_copy_with_another_key_is_refused():
    state = details(
        snapshots={NAMES.plain: snapshot(OURS | {TAG_WRITES: "asked"}), NAMES.encrypted: snapshot(OURS, OTHER_KEY)}
    )
    assert refusal(state) == (
        f"{NAMES.encrypted}, of an earlier attempt, is not encrypted with that key: delete it and begin anew"
    )
    assert plan(state, key_arn=OTHER_KEY).steps


def test_the_key_it_has_already_does_not_help():
    assert refusal(details(encrypted=True, key=KEY)) == (
        "it is encrypted with that key already, and the policy asks for another: set key_arn or alias"
    )


def test_a_key_of_another_region_is_refused():
    assert refusal(details(), key_arn=KEY.replace("eu-west-1", "us-east-1")) == (
        "key_arn is no key of eu-west-1: set one by account and Region"
    )


def test_what_people_have_to_do_is_said():
    told = " ".join(plan(details(settings=SETTINGS_OF_ORDERS | {"iam_authentication": True})).instructions)
    for text in ("stop all that writes to orders", "rds-db:connect", "2026-12-23", NAMES.original):
        assert text in told
    assert "cannot be reached" in " ".join(plan(details(), writes="cut").instructions)


def test_who_approves_a_later_attempt_is_told_since_when_nothing_may_have_been_written():
    state = details(snapshots={NAMES.plain: snapshot(OURS | {TAG_WRITES: "asked"})})
    assert (
        f"An earlier attempt has made the snapshot {NAMES.plain} (at {RECENT}): approve only if nothing was written to orders since; "
        f"else delete {NAMES.plain} first"
    ) in plan(state).instructions


def test_the_plan_does_not_depend_on_the_time():
    assert plan(details()).digest == plan(details(), at="2027-01-01T00:00:00Z").digest


def test_a_setting_lets_it_go_no_further_than_approval():
    assert ACTION.most is Mode.APPROVE


@pytest.mark.parametrize(
    "given", [{"alias": "alias/aws/rds"}, {"key_arn": "6a1f0c2e"}, {"writes": "none"}, {"keep_days": 0}]
)
def test_parameters_are_checked(given):
    with pytest.raises(jsonschema.ValidationError):
        found(details(), **given)


def test_simulated_the_original_has_the_key_of_the_replacement():
    fresh = found(details())
    simulated = ACTION.simulated(fresh.state, ACTION.plan(fresh))
    assert simulated.item["configuration"] == {
        **fresh.state.item["configuration"], "storageEncrypted": True, "kmsKeyId": KEY,
    }  # fmt: skip
    done = found(
        details(
            identifier=NAMES.original,
            others={"orders": instance(OURS, OTHER_KEY)},
            settings=SETTINGS_OF_ORDERS | {"deletion_protection": False},
        )
    )
    assert ACTION.simulated(done.state, ACTION.plan(done)).item["configuration"]["kmsKeyId"] == OTHER_KEY
    empty = Plan(action=ACTION.name)
    assert ACTION.simulated(fresh.state, empty).item["configuration"]["storageEncrypted"] is False


def test_every_permission_that_is_wide_says_why():
    for permission in ACTION.permissions:
        assert permission.reason or not any(
            resource == "*" or resource.endswith(":*") for resource in permission.resources
        )


ALIAS = {"alias/opalite/rds": KEY.rpartition("/")[2]}


@pytest.mark.parametrize(
    "others",
    [
        {"aliases": {}},
        {"aliases": ALIAS | {"alias/opalite/s3": "0a8d3c5e-1111"}},  # which set_bucket_encryption makes
        {"aliases": {"alias/opalite/rds": OTHER_KEY.rpartition("/")[2]}},
        {"snapshots": {}},
        {"snapshots": {NAMES.plain: snapshot(OURS, at=None)}},
        {"others": {NAMES.new: instance(OURS, backup_days=1, port=5432)}},  # as long as RDS is at it
        {"settings": SETTINGS_OF_ORDERS | {"engine_version": "16.9", "allocated_storage": 400}},
        {"settings": SETTINGS_OF_ORDERS | {"availability_zone": "eu-west-1c"}},
    ],
)
def test_what_others_do_beside_the_instance_keeps_nobody_from_undoing(others):
    things = {"snapshots": {NAMES.plain: snapshot(OURS)}, "others": {NAMES.new: instance(OURS)}}
    assert ACTION.left(details(**things) | others) == ACTION.left(details(**things))


@pytest.mark.parametrize(
    "changed",
    [
        {"resource_id": "db-SOMEBODYELSE00000000000000"},
        {"identifier": NAMES.original, "arn": ARN + NAMES.original},
        {"name": "ledger"},
        {"encrypted": True},
        {"key": OTHER_KEY},
        {"tags": {"owner": "books"}},
        {"settings": SETTINGS_OF_ORDERS | {"backup_days": 1}},
        {"obstacles": ["it has read replicas"]},
        {"others": {}},
        {"others": {NAMES.new: instance(OURS, OTHER_KEY)}},
        {"others": {NAMES.new: instance(OURS, resource_id="db-SOMEBODYELSE00000000000000")}},
        {"others": {NAMES.new: instance({})}},
    ],
)
def test_whoever_changes_the_instance_or_takes_a_name_is_asked_before_undoing(changed):
    state = details(others={NAMES.new: instance(OURS)})
    assert ACTION.left(state | changed) != ACTION.left(state)


def test_undoing_names_the_snapshot_that_holds_what_was_written_since():
    after = details(snapshots={NAMES.undone: snapshot({}, KEY), NAMES.plain: snapshot(OURS)})
    assert ACTION.left(after)["snapshots"] == {NAMES.undone: {}}
    assert ACTION.left(details())["snapshots"] == {}

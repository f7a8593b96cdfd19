"""The steps by which a DB instance is replaced. Pure.

A thing that is there already is not made again: its step only looks whether it is ready. It keeps its inverse, so that all can be
taken back, however many attempts it took.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from opalite.remediation.model import Call, Step, Until
from opalite.remediation.planning.rds_replacement import CUT, View
from opalite.remediation.reading import rds, rds_settings
from opalite.remediation.reading.rds import TAG_KEEP, TAG_MADE, TAG_REPLACED, TAG_WRITES

# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBSnapshot.html: states in which one can be made
READY = frozenset({"available", "storage-optimization"})
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html: states that nothing leads out of by itself
_BROKEN = (
    "failed", "inaccessible-encryption-credentials", "incompatible-create", "incompatible-network", "incompatible-option-group",
    "incompatible-parameters", "incompatible-restore", "insufficient-capacity", "restore-error", "storage-full",
)  # fmt: skip
_SNAPSHOT_SECONDS, _INSTANCE_SECONDS = 60, 30  # between two looks
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html: it is being changed, and will be available
_BUSY, _BUSY_SNAPSHOT = ("InvalidDBInstanceState",), ("InvalidDBSnapshotState",)


def steps(view: View, key: str) -> tuple[Step, ...]:
    """What is missing. With `cut` the name goes first, else last: until then the original can be used.

    A name that is gone already comes first too, so that it is given back whatever fails.
    """
    keeping = () if view.settings["deletion_protection"] else (_protect(view),)
    if view.is_replaced:
        return keeping
    making, aside = _making(view, key), _setting_aside(view)
    if view.is_aside or view.parameters["writes"] == CUT:
        return (*aside, *(_staying(step) for step in making), _take_name(view, key), *keeping)
    return (*making, *aside, _take_name(view, key), *keeping)


def carried(view: View) -> dict[str, str]:
    """Tags of the replacement. Those of AWS cannot be set, and those of ours are about another instance."""
    tags = {key: value for key, value in view.tags.items() if key not in rds.TAGS and not is_of_aws(key)}
    return tags | _made(view)


def is_of_aws(key: str) -> bool:
    """Whether only AWS sets such a tag."""
    return key.lower().startswith("aws:")


def _making(view: View, key: str) -> tuple[Step, ...]:
    replacement = view.replacement
    plain, encrypted = view.snapshot(view.names.plain), view.snapshot(view.names.encrypted)
    made: list[Step] = []
    if plain is not None:
        made.append(_seen(_snapshot(view)))
    elif encrypted is None and replacement is None:
        made.append(_snapshot(view))
    if encrypted is not None:
        made.append(_seen(_copy(view, key)))
    elif replacement is None:
        made.append(_copy(view, key))
    if replacement is None:
        return (*made, _restore(view, key), _settings(view, key))
    is_set = not rds_settings.differing(view.settings, replacement["settings"])
    settings = _settings(view, key)
    return (*made, _seen(_restore(view, key)), _seen(settings) if is_set else settings)


def _setting_aside(view: View) -> tuple[Step, ...]:
    mark = _seen(_mark(view)) if view.is_marked else _mark(view)
    return (_seen(_set_aside(view)), mark) if view.is_aside else (mark, _set_aside(view))


def _staying(step: Step) -> Step:
    """So that nothing keeps the original from getting its name back: while it has none, that is what matters, at any hour."""
    why = "it does no harm, and may hold what was written since: a person deletes it"
    return replace(step, inverse=None, stays=True, at_once=True, irreversible=why)


def _seen(step: Step) -> Step:
    """The same, but that it was done before."""
    look = step.call if step.until is None else step.until.call
    return replace(step, reason=f"done before; {step.reason}", call=look, already=())


def _snapshot(view: View) -> Step:
    is_away = view.is_aside or view.parameters["writes"] == CUT
    return Step(
        name="snapshot",
        reason="what is in the instance now",
        call=_rds(
            "CreateDBSnapshot",
            DBInstanceIdentifier=view.names.original if is_away else view.names.instance,
            DBSnapshotIdentifier=view.names.plain,
            Tags=_tags({**_made(view), TAG_WRITES: view.parameters["writes"]}),
        ),
        inverse=_rds("DeleteDBSnapshot", DBSnapshotIdentifier=view.names.plain),
        already=("DBSnapshotAlreadyExists",),
        busy=_BUSY,
        until=_until_snapshot(view.names.plain),
    )


def _copy(view: View, key: str) -> Step:
    return Step(
        name="copy",
        reason="where a snapshot is copied RDS can encrypt it, or encrypt it with another key",
        call=_rds(
            "CopyDBSnapshot",
            SourceDBSnapshotIdentifier=view.names.plain,
            TargetDBSnapshotIdentifier=view.names.encrypted,
            KmsKeyId=key,
            CopyTags=False,
            Tags=_tags(_made(view)),
        ),
        inverse=_rds("DeleteDBSnapshot", DBSnapshotIdentifier=view.names.encrypted),
        already=("DBSnapshotAlreadyExists",),
        busy=_BUSY_SNAPSHOT,
        until=_until_snapshot(view.names.encrypted),
    )


def _restore(view: View, key: str) -> Step:
    undone = view.names.undone
    return Step(
        name="restore",
        reason="the replacement, under a name of its own, with the settings that can be given here",
        call=_rds(
            "RestoreDBInstanceFromDBSnapshot",
            DBInstanceIdentifier=view.names.new,
            DBSnapshotIdentifier=view.names.encrypted,
            Tags=_tags(carried(view)),
            **rds_settings.restored(view.settings),
        ),
        # Whatever was written to it since is kept, in a snapshot and in its automated backups.
        inverse=_rds(
            "DeleteDBInstance",
            DBInstanceIdentifier=view.names.new,
            SkipFinalSnapshot=False,
            FinalDBSnapshotIdentifier=undone if view.snapshot(undone) is None else f"{undone}-again",
            DeleteAutomatedBackups=False,
        ),
        already=("DBInstanceAlreadyExists",),
        busy=(*_BUSY, *_BUSY_SNAPSHOT),
        until=_until("db-instance-id", view.names.new, _encrypted(key), broken=READY),
    )


def _settings(view: View, key: str) -> Step:
    same = (_encrypted(key), rds_settings.equal(view.settings), _same_tags(view), "!PendingModifiedValues")
    return Step(
        name="settings",
        reason="the settings that cannot be given when it is restored; names are swapped once all are those of the original",
        call=_modify(view.names.new, **rds_settings.modified(view.settings)),
        inverse=_modify(view.names.new, DeletionProtection=False),
        busy=_BUSY,
        until=_until("db-instance-id", view.names.new, " && ".join(same)),
        inverse_until=_until("db-instance-id", view.names.new, "!DeletionProtection"),
    )


def _mark(view: View) -> Step:
    tags = {TAG_REPLACED: view.names.instance, TAG_KEEP: str(view.parameters["keep_days"])}
    arn = view.details["arn"]
    held = f"length(TagList[?Key == '{TAG_REPLACED}' || Key == '{TAG_KEEP}'] || `[]`) == `2`"
    return Step(
        name="mark",
        reason="the original is to tell what its name was, and how long it is kept",
        call=_rds("AddTagsToResource", ResourceName=arn, Tags=_tags(tags)),
        inverse=_rds("RemoveTagsFromResource", ResourceName=arn, TagKeys=sorted(tags)),
        until=_until("dbi-resource-id", view.details["resource_id"], held),
    )


def _set_aside(view: View) -> Step:
    condition = f"DBInstanceIdentifier == {rds_settings.literal(view.names.original)}"
    former = f"DBInstanceIdentifier == {rds_settings.literal(view.names.instance)}"
    return Step(
        name="set_aside",
        reason="the replacement is to have the name",
        call=_modify(view.names.instance, NewDBInstanceIdentifier=view.names.original),
        inverse=_modify(view.names.original, NewDBInstanceIdentifier=view.names.instance),
        already=("DBInstanceNotFound",),
        busy=_BUSY,
        until=_until("dbi-resource-id", view.details["resource_id"], condition),
        inverse_until=_until("dbi-resource-id", view.details["resource_id"], former),
    )


def _take_name(view: View, key: str) -> Step:
    return Step(
        name="take_name",
        reason="whoever knows the instance by its name or endpoint is to find the replacement",
        call=_modify(view.names.new, NewDBInstanceIdentifier=view.names.instance),
        inverse=_modify(view.names.instance, NewDBInstanceIdentifier=view.names.new),
        at_once=True,  # nobody has the name
        already=("DBInstanceNotFound",),
        busy=_BUSY,
        until=_until("db-instance-id", view.names.instance, _encrypted(key)),
        inverse_until=_until("db-instance-id", view.names.new, _encrypted(key)),
    )


def _protect(view: View) -> Step:
    return Step(
        name="protect",
        reason="nobody is to delete the original by mistake",
        call=_modify(view.names.original, DeletionProtection=True),
        inverse=_modify(view.names.original, DeletionProtection=False),
        busy=_BUSY,
        until=_until("dbi-resource-id", view.details["resource_id"], "DeletionProtection"),
        inverse_until=_until("dbi-resource-id", view.details["resource_id"], "!DeletionProtection"),
    )


def _rds(operation: str, **parameters: Any) -> Call:
    return Call("rds", operation, parameters)


def _modify(instance: str, **changes: Any) -> Call:
    return _rds("ModifyDBInstance", DBInstanceIdentifier=instance, ApplyImmediately=True, **changes)


def _look(key: str, value: str) -> Call:
    return _rds("DescribeDBInstances", Filters=[{"Name": key, "Values": [value]}])


def _tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]


def _made(view: View) -> dict[str, str]:
    return {TAG_MADE: view.details["resource_id"]}


def _encrypted(key: str) -> str:
    return f"StorageEncrypted && KmsKeyId == {rds_settings.literal(key)}"


def _same_tags(view: View) -> str:
    tags = rds_settings.literal(_tags(carried(view)))
    return f"sort_by(TagList[?!starts_with(Key, 'aws:')] || `[]`, &Key) == {tags}"


def _until_snapshot(name: str) -> Until:
    call = _rds("DescribeDBSnapshots", DBSnapshotIdentifier=name)
    return Until(call, "DBSnapshots[0].Status", ("available",), ("failed",), _SNAPSHOT_SECONDS)


def _until(key: str, value: str, condition: str, *, broken: Iterable[str] = ()) -> Until:
    """That the instance is ready, and the condition holds. `broken`: states in which it must hold already.

    A filter finds nothing where a name would be an error: in the midst of a change of names.
    """
    held = f"to_string(length(DBInstances[?{condition}]))"
    path = f"join(' ', [DBInstances[0].DBInstanceStatus || 'absent', {held}])"
    failed = [f"{state} {number}" for state in _BROKEN for number in (0, 1)]
    failed += [f"{state} 0" for state in sorted(broken)]
    wanted = tuple(f"{state} 1" for state in sorted(READY))
    return Until(_look(key, value), path, wanted, tuple(failed), _INSTANCE_SECONDS)

"""Why a DB instance is not replaced, and what people have to know and do where it is. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from opalite.remediation.action import Found
from opalite.remediation.planning.rds_replacement import ASKED, CUT, View
from opalite.remediation.planning.rds_replacement_steps import READY, carried, is_of_aws
from opalite.remediation.reading.rds import TAG_WRITES

# Others have options, wallets, licences and names of 15 characters that a restore does not simply bring along.
_ENGINES = frozenset({"mariadb", "mysql", "postgres"})
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.html: classes without encryption
_TOO_OLD = re.compile(r"db\.(?:m1|m2|t1)\..*|db\.t2\.micro")
_MOST_TAGS = 50  # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Tagging.html
_STACK = "aws:cloudformation:stack-name"


def refusal(found: Found, view: View, key: str | None) -> str:
    """Why nothing is to be done; empty if it may be. `key`: the one to encrypt with."""
    if view.is_replaced:
        return ""
    reasons = [*_strange(view)]
    if not view.is_aside:  # half-way there is no way but on, or back
        reasons += [*_unsuitable(found, view), *_stale(found, view)]
    if key is None:
        reasons.append(_no_key(view))
    else:
        reasons += _other_key(view, key)
    return "; ".join(reasons)


def instructions(found: Found, view: View) -> tuple[str, ...]:
    """What the plan itself does not do."""
    if view.is_replaced:
        return tuple(_afterwards(found, view))
    return (*_before(view), *_meanwhile(view), *_afterwards(found, view))


def _unsuitable(found: Found, view: View) -> Iterator[str]:
    settings, configuration = view.settings, found.state.item["configuration"]
    if settings["engine"] not in _ENGINES:
        yield f"replacing {settings['engine']} is not known to keep all that it has: do it by hand"
    if _TOO_OLD.fullmatch(str(settings["class"])):
        yield f"{settings['class']} cannot be encrypted: change its class first"
    if _STACK in view.tags:
        yield f"it belongs to the CloudFormation stack {view.tags[_STACK]}: set StorageEncrypted and KmsKeyId there"
    kept = [tag for tag in view.tags if not is_of_aws(tag)]
    if len(carried(view)) > _MOST_TAGS or len(kept) + 2 > _MOST_TAGS:
        yield f"it has {len(kept)} of at most {_MOST_TAGS} tags, and two more are needed: take some away first"
    yield from view.details["obstacles"]
    if view.has_begun:
        return
    if (status := configuration.get("dBInstanceStatus")) not in READY:
        yield f"it is {status}: start it, or wait until it is available"
    if pending := configuration.get("pendingModifiedValues"):
        yield f"changes are pending ({', '.join(sorted(pending))}): wait until they are made"


def _strange(view: View) -> Iterator[str]:
    """Names that are somebody else's."""
    for name in (view.names.new, view.names.original, view.names.instance):
        other = view.other(name)
        if other is not None and not view.is_ours(other):
            yield f"the name {name} is that of another DB instance: rename one of them"
    for name in (view.names.plain, view.names.encrypted):
        if view.snapshot(name) is not None and not view.holds_ours(name):
            yield f"the snapshot {name} was not made of it, or for it: copy it under another name, and delete it"


def _stale(found: Found, view: View) -> Iterator[str]:
    """What an earlier attempt has left, and may not hold what was written since."""
    names, writes = view.names, view.parameters["writes"]
    plain = view.snapshot(names.plain)
    again = f"delete {', '.join(_left(view))} and begin anew"
    if view.snapshot(names.undone) is not None:
        yield (
            "it was replaced before, and that was taken back: what was written meanwhile is in the snapshot "
            f"{names.undone}; delete that to begin anew"
        )
    if plain is None:
        if view.snapshot(names.encrypted) is not None or view.replacement is not None:
            yield f"the snapshot of an earlier attempt is gone, so nobody knows how old its copies are: {again}"
    elif plain["tags"].get(TAG_WRITES) != writes:
        yield f"an earlier attempt has kept writes away in another way than {writes}: {again}"
    elif writes == CUT:
        yield f"the original has its name again, so there may have been writes since the snapshot was made: {again}"
    elif plain["at"] and _moment(plain["at"]) + timedelta(hours=view.parameters["snapshot_hours"]) < _moment(found.at):
        yield f"the snapshot of an earlier attempt is older than {view.parameters['snapshot_hours']} hours: {again}"


def _left(view: View) -> list[str]:
    names = view.names
    snapshots = [name for name in (names.plain, names.encrypted) if view.snapshot(name) is not None]
    return ([names.new] if view.replacement is not None else []) + snapshots


def _other_key(view: View, key: str) -> Iterator[str]:
    if view.details["encrypted"] and view.details["key"] == key:
        yield "it is encrypted with that key already, and the policy asks for another: set key_arn or alias"
    for name, thing in (
        (view.names.encrypted, view.snapshot(view.names.encrypted)),
        (view.names.new, view.replacement),
    ):
        if thing is not None and thing["key"] != key:
            yield f"{name}, of an earlier attempt, is not encrypted with that key: delete it and begin anew"


def _no_key(view: View) -> str:
    target, parameters = view.target, view.parameters
    if parameters["key_arn"]:
        return f"key_arn is no key of {target.region}: set one by account and Region"
    alias = parameters["alias"]
    return (
        f"there is no key behind {alias} in {target.account_id}, {target.region}: aws kms create-key --region {target.region}, "
        f"then aws kms create-alias --region {target.region} --alias-name {alias} --target-key-id <its id>"
    )


def _before(view: View) -> Iterator[str]:
    name = view.names.instance
    if view.parameters["writes"] == ASKED:
        yield (
            f"Before you approve: stop all that writes to {name}, and let it rest until this has ended; what is written after the "
            "snapshot is not in the replacement. CloudWatch's DatabaseConnections tells who is still connected"
        )
    else:
        yield (
            f"{name} cannot be reached from the first minute until the replacement has its name: as long as a snapshot, a copy and a "
            f"restore of {view.settings['allocated_storage']} GiB take, hours if it is large"
        )

    plain = view.snapshot(view.names.plain)
    if plain is not None and not view.is_aside:
        yield (
            f"An earlier attempt has made the snapshot {view.names.plain} (at {plain['at'] or 'this moment'}): approve only if "
            f"nothing was written to {name} since; else delete {', '.join(_left(view))} first"
        )


def _meanwhile(view: View) -> Iterator[str]:
    yield (
        "Each change of a name restarts an instance, and clients have to connect anew. "
        "The replacement loads its data as they are read, so it is slow at first"
    )
    yield (
        "The replacement has another DbiResourceId: backups to a point in time and Performance Insights begin anew; change what names "
        "the old one, and import the new instance into Terraform if that keeps it"
    )
    if view.settings["iam_authentication"]:
        yield (
            f"IAM policies with rds-db:connect to {view.details['resource_id']} have to name the new DbiResourceId, "
            "else nobody can log in"
        )
    yield "Snapshots and automated backups of the original stay as they are, shared as they were"


def _afterwards(found: Found, view: View) -> Iterator[str]:
    names, days, region = view.names, view.parameters["keep_days"], view.target.region
    until = (_moment(found.at) + timedelta(days=days)).date().isoformat()
    yield (
        f"The original is kept as {names.original}: it costs what it did, fails the policy and is protected from deletion. "
        f"Exempt it until {until}; after that, if the replacement has proved itself: aws rds modify-db-instance --region {region} "
        f"--db-instance-identifier {names.original} --no-deletion-protection --apply-immediately, then aws rds delete-db-instance "
        f"--region {region} --db-instance-identifier {names.original} --skip-final-snapshot, and aws rds delete-db-snapshot "
        f"--region {region} --db-snapshot-identifier {names.plain} and {names.encrypted}"
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)

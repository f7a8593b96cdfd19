"""Facts given by the user, and facts that other items tell."""

from __future__ import annotations

import itertools
from pathlib import Path

import orjson
import pytest

from opalite.errors import UsageError
from opalite.facts.corpus import CorpusFacts
from opalite.facts.given import GivenFacts, load
from opalite.facts.keys import spellings
from opalite.model import Item, Resource
from opalite.normalize import resource as normalized

ID = "11111111-2222-3333-4444-555555555555"
HERE = "arn:aws:kms:eu-west-1:111111111111:"
BUCKET = {"partition": "aws", "region": "eu-west-1", "account_id": "111111111111", "arn": None}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (ID, (ID, f"{HERE}key/{ID}")),
        ("alias/shop", ("alias/shop", f"{HERE}alias/shop")),
        (f"{HERE}key/{ID}", (f"{HERE}key/{ID}", ID)),
        (f"{HERE}alias/shop", (f"{HERE}alias/shop", "alias/shop")),
        ("arn:aws:kms:eu-west-1:222222222222:key/x", ("arn:aws:kms:eu-west-1:222222222222:key/x",)),
    ],
)
def test_a_name_without_account_and_region_means_those_of_the_resource(key, expected):
    assert spellings(key, BUCKET) == expected


FACT = {"manager": "CUSTOMER", "arn": None, "account_id": None, "state": None, "aliases": None}


@pytest.mark.parametrize("spelling", [ID, f"{HERE}key/{ID}"])
@pytest.mark.parametrize("asked", [ID, f"{HERE}key/{ID}"])
def test_a_given_key_is_found_under_either_spelling(spelling, asked):
    assert GivenFacts({"kms_key": {spelling: FACT}}).lookup("kms_key", asked, BUCKET) == FACT


def test_a_key_of_another_account_is_not_taken_for_ours():
    other = f"arn:aws:kms:eu-west-1:222222222222:key/{ID}"
    assert GivenFacts({"kms_key": {ID: FACT}}).lookup("kms_key", other, BUCKET) is None
    assert GivenFacts({"image": {}}).lookup("image", "ami-1", BUCKET) is None
    assert GivenFacts({}).lookup("image", "ami-1", BUCKET) is None


def test_a_facts_file_is_read_and_completed(tmp_path):
    path = tmp_path / "facts.yaml"
    path.write_text(
        'image: {ami-1: {owner_id: "111111111111", tags: {approved: "yes"}}}\naccount: {"1": {organizational_units: [r]}}'
    )
    facts = load(path)
    assert facts.lookup("image", "ami-1", BUCKET) == {
        "state": None, "owner_id": "111111111111", "owner_alias": None, "name": None, "created_at": None, "tags": {"approved": "yes"},
    }  # fmt: skip
    assert facts.lookup("account", "1", BUCKET) == {"organizational_units": ["r"]}


def test_counts_times_and_policies_may_be_given_or_null(tmp_path):
    path = tmp_path / "facts.yaml"
    path.write_text(
        'load_balancer: {lb: {targets: 0, listeners: null, idle_since: "2026-11-01T00:00:00Z"}, other: {}}\n'
        'resource_policy: {q: {policy: null}, r: {policy: {Version: "2012-10-17"}}}'
    )
    facts = load(path)
    unknown = {"targets": None, "target_groups": None, "listeners": None} | dict.fromkeys(
        ("idle_since", "idle_at_least_since")
    )
    assert facts.lookup("load_balancer", "lb", BUCKET) == unknown | {"targets": 0, "idle_since": "2026-11-01T00:00:00Z"}
    assert facts.lookup("load_balancer", "other", BUCKET) == unknown
    assert facts.lookup("resource_policy", "q", BUCKET) == {"policy": None}
    assert facts.lookup("resource_policy", "r", BUCKET) == {"policy": {"Version": "2012-10-17"}}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- x", "must be an object by kind"),
        ("images: {}", "images: is not a kind of fact; there are image, kms_key, account"),
        ("image: []", "image: must be an object by key"),
        ("image: {ami-1: yes}", "image.ami-1: must be an object"),
        ("image: {ami-1: {owner: x}}", "image.ami-1.owner: unknown"),
        ("image: {ami-1: {owner_id: 111}}", "owner_id: must be a text"),
        ("image: {ami-1: {tags: {a: 1}}}", "tags: must be an object of texts"),
        ("kms_key: {k: {aliases: x}}", "aliases: must be a list of texts"),
        ("load_balancer: {lb: {targets: yes}}", "targets: must be a whole number, not below 0"),
        ("load_balancer: {lb: {targets: true}}", "targets: must be a whole number, not below 0"),
        ("load_balancer: {lb: {listeners: -1}}", "listeners: must be a whole number"),
        ("load_balancer: {lb: {target_groups: 1.0}}", "target_groups: must be a whole number"),
        ("load_balancer: {lb: {idle_since: 2026-11-01}}", "idle_since: must be a time like"),
        ('load_balancer: {lb: {idle_since: "2026-11-01"}}', "idle_since: must be a time like"),
        ('load_balancer: {lb: {idle_since: "2026-13-01T00:00:00Z"}}', "idle_since: must be a time like"),
        ("resource_policy: {q: {}}", "policy: is missing; null says that there is none"),
        ("resource_policy: {q: {policy: '{}'}}", "policy: must be an object"),
    ],
)
def test_facts_of_another_shape_are_told_with_their_place(tmp_path, text, says):
    path = tmp_path / "facts.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=says) as caught:
        load(path)
    assert str(caught.value).startswith(str(path))


def seen(kind, configuration, *, time="2026-01-01T00:00:00.000Z", name=ID, gone=None, account="111111111111"):
    document = {**BUCKET, "account_id": account, "type": kind, "id": name, "arn": None, "configuration": configuration}
    return Resource(document, [], gone, time, None, "x.json")


def key(manager="CUSTOMER", state="Enabled", **more):
    return seen("AWS::KMS::Key", {"manager": manager, "state": state, "arn": f"{HERE}key/{ID}"}, **more)


def alias(name="alias/shop", target=ID, **more):
    return seen("AWS::KMS::Alias", {"AliasName": name, "TargetKeyId": target}, name=name, **more)


def corpus(*resources):
    facts = CorpusFacts()
    for resource in resources:
        facts.see(resource)
    return facts


KEY_FACT = {
    "manager": "CUSTOMER",
    "arn": f"{HERE}key/{ID}",
    "account_id": "111111111111",
    "state": "Enabled",
    "aliases": None,
}


@pytest.mark.parametrize("asked", [ID, f"{HERE}key/{ID}"])
def test_a_key_item_tells_of_its_key(asked):
    assert corpus(key()).lookup("kms_key", asked, BUCKET) == KEY_FACT


def test_a_key_item_tells_of_its_key_as_the_normalizer_reads_it():
    item = Path(__file__).parents[2] / "data" / "items" / "kms-key.event.json"
    found = normalized(Item(body=orjson.loads(item.read_bytes()), source=item.name))
    arn = "arn:aws:kms:eu-central-1:111122223333:key/6a1f0c2e-3b4d-4e5f-8a9b-0c1d2e3f4a5b"
    fact = {"manager": "CUSTOMER", "arn": arn, "account_id": "111122223333", "state": "Enabled", "aliases": None}
    assert corpus(found).lookup("kms_key", arn, BUCKET) == fact


@pytest.mark.parametrize("asked", ["alias/shop", f"{HERE}alias/shop"])
@pytest.mark.parametrize("target", [ID, f"{HERE}key/{ID}"])
def test_an_alias_item_leads_to_its_key(asked, target):
    assert corpus(key(), alias(target=target)).lookup("kms_key", asked, BUCKET) == KEY_FACT | {
        "aliases": ["alias/shop"]
    }


def test_the_order_of_items_does_not_matter():
    items = [
        key(),
        key(state="Disabled", time="2026-02-01T00:00:00.000Z"),
        key(state="PendingDeletion", time="2026-02-01T00:00:00.000Z"),
        alias(),
        alias(target="other", time="2026-03-01T00:00:00.000Z"),
    ]
    answers = [corpus(*order).lookup("kms_key", ID, BUCKET) for order in itertools.permutations(items)]
    assert answers == [KEY_FACT | {"state": "PendingDeletion"}] * len(answers)


@pytest.mark.parametrize(
    "resource",
    [
        key(manager="NOBODY"),
        seen("AWS::KMS::Key", None, gone="the resource was deleted"),
        seen("AWS::KMS::Alias", {"AliasName": 7}),
        seen("AWS::KMS::Alias", None),
        seen("AWS::S3::Bucket", {"keyManager": "CUSTOMER"}),
    ],
)
def test_what_is_no_whole_key_tells_nothing(resource):
    assert corpus(resource).lookup("kms_key", ID, BUCKET) is None


def test_other_kinds_are_not_known():
    assert corpus(key()).lookup("image", ID, BUCKET) is None


def test_a_load_balancer_may_be_given_by_its_arn_because_a_name_is_nobody_s_own(tmp_path):
    path = tmp_path / "facts.yaml"
    arn = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/shop"
    path.write_text(f'load_balancer: {{"{arn}": {{targets: 1}}, shop: {{targets: 0}}}}\n')
    facts = load(path)
    here, there = BUCKET | {"arn": arn}, BUCKET | {"arn": arn.replace("1111", "4444")}
    assert facts.lookup("load_balancer", "shop", here)["targets"] == 1
    assert facts.lookup("load_balancer", "shop", there)["targets"] == 0
    assert facts.lookup("load_balancer", "shop", BUCKET | {"arn": None})["targets"] == 0

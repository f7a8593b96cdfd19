"""The catalog is complete or it is not made."""

from __future__ import annotations

import pytest

from opalite.catalog import Catalog, document, from_entries, idle
from opalite.engine import shipped
from opalite.errors import UsageError
from opalite.model import Policy, Severity

NOTES = {
    "scope": "package",
    "title": "Buckets are good",
    "description": "Because.",
    "custom": {
        "severity": "LOW",
        "resource_types": ["AWS::S3::Bucket"],
        "version": "1.0.0",
        "aliases": ["custom.s3.bucket.old"],
    },
}
TYPED = ["AWS::S3::Bucket"]
PARAMETERS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"a": {"description": "d", "default": {}}, "c": {"description": "d", "default": 0}},
}


def inspection(notes=NOTES, package="custom.s3.bucket.good", **more):
    path = [{"type": "var", "value": "data"}, *({"type": "string", "value": part} for part in package.split("."))]
    annotations = [] if notes is None else [{"annotations": notes, "path": path, "location": {"row": 9}}]
    return {"annotations": annotations, "namespaces": {f"data.{package}": ["good.rego", "good_test.rego"], **more}}


def test_an_entry_and_its_index():
    made, faults = document([inspection()], typed=TYPED)
    assert faults == []
    assert made == {
        "policies": {
            "custom.s3.bucket.good": {
                **NOTES["custom"],
                "path": ["custom", "s3", "bucket", "good"],
                "title": "Buckets are good",
                "description": "Because.",
                "related_resources": [],
                "requires": [],
            }
        },
        "by_type": {"AWS::S3::Bucket": ["custom.s3.bucket.good"]},
    }


def test_libraries_and_tests_are_no_policies():
    made, faults = document(
        [
            inspection(None, "opalite.decision"),
            inspection(None, "aws.s3.bucket"),
            inspection(None, "custom.s3.bucket.good_test"),
        ],
        typed=TYPED,
    )
    assert (made["policies"], faults) == ({}, [])


def changed(**custom):
    return {**NOTES, "custom": {key: value for key, value in {**NOTES["custom"], **custom}.items() if value is not ...}}


@pytest.mark.parametrize(
    ("notes", "says"),
    [
        (None, "has no METADATA"),
        ({**NOTES, "custom": None}, "METADATA has no `custom`"),
        ({**NOTES, "title": "x" * 71}, "needs a `title` of at most 70"),
        ({**NOTES, "description": " "}, "needs a `description`"),
        (changed(severity="SEVERE"), "custom.severity is 'SEVERE'"),
        (changed(version="1"), "custom.version is '1'"),
        (changed(resource_types=[]), "custom.resource_types must be a list"),
        (changed(resource_types="*"), "custom.resource_types must be a list"),
        (changed(resource_types=["s3"]), "'s3' is not a type like"),
        (changed(resource_types=["AWS::Glue::Job"]), "AWS::Glue::Job has no normal form: say `generic: true`"),
        (changed(generic=True), "AWS::S3::Bucket has a normal form"),
        (changed(requires=["configuration.x"]), "custom.requires must be a list of paths"),
        (changed(requires="x"), "custom.requires must be a list of paths"),
        (changed(severities="LOW"), "custom.severities is not a key"),
        (changed(parameters={"type": "object"}), "must be a JSON Schema"),
        (changed(parameters={"type": "object", "properties": {}}), "additionalProperties: false"),
        (
            changed(parameters={"type": "object", "properties": {"a": {"default": 1}}, "additionalProperties": False}),
            "custom.parameters: a has no description",
        ),
        (
            changed(
                parameters={"type": "object", "properties": {"a": {"description": "d"}}, "additionalProperties": False}
            ),
            "custom.parameters: a has no default",
        ),
        (changed(requires=["resource.owner"]), "custom.requires names resource.owner, which no resource has"),
        (
            changed(requires=["resource.configuration.encrypted"]),
            "custom.requires names resource.configuration.encrypted, which AWS::S3::Bucket does not have",
        ),
        (
            changed(requires=["resource.configuration.encryption.keys"]),
            "custom.requires names resource.configuration.encryption.keys, which AWS::S3::Bucket does not have",
        ),
        (changed(idle_without="a"), "custom.idle_without must be a list of parameters"),
        (changed(idle_without=[]), "custom.idle_without must be a list of parameters"),
        (changed(idle_without=["a"]), "custom.idle_without names a, which custom.parameters does not declare"),
        (
            changed(idle_without=["a", "b"], parameters=PARAMETERS),
            "custom.idle_without names b, which custom.parameters does not declare",
        ),
    ],
)
def test_incomplete_metadata_is_told_with_its_file(notes, says):
    made, faults = document([inspection(notes)], typed=TYPED, schemas=shipped.schemas())
    assert made["policies"] == {}
    assert len(faults) == 1
    assert faults[0].startswith("good.rego")
    assert says in faults[0]


def test_a_policy_in_two_bundles_is_told():
    _, faults = document([inspection(), inspection()], typed=TYPED)
    assert faults == ["good.rego: package custom.s3.bucket.good stands in two bundles; a policy id belongs to one"]


def catalog() -> Catalog:
    made, _ = document(
        [inspection(), inspection(changed(resource_types=["*"], aliases=...), "custom.any.resource.tagged")],
        typed=TYPED,
    )
    return Catalog(made)


def test_policies_are_read():
    assert catalog().policies["custom.s3.bucket.good"] == Policy(
        "custom.s3.bucket.good", "Buckets are good", "1.0.0", Severity.LOW, ("AWS::S3::Bucket",), generic=False
    )


def test_routing_by_type():
    both = ("custom.any.resource.tagged", "custom.s3.bucket.good")
    assert catalog().applying_to("AWS::S3::Bucket", None) == both
    assert catalog().applying_to("AWS::Glue::Job", None) == both[:1]
    assert catalog().applying_to("AWS::Glue::Job", frozenset({both[1]})) == ()


IDLE = "custom.any.resource.tagged"


def idling(settings):
    """The catalog of two policies of which one judges nothing until a or c is set."""
    notes = changed(resource_types=["*"], aliases=["custom.any.resource.old"], idle_without=["a", "c"])
    notes["custom"]["parameters"] = PARAMETERS
    made, faults = document([inspection(), inspection(notes, IDLE)], typed=TYPED)
    assert faults == []
    return from_entries(made["policies"], idle(made["policies"], settings))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {IDLE: None},
        {IDLE: {"default": {"a": {}, "c": 0}}},
        {IDLE: {"default": {"a": None, "c": False}, "overrides": [{"regions": ["eu-west-1"], "set": {"a": []}}]}},
        {IDLE: {"default": {"other": 1}, "overrides": [{"regions": ["eu-west-1"], "set": {"other": 1}}]}},
        {"custom.s3.bucket.good": {"default": {"a": 1}}},
    ],
)
def test_a_policy_is_idle_while_every_scope_leaves_it_without_what_it_needs(settings):
    made = idling(settings)
    assert list(made["policies"]) == [IDLE, "custom.s3.bucket.good"]
    assert made["by_type"] == {"AWS::S3::Bucket": ["custom.s3.bucket.good"]}
    assert Catalog(made).applying_to("AWS::S3::Bucket", None) == ("custom.s3.bucket.good",)
    assert Catalog(made).applying_to("AWS::Glue::Job", None) == ()


@pytest.mark.parametrize(
    "settings",
    [
        {IDLE: {"default": {"a": {"x": None}, "c": 0}}},
        {IDLE: {"default": {"c": 1}}},
        {IDLE: {"overrides": [{"regions": ["eu-west-1"], "set": {}}, {"regions": ["eu-west-2"], "set": {"c": 1}}]}},
    ],
)
def test_one_scope_that_sets_one_of_them_is_enough(settings):
    made = idling(settings)
    assert made["by_type"] == {"*": [IDLE], "AWS::S3::Bucket": ["custom.s3.bucket.good"]}
    assert Catalog(made).applying_to("AWS::Glue::Job", None) == (IDLE,)
    assert Catalog(made).resolve(["custom.any.resource.old"]) == {IDLE}


@pytest.mark.parametrize("name", [IDLE, "custom.any.resource.old"])
def test_who_asks_for_an_idle_policy_is_told_what_it_needs(name):
    with pytest.raises(UsageError, match=rf"^--policy {name}: judges nothing until a or c is set: give --data$"):
        Catalog(idling({})).resolve(["custom.s3.bucket.good", name])


def test_the_index_and_not_the_entries_say_what_is_asked():
    """What OPA's router will answer is what we expect of it, whoever made its catalog."""
    made = idling({})
    made["by_type"] = {"AWS::Glue::Job": ["custom.s3.bucket.good"], "*": ["custom.s3.bucket.good", IDLE]}
    assert Catalog(made).applying_to("AWS::Glue::Job", None) == (IDLE, "custom.s3.bucket.good")
    assert Catalog(made).applying_to("AWS::S3::Bucket", None) == (IDLE, "custom.s3.bucket.good")


def test_names_and_aliases_resolve_and_others_are_told():
    assert catalog().resolve(["custom.s3.bucket.old"]) == {"custom.s3.bucket.good"}
    with pytest.raises(UsageError, match=r"--policy nope: there is no such policy; there are: custom\.any"):
        catalog().resolve(["nope"])


@pytest.mark.parametrize(
    "document",
    [{"policies": {"a": {}}, "by_type": {}}, {"policies": {}}, {"policies": {}, "by_type": {"*": ["a"]}}],
)
def test_a_document_that_is_no_catalog_is_told(document):
    with pytest.raises(UsageError, match=r"data\.catalog is not a catalog"):
        Catalog(document)


def test_a_policy_that_only_lacks_comfort_can_be_used():
    notes = changed(
        owner="team",
        parameters={"type": "object", "properties": {"a": {}}},
        requires=["resource.configuration.encryption.key"],
    )
    made, faults = document([inspection(notes)], typed=TYPED, schemas=shipped.schemas(), strict=False)
    assert (list(made["policies"]), faults) == (["custom.s3.bucket.good"], [])

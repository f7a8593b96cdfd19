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
LEAST = {"title": "t", "version": "1.0.0", "severity": "LOW", "resource_types": ["*"]}
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
        (changed(tags="network"), "custom.tags must be a list of words"),
        (changed(tags=None), "custom.tags must be a list of words"),
        (changed(tags=["network", True]), "custom.tags must be a list of words"),
        *(
            (changed(tags=[tag]), f"custom.tags: {tag!r} is not a word like public-access: a lower-case letter")
            for tag in ("", "Network", "public_access", "public access", "-a", "9a", "é", "a\n", "a" * 33)
        ),
        (changed(tags=["network", "cost"]), "custom.tags must be sorted, and name each once: cost, network"),
        (changed(tags=["cost", "cost"]), "custom.tags must be sorted, and name each once: cost"),
    ],
)
def test_incomplete_metadata_is_told_with_its_file(notes, says):
    made, faults = document([inspection(notes)], typed=TYPED, schemas=shipped.schemas())
    assert made["policies"] == {}
    assert len(faults) == 1
    assert faults[0].startswith("good.rego")
    assert says in faults[0]


@pytest.mark.parametrize("tags", [["a"], ["a" * 32], ["a-1", "a1", "b"]])
def test_tags_stand_in_the_catalog(tags):
    made, faults = document([inspection(changed(tags=tags))], typed=TYPED)
    assert (made["policies"]["custom.s3.bucket.good"]["tags"], faults) == (tags, [])


@pytest.mark.parametrize("tags", [..., []])
def test_a_shipped_policy_without_tags_is_told_and_ones_own_is_not(tags):
    notes, shipped_id = changed(tags=tags, aliases=...), "aws.s3.bucket.good"
    _, faults = document([inspection(notes, shipped_id)], typed=TYPED)
    assert faults == ["good.rego:9: custom.tags is missing: whoever chooses policies by tag does not find this one"]
    for package, strict in ((shipped_id, False), ("custom.s3.bucket.good", True)):
        made, faults = document([inspection(notes, package)], typed=TYPED, strict=strict)
        assert (list(made["policies"]), faults) == ([package], [])


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


def test_a_retired_policy_can_still_be_named_and_is_still_routed_to():
    made, _ = document([inspection(changed(deprecated=True, tags=["old"]))], typed=TYPED)
    retired = Catalog(made)
    assert retired.resolve(["custom.s3.bucket.good"]) == {"custom.s3.bucket.good"} == retired.tagged(["old"])
    assert retired.applying_to("AWS::S3::Bucket", None) == ("custom.s3.bucket.good",)


def test_who_names_policies_elsewhere_is_told_of_that_place():
    with pytest.raises(UsageError, match=r"^policies of the Config rule nope: there is no such policy; there are: "):
        catalog().resolve(["nope"], told="policies of the Config rule")
    with pytest.raises(UsageError, match=rf"^policies of the Config rule {IDLE}: judges nothing until a or c is set"):
        Catalog(idling({})).resolve([IDLE], told="policies of the Config rule")


@pytest.mark.parametrize("name", [IDLE, "custom.any.resource.old"])
def test_idle_policies_are_taken_from_who_may_name_them(name):
    quiet = Catalog(idling({}))
    assert quiet.idle == {IDLE: ("a", "c")}
    assert quiet.resolve([name], idle=True) == {IDLE}
    assert quiet.applying_to("AWS::S3::Bucket", quiet.resolve([name], idle=True)) == ()


def tagged_catalog() -> Catalog:
    policies = {"custom.a.a.one": ["cost", "network"], "custom.a.a.two": ["network"], "custom.a.a.none": ...}
    made, faults = document(
        [inspection(changed(tags=tags, aliases=...), policy_id) for policy_id, tags in policies.items()], typed=TYPED
    )
    assert faults == []
    return Catalog(made)


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ([], set()),
        (["cost"], {"custom.a.a.one"}),
        (["network"], {"custom.a.a.one", "custom.a.a.two"}),
        (["cost", "network", "cost"], {"custom.a.a.one", "custom.a.a.two"}),
    ],
)
def test_tags_lead_to_the_policies_with_any_of_them(tags, found):
    assert tagged_catalog().tagged(tags) == found


def test_a_tag_leads_to_idle_policies_too():
    made = idling({})
    made["policies"][IDLE]["tags"] = ["tagging"]
    assert Catalog(made).tagged(["tagging"]) == {IDLE}


def test_a_tag_that_no_policy_has_is_told_with_those_that_there_are():
    with pytest.raises(UsageError, match=r"^--tag costs: no policy names it; there are: cost, network$"):
        tagged_catalog().tagged(["cost", "costs"])
    with pytest.raises(UsageError, match=r"^tags of the Config rule x: no policy names it; there are: none$"):
        catalog().tagged(["x"], told="tags of the Config rule")


@pytest.mark.parametrize(
    "document",
    [
        {"policies": {"a": {}}, "by_type": {}},
        {"policies": {}},
        {"policies": {}, "by_type": {"*": ["a"]}},
        {"policies": {"a": {**LEAST, "tags": 7}}, "by_type": {}},
    ],
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

"""The bundle of a run: merged from everything, the same bytes from the same sources, and refused when it is not sound."""

from __future__ import annotations

import shutil
import subprocess
import tarfile

import pytest
import yaml

from opalite.engine.bundle import assemble, read, read_settings
from opalite.errors import UsageError
from opalite.normalize import TYPES

POLICY = """# METADATA
# title: {title}
# description: Because.
# scope: package
# custom:
#   severity: LOW
#   resource_types: [AWS::S3::Bucket]
#   version: 1.0.0
package {package}

compliant if true

violations contains 1 if false
"""
ID = "aws.s3.bucket.encryption"


def own(folder, package="custom.s3.bucket.mine", title="Mine"):
    place = folder.joinpath(*package.split("."))
    place.mkdir(parents=True)
    (place / "mine.rego").write_text(POLICY.format(package=package, title=title))
    return folder


def settings(path, document):
    path.write_text(yaml.safe_dump(document))
    return path


def made(opa, *, bundles=(), overlays=(), with_shipped=True, actions=None):
    return assemble(
        opa.path, bundles=bundles, overlays=overlays, with_shipped=with_shipped, typed=TYPES, actions=actions
    )


def test_the_shipped_bundle_holds_policies_and_data_and_no_tests(opa):
    bundle = made(opa)
    assert "policies/opalite/decision/decision.rego" in bundle.modules
    assert not [path for path in bundle.modules if path.endswith("_test.rego")]
    assert set(bundle.data) == {"catalog", "parameters", "exemptions", "stages", "remediation"}


def test_equal_sources_are_equal_bytes(opa, tmp_path):
    one, two = tmp_path / "one.tar.gz", tmp_path / "two.tar.gz"
    made(opa).write(one)
    made(opa).write(two)
    assert one.read_bytes() == two.read_bytes()
    with tarfile.open(one) as archive:
        assert {"/.manifest", "/data.json"} <= {name if name[0] == "/" else f"/{name}" for name in archive.getnames()}


def test_the_revision_changes_with_policies_and_with_data(opa, tmp_path):
    overlay = settings(tmp_path / "s.yaml", {"parameters": {ID: {"default": {"level": "any"}}}})
    revisions = {
        made(opa).revision,
        made(opa, overlays=[overlay]).revision,
        made(opa, bundles=[own(tmp_path / "mine")]).revision,
    }
    assert len(revisions) == 3


def test_own_policies_stand_beside_the_shipped_ones(opa, tmp_path):
    bundle = made(opa, bundles=[own(tmp_path / "mine")])
    shipped = made(opa).data["catalog"]["by_type"]["AWS::S3::Bucket"]
    assert bundle.data["catalog"]["by_type"]["AWS::S3::Bucket"] == [*shipped, "custom.s3.bucket.mine"]


IDLE = "custom.any.resource.mine"
IDLE_POLICY = POLICY.replace("[AWS::S3::Bucket]", '["*"]').replace(
    "#   version: 1.0.0",
    """#   version: 1.0.0
#   idle_without: [wanted]
#   parameters:
#     type: object
#     properties:
#       wanted: {{description: what is wanted, type: object, default: {{}}}}
#       other: {{description: something else, type: integer, default: 1}}""",
)


@pytest.mark.parametrize(
    ("entry", "asked"),
    [
        (None, False),
        ({"default": {"wanted": {}, "other": 2}}, False),
        ({"default": {"wanted": {"a": 1}}}, True),
        ({"overrides": [{"regions": ["eu-west-1"], "set": {"other": 2}}]}, False),
        ({"overrides": [{"regions": ["eu-west-1"], "set": {"wanted": {"a": 1}}}]}, True),
    ],
)
def test_a_policy_is_asked_only_when_the_settings_give_it_something_to_judge(opa, tmp_path, entry, asked):
    folder = tmp_path / "mine" / "custom" / "any" / "resource" / "mine"
    folder.mkdir(parents=True)
    (folder / "mine.rego").write_text(IDLE_POLICY.format(package=IDLE, title="Mine"))
    overlays = [] if entry is None else [settings(tmp_path / "s.yaml", {"parameters": {IDLE: entry}})]
    catalog = made(opa, bundles=[tmp_path / "mine"], overlays=overlays).data["catalog"]
    assert IDLE in catalog["policies"]
    assert (IDLE in catalog["by_type"].get("*", [])) is asked


def test_own_policies_as_an_archive_built_by_opa(opa, tmp_path):
    archive = tmp_path / "mine.tar.gz"
    subprocess.run([opa.path, "build", "-b", own(tmp_path / "mine"), "-o", archive], check=True)
    assert "custom.s3.bucket.mine" in made(opa, bundles=[archive]).data["catalog"]["policies"]


def test_a_whole_bundle_without_the_shipped_one(opa, tmp_path, repository):
    archive = tmp_path / "all.tar.gz"
    command = [
        opa.path,
        "build",
        "-b",
        repository / "policies",
        repository / "data",
        "--ignore",
        "*_test.rego",
        "-o",
        archive,
    ]
    subprocess.run(command, check=True)
    bundle = made(opa, bundles=[archive], with_shipped=False)
    assert bundle.data == made(opa).data


def test_without_the_shipped_policies_some_must_be_named(opa):
    with pytest.raises(UsageError, match="--no-shipped leaves no policies"):
        made(opa, with_shipped=False)


@pytest.mark.parametrize("package", ["aws.s3.bucket.encryption", "opalite.decision", "aws.mine"])
def test_packages_of_the_product_cannot_be_replaced(opa, tmp_path, package):
    with pytest.raises(UsageError, match=f"package {package} is the product's"):
        made(opa, bundles=[own(tmp_path / "mine", package)])


def test_the_same_policy_twice_is_refused(opa, tmp_path):
    with pytest.raises(UsageError, match=r"custom\.s3\.bucket\.mine is there already"):
        made(opa, bundles=[own(tmp_path / "one"), own(tmp_path / "two")])


def test_incomplete_metadata_is_refused(opa, tmp_path):
    with pytest.raises(UsageError, match=r"mine: custom/s3/bucket/mine/mine\.rego:\d+: METADATA needs a `title`"):
        made(opa, bundles=[own(tmp_path / "mine", title="")])


def test_rego_that_does_not_parse_is_refused_with_opas_words(opa, tmp_path):
    (tmp_path / "bad.rego").write_text("package custom.a.b.c\nthis is no rego")
    with pytest.raises(UsageError, match=r"OPA cannot read it: .*rego_parse_error"):
        made(opa, bundles=[tmp_path])


def test_settings_of_an_own_bundle_count(opa, tmp_path):
    folder = own(tmp_path / "mine")
    (folder / "stages").mkdir()
    settings(folder / "stages" / "data.yaml", {"custom.s3.bucket.mine": {"default": {"stage": "audit"}}})
    assert made(opa, bundles=[folder]).data["stages"] == {"custom.s3.bucket.mine": {"default": {"stage": "audit"}}}


def test_a_fault_in_an_overlay_is_told_with_file_and_place(opa, tmp_path):
    overlay = settings(tmp_path / "s.yaml", {"parameters": {ID: {"default": {"level": "all"}}}})
    with pytest.raises(UsageError, match=rf"s\.yaml: parameters\.{ID}\.default\.level: 'all' is not one of"):
        made(opa, overlays=[overlay])


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"world": ["0.0.0.0/33"]}, 'world[0]: "0.0.0.0/33" is not right here; wanted: Ranges that are the world'),
        ({"known_networks": {"203.0.113.0/33": "office"}}, "known_networks: "),
        ({"ports": ["22-20"]}, 'ports: ["22-20"] is not right here; wanted: "any", or ports and ranges'),
        ({"ports": [70000]}, "ports: [70000] is not right here"),
        ({"excepted_groups": {"sg-1": True}}, "True is not of type 'string' (in YAML put yes, no, on, off in quotes)"),
    ],
)
def test_networks_and_ports_that_cannot_be_are_refused(opa, tmp_path, parameters, says):
    policy = "aws.ec2.securitygroup.restricted_ingress"
    overlay = settings(tmp_path / "s.yaml", {"parameters": {policy: {"default": parameters}}})
    with pytest.raises(UsageError) as caught:
        made(opa, overlays=[overlay])
    assert says in str(caught.value)


def test_a_day_that_no_calendar_has_is_refused(opa, tmp_path):
    policy = "aws.lambda.function.supported_runtime"
    wrong = {"parameters": {policy: {"default": {"deadlines": {"python3.9": "2026-13-99"}}}}}
    with pytest.raises(UsageError, match=r'deadlines\.python3\.9: "2026-13-99" is not right here'):
        made(opa, overlays=[settings(tmp_path / "s.yaml", wrong)])


def test_overlays_are_applied_in_order(opa, tmp_path):
    first = settings(
        tmp_path / "1.yaml", {"parameters": {ID: {"default": {"level": "any", "require_bucket_key": True}}}}
    )
    second = settings(tmp_path / "2.yaml", {"parameters": {ID: {"default": {"level": "kms"}}}})
    default = made(opa, overlays=[first, second]).data["parameters"][ID]["default"]
    assert (default["level"], default["require_bucket_key"]) == ("kms", True)


def test_an_overlay_may_be_a_folder_like_data(opa, tmp_path, repository):
    shutil.copytree(repository / "data", tmp_path / "data")
    assert made(opa, overlays=[tmp_path / "data"]).revision == made(opa).revision


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("s.yaml", "a: [", r"s\.yaml:\d+: is not YAML"),
        ("s.yaml", "parameters: {}\nparameters: {}", r"s\.yaml:2: the key 'parameters' is given twice"),
        ("s.yaml", "7: x", "the key 7 is not a text"),
        ("s.yaml", "- x", "must be an object with any of"),
        ("s.json", "{", r"s\.json: "),
        ("s.json", '{"stages": {}, "stages": {}}', r's\.json: has the key "stages" twice'),
        ("s.yaml", "&a [*a]", "must be an object|is not YAML"),
    ],
)
def test_settings_that_cannot_be_read_are_told(tmp_path, name, text, says):
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=says):
        read_settings(tmp_path / name)


def test_settings_that_are_not_there_are_told(tmp_path):
    with pytest.raises(UsageError, match=r"none\.yaml: cannot be read: No such file"):
        read_settings(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match="holds no settings"):
        read_settings(tmp_path)


def test_a_bundle_that_is_not_there_or_no_archive_is_told(tmp_path):
    with pytest.raises(UsageError, match="there is no such bundle"):
        read(tmp_path / "none")
    (tmp_path / "x.tar.gz").write_text("no archive")
    with pytest.raises(UsageError, match="is not a bundle archive"):
        read(tmp_path / "x.tar.gz")


def test_dates_in_yaml_stay_texts(tmp_path):
    (tmp_path / "s.yaml").write_text("exemptions: {a: {EX: {expires: 2027-03-31T00:00:00Z}}}")
    assert read_settings(tmp_path / "s.yaml") == {"exemptions": {"a": {"EX": {"expires": "2027-03-31T00:00:00Z"}}}}


def test_actions_of_remediation_are_checked_by_whoever_knows_them(opa, tmp_path):
    overlay = settings(tmp_path / "s.yaml", {"remediation": {ID: {"default": {"action": "no_such_action"}}}})
    assert made(opa, overlays=[overlay]).data["remediation"] == {ID: {"default": {"action": "no_such_action"}}}
    with pytest.raises(
        UsageError, match=rf"remediation\.{ID}\.default\.action: there is no such action; there are none$"
    ):
        made(opa, overlays=[overlay], actions={})

from __future__ import annotations

import hashlib
import json

import pytest
from shipment import assembly, checkout, templates

from opalite.engine import watch
from opalite.errors import InstallError, OutputError, UsageError

ASSEMBLED = {
    "LICENSE", "RELEASE.md", "SHA256SUMS", "opalite-0.1.0-py3-none-any.whl", "opalite-0.1.0.tar.gz",
    "opalite-function-arm64.zip", "opalite-function-x86_64.zip", "opalite-layer-arm64.zip", "opalite-layer-x86_64.zip",
    "samconfig.toml", "sbom.cdx.json", "template-arm64.yaml", "template-x86_64.yaml",
}  # fmt: skip


@pytest.fixture
def release(looked, builders, inspect, tmp_path):
    """Makes one, and gives its files by name."""

    def make(name="release", **environ):
        made_from = looked(allow_dirty=True, **environ)
        deployed = checkout.deployed_files(made_from, {}, watch.run)
        assembly.assemble(made_from, deployed, builders, inspect, tmp_path / name)
        return {
            path.relative_to(tmp_path / name).as_posix(): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }

    return make


def test_a_release_has_package_code_layers_templates_and_what_is_said_of_them(release, clone):
    deployed = {path.relative_to(clone).as_posix() for path in (clone / "deploy").rglob("*") if path.is_file()}
    assert set(release()) == ASSEMBLED | deployed


def test_every_file_but_the_sums_has_its_sum(release):
    files = release()
    sums = dict(reversed(line.split("  ")) for line in files.pop("SHA256SUMS").decode().splitlines())
    assert sums == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def test_the_same_commit_gives_the_same_bytes(release):
    assert release("first") == release("second")


def test_every_path_that_a_template_names_is_in_the_release(release, tmp_path):
    release()
    templates.require_files(tmp_path / "release")


def test_the_notes_say_versions_commit_changes_and_sums(release, looked):
    text = release()["RELEASE.md"].decode()
    for line in (
        "# Opalite 0.1.0",
        "| bundle revision | `0123456789abcdef` |",
        "| OPA | 1.22.2 |",
        "| Go | go1.26.8 |",
        "| Python of the functions | python3.13 |",
        f"| commit | `{looked().commit}` |",
        "| date | 2025-11-29T07:06:40Z |",
        "- Everything.",
        f"| opalite-0.1.0.tar.gz | `{hashlib.sha256(b'sdist').hexdigest()}` |",
    ):
        assert line in text.splitlines()


def test_the_notes_of_a_try_say_so(release, clone):
    (clone / "LICENSE").write_text("other")
    assert ", with changes that are not committed |" in release()["RELEASE.md"].decode()


def test_the_bill_says_what_is_in_function_and_layers(release):
    bill = json.loads(release()["sbom.cdx.json"])
    within = {entry["ref"]: entry["dependsOn"] for entry in bill["dependencies"]}
    assert within["file:opalite-layer-arm64.zip"] == [
        "opalite-opa:arm64",
        "pkg:golang/github.com/open-policy-agent/opa@v1.22.2?goarch=arm64",
    ]
    assert within["pkg:golang/github.com/open-policy-agent/opa@v1.22.2?goarch=arm64"] == [
        "pkg:golang/example.com/b@v2.0.0%2Bincompatible",
        "pkg:golang/std@1.26.8",
    ]
    assert within["opalite-opa:amd64"] == ["pkg:golang/std@1.26.8"]
    names = {ref.partition("@")[0] for ref in within["file:opalite-function-arm64.zip"]}
    assert {"pkg:pypi/botocore", "pkg:pypi/orjson", "pkg:pypi/aws-lambda-powertools"} <= names
    assert "pkg:pypi/pytest" not in names


def test_the_bill_tells_what_is_shipped_or_needed_from_what_only_helps_to_make_it(release):
    components = {one["name"]: one for one in json.loads(release()["sbom.cdx.json"])["components"]}
    assert [components[name].get("scope") for name in ("botocore", "click", "pytest", "moto")] == [
        None, None, "excluded", "excluded",
    ]  # fmt: skip


def test_every_part_that_the_bill_speaks_of_is_one_of_its_components(release):
    bill = json.loads(release()["sbom.cdx.json"])
    refs = [one["bom-ref"] for one in bill["components"]] + [bill["metadata"]["component"]["bom-ref"]]
    named = {ref for entry in bill["dependencies"] for ref in (entry["ref"], *entry["dependsOn"])}
    assert len(refs) == len(set(refs))
    assert named <= set(refs)


def test_a_release_is_replaced_and_leaves_nothing_of_the_former_one(release, tmp_path):
    release()
    (tmp_path / "release" / "stray").write_text("of the former one")
    assert "stray" not in release()


def test_a_folder_that_is_no_release_is_left_alone(release, tmp_path):
    (tmp_path / "release").mkdir()
    (tmp_path / "release" / "precious").write_text("mine")
    with pytest.raises(UsageError, match="is there and is no release"):
        release()
    assert (tmp_path / "release" / "precious").read_text() == "mine"


def test_a_build_that_fails_leaves_the_former_release_and_nothing_beside_it(release, builders, tmp_path):
    before = release()
    builders.breaks = True
    with pytest.raises(InstallError):
        release()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["opalite", "release"]
    builders.breaks = False
    assert release() == before


def test_a_template_that_does_not_fit_the_policies_ends_the_release(release, builders, tmp_path):
    builders.is_stale = True
    with pytest.raises(UsageError, match="stale"):
        release()
    assert not (tmp_path / "release").exists()


def test_layers_of_two_bundles_are_no_release(release, builders):
    builders.revisions = {"arm64": "ffffffffffffffff"}
    with pytest.raises(OutputError, match=r"different bundles \(0123456789abcdef, ffffffffffffffff\)"):
        release()

"""`opalite policies …` and `opalite version`, as an author and CI call them."""

from __future__ import annotations

import shutil

import orjson
import pytest

IDS = ["aws.ec2.instance.approved_image", "aws.ec2.securitygroup.restricted_ingress", "aws.s3.bucket.encryption"]
OWN = ["custom.ec2.instance.patch_group", "custom.lambda.function.supported_runtime"]


def test_the_list_names_each_policy_with_severity_and_title(opalite):
    done = opalite("policies", "list")
    assert (done.code, done.err) == (0, [])
    assert [line.split()[0] for line in done.out.decode().splitlines()] == IDS
    assert done.out.decode().splitlines()[2].split(maxsplit=2)[1:] == [
        "HIGH",
        "S3 buckets encrypt new objects with a customer managed key",
    ]


def test_the_list_as_json_holds_own_policies_too(opalite, repository):
    done = opalite("policies", "list", "--bundle", repository / "samples" / "custom", "--format", "json")
    assert sorted(orjson.loads(done.out)) == IDS + OWN


def test_a_policy_is_shown_with_its_parameters(opalite):
    shown = orjson.loads(opalite("policies", "show", "aws.s3.bucket.encryption").out)
    assert shown["id"] == "aws.s3.bucket.encryption"
    assert shown["parameters"]["properties"]["level"]["enum"] == ["any", "kms", "named_key", "customer_managed"]


def test_a_policy_that_is_not_there_is_told_with_those_that_are(opalite):
    done = opalite("policies", "show", "aws.s3.bucket.nothing")
    assert done.code == 2
    assert done.err == [f"opalite: there is no policy aws.s3.bucket.nothing; there are: {', '.join(IDS)}"]


def test_the_shipped_policies_and_the_samples_are_free_of_traps(opalite, repository):
    done = opalite("policies", "lint", repository / "policies", repository / "samples" / "custom")
    assert (done.code, done.out, done.err) == (0, b"", [])


@pytest.fixture
def own(tmp_path, repository):
    """A copy of the sample policies, to be spoilt."""
    return shutil.copytree(repository / "samples" / "custom", tmp_path / "own")


def spoil(folder, before, after):
    path = folder / "custom" / "ec2" / "instance" / "patch_group" / "patch_group.rego"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    return path


def test_a_trap_is_told_with_file_and_line(opalite, own):
    path = spoil(own, "\npackage", "\npackage")
    path.write_text(path.read_text() + "\n_trap if not is_string(input.resource.tags.Owner)\n")
    done = opalite("policies", "lint", own)
    assert done.code == 1
    [line] = done.out.decode().splitlines()
    assert line.startswith(f"{path}:{len(path.read_text().splitlines())}: `not is_string(…input.resource.tags.Owner…)`")


def test_incomplete_metadata_and_missing_exports_are_told(opalite, own):
    path = spoil(own, "#   version: 1.0.0\n", "")
    path.write_text(path.read_text().replace("compliant if", "conformant if"))
    done = opalite("policies", "lint", own)
    assert done.code == 1
    assert "custom.version is None, not a version like 1.0.0" in done.out.decode()


def test_a_policy_without_a_proof_is_told(opalite, own):
    path = spoil(own, "compliant", "conformant")
    done = opalite("policies", "lint", own)
    assert done.code == 1
    assert f"{own}: custom.ec2.instance.patch_group has no `compliant`" in done.out.decode()
    assert path.exists()


def test_lint_of_what_is_no_folder_is_misuse(opalite, tmp_path):
    done = opalite("policies", "lint", tmp_path / "none")
    assert (done.code, done.out) == (2, b"")


def test_the_catalog_is_made_and_checked(opalite, repository, tmp_path):
    committed = (repository / "data" / "catalog" / "data.json").read_bytes()
    assert opalite("policies", "catalog", repository / "policies").out == committed
    path = tmp_path / "catalog" / "data.json"
    assert opalite("policies", "catalog", repository / "policies", "--output", path).code == 0
    assert path.read_bytes() == committed
    assert opalite("policies", "catalog", repository / "policies", "--check", path).code == 0
    path.write_bytes(committed + b" ")
    stale = opalite("policies", "catalog", repository / "policies", "--check", path)
    assert (stale.code, stale.err) == (1, [f"{path} is stale: run `make catalog`"])


def test_no_catalog_is_made_of_incomplete_metadata(opalite, own):
    spoil(own, "#   version: 1.0.0\n", "")
    done = opalite("policies", "catalog", own)
    assert (done.code, done.out) == (2, b"")
    assert "custom.version is None" in done.err[0]


def test_versions(opalite):
    told = orjson.loads(opalite("version", "--format", "json").out)
    assert told["opalite"] == "0.1.0"
    assert opalite("version").out.decode().splitlines()[0] == "opalite 0.1.0"

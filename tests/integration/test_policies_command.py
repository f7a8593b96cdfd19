"""`opalite policies …` and `opalite version`, as an author and CI call them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import orjson
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
CATALOG = orjson.loads((REPOSITORY / "data" / "catalog" / "data.json").read_bytes())["policies"]
IDS = sorted(CATALOG)
OWN = sorted(
    ".".join(path.relative_to(REPOSITORY / "samples" / "custom").parts)
    for path in (REPOSITORY / "samples" / "custom").glob("custom/*/*/*/")
)
GROUP = "custom.ec2.instance.patch_group"


def ids(done) -> list[str]:
    assert (done.code, done.err) == (0, [])
    return [line.split()[0] for line in done.out.decode().splitlines()]


def test_the_list_names_each_policy_with_severity_types_and_title(opalite):
    done = opalite("policies", "list")
    assert ids(done) == IDS
    lines = [re.split(r" {2,}", line) for line in done.out.decode().splitlines()]
    assert lines == [
        [policy_id, entry["severity"], ", ".join(entry["resource_types"]), entry["title"]]
        for policy_id, entry in CATALOG.items()
    ]
    assert len({line.index(f" {CATALOG[line.split()[0]]['title']}") for line in done.out.decode().splitlines()}) == 1


def test_the_list_as_json_holds_own_policies_too(opalite):
    done = opalite("policies", "list", "--bundle", REPOSITORY / "samples" / "custom", "--format", "json")
    assert sorted(orjson.loads(done.out)) == IDS + OWN
    assert orjson.loads(opalite("policies", "list", "--format", "json").out) == CATALOG


def test_the_list_can_be_narrowed(opalite):
    def chosen(condition):
        return [policy_id for policy_id in IDS if condition(CATALOG[policy_id])]

    of_type = chosen(lambda entry: {"AWS::S3::Bucket", "*"} & set(entry["resource_types"]))
    assert ids(opalite("policies", "list", "--type", "AWS::S3::Bucket")) == of_type
    assert "aws.s3.bucket.encryption" in of_type
    severe = chosen(lambda entry: entry["severity"] in {"CRITICAL", "HIGH"})
    assert ids(opalite("policies", "list", "--severity", "critical", "--severity", "HIGH")) == severe
    tagged = chosen(lambda entry: {"backup", "cost"} & set(entry["tags"]))
    assert ids(opalite("policies", "list", "--tag", "cost", "--tag", "backup")) == tagged
    both = chosen(lambda entry: "nist_800_53_r5" in entry["frameworks"] and entry["severity"] == "CRITICAL")
    narrowed = ("--framework", "nist_800_53_r5", "--severity", "CRITICAL")
    assert ids(opalite("policies", "list", *narrowed)) == both
    assert sorted(orjson.loads(opalite("policies", "list", *narrowed, "--format", "json").out)) == both


def test_a_list_of_nothing_says_so(opalite):
    nothing = ("--type", "AWS::Batch::JobQueue", "--severity", "CRITICAL")
    done = opalite("policies", "list", *nothing)
    assert (done.code, done.out, done.err) == (0, b"", ["opalite: notice: no policy is of all that was asked for"])
    assert opalite("policies", "list", *nothing, "--format", "json").out == b"{}\n"


@pytest.mark.parametrize(("option", "member"), [("--framework", "frameworks"), ("--tag", "tags")])
def test_a_framework_or_a_tag_that_no_policy_names_is_misuse(opalite, option, member):
    done = opalite("policies", "list", option, "nist_800_53")
    there = ", ".join(sorted({key for entry in CATALOG.values() for key in entry[member]}))
    assert (done.code, done.out) == (2, b"")
    assert done.err == [f"opalite: {option} nist_800_53: no policy names it; there are: {there}"]


def test_own_policies_bring_their_own_tags_and_join_the_shipped_ones(opalite, own):
    spoil(own, "#   tags: [patching, tagging]\n", "#   tags: [ours, patching]\n")
    shipped = [policy_id for policy_id in IDS if "patching" in CATALOG[policy_id]["tags"]]
    assert ids(opalite("policies", "list", "--tag", "ours", "--bundle", own)) == [GROUP]
    assert ids(opalite("policies", "list", "--tag", "patching", "--bundle", own)) == sorted([GROUP, *shipped])


def test_own_policies_may_have_no_tags(opalite, own):
    spoil(own, "#   tags: [patching, tagging]\n", "")
    done = opalite("policies", "lint", own)
    assert (done.code, done.out, done.err) == (0, b"", [])


def test_a_policy_is_shown_as_its_page(opalite):
    done = opalite("policies", "show", "aws.s3.bucket.encryption")
    assert (done.code, done.err) == (0, [])
    page = (REPOSITORY / "docs" / "policies" / "aws.s3.bucket.encryption.md").read_text()
    assert done.out.decode() == re.sub(r"\[([^]]+)\]\(\.\.[^)]+\)", r"\1", page.partition("\n")[2])


def test_an_own_policy_is_shown_with_its_examples(opalite):
    done = opalite("policies", "show", GROUP, "--bundle", REPOSITORY / "samples" / "custom")
    assert done.out.decode().splitlines()[0].startswith("# ")
    assert "\n| pass | weekly |\n| fail | unknown group |\n" in done.out.decode()


def test_a_policy_is_shown_as_the_catalog_has_it(opalite):
    done = opalite("policies", "show", "aws.s3.bucket.encryption", "--format", "json")
    assert orjson.loads(done.out) == {"id": "aws.s3.bucket.encryption", **CATALOG["aws.s3.bucket.encryption"]}


def test_a_policy_is_shown_under_its_former_id(opalite, own):
    spoil(own, "#   version: 1.0.0\n", "#   version: 1.0.0\n#   aliases: [custom.ec2.instance.patched]\n")
    done = opalite("policies", "show", "custom.ec2.instance.patched", "--bundle", own, "--format", "json")
    assert orjson.loads(done.out)["id"] == GROUP


def test_a_policy_that_is_not_there_is_told_with_the_nearest(opalite):
    there = f"there are: {', '.join(IDS)}"
    done = opalite("policies", "show", "aws.s3.bucket.encrypton")
    assert done.code == 2
    assert done.err == ["opalite: there is no policy aws.s3.bucket.encrypton; did you mean aws.s3.bucket.encryption?"]
    assert opalite("policies", "show", "x").err == [f"opalite: there is no policy x; {there}"]


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


def test_the_pages_are_made_and_checked(opalite, own, tmp_path):
    (own / "custom" / "ec2" / "instance" / "patch_group" / "notes.md").write_text("Judged is a tag.\n")
    pages = tmp_path / "docs" / "pages"
    assert opalite("policies", "docs", own, "--check", pages).code == 1
    done = opalite("policies", "docs", own, "--output", pages)
    assert (done.code, done.out, done.err) == (0, b"", [])
    assert sorted(path.name for path in pages.iterdir()) == sorted(
        [*(f"{policy_id}.md" for policy_id in OWN), "README.md"]
    )
    text = (pages / f"{GROUP}.md").read_text()
    assert text.startswith("<!-- Generated by `opalite policies docs`, do not edit: ")
    assert "\nJudged is a tag.\n" in text
    link = "../../own/custom/ec2/instance/patch_group/examples/fail_untagged.json"
    assert f"[untagged]({link})" in text
    assert (pages / link).is_file()
    before = {path.name: path.read_bytes() for path in pages.iterdir()}
    assert opalite("policies", "docs", own, "--output", pages).code == 0
    assert {path.name: path.read_bytes() for path in pages.iterdir()} == before
    checked = opalite("policies", "docs", own, "--check", pages)
    assert (checked.code, checked.out, checked.err) == (0, b"", [])


def test_pages_that_are_stale_missing_or_of_no_policy_are_told(opalite, own, tmp_path):
    pages = tmp_path / "pages"
    opalite("policies", "docs", own, "--output", pages)
    page, missing, orphan = pages / f"{GROUP}.md", pages / "README.md", pages / "custom.a.b.gone.md"
    orphan.write_text(page.read_text())
    page.write_text(page.read_text() + "by hand\n")
    missing.unlink()
    (pages / "other.md").write_text("# Something else\n")
    done = opalite("policies", "docs", own, "--check", pages)
    remedy = "run `make docs`, or `opalite policies docs` with --output"
    assert (done.code, done.out) == (1, b"")
    assert done.err == [
        f"{missing} is stale: {remedy}",
        f"{page} is stale: {remedy}",
        f"{orphan} is the page of no policy: remove it",
    ]


def test_what_was_written_by_hand_is_not_written_over(opalite, own, tmp_path):
    (tmp_path / "README.md").write_text("# Ours\n")
    done = opalite("policies", "docs", own, "--output", tmp_path)
    assert done.code == 2
    assert done.err == [
        f"opalite: {tmp_path / 'README.md'}: was written by hand: choose another folder, or take it away"
    ]
    assert [path.name for path in tmp_path.glob("*.md")] == ["README.md"]


def test_notes_must_leave_the_generated_sections_to_the_page(opalite, own, tmp_path):
    notes = own / "custom" / "ec2" / "instance" / "patch_group" / "notes.md"
    notes.write_text("Judged is a tag.\n\n## Parameters\n")
    done = opalite("policies", "docs", own, "--output", tmp_path / "pages")
    assert (done.code, (tmp_path / "pages").exists()) == (2, False)
    assert done.err == [f"opalite: {notes}: line 3: the section 'Parameters' is generated; give yours another name"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "say either --output DIR, to write the pages there, or --check DIR"),
        (("--output", "a", "--check", "a"), "say either --output DIR, to write the pages there, or --check DIR"),
    ],
)
def test_pages_need_a_place(opalite, own, options, says):
    done = opalite("policies", "docs", own, *options)
    assert (done.code, done.err) == (2, [f"opalite: {says}"])


def test_a_folder_without_policies_has_no_pages(opalite, tmp_path):
    (tmp_path / "a.rego").write_text("package a\n")
    done = opalite("policies", "docs", tmp_path, "--output", tmp_path / "pages")
    assert done.err == [f"opalite: {tmp_path}: holds no policies, so there is nothing to write about"]
    spoilt = opalite("policies", "docs", tmp_path / "none", "--output", tmp_path / "pages")
    assert (spoilt.code, len(spoilt.err)) == (2, 1)


def test_versions(opalite):
    told = orjson.loads(opalite("version", "--format", "json").out)
    assert told["opalite"] == "0.1.0"
    assert opalite("version").out.decode().splitlines()[0] == "opalite 0.1.0"

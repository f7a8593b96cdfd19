from __future__ import annotations

import subprocess
from datetime import UTC, datetime

import pytest
from shipment import checkout
from shipment.checkout import Checkout

from opalite.engine import watch
from opalite.errors import UsageError

NOW = datetime.fromtimestamp(1764400000, UTC)


def commit(clone, git) -> str:
    return git(clone, "rev-parse", "HEAD")


@pytest.fixture
def git():
    def run(folder, *arguments):
        return subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
        ).stdout.strip()

    return run


def test_a_clean_checkout_says_version_commit_time_and_changes(clone, looked, git):
    expected = Checkout(
        folder=clone,
        version="0.1.0",
        commit=commit(clone, git),
        at=NOW,
        changes="### Added\n- Everything.",
        is_dirty=False,
    )
    assert looked() == expected
    assert looked("0.1.0") == expected


def test_the_time_may_be_given(looked):
    assert looked(SOURCE_DATE_EPOCH="86400").at == datetime(1970, 1, 2, tzinfo=UTC)


def test_what_is_not_committed_is_refused_by_name(clone, looked):
    (clone / "template.yaml").write_text("other")
    (clone / "new.md").write_text("new")
    with pytest.raises(UsageError) as caught:
        looked()
    assert str(caught.value) == (
        "2 files are not committed (template.yaml, new.md): commit them, or say ALLOW_DIRTY=1 to try"
    )


def test_what_git_ignores_is_nothing_to_commit(clone, looked):
    (clone / "dist").mkdir()
    (clone / "dist" / "old.whl").write_bytes(b"")
    assert looked().is_dirty is False


def test_a_dirty_checkout_can_be_tried(clone, looked):
    (clone / "LICENSE").write_text("other")
    assert looked(allow_dirty=True).is_dirty is True


def test_another_version_than_the_expected_one_is_refused(looked):
    with pytest.raises(UsageError, match=r"^pyproject.toml says version 0\.1\.0, not 0\.1\.1: "):
        looked("0.1.1")


def test_a_package_that_says_another_version_is_refused(clone, looked):
    (clone / "handler/opalite/__init__.py").write_text('__version__ = "0.1.1"\n')
    with pytest.raises(UsageError, match=r"^handler/opalite/__init__\.py does not say version 0\.1\.0"):
        looked(allow_dirty=True)


def test_a_version_without_a_heading_in_the_changelog_is_refused(clone, looked):
    (clone / "CHANGELOG.md").write_text("# Changelog\n\n## [0.0.1] - 2026-11-01\n")
    with pytest.raises(UsageError, match=r"^CHANGELOG\.md: has no heading `## \[0\.1\.0\] - <day>`"):
        looked(allow_dirty=True)


def test_a_version_without_a_day_is_refused_unless_it_is_a_try(clone, looked, git):
    changelog = clone / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace("2026-11-29", "unreleased"))
    git(clone, "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "--quiet", "--all", "--message", "Day")
    with pytest.raises(UsageError, match=r"^CHANGELOG\.md: version 0\.1\.0 is unreleased: write its day there"):
        looked()
    assert looked(allow_dirty=True).changes == "### Added\n- Everything."


def test_a_time_that_is_no_number_is_refused(looked):
    with pytest.raises(UsageError, match=r"^SOURCE_DATE_EPOCH is no number of seconds"):
        looked(SOURCE_DATE_EPOCH="today")


def test_an_unpacked_archive_is_no_checkout(clone, looked):
    (clone / ".git").rename(clone.parent / "elsewhere")
    with pytest.raises(UsageError, match=r"git knows no commit there; a release is made from a git checkout$"):
        looked(GIT_CEILING_DIRECTORIES=str(clone.parent))


def test_deployed_files_are_those_that_git_knows_or_is_about_to(clone, looked):
    (clone / "deploy" / "more.yaml").write_text("")
    (clone / "deploy" / "__pycache__").mkdir()
    (clone / "deploy" / "__pycache__" / "more.pyc").write_text("")
    found = checkout.deployed_files(looked(allow_dirty=True), {}, watch.run)
    assert found == sorted(found)
    assert {"deploy/member.yaml", "deploy/more.yaml", "deploy/rules/account.yaml"} < set(found)
    assert [name for name in found if "pycache" in name] == []

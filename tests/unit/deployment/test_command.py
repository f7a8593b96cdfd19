from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from opalite.cli.template import template
from opalite.errors import UsageError


@pytest.fixture
def checkout(repository, tmp_path) -> Path:
    """What the command reads and writes."""
    for name in ("template.yaml", "requirements.lock"):
        shutil.copy(repository / name, tmp_path)
    shutil.copytree(repository / "deploy", tmp_path / "deploy")
    (tmp_path / "handler").mkdir()
    shutil.copy(repository / "handler" / "requirements.txt", tmp_path / "handler")
    return tmp_path


def run(*words: str):
    return CliRunner().invoke(template, words, standalone_mode=False)


def test_what_is_stale_is_named_and_nothing_is_written(checkout):
    (checkout / "deploy" / "member.yaml").write_text("old\n")
    (checkout / "deploy" / "rules" / "account.yaml").unlink()
    done = run(str(checkout), "--check")
    assert done.return_value == 1
    assert done.stderr.splitlines() == [
        "deploy/rules/account.yaml is stale: run `make template`",
        "deploy/member.yaml is stale: run `make template`",
    ]
    assert (checkout / "deploy" / "member.yaml").read_text() == "old\n"


def test_what_was_stale_is_up_to_date_once_it_is_made(checkout, repository):
    (checkout / "deploy" / "member.yaml").write_text("old\n")
    assert run(str(checkout)).return_value == 0
    assert run(str(checkout), "--check").return_value == 0
    assert (checkout / "deploy" / "member.yaml").read_text() == (repository / "deploy" / "member.yaml").read_text()


@pytest.mark.slow
def test_settings_of_ones_own_choose_the_rules(checkout, tmp_path, opa):
    settings = tmp_path / "settings.yaml"
    settings.write_text('stages: {"*": {default: {stage: "off"}}, aws.s3.bucket.tls_only: {default: {stage: audit}}}\n')
    assert run(str(checkout), "--data", str(settings), "--opa", str(opa.path)).return_value == 0
    text = (checkout / "deploy" / "rules" / "organization.yaml").read_text()
    assert (text.count("AWS::Config::OrganizationConfigRule"), "opalite-s3-bucket-tls-only" in text) == (2, True)
    assert "policy: opalite-s3-bucket-tls-only\n" in (checkout / "template.yaml").read_text()


def test_a_folder_that_is_no_checkout_is_refused(tmp_path):
    assert isinstance(run(str(tmp_path)).exception, UsageError)

"""The role of the doctor's own, as docs/deploy.md has it deployed, may what the doctor asks in each account, and nothing else."""

from __future__ import annotations

import re

import pytest

from opalite.doctor import account


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs" / "deploy.md").read_text()


def test_the_role_may_what_is_asked(page):
    [template] = [one for one in re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL) if "Doctor" in one]
    assert tuple(re.findall(r"^ +- ([a-z]+:[A-Z]\w+)$", template, re.MULTILINE)) == account.ACTIONS
    assert "aws:PrincipalOrgID" in template
    [name] = re.findall(r"RoleName: (\w+)", template)
    assert f"--all --role {name}\n" in page

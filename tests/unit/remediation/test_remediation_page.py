"""The page about remediation says what the code does."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from opalite.cli.remediate import remediate
from opalite.remediation.actions import ACTIONS
from opalite.remediation.model import Mode
from opalite.remediation.telling import NOTICES_PER_HOUR

EVERY = "every type"


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs" / "remediation.md").read_text()


def rows(page, heading):
    """Of the first table below a heading, without its head."""
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = re.findall(r"(?m)^\| (.*) \|$", section)
    return [tuple(cell.strip() for cell in re.split(r" \| ?", line)) for line in lines if not line.startswith("---")]


def test_the_table_of_actions_is_that_of_the_program(page):
    _, *told = rows(page, "Actions")
    named = {}
    for link, types, most, undo in told:
        name, path = re.fullmatch(r"\[(\w+)\]\((.+)\)", link).groups()
        assert path == f"remediation/{name}.md"
        assert undo
        named[name] = (types, most)
    assert named == {
        name: (EVERY if list(action.resource_types) == ["*"] else ", ".join(action.resource_types), str(action.most))
        for name, action in ACTIONS.items()
    }
    assert list(named) == sorted(named)


def test_what_may_go_as_far_as_auto_can_be_taken_back_or_says_by_whom(page):
    undo = {re.findall(r"\w+", link)[0]: words for link, _, _, words in rows(page, "Actions")[1:]}
    assert {name for name, words in undo.items() if words == "changes nothing"} == {
        name for name, action in ACTIONS.items() if action.most is Mode.PLAN
    }
    assert [name for name, words in undo.items() if words == "none" and ACTIONS[name].most is Mode.AUTO] == []


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_has_its_page(repository, name):
    text = (repository / "docs" / "remediation" / f"{name}.md").read_text()

    assert text.startswith(f"# {name}\n")
    assert "\n## Permissions\n" in text


def test_every_command_is_told(page):
    told = [name for first, *_ in rows(page, "At the command line") for name in re.findall(r"`(\w+)`", first)]

    assert sorted(told) == sorted(remediate.commands)


def test_every_mode_is_told(page):
    assert [re.sub(r'[`"]', "", first) for first, *_ in rows(page, "Modes")[1:]] == list(Mode)


def test_the_brakes_are_those_of_the_guard(page, repository):
    rego = (repository / "policies" / "opalite" / "remediation" / "remediation.rego").read_text()
    limits = json.loads(re.search(r"_limits := (\{.*\})", rego)[1])
    told = dict(row for row in rows(page, "Brakes")[1:] if len(row) == 2)

    assert told["for a policy in an account"] == f"{limits['per_hour']} an hour"
    assert told["for a policy in all accounts"] == f"{limits['per_hour_everywhere']} an hour"
    assert told["for a resource"].startswith(f"{limits['per_resource_day']} a day")
    assert told["failures of a policy in an account"].startswith(f"{limits['failures_per_hour']}, ")
    assert told["messages for a policy in an account"].startswith(f"{NOTICES_PER_HOUR} an hour, ")


def test_links_lead_somewhere(page, repository):
    links = re.findall(r"\]\(([^)#]+)", page)
    assert links
    assert [link for link in links if not (repository / "docs" / link).is_file()] == []


def test_what_is_written_in_yaml_and_json_is_that(page):
    settings, statements = (re.findall(rf"```{form}\n(.*?)```", page, re.DOTALL) for form in ("yaml", "json"))
    assert settings
    assert {type(yaml.safe_load(text)) for text in settings} == {dict}
    assert {json.loads(text)["Effect"] for text in statements} == {"Allow"}

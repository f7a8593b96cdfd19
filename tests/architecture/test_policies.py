"""Policies, catalog, schemas, settings and documentation tell the same story."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from opalite import settings_data
from opalite.adapters import documents
from opalite.engine import tools
from opalite.engine.bundle import read
from opalite.facts import given
from opalite.facts.given import KINDS
from opalite.normalize import TYPES
from opalite.policy_page.tags import MEANINGS
from opalite.settings_check.check import check
from opalite.settings_check.layers import Layer

REPOSITORY = Path(__file__).resolve().parents[2]
CATALOG = orjson.loads((REPOSITORY / "data" / "catalog" / "data.json").read_bytes())
POLICIES = CATALOG["policies"]
# Of each package below the roots of policies that is a policy: its folder.
FOLDERS = {
    ".".join(path.relative_to(REPOSITORY / "policies").parts): path
    for path in sorted((REPOSITORY / "policies").glob("aws/*/*/*/"))
    if any(path.glob("*.rego"))
}


def test_the_catalog_is_fresh(opa):
    command = [sys.executable, "-c", "from opalite.cli import main; main()", "policies", "catalog", "policies"]
    command += ["--check", "data/catalog/data.json"]
    environ = {**os.environ, "OPALITE_OPA": str(opa.path)}
    done = subprocess.run(command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_catalog_names_the_folders_with_policies_and_no_others():
    assert sorted(POLICIES) == sorted(FOLDERS)


def test_every_package_stands_where_its_name_says(opa):
    """The directory is the package; a package of tests stands beside what it tests."""
    namespaces = tools.inspect(opa.path, REPOSITORY / "policies")["namespaces"]
    found = {
        (package.removeprefix("data.").removesuffix("_test"), Path(file).parent.as_posix().replace("/", "."))
        for package, files in namespaces.items()
        for file in files
        if file.endswith(".rego")
    }
    assert [pair for pair in found if pair[0] != pair[1]] == []
    assert len(found) > len(POLICIES)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_has_tests_and_examples_beside_it(policy):
    assert list(FOLDERS[policy].glob("*_test.rego"))
    assert list(FOLDERS[policy].glob("examples/*.json"))


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_says_what_to_do_and_which_frameworks_ask_for_it(policy):
    entry = POLICIES[policy]
    assert entry["remediation"].keys() == {"summary", "action"}
    assert entry["remediation"]["summary"].endswith(".")
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", entry["remediation"]["action"])
    assert entry["frameworks"]
    assert all(
        requirements and requirements == sorted(set(requirements)) for requirements in entry["frameworks"].values()
    )
    assert entry["related_resources"]
    assert entry["requires"]


def test_every_policy_has_tags_and_every_tag_says_what_it_stands_for():
    used = {tag for entry in POLICIES.values() for tag in entry["tags"]}
    assert {policy for policy, entry in POLICIES.items() if not entry["tags"]} == set()
    assert used == MEANINGS.keys()


def test_the_baseline_judges_without_any_settings():
    baseline = {policy: entry for policy, entry in POLICIES.items() if "baseline" in entry["tags"]}
    assert baseline
    assert {policy for policy, entry in baseline.items() if entry.get("idle_without")} == set()
    assert {policy for policy, entry in baseline.items() if "encryption" in entry["tags"]} == set()


def test_the_pages_are_fresh(opa):
    """One for each policy and no other, made of METADATA, notes.md and examples."""
    command = [sys.executable, "-c", "from opalite.cli import main; main()", "policies", "docs", "policies"]
    command += ["--check", "docs/policies"]
    environ = {**os.environ, "OPALITE_OPA": str(opa.path)}
    done = subprocess.run(command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    pages = sorted(path.name for path in (REPOSITORY / "docs" / "policies").iterdir())
    assert pages == sorted(["README.md", *(f"{policy}.md" for policy in POLICIES)])


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_is_documented_with_every_parameter(policy):
    text = (REPOSITORY / "docs" / "policies" / f"{policy}.md").read_text()
    entry = POLICIES[policy]
    assert text.partition("\n")[2].startswith(f"# {entry['title']}\n\n`{policy}` · {entry['severity']} · ")
    properties = (entry.get("parameters") or {}).get("properties", {})
    table = text.partition("\n## Parameters\n")[2].lstrip().partition("\n\n")[0]
    cells = [re.split(r"(?<!\\)\|", line) for line in table.splitlines()[2:]]
    described = {cell[1].strip(" `"): cell[4].strip() for cell in cells}
    assert {name: described.get(name) for name in properties} == {
        name: " ".join(schema["description"].split()).replace("|", r"\|") for name, schema in properties.items()
    }


@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_has_notes_by_people(policy):
    notes = FOLDERS[policy] / "notes.md"
    assert notes.is_file()
    assert notes.read_text().strip()


@pytest.mark.parametrize("policy", POLICIES)
def test_the_settings_and_facts_that_a_page_shows_can_be_used_as_they_are(policy, tmp_path):
    """A sample with the policy's id first is one of parameters/data.yaml, any other one for `--data` or `--facts`."""
    text = (REPOSITORY / "docs" / "policies" / f"{policy}.md").read_text()
    for number, fence in enumerate(re.findall(r"^```ya?ml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)):
        document = documents.parse(fence.encode(), f"{policy}.yaml")
        if KINDS.keys() & document.keys():
            path = tmp_path / f"{number}.yaml"
            path.write_text(fence)
            given.load(path)
            continue
        settings = {"parameters": document} if POLICIES.keys() & document.keys() else document
        at, soon = datetime(2026, 11, 23, tzinfo=UTC), timedelta(0)
        assert check([Layer("page", settings)], POLICIES, at=at, soon=soon) == []


@pytest.mark.parametrize("policy", POLICIES)
def test_every_parameter_has_a_default_that_its_schema_allows(policy):
    properties = (POLICIES[policy].get("parameters") or {}).get("properties", {})
    defaults = {name: schema.get("default") for name, schema in properties.items() if "default" in schema}
    assert list(settings_data.faults({"parameters": {policy: {"default": defaults}}}, CATALOG)) == []
    assert defaults.keys() == properties.keys()


@pytest.mark.parametrize("folder", ["data", "samples/settings"])
def test_the_settings_of_the_repository_are_of_the_agreed_shape(folder):
    settings = read(REPOSITORY / folder).data
    settings.pop("catalog", None)
    assert list(settings_data.faults(settings, CATALOG)) == []


def test_types_with_a_schema_are_the_types_with_a_normalizer():
    schemas = REPOSITORY / "policies" / "schemas" / "aws"
    of_types = {f"{kind.split('::')[1]}/{kind.split('::')[2]}.json".lower(): kind for kind in TYPES}
    assert sorted(path.relative_to(schemas).as_posix() for path in schemas.rglob("*.json")) == sorted(of_types)


def test_a_field_that_a_type_does_not_have_is_found_by_opa_check(opa, tmp_path):
    """The folder above the policies of a type binds its schema; without it a misspelt field is silently undefined."""
    copy = tmp_path / "policies"
    shutil.copytree(REPOSITORY / "policies", copy)
    above = {
        policy.rpartition(".")[0] for policy, entry in POLICIES.items() if set(entry["resource_types"]) & set(TYPES)
    }
    for package in above:
        probe = copy.joinpath(*package.split("."), "probe.rego")
        probe.write_text(f"package {package}.probe\n\nmisspelt := input.resource.configuration.no_such_field\n")
    command = [opa.path, "check", "--max-errors", "999", "--schema", copy / "schemas", "--bundle", copy]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    faulty = set(re.findall(r"policies/(\S+)/probe\.rego:3: rego_type_error: undefined ref", said))
    assert faulty == {package.replace(".", "/") for package in above}


def test_every_typed_resource_has_a_policy_of_its_own():
    assert [kind for kind in TYPES if not CATALOG["by_type"].get(kind)] == []

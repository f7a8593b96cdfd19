"""Every raw item beside a policy is judged end to end, and comes out as the name of its file says."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from opalite.adapters import documents, files
from opalite.catalog import Catalog
from opalite.cli.run import Run
from opalite.engine.bundle import assemble
from opalite.engine.server import ManagedOpa
from opalite.facts.given import GivenFacts, load
from opalite.judge import Judge
from opalite.model import Outcome
from opalite.normalize import TYPES

REPOSITORY = Path(__file__).resolve().parents[2]
OWN = REPOSITORY / "samples" / "custom"
POLICIES = sorted(
    path.relative_to(root)
    for root in (REPOSITORY / "policies", OWN)
    for top in ("aws", "custom")
    for path in root.glob(f"{top}/*/*/*/")
    if any(path.glob("*.rego"))
)
EXAMPLES = sorted(
    path.relative_to(REPOSITORY) for root in (REPOSITORY / "policies", OWN) for path in root.rglob("examples/*.json")
)
SETTINGS = sorted(path for root in (REPOSITORY / "policies", OWN) for path in root.rglob("examples/settings.yaml"))
_NAME = re.compile(rf"({'|'.join(Outcome)})[_-]")


@pytest.fixture(scope="module")
def judged_by(opa, tmp_path_factory) -> Iterator[tuple[ManagedOpa, Catalog]]:
    """One OPA with the settings of all examples: each file speaks of its own policy, see below."""
    bundle = assemble(opa.path, bundles=[OWN], overlays=SETTINGS, with_shipped=True, typed=TYPES)
    path = tmp_path_factory.mktemp("bundle") / "bundle.tar.gz"
    bundle.write(path)
    with ManagedOpa(opa.path, path, version=opa.version, revision=bundle.revision, environ=os.environ) as engine:
        yield engine, Catalog(bundle.data["catalog"])


def id_of(policy: Path) -> str:
    return ".".join(policy.parts)


def folder_of(policy: Path) -> Path:
    return (OWN if policy.parts[0] == "custom" else REPOSITORY / "policies") / policy


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: f"{path.parts[-3]}/{path.stem}")
def test_an_example_comes_out_as_its_name_says(example, judged_by):
    path = REPOSITORY / example
    policy_id = ".".join(example.parts[-6:-2])
    expected = _NAME.match(path.name)
    assert expected, f"the name of {example} must begin with an outcome"
    facts = path.parent / "facts.yaml"
    engine, catalog = judged_by
    reported: list[tuple[str, str]] = []
    run = Run(
        Judge(engine, catalog, frozenset({policy_id}), load(facts) if facts.exists() else GivenFacts({})),
        at=None, now="2026-11-23T00:00:00.000Z", jobs=1, report=lambda *line: reported.append(line),
    )  # fmt: skip
    decisions = [decision for batch in run.decisions(files.read([str(path)], stdin=io.BytesIO())) for decision in batch]
    assert [(decision.policy_id, decision.outcome) for decision in decisions] == [(policy_id, expected[1])]
    assert reported == []


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda path: path.parts[-3])
def test_settings_of_examples_speak_of_their_own_policy_alone(settings):
    policy_id = ".".join(settings.parts[-6:-2])
    document = documents.parse(settings.read_bytes(), settings.name)
    assert {policy for kind in document.values() for policy in kind} == {policy_id}


@pytest.mark.parametrize("policy", POLICIES, ids=id_of)
def test_a_policy_has_an_example_that_passes_and_one_that_fails(policy):
    prefixes = {match[1] for path in folder_of(policy).glob("examples/*.json") if (match := _NAME.match(path.name))}
    assert {"pass", "fail"} <= prefixes

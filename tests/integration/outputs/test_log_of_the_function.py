"""The decision log as the function has written it: for the saved queries, and for `opalite explain`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest

from emulation.aws import ACCOUNTS

_, MEMBER, OTHER = ACCOUNTS
INGRESS = "aws.ec2.securitygroup.restricted_ingress"
EXEMPTION = {
    "scope": {"resources": ["sg-bastion"]},
    "owner": "platform",
    "ticket": "SEC-401",
    "reason": "moves behind Session Manager",
    "expires": "2026-03-31T00:00:00Z",
}
SETTINGS = {"exemptions": {INGRESS: {"EX-2026-014": EXEMPTION}}}
FIRST = "2026-03-01"


@pytest.fixture
def log(scene, deploy, rule, group, tmp_path, monkeypatch) -> Path:
    """The folder into which the log of some days was brought: one group is mended, two fail, one is exempt."""
    function, event = deploy(SETTINGS), scene.aws.config.change_event
    for name, opened, at in (
        ("sg-mended", 22, "08:00:00.000"),
        ("sg-mended", None, "09:00:00.000"),
        ("sg-open", 22, "08:00:00.000"),
        ("sg-bastion", 3389, "08:00:00.000"),
    ):
        function(event(group(name, opened=opened, at=at), rule))
    of_another = scene.aws.config.rule(OTHER, "ingress", parameters={"policies": INGRESS})
    scene.aws.config.record(group("sg-other", OTHER, opened=22))
    for day in ("2026-03-02", "2026-03-03"):
        function(scene.aws.config.schedule_event(OTHER, of_another, notified_at=f"{day}T12:00:00.000Z"))
    for key, body in scene.objects().items():
        path = tmp_path / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "decisions"


@pytest.fixture
def query(log, repository):
    """Runs a saved query over the view of docs/decision-log.md."""
    document = (repository / "docs" / "decision-log.md").read_text(encoding="utf-8")
    view = re.search(r"^CREATE VIEW opalite_decisions .*;$", document, re.MULTILINE)[0]
    with duckdb.connect() as connection:
        connection.execute(view)

        def run(name: str, *parameters: str) -> list[tuple[Any, ...]]:
            text = (repository / "docs" / "decision-log" / "queries" / f"{name}.sql").read_text(encoding="utf-8")
            return connection.execute(text, list(parameters)).fetchall()

        yield run


def test_the_saved_queries_say_how_things_stand(query):
    assert query("open_failures", FIRST) == [(MEMBER, "CRITICAL", 1, 1, 1), (OTHER, "CRITICAL", 1, 1, 1)]
    # resources, failing, exempt, undetermined, passing; accounts
    assert query("failures_over_time", INGRESS, FIRST) == [
        ("2026-03-02", 4, 2, 1, 0, 1, 2),
        ("2026-03-03", 1, 1, 0, 0, 0, 1),
    ]
    ends, decided = datetime(2026, 3, 31, tzinfo=UTC), datetime(2026, 3, 2, 8, 0, 0, 750_000, tzinfo=UTC)
    assert query("exemptions_in_use", FIRST) == [
        ("EX-2026-014", INGRESS, "platform", "SEC-401", ends, 1, 1, decided),
    ]


def test_an_annotation_leads_to_its_decision_and_the_decision_is_the_same_again(scene, log, opalite, rule, tmp_path):
    (tmp_path / "settings.json").write_bytes(orjson.dumps(SETTINGS))
    held = scene.aws.config.results(MEMBER, rule)
    assert len(held) == 3
    for (_, name), told in held.items():
        decision_id = told["annotation"].removesuffix("]").rpartition(" [")[2]
        options = ("--log", log, "--data", tmp_path / "settings.json", "--format", "json")
        done = opalite("explain", decision_id, *options)
        assert (done.code, done.err) == (0, [])
        answer = orjson.loads(done.out)
        assert (answer["verdict"], answer["differences"]) == ("same", [])
        (logged,) = [one for one in scene.records() if one["decision_id"].startswith(decision_id)]
        parsed = {part: orjson.loads(logged[part]) for part in ("facts", "judged")}
        said = answer["decision"]
        assert {name: said[name] for name in ("decision_id", "resource_id", "outcome", "annotation", *parsed)} == {
            **{name: logged[name] for name in ("decision_id", "outcome")}, **parsed,
            "resource_id": name, "annotation": told["annotation"],
        }  # fmt: skip

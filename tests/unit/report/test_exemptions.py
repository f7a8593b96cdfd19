"""Exemptions in use."""

from __future__ import annotations

from opalite.report.exemptions import exemptions

NOW = "2026-11-30T00:00:00.000Z"


def exemption(name, expires="2026-12-01T00:00:00Z", owner="web"):
    return {"id": name, "owner": owner, "ticket": f"T-{name}", "reason": "r", "expires": expires, "scope": None}


def test_what_each_excuses_by_the_latest_decision(log, moment):
    log.says("1", "exempt", exemption=exemption("A", owner="old")).says(
        "3", "exempt", resource_id="b", exemption=exemption("A")
    )
    log.says("2", "exempt", resource_id="c", account_id="444455556666", exemption=exemption("A", owner="old"))
    log.says("1", "exempt", resource_id="d", exemption=exemption("B")).says("2", "fail", resource_id="d")  # over
    log.says("1", "exempt", resource_id="e", policy_id="q", exemption=exemption("C", "2026-11-20T00:00:00Z"))
    known = {"owner": "web", "accounts": 1, "resources": 1}
    assert exemptions(log.histories(), "", NOW) == {
        "report": "exemptions",
        "total": {"exemptions": 2, "resources": 4, "expired": 1},
        "exemptions": [
            {
                **known,
                "exemption_id": "C",
                "policy_id": "q",
                "ticket": "T-C",
                "expires": "2026-11-20T00:00:00.000Z",
                "seconds_left": 0,
                "last_used": moment("1"),
            },
            {
                **known,
                "exemption_id": "A",
                "policy_id": "p",
                "ticket": "T-A",
                "expires": "2026-12-01T00:00:00.000Z",
                "seconds_left": 86_400,
                "resources": 3,
                "accounts": 2,
                "last_used": moment("3"),
            },
        ],
    }


def test_what_was_decided_last_before_the_first_day_is_not_seen(log, moment):
    log.says("1", "exempt", exemption=exemption("A"))
    assert exemptions(log.histories(), moment("2"), NOW)["exemptions"] == []


def test_an_exemption_without_its_members_is_still_shown(log):
    log.says("1", "exempt", exemption={"expires": "soon"})
    [shown] = exemptions(log.histories(), "", NOW)["exemptions"]
    assert (shown["exemption_id"], shown["owner"], shown["expires"], shown["seconds_left"]) == ("", None, "soon", None)

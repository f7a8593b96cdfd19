"""One OPA for all tests of the flow, with settings for three accounts: one plans, one asks, one mends."""

from __future__ import annotations

import pytest

from integration.remediation.flow.scene import APPROVING, MENDING, MIXED, POLICY, Scene, make_table, settled

SETTINGS = {
    "remediation": {
        POLICY: {
            "default": {"limits": {"per_hour": 5, "per_hour_everywhere": 8, "per_resource_day": 2, "failures_per_hour": 2}},
            "overrides": [
                {"accounts": [APPROVING], "set": {"mode": "approve"}},
                {
                    "accounts": [MIXED],
                    "set": {
                        "mode": "auto",
                        "environment_tags": ["environment"],
                        "environments": {"prod": "plan", "test": "auto"},
                    },
                },
                {"accounts": [MENDING], "set": {"mode": "auto"}},
            ],
        },
    },
    "exemptions": {
        POLICY: {
            "bastion": {
                "scope": {"accounts": [MENDING], "tags": {"role": "bastion"}},
                "owner": "anna", "ticket": "SEC-1", "reason": "a bastion", "expires": "2027-03-31T00:00:00Z",
            }
        }
    },
}  # fmt: skip


@pytest.fixture(scope="session")
def mending_opa(opa, tmp_path_factory):
    with settled(opa, tmp_path_factory.mktemp("settings"), SETTINGS) as ready:
        yield ready


@pytest.fixture
def scene(mending_opa, aws):
    make_table()
    return Scene(mending_opa.engine, mending_opa.catalog, mending_opa.entries)

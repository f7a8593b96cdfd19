"""Actions ask by their roles, everywhere; the function's own credentials serve for nothing but to take these on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opalite.adapters.aws.sessions import AwsSessions
from opalite.errors import UsageError
from opalite.facts.given import GivenFacts
from opalite.ports import Denied
from opalite.remediation.aws.asking import Asking, role_name, units_of
from unit.remediation.aws.cases import ACTION, MEMBER, OWN, REGION, TARGET

KEYS = {
    "Credentials": {
        "AccessKeyId": "ASIAEXAMPLEROLE0",
        "SecretAccessKey": "secret",
        "SessionToken": "token",
        "Expiration": "2026-11-29T13:00:00Z",
    }
}
RESOURCE = {"partition": "aws", "account_id": MEMBER, "region": REGION}


class Assuming:
    """A botocore session of an account, in memory: who asked for which role."""

    def __init__(self, scripted):
        self.scripted = scripted
        self.asked = []

    def __getattr__(self, name):
        return getattr(self.scripted, name)

    def create_client(self, service, **more):
        client = self.scripted.create_client(service, **more)
        if service == "sts":
            client.meta.events.register("provide-client-params.sts.AssumeRole", self._note)
        return client

    def _note(self, params, **_):
        self.asked.append(dict(params))


@pytest.fixture
def session(scripted):
    for _ in range(4):
        scripted.answer("sts", "assume_role", KEYS)
    return Assuming(scripted)


def asking(session, clock, *, facts=None, **role):
    own = AwsSessions(clock, own=session)
    own.known_as(OWN, "aws")
    return Asking(own, facts or GivenFacts({}), clock, prefix="opalite-remediate-", role=role)


def known(scripted):
    """Nobody asks who the caller is: the function knows."""
    scripted._answers["sts"] = scripted._answers["sts"][1:]


def test_roles_are_named_like_their_actions():
    assert role_name("opalite-remediate-", "set_bucket_encryption") == "opalite-remediate-set-bucket-encryption"
    assert role_name("security/mend-", "revoke_ingress") == "security/mend-revoke-ingress"


def test_the_session_is_named_like_the_attempt_and_kept_while_it_lasts(session, clock):
    known(session.scripted)
    made = asking(session, clock, external_id="opalite-3f2a", source_identity="opalite")
    made.begin("0123456789abcdef0123")
    ask = made(ACTION, TARGET)
    for service in ("ec2", "ec2", "kms"):
        ask(service)
    made.begin("fedcba98765432100000")
    made(ACTION, TARGET)("ec2")

    def assumed(attempt):
        return {
            "RoleArn": f"arn:aws:iam::{MEMBER}:role/opalite-remediate-revoke-ingress",
            "RoleSessionName": f"opalite-{attempt}",
            "DurationSeconds": 3600,
            "ExternalId": "opalite-3f2a",
            "SourceIdentity": "opalite",
        }

    assert session.asked == [assumed("0123456789abcdef0123"), assumed("fedcba98765432100000")]


def test_in_the_own_account_the_role_asks_too(session, clock):
    known(session.scripted)
    made = asking(session, clock)
    made(ACTION, replace(TARGET, account_id=OWN))("ec2")
    assert [one["RoleArn"] for one in session.asked] == [f"arn:aws:iam::{OWN}:role/opalite-remediate-revoke-ingress"]
    assert {(service, by) for service, _, by in session.scripted.made} == {
        ("sts", "own"),
        ("ec2", "ASIAEXAMPLEROLE0"),
    }


def test_each_action_has_a_role_of_its_own(session, clock):
    known(session.scripted)
    made = asking(session, clock)
    made(ACTION, TARGET)("ec2")
    made(replace(ACTION, name="tag_resource"), TARGET)("ec2")
    assert [one["RoleArn"].rpartition("/")[2] for one in session.asked] == [
        "opalite-remediate-revoke-ingress",
        "opalite-remediate-tag-resource",
    ]


def test_the_region_is_that_of_the_target(session, clock):
    known(session.scripted)
    asking(session, clock)(ACTION, replace(TARGET, region="us-east-1"))("ec2")
    assert [region for service, region, _ in session.scripted.made if service == "ec2"] == ["us-east-1"]


@pytest.mark.parametrize("region", ["cn-north-1", "nowhere", "global"])
def test_a_region_of_another_partition_is_not_asked(session, clock, region):
    known(session.scripted)
    with pytest.raises(Denied):
        asking(session, clock)(ACTION, replace(TARGET, region=region))("ec2")
    assert session.asked == []


def test_a_name_that_is_none_is_refused(session, clock):
    with pytest.raises(UsageError, match="is not the name of an IAM role"):
        asking(session, clock).sessions(replace(ACTION, name="x" * 80))


def test_units_are_asked_by_the_functions_own_credentials(session, clock):
    units = {f"{MEMBER}": {"organizational_units": ["r-root", "ou-root-prod"]}}
    own = GivenFacts({"account": units})
    made = asking(session, clock, facts=own)
    facts = made.facts(ACTION)
    facts.prepare([("account", MEMBER, RESOURCE)])
    assert facts.lookup("account", MEMBER, RESOURCE) == units[MEMBER]
    assert units_of(own)(TARGET) == ("r-root", "ou-root-prod")
    assert units_of(own)(replace(TARGET, account_id=OWN)) is None
    assert session.asked == []


def test_facts_are_learnt_anew_for_each_attempt(session, clock):
    made = asking(session, clock)
    first = made.facts(ACTION)
    assert made.facts(ACTION) is first
    made.begin("0123456789abcdef0123")
    assert made.facts(ACTION) is not first

"""What becomes of a refusal: a message that reads well, and is the same for all accounts that it concerns."""

from __future__ import annotations

import pytest

from opalite.doctor.asking import Asking
from opalite.errors import AwsError
from opalite.ports import Denied, Place
from unit.doctor.cloud import MEMBER, OTHER, OWN, Cloud


class Refusing(Cloud):
    """Nobody is let into an account."""

    __slots__ = ("error", "words")

    def __init__(self, error, words):
        super().__init__()
        self.error, self.words = error, words

    def service(self, name, account_id, region):
        raise self.error(self.words.format(account=account_id, region=region))


@pytest.mark.parametrize(
    ("error", "words", "told", "remedy"),
    [
        (
            Denied, f"account {{account}} cannot be asked: the credentials are of account {OWN}, and no role was named",
            "the account cannot be asked: the credentials are of another account, and no role was named",
            "name a role by --role, or see function_state and function_settings: the function's environment names one",
        ),
        (
            Denied, "role OpaliteMember of account {account} cannot be assumed", "role OpaliteMember cannot be assumed",
            "see member_role: the role must be there, and let the caller in (sts:AssumeRole)",
        ),
        (
            Denied, "role R of account {account} cannot be assumed: sts:AssumeRole is denied in account {account} (X): off in {region}",
            "role R cannot be assumed: sts:AssumeRole is denied (X): off in eu-west-1",
            "see member_role: the role must be there, and let the caller in (sts:AssumeRole)",
        ),
        (AwsError, "sts:AssumeRole in account {account}, {region}: timed out", "sts:AssumeRole: timed out", ""),
        (AwsError, "sts:AssumeRole in account {account}, us-gov-west-1: it failed", "sts:AssumeRole: it failed", ""),
    ],
)  # fmt: skip
def test_a_refusal_names_no_account_and_reads_well(error, words, told, remedy):
    for account in (MEMBER, OTHER):
        reply = Asking(Refusing(error, words)).ask("config", Place("aws", account, "eu-west-1"), "DescribeConfigRules")
        assert (reply.unknown, reply.remedy) == (told, remedy)

"""`opalite remediate approve`: signing a plan, and telling the state machine that waits for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import orjson

from opalite.adapters.aws.sessions import AwsSessions
from opalite.cli import clock
from opalite.cli.remediating import Place, now, recorded
from opalite.errors import AwsError, InvocationError, UsageError
from opalite.ports import Absent, Denied
from opalite.remediation import approving

if TYPE_CHECKING:
    from opalite.remediation.attempt import Attempt

_KEY = re.compile(r"arn:aws[a-z-]*:kms:([a-z0-9-]+):([0-9]{12}):(?:key|alias)/[A-Za-z0-9/_-]+")
_ALGORITHM = "HMAC_SHA_256"


def waiting(attempt_id: str, place: Place) -> Attempt:
    """The attempt, if it waits for an approval. Raises UsageError."""
    attempt = recorded(attempt_id, place)
    try:
        approving.to_sign(attempt, "")
    except InvocationError as error:
        raise UsageError(str(error)) from None
    if attempt.approval is None or attempt.approval.token is None:
        raise UsageError(
            f"attempt {attempt_id}: the state machine has not asked yet: try again in a minute, or invoke the function with "
            f'{{"advance": "{attempt_id}"}}'
        )
    if attempt.approval.expires <= clock.now():
        raise UsageError(f"attempt {attempt_id}: its approval has expired at {attempt.approval.expires}")
    return attempt


def check_key(key: str) -> re.Match[str]:
    """Before anybody is asked. Raises UsageError."""
    parsed = _KEY.fullmatch(key)
    if parsed is None:
        raise UsageError(f"--key: {key[:200]!r} is not the ARN of a KMS key")
    return parsed


def hand_over(attempt: Attempt, key: str) -> str:
    """Who has signed. Raises AwsError."""
    parsed = check_key(key)
    sessions = AwsSessions(now)
    account = sessions.caller()
    if account != parsed[2]:
        raise UsageError(f"--key is in account {parsed[2]}, the credentials are of account {account}: sign in there")
    try:
        approver = str(sessions.service("sts", account, parsed[1]).ask("GetCallerIdentity")["Arn"])
        statement = approving.to_sign(attempt, approver)
        signed = sessions.service("kms", account, parsed[1]).ask(
            "GenerateMac", KeyId=key, Message=statement, MacAlgorithm=_ALGORITHM
        )
        approval = approving.document(attempt, approver, signed["Mac"])
        token = attempt.approval.token if attempt.approval else None
        sessions.service("stepfunctions", account, parsed[1]).ask(
            "SendTaskSuccess", taskToken=token, output=orjson.dumps({"approval": approval}).decode()
        )
    except Denied as denied:
        raise AwsError(
            f"not approved: {denied}: may you sign with the key (kms:GenerateMac), and tell the state machine?"
        ) from None
    except Absent as absent:
        raise AwsError(f"not approved: the key or the state machine is not there ({absent})") from None
    return approver

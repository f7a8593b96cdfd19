"""A person's approval: a statement of what is agreed to, signed with a key that approvers may sign with and we may not.

The signature binds the attempt and its plan; the ledger makes sure that it counts once.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from opalite.errors import InvocationError
from opalite.model import JsonObject
from opalite.remediation.attempt import Attempt
from opalite.remediation.model import Result
from opalite.remediation.parts import Signatures

_MOST_CHARACTERS = 1024  # the ARN of a user may have a path of 512


@dataclass(frozen=True, slots=True)
class Signed:
    """An approval as it arrives."""

    attempt_id: str
    plan: str  # the digest
    expires: str
    approver: str
    signature: bytes

    @property
    def statement(self) -> bytes:
        """What is signed."""
        return statement(self.attempt_id, self.plan, self.expires, self.approver)


def statement(attempt_id: str, plan: str, expires: str, approver: str) -> bytes:
    """Canonical JSON; far below the 4,096 bytes that KMS signs."""
    document = {"approve": attempt_id, "plan": plan, "expires": expires, "approver": approver}
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def to_sign(attempt: Attempt, approver: str) -> bytes:
    """Raises InvocationError if there is nothing to agree to."""
    if attempt.result is not Result.WAITING or attempt.plan is None or attempt.approval is None:
        raise InvocationError(f"attempt {attempt.id} waits for no approval: it is {attempt.result}: {attempt.reason}")
    return statement(attempt.id, attempt.plan.digest, attempt.approval.expires, approver)


def document(attempt: Attempt, approver: str, signature: bytes) -> JsonObject:
    """An approval to be handed over."""
    plan, approval = attempt.plan, attempt.approval
    return {
        "attempt": attempt.id,
        "plan": plan.digest if plan else "",
        "expires": approval.expires if approval else "",
        "approver": approver,
        "signature": base64.b64encode(signature).decode("ascii"),
    }


def parse(body: Any) -> Signed:
    """Raises InvocationError."""
    names = ("attempt", "plan", "expires", "approver", "signature")
    if not isinstance(body, dict) or body.keys() != set(names):
        raise InvocationError(f"an approval has exactly {', '.join(names)}")
    for name in names:
        if (
            not isinstance(body[name], str)
            or not 0 < len(body[name]) <= _MOST_CHARACTERS
            or not body[name].isprintable()
        ):
            raise InvocationError(f"{name} of the approval: expected one line of at most {_MOST_CHARACTERS} characters")
    try:
        signature = base64.b64decode(body["signature"], validate=True)
        moment = datetime.fromisoformat(body["expires"])
    except (binascii.Error, ValueError):
        raise InvocationError("signature or expires of the approval: not of its form") from None
    if moment.tzinfo is None:
        raise InvocationError("expires of the approval: it has no time zone")
    return Signed(body["attempt"], body["plan"], body["expires"], body["approver"], signature)


def is_approved(signatures: Signatures | None, attempt: Attempt) -> bool:
    """Whether a person has agreed to this very plan: by his signature, whatever else the ledger says."""
    plan, approval = attempt.plan, attempt.approval
    if (
        signatures is None
        or plan is None
        or approval is None
        or approval.approver is None
        or approval.signature is None
    ):
        return False
    signed = statement(attempt.id, plan.digest, approval.expires, approval.approver)
    try:
        signature = base64.b64decode(approval.signature, validate=True)
    except binascii.Error:
        return False
    return signatures.is_genuine(signed, signature)


def check(signatures: Signatures | None, attempt: Attempt, signed: Signed, *, at: str) -> None:
    """Raises InvocationError unless this attempt waits for exactly this approval, and it is genuine and in time."""
    if signatures is None:
        raise InvocationError("no key for approvals is set: nothing can be approved")
    plan, approval = attempt.plan, attempt.approval
    if attempt.result is not Result.WAITING or plan is None or approval is None:
        raise InvocationError(f"attempt {attempt.id} waits for no approval: it is {attempt.result}")
    if (signed.attempt_id, signed.plan, signed.expires) != (attempt.id, plan.digest, approval.expires):
        raise InvocationError(f"the approval is not for the plan of attempt {attempt.id}")
    if datetime.fromisoformat(at) >= datetime.fromisoformat(approval.expires):
        raise InvocationError(f"the approval of attempt {attempt.id} has expired at {approval.expires}")
    if not signatures.is_genuine(signed.statement, signed.signature):
        raise InvocationError(f"the approval of attempt {attempt.id} is not signed by the key for approvals")

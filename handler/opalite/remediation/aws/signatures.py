"""Whether an approval was signed: KMS says so, with a key that approvers may sign with and the function may not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from opalite.errors import AwsError
from opalite.ports import Absent, Sessions

ACTIONS: Final = ("kms:VerifyMac",)  # of the function, on the key for approvals; never kms:GenerateMac

ALGORITHM: Final = "HMAC_SHA_256"
_FORGED: Final = "KMSInvalidMacException"
# https://docs.aws.amazon.com/kms/latest/APIReference/API_VerifyMac.html: HMAC_SHA_256 has 32 bytes; a message at most 4096.
_MAC_BYTES: Final = 32
_MESSAGE_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class KmsSignatures:
    """Meets remediation.parts.Signatures. `key_arn`: an ARN, since an alias could be led to another key."""

    sessions: Sessions
    key_arn: str

    def is_genuine(self, statement: bytes, signature: bytes) -> bool:
        """Nothing but KMS's word for it counts."""
        if len(signature) != _MAC_BYTES or not 0 < len(statement) <= _MESSAGE_BYTES:
            return False
        region = self.key_arn.split(":")[3]
        service = self.sessions.service("kms", self.sessions.caller(), region)
        try:
            answer = service.ask(
                "VerifyMac", KeyId=self.key_arn, Message=statement, Mac=signature, MacAlgorithm=ALGORITHM
            )
        except Absent as absent:
            raise AwsError(f"kms:VerifyMac: there is no key {self.key_arn}", str(absent)) from None
        except AwsError as error:
            if error.code == _FORGED:
                return False
            raise
        return answer.get("MacValid") is True and answer.get("KeyId") == self.key_arn

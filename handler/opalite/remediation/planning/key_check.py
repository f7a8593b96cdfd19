"""A key that the settings name, looked at before anything is done with it. Pure."""

from __future__ import annotations

from opalite.remediation.model import Call, Step, Until

_FIT = "a key that is fit"
# What keeps a key from being encrypted with: a test of DescribeKey's KeyMetadata, in JMESPath, and what is told then.
_UNFIT = {
    "KeyManager!='CUSTOMER'": "a key that AWS manages",
    "KeyState!='Enabled'": "a key that is not enabled",
    "KeySpec!='SYMMETRIC_DEFAULT'": "a key that is not symmetric",
    "KeyUsage!='ENCRYPT_DECRYPT'": "a key that is not for encryption",
}
_WHAT_IT_IS = " || ".join([*(f"KeyMetadata.{test} && '{told}'" for test, told in _UNFIT.items()), f"'{_FIT}'"])


def check_step(key: str, reason: str) -> Step:
    """It only reads. A key that is not fit is no matter of time, so the attempt fails at once and says why."""
    call = Call("kms", "DescribeKey", {"KeyId": key})
    return Step(
        name="check_key",
        reason=reason,
        call=call,
        irreversible="it only reads",
        stays=True,
        until=Until(call, _WHAT_IT_IS, wanted=(_FIT,), failed=tuple(_UNFIT.values())),
    )

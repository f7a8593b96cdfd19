"""The spellings under which one KMS key is named. Pure.

https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id: key id, key ARN, alias name, alias ARN. An id or
an alias name means a key of the account and region of the resource that names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def spellings(key: str, resource: Mapping[str, Any]) -> tuple[str, ...]:
    """The key as it is written, and the other way of writing the same."""
    home = f"arn:{resource['partition']}:kms:{resource['region']}:{resource['account_id']}:"
    if key.startswith(home):
        short = key.removeprefix(home)
        return (key, short.removeprefix("key/"))
    if key.startswith("arn:"):
        return (key,)
    return (key, home + (key if key.startswith("alias/") else f"key/{key}"))

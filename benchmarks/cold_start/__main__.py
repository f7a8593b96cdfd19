"""How long a sandbox takes to start, and what an event costs beside the calls of AWS: `python benchmarks/cold_start`.

Both are ratios within one run, by turns, because machines differ and are never quiet:

* init of the function with its extension and OPA, by the init of a handler that imports boto3 and makes one client;
* a warm event without the calls of AWS, by one bare query of the same question to the same OPA over a kept connection.
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]

from emulation.aws import LocalAws  # noqa: E402
from emulation.lambda_environment import ARN, LocalLambda  # noqa: E402
from opalite import app, decide  # noqa: E402
from opalite.config_rule.function import Function  # noqa: E402
from opalite.config_rule.telemetry import Telemetry  # noqa: E402
from opalite.engine import answers  # noqa: E402
from opalite.engine.unix_http import UnixConnection  # noqa: E402
from opalite.event import parse  # noqa: E402
from opalite.normalize import resource  # noqa: E402

ACCOUNT = "222222222222"
ITEMS = ("s3-bucket.sse-s3", "ec2-security-group.event", "ec2-instance.event")


class Context:
    """Of an invocation that has all the time it wants."""

    invoked_function_arn = ARN
    aws_request_id = "bench"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


class Nowhere:
    """Takes evaluations as AWS Config would, without a call."""

    def put(self, place: Any, evaluations: Any, token: str, *, test_mode: bool, deadline: Any) -> int:
        return len(evaluations)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--layer", type=Path, default=ROOT / "build" / "layer", help="an unpacked layer of this machine"
    )
    parser.add_argument("--rounds", type=int, default=15, help="starts of each kind")
    parser.add_argument("--events", type=int, default=600, help="warm events of each kind of resource")
    options = parser.parse_args()
    with LocalAws() as aws:
        aws.allow_role(ACCOUNT, "OpaliteMember")
        environ = {
            **aws.environ(),
            "OPALITE_LAYER": str(options.layer / "opalite"),
            "OPALITE_OPA_SOCKET": "{tmp}/opalite/opa.sock",
            "OPALITE_MEMBER_ROLE": "OpaliteMember",
            "OPALITE_ACCOUNTS": ACCOUNT,
        }
        extension = options.layer / "extensions" / "opalite-opa"
        starts(environ, extension, aws.environ(), options.rounds)
        warm(environ, extension, aws, options.events)


def starts(environ: dict[str, str], extension: Path, bare: dict[str, str], rounds: int) -> None:
    ours, boto3_only = [], []
    for _ in range(rounds):
        boto3_only.append(start("boto3_only.lambda_handler", Path(__file__).parent, (), bare))
        ours.append(start("opalite.app.lambda_handler", ROOT / "handler", (extension,), environ))
    print(f"init, boto3 and one client   p50 {statistics.median(boto3_only):7.1f} ms   {spread(boto3_only)}")
    print(f"init, function and extension p50 {statistics.median(ours):7.1f} ms   {spread(ours)}")
    pairs = [mine / theirs for mine, theirs in zip(ours, boto3_only, strict=True)]
    print(f"ratio                        p50 {statistics.median(pairs):7.2f}      {spread(pairs, '.2f')}   (bar: 1.5)")


def start(handler: str, task_root: Path, extensions: tuple[Path, ...], environ: dict[str, str]) -> float:
    with LocalLambda(handler, task_root=task_root, extensions=extensions, env=environ) as sandbox:
        failure = sandbox.start()
        if failure is not None or sandbox.init_ms is None:
            raise SystemExit(f"{handler} did not start: {failure}")
        return sandbox.init_ms


def warm(environ: dict[str, str], extension: Path, aws: LocalAws, events: int) -> None:
    with LocalLambda(
        "opalite.app.lambda_handler", task_root=ROOT / "handler", extensions=[extension], env=environ
    ) as box:
        box.start()
        here = {name: value.replace("{tmp}", str(box.tmp)) for name, value in environ.items()}
        parts = app.parts(here)
        parts = replace(parts, delivery=Nowhere(), telemetry=Telemetry("INFO", stream=io.StringIO()))
        function = Function(parts)
        connection = UnixConnection(here["OPALITE_OPA_SOCKET"], 10.0)
        rule = aws.config.rule(ACCOUNT, "bench")
        for name in ITEMS:
            item = json.loads((ROOT / "tests" / "data" / "items" / f"{name}.json").read_text()) | {
                "awsAccountId": ACCOUNT
            }
            event = aws.config.change_event(item, rule)
            body = question(event, parts)
            event_ms, query_ms = by_turns(
                lambda event=event: function.handle(event, Context()), lambda body=body: ask(connection, body), events
            )
            ratio = statistics.median(event_ms) / statistics.median(query_ms)
            print(
                f"{item['resourceType']:24} event p50 {statistics.median(event_ms):5.2f} ms, "
                f"bare query p50 {statistics.median(query_ms):5.2f} ms, ratio {ratio:4.2f}   (bar: 3)"
            )


def question(event: dict[str, Any], parts: Any) -> bytes:
    """What the function asks OPA for this event."""
    invocation = parse(event)
    found = resource(invocation.item)
    expected = parts.catalog.applying_to(found.document["type"], None)
    asked = decide.question(found, invocation.notified_at, expected, selected=False)
    return b'{"input":{"items":{"0":' + asked.body() + b"}}}"


def ask(connection: UnixConnection, body: bytes) -> None:
    connection.request("POST", answers.PATH, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    if response.status != 200 or b'"result"' not in response.read():
        raise SystemExit(f"OPA answered HTTP {response.status}")


def by_turns(first: Callable[[], object], second: Callable[[], object], times: int) -> tuple[list[float], list[float]]:
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(30):
        first()
        second()
    gc.collect()
    for _ in range(times):
        for work, kept in zip((first, second), took, strict=True):
            began = time.perf_counter()
            work()
            kept.append((time.perf_counter() - began) * 1000)
    return took


def spread(values: list[float], form: str = ".1f") -> str:
    return f"{min(values):{form}} to {max(values):{form}}"


if __name__ == "__main__":
    main()

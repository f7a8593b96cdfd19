"""Layers with an OPA of their own, and the function deployed with one of them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from emulation.aws import LocalAws
from emulation.lambda_environment import LocalLambda
from opalite import app
from opalite.config_rule.function import Function
from opalite.engine import orphans
from opalite.engine.bundle import assemble
from opalite.normalize import TYPES

REQUEST = "6f1c0b52-5c1e-4b7e-9a55-0d1c6b3f7a10"
_OF_CALLS = ("ApiCalls", "ApiRetries", "CacheHits", "CacheMisses")
ROLE = "OpaliteMember"
_START_SECONDS = 60.0
_SHOWN = 12  # characters of a decision id in an annotation


@dataclass(frozen=True, slots=True)
class Layer:
    """A bundle as a layer has it, and the socket of an OPA that judges by it."""

    folder: Path
    socket: str
    bundle_revision: str


@dataclass(slots=True)
class Layers:
    """Layers by what is laid over the shipped settings. Each has an OPA of its own, run as the extension runs it."""

    opa: Any
    folder: Path
    _made: dict[str, Layer] = field(default_factory=dict)
    _running: list[orphans.Child] = field(default_factory=list)

    def __call__(self, overlay: Mapping[str, Any] | None = None) -> Layer:
        text = json.dumps(overlay or {}, sort_keys=True)
        if text not in self._made:
            self._made[text] = self._make(text)
        return self._made[text]

    def close(self) -> None:
        for child in self._running:
            child.end(2)

    def _make(self, overlay: str) -> Layer:
        folder = self.folder / f"layer{len(self._made)}"
        folder.mkdir()
        (folder / "overlay.json").write_text(overlay)
        bundle = assemble(
            self.opa.path, bundles=(), overlays=(folder / "overlay.json",), with_shipped=True, typed=TYPES
        )
        bundle.write(folder / "bundle.tar.gz")
        description = {
            "format": 1,
            "architecture": "x86_64",
            "opa_version": self.opa.version,
            "bundle_revision": bundle.revision,
            "catalog": bundle.data["catalog"],
            "exemptions": bundle.data["exemptions"],
        }
        (folder / "layer.json").write_text(json.dumps(description))
        layer = Layer(folder, f"{folder}/opa.sock", bundle.revision)
        self._run(layer)
        return layer

    def _run(self, layer: Layer) -> None:
        command = [
            str(self.opa.path), "run", "--server", "--addr", f"unix://{layer.socket}", "--log-level", "error",
            "--skip-version-check", "--optimize-store-for-read-speed", "--bundle", str(layer.folder / "bundle.tar.gz"),
        ]  # fmt: skip
        environ = {"HOME": str(layer.folder), "GOGC": "400"}
        self._running.append(orphans.start(command, env=environ, stderr=subprocess.DEVNULL))
        # Whoever waits for it by the clock of a scene would move that; `time.sleep` may be a scene's, too.
        until, pause = time.monotonic() + _START_SECONDS, threading.Event()
        while not Path(layer.socket).exists() and time.monotonic() < until:
            pause.wait(0.02)


@dataclass(slots=True)
class Invocation:
    """What Lambda says of it. `seconds`: how many are left."""

    seconds: Callable[[], float]
    invoked_function_arn: str
    aws_request_id: str = REQUEST

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds() * 1000)


@dataclass(slots=True)
class Deployed:
    """The function as Lambda would call it, and what it has written since it was called last."""

    aws: LocalAws
    layer: Layer
    arn: str
    function: Function
    log: io.StringIO

    def __call__(self, event: Any, *, seconds: Callable[[], float] = lambda: 60.0) -> Any:
        self.log.seek(0)
        self.log.truncate()
        return self.function.handle(event, Invocation(seconds, self.arn))

    def results(self, rule: Any) -> dict[tuple[str, str], tuple[str, str, str]]:
        """What AWS Config holds by type and id: compliance type, annotation, ordering timestamp."""
        held = self.aws.config.results(rule.account, rule)
        return {key: (one["complianceType"], one["annotation"], one["orderingTimestamp"]) for key, one in held.items()}

    def documents(self) -> list[dict[str, Any]]:
        """Everything that the invocation has written: one JSON object per line."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def lines(self, message: str) -> list[dict[str, Any]]:
        """The log lines of one kind, without what is the same in all of an invocation."""
        same = (
            "level", "message", "timestamp", "service", "function_request_id", "cold_start",
            "config_rule", "account_id", "message_type",
        )  # fmt: skip
        return [
            {name: value for name, value in line.items() if name not in same}
            for line in self.documents()
            if line.get("message") == message
        ]

    def outcomes(self) -> dict[str, str]:
        """By policy, of an invocation about one resource."""
        return {line["policy_id"]: line["outcome"] for line in self.lines("decision")}

    def outcome(self, event: Any) -> str:
        """Of the only policy that judges the event's only resource."""
        (outcome,) = self(event)["outcomes"].values()
        return outcome

    def asked(self, service: str) -> list[tuple[str, str]]:
        """The calls of a service since the beginning: accounts and operations."""
        return [(call.account, call.operation) for call in self.aws.calls_made if call.service == service]

    def tails(self) -> list[str]:
        """How the annotations of the decisions end, in the order of the log."""
        return [f" [{line['decision_id'][:_SHOWN]}]" for line in self.lines("decision")]

    def metrics(self) -> list[tuple[dict[str, str], dict[str, float]]]:
        """Dimensions and values of each line of metrics."""
        return [_metric(document) for document in self.documents() if "_aws" in document]

    def counts(self) -> dict[str, float]:
        """The sums without dimensions that are not zero; calls and caches left out."""
        return {name: value for name, value in self._sums().items() if name not in _OF_CALLS}

    def calls(self) -> dict[str, float]:
        """Those of calls and caches."""
        return {name: value for name, value in self._sums().items() if name in _OF_CALLS}

    def _sums(self) -> dict[str, float]:
        found = [values for dimensions, values in self.metrics() if not dimensions]
        assert len(found) <= 1
        return {name: value for values in found for name, value in values.items() if value}


def _metric(document: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, float]]:
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    names = [name for group in directive["Dimensions"] for name in group if name != "service"]
    values = {metric["Name"]: document[metric["Name"]] for metric in directive["Metrics"]}
    flat = {name: value[0] if isinstance(value, list) else value for name, value in values.items()}
    return {name: document[name] for name in names}, flat


@contextlib.contextmanager
def all_layers(opa: Any) -> Iterator[Layers]:
    """Layers for as long as the block lasts."""
    folder = Path(tempfile.mkdtemp(prefix="opalite-"))  # a socket's path must be short
    made = Layers(opa, folder)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(folder)


def in_a_sandbox(
    layer: Path,
    repository: Path,
    environ: Mapping[str, str],
    *,
    handler: str = "opalite.app.lambda_handler",
    timeout: int = 60,
) -> LocalLambda:
    """The function as Lambda has it, with the layer of this machine."""
    given = {
        "OPALITE_LAYER": str(layer / "opalite"),
        "OPALITE_OPA_SOCKET": "{tmp}/opalite/opa.sock",
        "OPALITE_ACCOUNTS": "organization",
        **environ,
    }
    return LocalLambda(
        handler,
        task_root=repository / "handler",
        extensions=[layer / "extensions" / "opalite-opa"],
        env=given,
        timeout=timeout,
        init_timeout=30,
    )


@contextlib.contextmanager
def deploying(layers: Layers) -> Iterator[Callable[..., Deployed]]:
    """The function with its environment; a variable that is None is not set. `layer`: what is laid over the settings."""
    engines: list[Any] = []

    def deploy(aws: LocalAws, *, layer: Mapping[str, Any] | None = None, **variables: str | None) -> Deployed:
        found = layers(layer)
        for name in [name for name in os.environ if name.startswith(("AWS_", "OPALITE_"))]:
            patch.delenv(name)
        given = {
            **aws.environ(),
            "OPALITE_LAYER": str(found.folder),
            "OPALITE_OPA_SOCKET": found.socket,
            "OPALITE_MEMBER_ROLE": ROLE,
            "OPALITE_ACCOUNTS": "organization",
            **variables,
        }
        for name, value in given.items():
            if value is not None:
                patch.setenv(name, value)
        log = io.StringIO()
        with contextlib.redirect_stdout(log):
            parts = app.parts(os.environ)
        engines.append(parts.engine)
        arn = f"arn:{aws.partition}:lambda:{aws.region}:{aws.accounts[0]}:function:opalite"
        return Deployed(aws, found, arn, Function(parts), log)

    with pytest.MonkeyPatch.context() as patch:
        yield deploy
        for engine in engines:
            engine.close()

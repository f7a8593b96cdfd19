"""The real command in a process of its own, and items in any number to feed it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import orjson
import psutil
import pytest

from opalite.engine import locate

T = TypeVar("T")
Popen = subprocess.Popen[bytes]

# What tests about the machinery are run by: one policy for each of three types. More may be shipped any day.
THREE = ("aws.ec2.instance.approved_image", "aws.ec2.securitygroup.restricted_ingress", "aws.s3.bucket.encryption")
COMMAND = (sys.executable, "-c", "from opalite.cli import main; main()")
PATIENCE = 180.0  # seconds; what takes longer has failed, on a machine that is busy, too

# Lambda is Linux: its runtime client is to be had for that only, and its emulation reads /proc.
if sys.platform != "linux":
    collect_ignore = [
        "deployed",
        "lambda_faults",
        "lambda_function",
        "outputs",
        "test_doctor.py",
        "test_emulation.py",
        "test_emulation_aws.py",
        "test_redrive.py",
        "test_sweep.py",
    ]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lines are counted in unit tests, and in processes of the command: tracing all that runs under moto here would double its time."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.no_cover)


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended."""

    code: int
    out: bytes
    err: list[str]  # lines

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output as JSON Lines."""
        return [orjson.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, slots=True)
class Opalite:
    """Runs `opalite` as a user does. `scratch` is its folder for temporary files, and for nothing else."""

    environ: Mapping[str, str] = field(repr=False)
    scratch: Path

    def start(
        self,
        *arguments: str | Path,
        environ: Mapping[str, str] | None = None,
        before: Sequence[str] = (),
        **more: Any,
    ) -> Popen:
        """`before` goes before the command, as in `nice opalite …`."""
        return subprocess.Popen(
            [*before, *COMMAND, *map(str, arguments)],
            env={**self.environ, **(environ or {})},
            bufsize=0,  # so that a line can be read before `communicate`
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more},
        )

    def __call__(self, *arguments: str | Path, stdin: bytes | None = None, **more: Any) -> Done:
        if stdin is not None:
            more["stdin"] = subprocess.PIPE
        with self.start(*arguments, **more) as process:
            try:
                out, err = process.communicate(stdin, timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return Done(process.returncode, out or b"", (err or b"").decode().splitlines())

    def leftovers(self) -> list[str]:
        return sorted(path.name for path in self.scratch.iterdir())


@dataclass(slots=True)
class Children:
    """The OPA servers that a command has started."""

    pid: int
    seen: set[psutil.Process] = field(default_factory=set)

    def opa(self) -> psutil.Process:
        """The running OPA, as soon as there is one that was not seen before."""
        found = until(self._new)
        assert found, "no OPA was started"
        return found

    def kill_next(self, ended: Callable[[], bool]) -> None:
        """Kill an OPA that was not seen before, if one comes before the end."""
        child = until(lambda: self._new() or (ended() and "ended"))
        if isinstance(child, psutil.Process):
            child.kill()

    def all_gone(self) -> bool:
        """Whether none of those seen is left, once they have had the time to go."""
        return until(lambda: not any(_runs(child) for child in self.seen))

    def _new(self) -> psutil.Process | None:
        try:
            children = psutil.Process(self.pid).children()
        except psutil.NoSuchProcess:
            return None
        for child in children:
            if child not in self.seen and _serves(child):
                self.seen.add(child)
                return child
        return None


@pytest.fixture
def opalite(opa: locate.Opa, tmp_path: Path) -> Opalite:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    own = ("OPALITE_", "PYTHONUNBUFFERED")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return Opalite({**kept, "OPALITE_OPA": str(opa.path), "TMPDIR": str(scratch)}, scratch)


@pytest.fixture(scope="session")
def few() -> list[str]:
    """Options that leave `opalite evaluate` three policies, whatever else is shipped."""
    return [option for policy in THREE for option in ("--policy", policy)]


@pytest.fixture
def evaluate(opalite: Opalite, few: list[str]) -> Callable[..., Done]:
    """`opalite evaluate` with those three."""
    return partial(opalite, "evaluate", *few)


@pytest.fixture(scope="session")
def organization(repository) -> Path:
    return repository / "samples" / "organization"


@pytest.fixture(scope="session")
def settled(repository) -> list[str | Path]:
    """The options that go with the samples."""
    samples = repository / "samples"
    return ["--data", samples / "settings", "--facts", samples / "facts.yaml", "--bundle", samples / "custom"]


@pytest.fixture(scope="session")
def remembered() -> dict[str, Any]:
    return {}


@pytest.fixture
def samples(opalite, organization, settled, remembered):
    """The run over the samples in a --format; each form is run once for all tests."""

    def run(form: str):
        if form not in remembered:
            remembered[form] = opalite("evaluate", organization, *settled, "--format", form)
        return remembered[form]

    return run


@pytest.fixture(scope="session")
def decided() -> Callable[[list[dict[str, Any]]], set[tuple[str, ...]]]:
    """What was decided, apart from the order; no decision may appear twice."""

    def rows_of(lines: list[dict[str, Any]]) -> set[tuple[str, ...]]:
        keys = ("resource_id", "policy_id", "capture_time", "outcome", "decision_id")
        found = [tuple(line[key] for key in keys) for line in lines]
        assert len(found) == len(set(found))
        return set(found)

    return rows_of


@pytest.fixture
def children() -> type[Children]:
    return Children


@pytest.fixture
def poll() -> Callable[[Callable[[], T]], T]:
    return until


@pytest.fixture(scope="session")
def item(repository: Path) -> Callable[[str], dict[str, Any]]:
    """One of the recorded items of tests/data/items."""
    return lambda name: orjson.loads((repository / "tests" / "data" / "items" / f"{name}.json").read_bytes())


@pytest.fixture(scope="session")
def many(item: Callable[[str], dict[str, Any]]) -> Callable[[int], list[bytes]]:
    """Any number of items as JSON text, by turns a group that passes and a bucket and an instance that fail."""
    templates = [
        (orjson.dumps(item(name)), item(name)["resourceId"].encode(), form)
        for name, form in (
            ("ec2-security-group.event", b"sg-%017x"),
            ("s3-bucket.sse-s3", b"orders-%08d"),
            ("ec2-instance.event", b"i-%017x"),
        )
    ]

    def made(count: int) -> list[bytes]:
        turns = (templates[index % len(templates)] for index in range(count))
        return [text.replace(name, form % index) for index, (text, name, form) in enumerate(turns)]

    return made


def until(condition: Callable[[], T]) -> T:
    """Polls until the condition holds; its last value, which a test should assert."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return value


def _serves(process: psutil.Process) -> bool:
    try:
        return "--server" in process.cmdline()
    except psutil.Error:
        return False


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


@pytest.fixture(scope="session")
def layer(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Lambda layer of this machine, unpacked: that of `make layer-host`, or one made for this run of the tests."""
    made = repository / "build" / "layer"
    if _is_current(made, repository):
        return made
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with (shared / "layer.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = shared / "layer"
        if not made.is_dir():
            subprocess.run(
                [sys.executable, repository / "extension" / "build_layer.py", "--unpacked", made],
                check=True,
                timeout=600,
            )
    return made


def _is_current(made: Path, repository: Path) -> bool:
    manifest = made / "opalite" / "layer.json"
    if not manifest.is_file():
        return False
    written = manifest.stat().st_mtime
    trees = (repository / name for name in ("extension", "policies", "data", "handler/opalite/engine"))
    return all(
        path.stat().st_mtime <= written
        for tree in trees
        for path in tree.rglob("*")
        if path.suffix in {".go", ".py", ".rego", ".json", ".yaml"}
    )

"""The function with everything around it, and each piece of that can be broken. Each test has a member account of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from emulation.aws import LocalAws
from integration.lambda_faults.between import Between
from integration.lambda_faults.scene import EXTERNAL_ID, MARK, OPEN_TO_ALL, ROLE, Clock, Function, Member
from opalite.engine import locate
from opalite.engine.bundle import assemble
from opalite.normalize import TYPES

HERE = Path(__file__).parent
MEMBERS = [f"2222{number:08}" for number in range(1, 80)]


@dataclass(slots=True)
class Stage:
    """What the tests of one module share."""

    aws: LocalAws
    line: Between
    clock: Clock
    layer: Path
    extension: Path
    functions: list[Function] = field(default_factory=list)
    passed: set[tuple[str, str]] = field(default_factory=set)  # account and id of resources that any policy let pass

    def function(
        self, *, layer: Path | None = None, extensions: list[Path] | None = None, hurried: bool = False, **more: Any
    ) -> Function:
        """A function that lives as long as the module. `hurried`: its pauses are short."""
        env = {
            **self.aws.environ(),
            "AWS_ENDPOINT_URL": self.line.url,
            "OPALITE_ACCOUNTS": "organization",
            "OPALITE_MEMBER_ROLE": ROLE,
            "OPALITE_EXTERNAL_ID": EXTERNAL_ID,
            "OPALITE_LAYER": str(layer or self.layer),
            "OPALITE_OPA_SOCKET": "{tmp}/opalite/opa.sock",
            **more.pop("env", {}),
        }
        handler = "hurried.lambda_handler" if hurried else "opalite.app.lambda_handler"
        extensions = [self.extension] if extensions is None else extensions
        self.functions.append(Function(handler, task_root=HERE / "hurried", extensions=extensions, env=env, **more))
        return self.functions[-1]


@pytest.fixture(scope="session")
def faulty_layer(layer: Path, opa: locate.Opa, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A layer with the shipped policies and those of the tests; of `layer.json`, members can be others."""

    def made(**others: Any) -> Path:
        folder = tmp_path_factory.mktemp("layer") / "opalite"
        folder.mkdir()
        (folder / "opa").symlink_to(layer / "opalite" / "opa")
        bundle.write(folder / "bundle.tar.gz")
        told = json.loads((layer / "opalite" / "layer.json").read_bytes())
        told |= {"bundle_revision": bundle.revision, "catalog": bundle.data["catalog"], **others}
        (folder / "layer.json").write_text(json.dumps(told))
        return folder

    bundle = assemble(opa.path, bundles=[HERE / "policies"], overlays=(), with_shipped=True, typed=TYPES)
    return made


@pytest.fixture(scope="session")
def good_layer(faulty_layer) -> Path:
    return faulty_layer()


@pytest.fixture
def broken_layer(good_layer: Path, tmp_path: Path) -> Path:
    """A copy, to be broken."""
    return Path(shutil.copytree(good_layer, tmp_path / "opalite", symlinks=True))


@pytest.fixture(scope="module")
def stage(layer: Path, good_layer: Path) -> Iterator[Stage]:
    """At its end no process of any function is left, and AWS Config has got no request that it would not take."""
    clock = Clock()
    with LocalAws(accounts=["111111111111", *MEMBERS], now=clock) as aws, Between(aws.url) as line:
        made = Stage(aws, line, clock, good_layer, layer / "extensions" / "opalite-opa")
        yield made
        for function in made.functions:
            function.close()
        assert [function.living for function in made.functions] == [[] for _ in made.functions]
        assert aws.config.violations == []


@pytest.fixture(scope="module")
def shared(stage: Stage) -> Function:
    """A sandbox for all tests that leave it as it was."""
    return stage.function()


@pytest.fixture(scope="module")
def in_haste(stage: Stage) -> Function:
    return stage.function(hurried=True)


@pytest.fixture(autouse=True)
def _as_it_was(stage: Stage) -> Iterator[None]:
    """Nothing is broken any more when a test has ended; no log holds what an item holds; COMPLIANT has been said of passes alone."""
    for function in stage.functions:
        function.clear_log()
        function.dead_letters.clear()
    yield
    stage.aws.mend()
    stage.line.mend()
    stage.clock.ahead = 0.0
    assert [line for function in stage.functions for line in function.log if MARK in line] == []
    stage.passed.update(*(function.passed for function in stage.functions))
    assert {
        (put.account, evaluation["ComplianceResourceId"])
        for put in stage.aws.config.put_calls
        for evaluation in put.evaluations
        if evaluation["ComplianceType"] == "COMPLIANT"
    } <= stage.passed


@pytest.fixture(scope="module")
def numbers() -> Iterator[int]:
    return count()


@pytest.fixture
def member(stage: Stage, numbers: Iterator[int], item: Callable[[str], dict[str, Any]]) -> Member:
    """An account that no other test has, with a Config rule for security groups that are open to everybody."""
    account = MEMBERS[next(numbers)]
    stage.aws.allow_role(account, ROLE, external_id=EXTERNAL_ID)
    rule = stage.aws.config.rule(account, "ports", parameters={"policies": OPEN_TO_ALL})
    return Member(stage.aws, account, rule, item("ec2-security-group.event"))

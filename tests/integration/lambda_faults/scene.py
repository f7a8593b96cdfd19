"""What the tests of faults play with: the function in its sandbox, members with Config rules, and what was said in the end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from emulation.aws import LocalAws
from emulation.lambda_environment import LocalLambda
from emulation.lambda_results import Result
from emulation.rules import Rule
from opalite.engine.unix_http import UnixConnection

MARK = "a-word-that-only-items-hold"
ROLE, EXTERNAL_ID = "OpaliteMember", "from-the-tests"
GROUP, PROJECT, VOLUME = "AWS::EC2::SecurityGroup", "AWS::CodeBuild::Project", "AWS::EC2::Volume"
OPEN_TO_ALL = "aws.ec2.securitygroup.restricted_ingress"
SLOW, ECHO, STRICT, TORN = (f"custom.faults.project.{name}" for name in ("slow", "echo", "strict", "torn"))
WHOLE = ["opa", "opalite-opa", "runtime"]  # of a sandbox
BUSY = 0.15  # seconds of CPU that show that OPA judges
SPARE = 60.0  # seconds; what takes longer has failed


class Function(LocalLambda):
    """The function, and what its log says."""

    def said(self, message: str) -> list[dict[str, Any]]:
        """The lines of the function's log with this message."""
        return [line for line in self._lines("runtime") if line.get("message") == message]

    @property
    def failures(self) -> list[str]:
        """Why invocations failed: one line each."""
        return [f"{line['error']}: {line['reason']}" for line in self.said("failed")]

    @property
    def kept(self) -> list[Any]:
        """The events that were given up, from where they can be sent again."""
        return [letter["requestPayload"] for letter in self.dead_letters]

    @property
    def passed(self) -> set[tuple[str, str]]:
        """The accounts and ids of resources of which a policy said that they pass."""
        lines = self.said("decision")
        return {(line["resource_account_id"], line["resource_id"]) for line in lines if line["outcome"] == "pass"}

    @property
    def alarms(self) -> list[str]:
        """What the extension calls an error, without the last words of OPA, which hang on the machine."""
        lines = self._lines("opalite-opa")
        own = [line["message"] for line in lines if (line.get("logger"), line["level"]) == ("extension", "ERROR")]
        return [message.partition("; it said: ")[0] for message in own]

    @property
    def socket(self) -> Path:
        return self.tmp / "opalite" / "opa.sock"

    @property
    def opa(self) -> psutil.Process:
        return self.process("opa")

    def process(self, name: str) -> psutil.Process:
        """One of WHOLE."""
        if name == "runtime":
            return next(process for process in self.processes() if process.name().startswith("python"))
        return psutil.Process(self.pid_of(name))

    @property
    def living(self) -> list[str]:
        """All processes that belong here, of whatever session; a sandbox that is whole has WHOLE."""
        return sorted(_names(str(self.tmp)))

    def kill(self, name: str) -> None:
        self.process(name).kill()

    @contextmanager
    def working_on(self, event: Any, **more: Any) -> Iterator[Future[list[Result]]]:
        """While it is invoked, as AWS Config does it."""
        with ThreadPoolExecutor(1) as pool:
            yield pool.submit(self.invoke_async, event, **more)

    def busy_opa(self, *, unless: Callable[[], bool] = lambda: False) -> psutil.Process | None:
        """The OPA that judges, after it has done so for a while; None if `unless` comes true before."""
        begun: dict[int, float] = {}  # by process: its CPU time when it was seen to answer
        deadline = time.monotonic() + SPARE
        while time.monotonic() < deadline and not unless():
            with suppress(LookupError, psutil.Error):
                opa = self.opa
                spent = sum(opa.cpu_times()[:2])
                # An OPA that starts works as well, but does not answer yet.
                if (opa.pid in begun or self._answers()) and spent - begun.setdefault(opa.pid, spent) > BUSY:
                    return opa
            time.sleep(0.01)
        assert unless(), "OPA has nothing to do"
        return None

    def kill_busy_opa(self, *, unless: Callable[[], bool] = lambda: False) -> None:
        if (opa := self.busy_opa(unless=unless)) is not None:
            opa.kill()

    def opa_rests(self) -> bool:
        """Whether OPA does nothing for a moment."""
        opa, before = self.opa, self.opa.cpu_times()
        time.sleep(0.2)
        return sum(opa.cpu_times()[:2]) - sum(before[:2]) < 0.05

    def _answers(self) -> bool:
        connection = UnixConnection(str(self.socket), 1.0)
        try:
            connection.request("GET", "/health?bundles=true")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def _lines(self, source: str) -> Iterator[dict[str, Any]]:
        for line in list(self.log):
            if line.startswith(f"[{source}] {{"):
                yield json.loads(line.partition(" ")[2])


def _names(tmp: str) -> Iterator[str]:
    for process in psutil.process_iter():
        try:
            own = [*process.cmdline(), *process.environ().values()]
            if any(tmp in each for each in own) and process.status() != psutil.STATUS_ZOMBIE:
                name = process.name()
                yield "runtime" if name.startswith("python") else name
        except psutil.Error:
            continue


@dataclass(slots=True)
class Clock:
    """AWS's."""

    ahead: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass(frozen=True, slots=True)
class Member:
    """An account of the organization, with a Config rule that nobody else has results of."""

    aws: LocalAws
    account: str
    rule: Rule
    group: Mapping[str, Any] = field(repr=False)  # an item that passes

    def other(self, name: str, **parameters: str) -> Member:
        """The same account under another rule."""
        return Member(
            self.aws, self.account, self.aws.config.rule(self.account, name, parameters=parameters), self.group
        )

    @property
    def compliance(self) -> dict[str, str]:
        """What AWS Config holds in the end, by resource id."""
        return {
            key[1]: held["complianceType"] for key, held in self.aws.config.results(self.account, self.rule).items()
        }

    @property
    def told(self) -> list[list[str]]:
        """The compliance types of each PutEvaluations that was taken."""
        puts = [put for put in self.aws.config.put_calls if put.account == self.account]
        return [[evaluation["ComplianceType"] for evaluation in put.evaluations] for put in puts]

    @property
    def asked(self) -> list[str]:
        """The calls with this account's credentials, in their order."""
        return [call.operation for call in self.aws.calls_made if call.account == self.account]

    def closed(self, name: str = "sg-closed", at: str = "2026-11-28T09:00:00.000Z") -> dict[str, Any]:
        """A security group that passes."""
        item = deepcopy(dict(self.group))
        item["configuration"] |= {"groupId": name, "groupName": MARK, "description": MARK, "ownerId": self.account}
        arn = f"arn:aws:ec2:{self.aws.region}:{self.account}:security-group/{name}"
        return item | self.header(GROUP, name, at) | {"ARN": arn, "tags": {"note": MARK}}

    def open(self, name: str = "sg-open", at: str = "2026-11-28T09:00:00.000Z") -> dict[str, Any]:
        """One that fails."""
        item = self.closed(name, at)
        ssh = next(each for each in item["configuration"]["ipPermissions"] if each.get("fromPort") == 22)
        ssh |= {"ipv4Ranges": [{"cidrIp": "0.0.0.0/0", "description": MARK}], "ipRanges": ["0.0.0.0/0"]}
        return item

    def project(self, name: str = "project", at: str = "2026-11-28T09:00:00.000Z", **holds: Any) -> dict[str, Any]:
        """A resource of the type of which the tests' own policies speak."""
        arn = f"arn:aws:codebuild:{self.aws.region}:{self.account}:project/{name}"
        rest = {"ARN": arn, "relationships": [], "supplementaryConfiguration": {}, "tags": {"note": MARK}}
        made = {"configuration": {"description": MARK, **holds}, "resourceCreationTime": None, "relatedEvents": []}
        return self.header(PROJECT, name, at) | rest | made

    def header(self, kind: str, name: str, at: str) -> dict[str, Any]:
        return {
            "configurationItemVersion": "1.3",
            "configurationItemCaptureTime": at,
            "configurationItemStatus": "OK",
            "configurationStateId": int("".join(filter(str.isdigit, at))),
            "configurationStateMd5Hash": "",
            "awsAccountId": self.account,
            "awsRegion": self.aws.region,
            "availabilityZone": "Not Applicable",
            "resourceType": kind,
            "resourceId": name,
            "resourceName": name,
        }

    def event(self, item: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        return self.aws.config.change_event(item, self.rule, **more)


def errors(results: list[Result]) -> list[str | None]:
    """How each attempt ended."""
    return [result.error for result in results]


def stand_still(process: psutil.Process) -> None:
    """Stop a process, and wait until each of its threads has stopped: the signal is only the wish."""
    process.suspend()
    tasks = Path(f"/proc/{process.pid}/task")
    while any(stat.read_text().rpartition(")")[2].split()[0] not in "Tt" for stat in tasks.glob("*/stat")):
        time.sleep(0.005)

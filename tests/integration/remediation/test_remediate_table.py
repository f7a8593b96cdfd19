"""`opalite remediate --table`: with the ledger of the function, and approvals for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import orjson
import pytest

from integration.remediation.terminal import BEFORE, MENDED, OWN, REGION, TABLE
from opalite.adapters.aws.remote import Remote
from opalite.errors import InvocationError
from opalite.remediation import approving
from opalite.remediation.aws.ledger import DynamoLedger
from opalite.remediation.aws.signatures import KmsSignatures

PLAN_OPTIONS = ("--table", TABLE, "--format", "jsonl")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")  # noqa: TID251 - that of the command


@dataclass
class Function:
    """What the function has and does: its ledger, and its word on an approval."""

    terminal: object

    def caller(self) -> str:
        return OWN

    def service(self, name: str, account: str, region: str) -> Remote:
        return Remote(self.terminal.aws.client(name, account, region=region or REGION), account)

    @property
    def ledger(self) -> DynamoLedger:
        return DynamoLedger(self, TABLE, REGION, now)

    def ask(self, attempt_id: str, token: str) -> None:
        """As it does when the state machine asks."""
        attempt = self.ledger.load(attempt_id)
        self.ledger.save(replace(attempt, approval=replace(attempt.approval, token=token)))

    def check(self, attempt_id: str, key: str, signed: approving.Signed) -> None:
        approving.check(KmsSignatures(self, key), self.ledger.load(attempt_id), signed, at=now())


@dataclass
class Machine:
    """Step Functions, as far as whoever ends a task sees it."""

    url: str = ""
    tokens: set[str] = field(default_factory=set)
    ended: list[tuple[str, object]] = field(default_factory=list)

    def end(self, target: str, body: dict[str, str]) -> tuple[int, dict[str, str]]:
        assert target == "AWSStepFunctions.SendTaskSuccess"
        if body["taskToken"] not in self.tokens:
            return 400, {"__type": "TaskTimedOut", "message": "Provided task does not exist anymore"}
        self.tokens.remove(body["taskToken"])
        self.ended.append((body["taskToken"], json.loads(body["output"])))
        return 200, {}


@pytest.fixture
def machine() -> Iterator[Machine]:
    made = Machine()

    class Served(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = made.end(self.headers["X-Amz-Target"], body)
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Nothing to standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Served) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        made.url = f"http://127.0.0.1:{server.server_port}"
        yield made
        server.shutdown()


@pytest.fixture
def function(terminal) -> Function:
    terminal.table()
    return Function(terminal)


@pytest.fixture
def key(terminal) -> str:
    made = terminal.aws.client("kms").create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    return made["KeyMetadata"]["Arn"]


@pytest.fixture
def waiting(terminal, function) -> tuple[str, str]:
    """A group, and the attempt on it that waits for an approval."""
    group = terminal.group()
    done = terminal.remediate(
        "apply", *terminal.named(group), "--data", terminal.settings("approve"), "--yes", *PLAN_OPTIONS
    )
    ((attempt,), code) = done.lines, done.code
    assert (code, attempt["result"], terminal.ranges(group)) == (1, "waiting", BEFORE)  # nobody agrees to it beforehand
    return group, attempt["id"]


def test_attempts_are_kept_in_the_table_and_taken_back_from_there(terminal, function):
    group = terminal.group()
    options = ("--data", terminal.settings("auto"), *PLAN_OPTIONS)
    first = terminal.remediate("apply", *terminal.named(group), *options)
    second = terminal.remediate("apply", *terminal.named(group), *options)
    shown = terminal.remediate("show", first.lines[0]["id"], "--table", TABLE)

    assert [line["result"] for line in first.lines + second.lines] == ["applied", "nothing"]
    assert (terminal.ranges(group), terminal.records()) == (MENDED, {})
    assert str(function.ledger.load(first.lines[0]["id"]).result) == "applied"
    assert shown.out.decode().endswith(f"opalite remediate undo {first.lines[0]['id']} --table {TABLE}\n")
    undone = terminal.remediate("undo", first.lines[0]["id"], "--table", TABLE)
    assert (undone.code, terminal.ranges(group)) == (0, BEFORE)


def test_the_switch_of_the_table_stops_the_function_and_the_command(terminal, function):
    group = terminal.group()
    apply = ("apply", *terminal.named(group), "--data", terminal.settings("auto"), *PLAN_OPTIONS)
    assert terminal.remediate("stop", "incident 7", "--table", TABLE).code == 0
    assert function.ledger.stopped() == f"incident 7 (by account {OWN})"
    assert terminal.remediate(*apply).lines[0]["result"] == "off"
    assert terminal.remediate("start", "--table", TABLE).code == 0
    assert function.ledger.stopped() is None
    assert terminal.remediate(*apply).lines[0]["result"] == "applied"


def test_a_table_that_is_not_there_is_told(terminal):
    done = terminal.remediate("stop", "incident 7", "--table", "nowhere")

    line = f"opalite: dynamodb:PutItem: there is no table nowhere in account {OWN}"
    assert (done.code, done.out, done.err) == (3, b"", [line])


def test_an_approval_is_signed_and_handed_to_the_state_machine(terminal, function, key, machine, waiting):
    group, name = waiting
    function.ask(name, "token-1")
    machine.tokens.add("token-1")
    environ = {"AWS_ENDPOINT_URL_SFN": machine.url}
    approve = ("approve", name, "--table", TABLE, "--key", key)
    unasked = terminal.remediate(*approve, environ=environ)
    assert (unasked.code, unasked.err, machine.ended) == (
        1,
        ["opalite: not agreed to: nobody is asked without a terminal; read the plan, then say --yes"],
        [],
    )
    assert b"1. revoke sgr-" in unasked.out

    done = terminal.remediate(*approve, "--yes", environ=environ)

    approver = f"arn:aws:sts::{OWN}:assumed-role/OpaliteFunction/opalite"
    ((token, output),) = machine.ended
    assert (done.code, done.err, token) == (0, [], "token-1")
    assert done.out.decode().endswith(f"approved by {approver}\n")
    signed = approving.parse(output["approval"])
    function.check(name, key, signed)
    with pytest.raises(InvocationError, match="is not signed by the key"):
        function.check(name, key, replace(signed, approver="arn:aws:iam::111111111111:user/eve"))
    assert terminal.ranges(group) == BEFORE  # the function does it

    again = terminal.remediate(*approve, "--yes", environ=environ)
    assert (again.code, len(again.err), "TaskTimedOut" in again.err[0]) == (3, 1, True)


def test_what_cannot_be_approved_says_why(terminal, function, key, waiting):
    group, name = waiting
    other = key.replace(OWN, "222222222222")
    early = terminal.remediate("approve", name, "--table", TABLE, "--key", key, "--yes")
    function.ask(name, "token-1")
    foreign = terminal.remediate("approve", name, "--table", TABLE, "--key", other, "--yes")
    terminal.aws.deny("kms", "GenerateMac")
    denied = terminal.remediate("approve", name, "--table", TABLE, "--key", key, "--yes")
    unknown = terminal.remediate("approve", "0" * 20, "--table", TABLE, "--key", key, "--yes")

    line = f"opalite: attempt {name}: the state machine has not asked yet: try again in a minute, or invoke the function with "
    assert (early.code, early.err) == (2, [line + json.dumps({"advance": name})])
    assert (foreign.code, foreign.err) == (
        2,
        [f"opalite: --key is in account 222222222222, the credentials are of account {OWN}: sign in there"],
    )
    assert (denied.code, len(denied.err)) == (3, 1)
    assert "not approved: kms:GenerateMac is denied" in denied.err[0]
    assert (unknown.code, len(unknown.err)) == (2, 1)
    assert terminal.ranges(group) == BEFORE


def test_what_waits_says_how_the_function_comes_to_ask(terminal, waiting):
    _, name = waiting
    text = terminal.remediate("show", name, "--table", TABLE).out.decode()

    assert re.search(
        rf"To agree, until \S+: opalite remediate approve {name} --table {TABLE} --key ARN, once the function has asked: "
        rf'invoke it with {{"advance": "{name}"}}\n$',
        text,
    )


def test_an_item_of_the_table_that_was_edited_is_not_taken_back(terminal, function):
    group = terminal.group()
    options = ("--data", terminal.settings("auto"), *PLAN_OPTIONS)
    name = terminal.remediate("apply", *terminal.named(group), *options).lines[0]["id"]
    dynamodb = terminal.aws.client("dynamodb")
    place = {"pk": {"S": f"attempt#{name}"}, "sk": {"S": "attempt"}}
    item = dynamodb.get_item(TableName=TABLE, Key=place)["Item"]
    body = orjson.loads(item["body"]["S"])
    body["applied"][0]["inverse"] = {"service": "iam", "operation": "CreateUser", "parameters": {"UserName": "eve"}}
    dynamodb.put_item(TableName=TABLE, Item={**item, "body": {"S": json.dumps(body)}})
    done = terminal.remediate("undo", name, "--table", TABLE)

    line = f"opalite: the record of attempt {name} was edited: revoke_ingress never calls 'iam:CreateUser'"
    assert (done.code, done.err, terminal.ranges(group)) == (2, [line], MENDED)

"""One event through the true function, the true extension and a real OPA, against an AWS of our own on the loopback.

    python tests/emulation/demo.py [EVENT.json] [--items FILE]… [--set NAME=VALUE]… [--scope tag|type] [--layer DIR] [--log]

EVENT is what Lambda would hand over: an invocation by AWS Config (`-`: standard input). Without it a security group is changed.
Prints what AWS Config would get. Exit codes: 0, 1 when the function failed, 2 when the event cannot be used.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]

from emulation.aws import ACCOUNTS, LocalAws  # noqa: E402
from emulation.lambda_environment import LocalLambda, Result  # noqa: E402
from opalite.items import items_of  # noqa: E402
from opalite.model import Item  # noqa: E402

ROLE = "OpaliteMember"
SAMPLE = ROOT / "samples" / "lambda" / "security-group-opened.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("event", nargs="?", default=str(SAMPLE), help="a JSON file, or - for standard input")
    parser.add_argument("--items", action="append", default=[], help="items that AWS Config has recorded, in any form")
    parser.add_argument("--set", action="append", default=[], help="a variable of the function: OPALITE_RULES=my-rule")
    parser.add_argument(
        "--scope",
        choices=("tag", "type"),
        default="tag",
        help="how the Config rule is scoped: an event with eventLeftScope is believed of a rule that is scoped by a tag "
        "which the item has not (default), and of none that is scoped by types",
    )
    parser.add_argument(
        "--layer", type=Path, default=ROOT / "build" / "layer", help="an unpacked layer of this machine"
    )
    parser.add_argument("--log", action="store_true", help="print the function's log as well")
    options = parser.parse_args()
    event = read(options.event)
    account = str(event.get("accountId", ACCOUNTS[1]))
    members = [account] if account.isdecimal() and len(account) == 12 else []
    region = str(event.get("configRuleArn", "::::")).split(":")[3] or "eu-west-1"
    with LocalAws(accounts=list(dict.fromkeys([*ACCOUNTS, *members])), region=region) as aws:
        for member in aws.accounts:
            aws.allow_role(member, ROLE)
        for path in options.items:
            for found in items_of(read(path), path):
                if isinstance(found, Item):
                    aws.config.record(found.body)
        event["resultToken"] = token(aws, event, options.scope) or event.get("resultToken")
        result = run(aws, event, dict(entry.partition("=")[::2] for entry in options.set), options)
        report(aws, result)
    sys.exit(1 if result.error else 0)


def read(name: str) -> Any:
    try:
        return json.loads(sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        refuse(f"{name}: cannot be read: {error}")


def refuse(message: str) -> NoReturn:
    print(f"lambda-demo: {message}", file=sys.stderr)
    sys.exit(2)


def token(aws: LocalAws, event: dict[str, Any], scope: str) -> str | None:
    """A token that AWS Config will take for the event's own rule, which is made for it; a token of a test stays what it is."""
    name, arn, account = (event.get(part) for part in ("configRuleName", "configRuleArn", "accountId"))
    if not all(isinstance(part, str) for part in (name, arn, account)):
        return None
    left = event.get("eventLeftScope") is True and scope == "tag"
    rule = aws.config.rule(
        account,
        name,
        arn=arn,
        organization="/aws-service-rule/" in arn,
        scope={"TagKey": "in-the-scope-of-the-demo"} if left else None,
    )
    return None if event.get("resultToken") == "TESTMODE" else str(aws.config.token(account, rule))


def run(aws: LocalAws, event: dict[str, Any], more: dict[str, str], options: argparse.Namespace) -> Result:
    environ = {
        **aws.environ(),
        "OPALITE_LAYER": str(options.layer / "opalite"),
        "OPALITE_OPA_SOCKET": "{tmp}/opalite/opa.sock",
        "OPALITE_MEMBER_ROLE": ROLE,
        "OPALITE_ACCOUNTS": "organization",
        **more,
    }
    extension = options.layer / "extensions" / "opalite-opa"
    if not extension.is_file():
        refuse(f"{extension}: there is no extension; `make layer-host` builds it")
    with LocalLambda(
        "opalite.app.lambda_handler", task_root=ROOT / "handler", extensions=[extension], env=environ
    ) as function:
        result = function.invoke(event)
        if options.log:
            print("\n".join(function.log), file=sys.stderr)
    return result


def report(aws: LocalAws, result: Result) -> None:
    print(f"started in {result.init_ms or 0:.0f} ms, answered in {result.duration_ms:.0f} ms")
    if result.error:
        payload = result.payload if isinstance(result.payload, dict) else {}
        print(f"failed: {result.error}: {payload.get('errorMessage', result.payload)}")
    else:
        print(json.dumps(result.payload, indent=2, ensure_ascii=False))
    for put in aws.config.put_calls:
        stored = "tests, and does not store," if put.test_mode else "stores"
        print(f"AWS Config of account {put.account} {stored} {len(put.evaluations)} evaluations:")
        for evaluation in put.evaluations:
            print(f"  {evaluation['ComplianceResourceType']} {evaluation['ComplianceResourceId']}")
            print(f"    {evaluation['ComplianceType']}, as of {when(evaluation['OrderingTimestamp'])}")
            print(f"    {evaluation.get('Annotation', '')}")
    if not aws.config.put_calls:
        print("AWS Config gets nothing.")


def when(moment: Any) -> str:
    if isinstance(moment, (int, float)):
        return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return str(moment)


if __name__ == "__main__":
    main()

"""Opalite beside other ways to put the same items to OPA: `.venv/bin/python benchmarks/compare.py [--items N] [--repeat N]`.

Contenders take turns, medians are printed, and what counts is the ratio of two lines of one run. See benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
from collections.abc import Iterable
from pathlib import Path

import items
from measure import Command, Measured, peak_memory, timed
from prepare import HERE, OPALITE, THREE, WORK, Prepared, outcomes, prepare

GO = {"GOGC": "800", "GOMEMLIMIT": "220MiB"}  # what Opalite gives its own OPA, the others get as well
GO_LOOP = "Go loop, OPA in process"
JUDGING = f"{GO_LOOP}, without its start"


def main() -> None:
    arguments = parsed()
    print(f"preparing {arguments.items} items in {WORK} …", flush=True)
    ready = prepare(arguments.items)
    judged = WORK / "decisions.jsonl"
    timed(evaluate(ready, "warm-up", ready.snapshot, str(judged)), WORK)
    many = take_turns(many_items(ready), arguments.repeat)
    every = take_turns(every_policy(ready), arguments.repeat)
    one = take_turns(one_item(ready), max(arguments.repeat, 5))
    print(f"\n{arguments.items} items, {os.cpu_count()} CPUs, medians of {arguments.repeat} runs in turn\n")
    many_table(many, arguments.items)
    say_agreement(many, judged)
    print("\nall policies that speak of these types")
    many_table(every, arguments.items)
    print("\none item, from start to end of the process")
    one_table(one)
    print("\npeak memory of `opalite evaluate`, Python and OPA together")
    say_memory(ready, arguments.items)
    if arguments.memory:
        larger = arguments.items * 10
        items.write_snapshot(WORK / "snapshot.json", larger)
        say_memory(ready, larger)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare Opalite with other ways to judge the same items.")
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="also measure memory at ten times the items")
    return parser.parse_args()


def evaluate(
    ready: Prepared, name: str, path: str, output: str = "/dev/null", policies: Iterable[str] = THREE.values()
) -> Command:
    settings = ["--data", str(HERE / "settings"), "--facts", ready.facts]
    settings += [word for policy in policies for word in ("--policy", policy)]
    command = [
        OPALITE,
        "evaluate",
        "--format",
        "jsonl",
        "--output",
        output,
        *settings,
        "--opa",
        ready.opa,
        path,
    ]
    return Command(name=name, arguments=command, items=ready.count, accepted=(1,))


def many_items(ready: Prepared) -> list[Command]:
    bare = str(HERE / "bare")
    commands = [evaluate(ready, "opalite evaluate", ready.snapshot)]
    if ready.goloop:
        loop = [ready.goloop, "-bundle", ready.bundle, "-inputs", ready.inputs]
        commands.append(Command(name=GO_LOOP, arguments=loop, items=ready.count, environment=GO))
    opa_exec = [ready.opa, "exec", "--decision", "bare/decision", "-b", bare, ready.folder]
    commands.append(Command(name="opa exec, bare policies", arguments=opa_exec, items=ready.count, environment=GO))
    if conftest := shutil.which("conftest"):
        test = [conftest, "test", "--policy", bare, "--namespace", "bare", "--output", "json", ready.folder]
        commands.append(Command(name="conftest, bare policies", arguments=test, items=ready.count, accepted=(0, 1)))
    if python := custodian_python():
        loop = [python, str(HERE / "c7n_loop.py"), ready.snapshot]
        commands.append(Command(name="c7n, its Config loader", arguments=loop, items=ready.count))
    return commands


def every_policy(ready: Prepared) -> list[Command]:
    commands = [evaluate(ready, "opalite evaluate", ready.snapshot, policies=())]
    if ready.goloop:
        loop = [ready.goloop, "-bundle", ready.bundle, "-inputs", ready.inputs_of_all]
        commands.append(Command(name=GO_LOOP, arguments=loop, items=ready.count, environment=GO))
    return commands


def custodian_python() -> str | None:
    """The interpreter that Cloud Custodian's command runs in."""
    found = shutil.which("custodian")
    if found is None:
        return None
    python = Path(found).resolve().parent / "python"
    return str(python) if python.exists() else None


def one_item(ready: Prepared) -> list[Command]:
    query = ["-i", ready.one_input, "data.opalite.decision.results"]
    opa_eval = [ready.opa, "eval", "-b", ready.bundle, *query]
    one = evaluate(ready, "opalite evaluate one.json", ready.one_item)
    return [
        Command(name=one.name, arguments=one.arguments, items=1, accepted=(0, 1)),
        Command(name="opa eval", arguments=opa_eval, items=1, environment=GO),
    ]


def take_turns(commands: list[Command], rounds: int) -> dict[str, list[Measured]]:
    """Each once per round, so that a slow minute of the machine is slow for all of them."""
    measured: dict[str, list[Measured]] = {command.name: [] for command in commands}
    for turn in range(rounds):
        for command in commands:
            measured[command.name].append(timed(command, WORK))
            print(f"  round {turn + 1}: {command.name} {measured[command.name][-1].seconds:.2f} s", flush=True)
    return measured


def many_table(measured: dict[str, list[Measured]], count: int) -> None:
    seconds = {name: statistics.median(run.seconds for run in runs) for name, runs in measured.items()}
    cpu = {name: statistics.median(run.cpu for run in runs) for name, runs in measured.items()}
    if GO_LOOP in measured:
        seconds[JUDGING] = statistics.median(json.loads(run.output)["seconds"] for run in measured[GO_LOOP])
    print(f"{'':44}{'seconds':>9}{'items/s':>10}{'speed':>8}{'CPU s':>9}{'CPU':>8}")
    for name, taken in seconds.items():
        speed = f"{seconds[JUDGING] / taken:.2f}" if JUDGING in seconds else "-"
        used = f"{cpu[name]:9.2f}{cpu[name] / cpu[GO_LOOP]:8.2f}" if name in cpu and GO_LOOP in cpu else ""
        print(f"{name:44}{taken:9.2f}{count / taken:10.0f}{speed:>8}{used}")
    print("speed and CPU are ratios to the Go loop: more speed is better, less CPU is better")


def one_table(measured: dict[str, list[Measured]]) -> None:
    seconds = {name: statistics.median(run.seconds for run in runs) for name, runs in measured.items()}
    fastest = seconds["opa eval"]
    print(f"{'':40}{'seconds':>9}{'times opa eval':>16}")
    for name, taken in seconds.items():
        print(f"{name:40}{taken:9.3f}{taken / fastest:16.2f}")


def say_agreement(measured: dict[str, list[Measured]], judged: Path) -> None:
    """Both sides must have decided the same, or the table compares nothing."""
    ours = outcomes(judged)
    print(f"\nopalite decided {ours}")
    if GO_LOOP in measured:
        theirs = json.loads(measured[GO_LOOP][-1].output)["outcomes"]
        print("the Go loop decided the same" if ours == theirs else f"THE GO LOOP DECIDED OTHERWISE: {theirs}")


def say_memory(ready: Prepared, count: int) -> None:
    peak = peak_memory(evaluate(ready, "memory", ready.snapshot, policies=()))
    print(f"{f'{count} items':40}{peak:9.0f} MiB", flush=True)


if __name__ == "__main__":
    main()

"""Run a command: how long it took, and how much memory its processes held at the worst moment."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE_EVERY = 0.05  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    name: str
    arguments: list[str]
    items: int
    accepted: tuple[int, ...] = (0,)  # exit codes that are no failure
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measured:
    seconds: float
    cpu: float  # seconds of all CPUs together, of the process and its children
    output: str


def timed(command: Command, scratch: Path) -> Measured:
    """From start to end of the process, start-up included; its output goes to a file, as in real use."""
    log = scratch / "output"
    with log.open("wb") as out, (scratch / "errors").open("wb") as errors:
        before, started = cpu_of_children(), time.perf_counter()
        done = subprocess.run(
            command.arguments, stdout=out, stderr=errors, env=os.environ | command.environment, check=False
        )
        seconds, cpu = time.perf_counter() - started, cpu_of_children() - before
    if done.returncode not in command.accepted:
        told = (scratch / "errors").read_text(errors="replace").strip()[-500:]
        message = f"{command.name} ended with {done.returncode}: {told or ' '.join(command.arguments)}"
        raise SystemExit(message)
    return Measured(seconds, cpu, log.read_text(errors="replace") if log.stat().st_size < 1_000_000 else "")


def cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def peak_memory(command: Command) -> float:
    """The largest sum of resident memory over the process and its children, in MiB."""
    process = psutil.Popen(
        command.arguments,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | command.environment,
    )
    peak = 0
    while process.poll() is None:
        peak = max(peak, resident(process))
        time.sleep(SAMPLE_EVERY)
    if process.returncode not in command.accepted:
        raise SystemExit(f"{command.name} ended with {process.returncode}: {' '.join(command.arguments)}")
    return peak / 2**20


def resident(process: psutil.Process) -> int:
    total = 0
    try:
        for member in (process, *process.children(recursive=True)):
            total += member.memory_info().rss
    except psutil.NoSuchProcess:
        pass  # it ended between two looks
    return total

"""What `opalite doctor` prints: diagnoses as a JSON document that grows, or equal ones together for people."""

from __future__ import annotations

from dataclasses import asdict
from typing import Protocol

import orjson

from opalite.cli.sink import Descriptor, Sink
from opalite.doctor.diagnosis import Diagnosis, State, filled
from opalite.doctor.summary import Group, Summary

_STDOUT = 1
_WIDEST = max(len(state) for state in State)


class Writer(Protocol):
    """Takes diagnoses in order."""

    def begin(self) -> None: ...

    def add(self, one: Diagnosis) -> None: ...

    def end(self, summary: Summary) -> None: ...


class JsonDocument:
    """`{"diagnoses": […], "summary": {…}}`, with all of them."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._separator = b"\n"

    def begin(self) -> None:
        self._sink.write(b'{"diagnoses": [')

    def add(self, one: Diagnosis) -> None:
        self._sink.write(self._separator + orjson.dumps({**asdict(one), "command": filled(one)}))
        self._separator = b",\n"

    def end(self, summary: Summary) -> None:
        self._sink.write(b'\n],\n"summary": ' + orjson.dumps(summary.document()) + b"}\n")
        self._sink.flush()


class Lines:
    """What is not well, the worst first; what is well is only counted."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def begin(self) -> None:
        """Nothing is written before everything is known."""

    def add(self, one: Diagnosis) -> None:
        """The summary has it."""

    def end(self, summary: Summary) -> None:
        lines = [line for group in summary.groups() for line in _told(group)]
        if summary.left_out:
            lines.append(f"… and {summary.left_out} more; --format json has them all")
        lines.append(", ".join(f"{count} {state}" for state, count in summary.document().items() if count) or "nothing")
        self._sink.write("".join(f"{line}\n" for line in lines).encode())
        self._sink.flush()


def _told(group: Group) -> list[str]:
    one, indent = group.first, " " * (_WIDEST + 2)
    places = group.where()
    lines = [f"{one.state:<{_WIDEST}}  {', '.join(group.checks)}: {one.message}" + (f" ({places})" if places else "")]
    if one.remedy:
        lines.append(f"{indent}{one.remedy}")
    if one.command:
        lines.append(f"{indent}$ {one.command}")
    return lines


def writer(form: str) -> Writer:
    sink = Descriptor(_STDOUT, "standard output")
    return JsonDocument(sink) if form == "json" else Lines(sink)

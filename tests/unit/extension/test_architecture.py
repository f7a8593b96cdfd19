"""What an executable says of itself."""

from __future__ import annotations

import struct

import pytest
from layer.architecture import ARM64, X86_64, of_machine, require_static

from opalite.errors import InstallError


def elf(machine, *kinds, start=b"\x7fELF\x02\x01"):
    """The headers of an executable with program headers of these kinds."""
    header = start.ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 2, machine, 1, 0, 64, 0, 0, 64, 56, len(kinds), 0, 0, 0
    )
    return header + b"".join(struct.pack("<I", kind).ljust(56, b"\0") for kind in kinds)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (elf(62, 1, 6), None),
        (elf(183, 1, 6), "is not for x86_64: it is not used; remove it and build again"),
        (elf(62, 6, 3), "needs the libraries of its system; the layer takes a static executable"),
        (b"#!/bin/sh\n", "is no executable of 64-bit Linux: it is not used; remove it and build again"),
        (
            elf(3, 1, start=b"\x7fELF\x01\x01"),
            "is no executable of 64-bit Linux: it is not used; remove it and build again",
        ),
    ],
)
def test_only_a_static_executable_of_the_architecture_is_taken(tmp_path, content, fault):
    path = tmp_path / "opa"
    path.write_bytes(content)
    if fault is None:
        require_static(path, X86_64)
        return
    with pytest.raises(InstallError) as raised:
        require_static(path, X86_64)
    assert str(raised.value) == f"{path} {fault}"


def test_the_architecture_of_a_machine_is_that_of_lambda_on_linux_alone():
    machines = [("Linux", "x86_64"), ("Linux", "aarch64"), ("Linux", "riscv64"), ("Darwin", "arm64")]
    assert [of_machine(machine) for machine in machines] == [X86_64, ARM64, None, None]

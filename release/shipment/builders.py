"""What takes long, or needs the network: the package, the code of the functions, the layers."""

from __future__ import annotations

import csv
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from layer import pack
from layer.architecture import Architecture

from opalite.engine.watch import Run, last_lines
from opalite.errors import InstallError, UsageError
from shipment.checkout import EPOCH, Checkout

_SECONDS = 3600  # an OPA that has to be built takes some minutes on each architecture


class Builders(Protocol):
    """The slow parts of a release; each puts its files where it is told."""

    def require_current_template(self) -> None:
        """Raises UsageError if template.yaml and deploy/ do not fit policies and settings."""
        ...

    def packages(self, folder: Path) -> None:
        """Wheel and sdist."""
        ...

    def function(self, architecture: Architecture, path: Path) -> None:
        """The code of the functions with its libraries, as a .zip."""
        ...

    def layers(self, folder: Path) -> None:
        """For all architectures."""
        ...


@dataclass(frozen=True, slots=True)
class CheckoutBuilders:
    """Meets Builders. `options`: --bundle and --data of `build_layer.py`, with absolute paths."""

    checkout: Checkout
    options: Sequence[str]
    environ: Mapping[str, str]
    run: Run

    def require_current_template(self) -> None:
        command = [*_opalite("template"), str(self.checkout.folder), "--check", *self.options]
        if self._do("checking template.yaml", command, stale=True):
            raise UsageError(
                "template.yaml or deploy/ is stale: run `make template` with the same options, and commit it"
            )

    def packages(self, folder: Path) -> None:
        command = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--target", "wheel"]
        self._do("building wheel and sdist", [*command, "--directory", str(folder)])

    def function(self, architecture: Architecture, path: Path) -> None:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".function-") as made:
            command = ["make", "--silent", "-C", str(self.checkout.folder / "handler"), "build-RulesFunction"]
            variables = [f"ARTIFACTS_DIR={made}", f"ARCHITECTURE={architecture.name}"]
            self._do(f"building the function for {architecture.name}", [*command, *variables])
            pack.write_zip(path, _entries(Path(made)))
            path.with_name(f"{path.name}.sha256").unlink()

    def layers(self, folder: Path) -> None:
        command = [sys.executable, str(self.checkout.folder / "extension" / "build_layer.py"), *self.options]
        self._do("building the layers", [*command, "--output", str(folder)])
        for path in folder.glob("*.zip.sha256"):
            path.unlink()

    def _do(self, step: str, command: Sequence[str], *, stale: bool = False) -> bool:
        """Whether it said, by exit code 1, that something is stale."""
        # What an outer `make` was told is not for an inner one.
        given = {name: value for name, value in self.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        environ = {**given, EPOCH: f"{self.checkout.at.timestamp():.0f}", "PYTHONDONTWRITEBYTECODE": "1"}
        sys.stderr.write(f"release: {step} …\n")
        done = self.run(command, environ, self.checkout.folder, _SECONDS, lambda: None)
        if done.code and not (stale and done.code == 1):
            raise InstallError(f"{step} failed: {last_lines(done.error)}")
        return bool(done.code)


def _opalite(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from opalite.cli import main; main()", *arguments]


def _entries(folder: Path) -> dict[str, pack.Entry]:
    return {
        path.relative_to(folder).as_posix(): pack.Entry(_content(path, folder), is_executable=os.access(path, os.X_OK))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _content(path: Path, folder: Path) -> bytes:
    """What pip records of scripts that are not there hangs on where the interpreter is; it is left out."""
    content = path.read_bytes()
    if path.name != "RECORD" or path.parent.suffix != ".dist-info":
        return content
    lines = content.decode().splitlines(keepends=True)
    return "".join(line for line in lines if (folder / next(csv.reader([line]))[0]).is_file()).encode()

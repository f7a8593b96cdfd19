"""OPA and the extension as executables of Linux, for each architecture; OPA stays in the cache."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from layer import licences
from layer.architecture import Architecture, of_machine, require_static
from opalite.engine import gobuild, locate, release, watch
from opalite.engine.gobuild import Go
from opalite.engine.locate import OPA_VERSION
from opalite.errors import EngineError, InstallError

SOURCES = Path(__file__).resolve().parents[1]
EXTENSION = "opalite-opa"  # the name by which it registers, too

_BUILD_SECONDS = 600
_POLL_SECONDS = 0.5

Report = Callable[[str, float | None], None]


@dataclass(slots=True)
class Workshop:
    """Where things are made, and the ways to the outside. `platform`: of this machine, as os.uname has it."""

    directory: Path
    report: Report
    environ: Mapping[str, str]
    fetch: release.Fetch = release.fetch_https
    run: watch.Run = watch.run
    platform: tuple[str, str] = field(default_factory=lambda: (os.uname().sysname, os.uname().machine))
    _go: Go | None = None

    @property
    def go(self) -> Go:
        """Looked for once, and only when it is needed: it may have to be fetched."""
        if self._go is None:
            self._go = gobuild.usable_go(self.directory, self.report, self.environ, self.run)
        return self._go

    def is_own(self, architecture: Architecture) -> bool:
        """Executables for it run here."""
        return of_machine(self.platform) == architecture


@contextlib.contextmanager
def workshop(report: Report, environ: Mapping[str, str]) -> Iterator[Workshop]:
    """One build at a time; the lock is the kernel's, so that a killed build cannot leave it behind."""
    cache = locate.cache_dir(environ)
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (cache / "layer.lock").open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                report(f"waiting for another build that works in {cache}", None)
                time.sleep(_POLL_SECONDS)
        with tempfile.TemporaryDirectory(dir=cache, prefix="opalite-layer-") as directory:
            yield Workshop(Path(directory), report, environ)


def opa_place(architecture: Architecture, environ: Mapping[str, str]) -> Path:
    """The folder in the cache: the executable `opa`, and `licenses` as the layer has them."""
    return locate.cache_dir(environ) / "opa" / OPA_VERSION / f"linux-{architecture.name}"


def opa(shop: Workshop, architecture: Architecture) -> Path:
    """From the cache, or what `opalite opa install` made here, or the official release, or built by Go."""
    place = opa_place(architecture, shop.environ) / "opa"
    own = locate.managed(shop.environ) if shop.is_own(architecture) else None
    found = place if place.is_file() else own.path if own else None
    if found is None:
        new = _made(shop, architecture)
        new.chmod(0o755)
        _require_usable(shop, new, architecture)
        place.parent.mkdir(parents=True, exist_ok=True)
        return new.replace(place)
    _require_usable(shop, found, architecture)
    return found


def _made(shop: Workshop, architecture: Architecture) -> Path:
    try:
        return release.download(
            OPA_VERSION, shop.directory, shop.report, fetch=shop.fetch, platform=architecture.platform
        )
    except release.UnavailableError as no_release:
        shop.report(f"no release: {no_release}", None)
        return gobuild.build(
            OPA_VERSION,
            shop.directory,
            shop.report,
            shop.environ,
            shop.run,
            target=architecture.target,
            go=shop.go,
        )


def _require_usable(shop: Workshop, path: Path, architecture: Architecture) -> None:
    require_static(path, architecture)
    if not shop.is_own(architecture):
        return
    try:
        version = locate.ask_version(path)
    except EngineError as error:
        raise InstallError(f"{error}; remove it and build again") from error
    if version != OPA_VERSION:
        raise InstallError(f"{path} says it is {version}, expected was {OPA_VERSION}: remove it and build again")


def extension(shop: Workshop, architecture: Architecture) -> Path:
    """Built anew each time, which takes Go a moment. It has no dependencies, so nothing is fetched."""
    built = shop.directory / f"{EXTENSION}-{architecture.name}"
    command = [
        *(str(shop.go.command), "build", "-C", str(SOURCES), "-o", str(built)),
        *("-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "."),
    ]
    environment = gobuild.build_environment(shop.environ, shop.go.settings, shop.directory, architecture.target)
    environment |= {"GOPROXY": "off", "GOFLAGS": "-mod=readonly"}
    step = f"building the extension for {architecture.name} with {shop.go.version}"
    done = shop.run(command, environment, shop.directory, _BUILD_SECONDS, lambda: shop.report(step, None))
    if done.code or not built.is_file():
        raise InstallError(f"building the extension with {shop.go.command} failed: {watch.last_lines(done.error)}")
    require_static(built, architecture)
    return built


def opa_licences(shop: Workshop, architecture: Architecture, executable: Path) -> Mapping[str, bytes]:
    """By their names in the layer; kept in the cache once they are complete, so that they are fetched once."""
    kept = opa_place(architecture, shop.environ) / "licenses"
    if not kept.is_dir():
        found, missing = licences.of_modules(executable, shop.go, shop.directory, shop.report, shop.environ, shop.run)
        if missing:
            shop.report(
                f"the licences of {len(missing)} modules in OPA could not be had ({missing[0]} …): "
                "the layer is built without them; do not pass it on",
                None,
            )
            return found
        made = Path(tempfile.mkdtemp(dir=shop.directory)) / "licenses"
        licences.write(found, made)
        kept.parent.mkdir(parents=True, exist_ok=True)
        made.rename(kept)
    return licences.read(kept)

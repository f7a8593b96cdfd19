"""From the options of a command to an engine that is ready, with its catalog. The composition root of the command line."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opalite.catalog import Catalog
from opalite.engine import bundle as bundles
from opalite.engine import locate
from opalite.engine.server import ManagedOpa
from opalite.errors import UsageError
from opalite.model import JsonObject
from opalite.normalize import TYPES
from opalite.ports import GuardEngine

if TYPE_CHECKING:
    from opalite.remediation.action import Action

TOKEN_VARIABLE = "OPALITE_OPA_TOKEN"  # noqa: S105 - the variable's name


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """The options that choose OPA, policies and data."""

    data: Sequence[Path] = ()
    bundle: Sequence[Path] = ()
    with_shipped: bool = True
    opa: str | None = None
    opa_url: str | None = None
    token_file: Path | None = None
    ca: Path | None = None
    certificate: Path | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A running engine, and what it judges by."""

    engine: GuardEngine
    catalog: Catalog
    data: JsonObject  # parameters, exemptions, stages; empty with a remote OPA
    entries: Mapping[str, JsonObject]  # of the catalog by policy id


@contextmanager
def session(options: EngineOptions) -> Iterator[Session]:
    """An engine for the time of a `with` block. Raises UsageError or EngineError."""
    if options.opa_url:
        with _remote(options) as ready:
            yield ready
        return
    opa = locate.find(options.opa, os.environ)
    assembled = bundles.assemble(
        opa.path,
        bundles=options.bundle,
        overlays=options.data,
        with_shipped=options.with_shipped,
        typed=TYPES,
        actions=_actions() if options.data or options.bundle else None,
    )
    with tempfile.TemporaryDirectory(prefix="opalite-") as folder:
        path = Path(folder) / "bundle.tar.gz"
        assembled.write(path)
        with ManagedOpa(opa.path, path, version=opa.version, revision=assembled.revision, environ=os.environ) as engine:
            catalog = assembled.data["catalog"]
            yield Session(engine, Catalog(catalog), assembled.data, catalog["policies"])


def _actions() -> Mapping[str, Action]:
    """To check what settings say of them. Loading them takes longer than judging a few items."""
    from opalite.remediation.actions import ACTIONS  # noqa: PLC0415

    return ACTIONS


@contextmanager
def _remote(options: EngineOptions) -> Iterator[Session]:
    for given, name in ((options.data, "--data"), (options.bundle, "--bundle"), (options.opa, "--opa")):
        if given:
            raise UsageError(f"{name} cannot change an OPA that runs already: leave it out, or leave out --opa-url")
    if not options.with_shipped:
        raise UsageError("--no-shipped cannot change an OPA that runs already")
    from opalite.engine.remote import RemoteOpa  # noqa: PLC0415 - 0.3 s of imports, for this case alone

    with RemoteOpa(
        options.opa_url or "", token=_token(options.token_file), ca=options.ca, certificate=options.certificate
    ) as engine:
        catalog = engine.catalog()
        yield Session(engine, Catalog(catalog), {}, catalog["policies"])


def _token(path: Path | None) -> str | None:
    if path is None:
        return os.environ.get(TOKEN_VARIABLE) or None
    try:
        token = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"--opa-token-file {path}: cannot be read: {getattr(error, 'strerror', None) or 'not text'}"
        ) from None
    if not token or not token.isprintable():
        raise UsageError(f"--opa-token-file {path}: holds no token")
    return token

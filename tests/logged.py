"""Cases as the function has them: real decisions, and with each what was judged."""

from __future__ import annotations

import io
from functools import cache
from hashlib import sha256

import orjson

from opalite.adapters import files
from opalite.cli.run import Run
from opalite.cli.session import EngineOptions, session
from opalite.facts import corpus
from opalite.facts.given import GivenFacts, load
from opalite.judge import Judge
from opalite.model import Case, Item


class Recorder:
    """An engine that keeps what it was asked, by the digest of the input."""

    def __init__(self, engine):
        self.judged = {}
        self._engine = engine

    @property
    def opa_version(self):
        return self._engine.opa_version

    @property
    def bundle_revision(self):
        return self._engine.bundle_revision

    def ask(self, items):
        for asked in orjson.loads(items).values():
            judged = {name: asked[name] for name in ("version", "resource", "facts", "unknown", "gone")}
            self.judged[sha256(orjson.dumps(judged, option=orjson.OPT_SORT_KEYS)).hexdigest()] = judged
        return self._engine.ask(items)


def cases(engine, catalog, items, facts=None, policies=None):
    """All decisions about items, as `opalite evaluate` makes them."""
    recorder = Recorder(engine)
    judge = Judge(recorder, catalog, policies, facts or GivenFacts({}), later=corpus.KINDS)
    run = Run(judge, at=None, now="2026-11-28T00:00:00.000Z", jobs=2, report=lambda kind, line: None)
    return [Case(one, recorder.judged[one.input_digest]) for batch in run.decisions(items) for one in batch]


@cache
def sample_cases(samples):
    """What the samples say, as the function would log it; with their settings and policies."""
    with session(EngineOptions(data=[samples / "settings"], bundle=[samples / "custom"])) as ready:
        found = files.read([str(samples / "organization")], stdin=io.BytesIO())
        items = [entry for entry in found if isinstance(entry, Item)]
        return tuple(cases(ready.engine, ready.catalog, items, load(samples / "facts.yaml")))

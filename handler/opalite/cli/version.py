"""`opalite version`."""

from __future__ import annotations

import os

import click
import orjson

from opalite import __version__
from opalite.engine import locate
from opalite.errors import EngineError


@click.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def version(form: str) -> None:
    """Print the versions of opalite and of the OPA that it uses.

    \b
    Example:
      opalite version --format json
    """
    try:
        found = locate.find(None, os.environ)
        opa: str | None = found.version
    except EngineError:
        opa = None
    if form == "json":
        click.echo(orjson.dumps({"opalite": __version__, "opa": opa}))
    else:
        click.echo(f"opalite {__version__}\nopa {opa or 'not installed; run `opalite opa install`'}")

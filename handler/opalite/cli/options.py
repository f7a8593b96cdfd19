"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from opalite.cli.session import EngineOptions

F = TypeVar("F", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)

_OPTIONS = (
    click.option("--data", "data", type=PATH, multiple=True, metavar="PATH",
                 help="Parameters, exemptions, stages over the shipped ones: a folder like data/, or one YAML or JSON file."),
    click.option("--bundle", "bundle", type=PATH, multiple=True, metavar="PATH|TAR", help="Policies of your own, below `custom`."),
    click.option("--no-shipped", is_flag=True, help="Leave the shipped policies and data out."),
    click.option("--opa", metavar="PATH", help="The OPA program to use."),
    click.option("--opa-url", metavar="URL", help="Ask an OPA that runs already instead of starting one."),
    click.option("--opa-token-file", type=PATH, metavar="FILE", help="Bearer token for --opa-url (or OPALITE_OPA_TOKEN)."),
    click.option("--opa-ca", type=PATH, metavar="FILE", help="Authorities to trust for an https --opa-url."),
    click.option("--opa-cert", type=PATH, metavar="FILE", help="Client certificate and key (PEM) for an https --opa-url."),
)  # fmt: skip


def engine_options(command: F) -> F:
    """Add the options that choose OPA, policies and data."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def take_engine_options(given: dict[str, Any]) -> EngineOptions:
    """Take them out of a command's keyword arguments."""
    return EngineOptions(
        data=given.pop("data"),
        bundle=given.pop("bundle"),
        with_shipped=not given.pop("no_shipped"),
        opa=given.pop("opa"),
        opa_url=given.pop("opa_url"),
        token_file=given.pop("opa_token_file"),
        ca=given.pop("opa_ca"),
        certificate=given.pop("opa_cert"),
    )


def default_jobs() -> int:
    """One batch for each CPU, and one that waits: OPA never runs dry while the next one is read."""
    return max(2, os.cpu_count() or 2) + 1

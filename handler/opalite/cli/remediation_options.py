"""Options that the commands of `opalite remediate` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from opalite.cli.options import PATH
from opalite.cli.remediating import RECORDS, Place
from opalite.cli.remediation_output import FORMATS

F = TypeVar("F", bound=Callable[..., Any])

PLACE = (
    click.option("--records", type=PATH, default=RECORDS, show_default=True, metavar="FOLDER",
                 help="Where records of attempts are kept, one JSON file each."),
    click.option("--table", metavar="NAME", help="The DynamoDB table of the remediation function instead of --records."),
    click.option("--role-prefix", metavar="PREFIX",
                 help="Assume the role PREFIX<action> in the account of the resource, as the function does."),
    click.option("--external-id", metavar="ID", help="External id that these roles demand."),
)  # fmt: skip
FORMAT = click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)


def options_of(*options: Any) -> Callable[[F], F]:
    """Add several at once."""

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def take_place(given: dict[str, Any]) -> Place:
    """Take them out of a command's keyword arguments."""
    return Place(
        records=Path(given.pop("records")),
        table=given.pop("table"),
        role_prefix=given.pop("role_prefix"),
        external_id=given.pop("external_id"),
    )

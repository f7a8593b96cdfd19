"""Every command explains itself."""

from __future__ import annotations

import click
import pytest

from opalite.cli.commands import COMMANDS, cli

_CONTEXT = click.Context(cli, info_name="opalite")


def leaves(group: click.Group, context: click.Context) -> list[tuple[str, click.Command, click.Context]]:
    found = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        inner = click.Context(command, info_name=name, parent=context)
        found += leaves(command, inner) if isinstance(command, click.Group) else [(inner.command_path, command, inner)]
    return found


LEAVES = leaves(cli, _CONTEXT)


@pytest.mark.parametrize(("path", "command", "context"), LEAVES, ids=[entry[0] for entry in LEAVES])
def test_a_command_has_help_with_an_example_of_itself(path, command, context):
    text = command.get_help(context)
    before, word, examples = text.partition("\n  Example")
    assert word, text
    assert path in examples
    assert before.splitlines()[2].strip()


@pytest.mark.parametrize(("path", "command", "context"), LEAVES, ids=[entry[0] for entry in LEAVES])
def test_every_option_says_what_it_does_or_cannot_be_misread(path, command, context):
    """--format and --opa explain themselves by their values."""
    silent = [
        option.name
        for option in command.params
        if isinstance(option, click.Option) and not option.help and not isinstance(option.type, click.Choice)
    ]
    assert silent == []


def test_the_table_of_commands_holds_the_commands_help():
    """It stands beside the modules so that `--help` loads none of them."""
    shown = {name: line for name, (_, _, line) in COMMANDS.items()}
    assert {name: cli.get_command(_CONTEXT, name).name for name in shown} == {name: name for name in shown}
    assert all(line.endswith(".") for line in shown.values())

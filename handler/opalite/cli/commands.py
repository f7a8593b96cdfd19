"""The command tree. A table says which module holds a command, so that `--help` loads none of them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import click

from opalite import __version__

# name: (module, attribute, one line of help)
COMMANDS: Mapping[str, tuple[str, str, str]] = {
    "evaluate": ("opalite.cli.evaluate", "evaluate", "Judge configuration items and print the decisions."),
    "normalize": ("opalite.cli.normalize", "normalize", "Print the policy input that each configuration item becomes."),
    "explain": ("opalite.cli.explain", "explain", "Say why a logged decision came about, and judge the same again."),
    "report": (
        "opalite.cli.report",
        "report",
        "Count what the decision log tells: churn, time to fix, exemptions, cost.",
    ),
    "remediate": ("opalite.cli.remediate", "remediate", "Plan, apply, approve and undo remediations."),
    "redrive": ("opalite.cli.redrive", "redrive", "Send events that failed to the function again."),
    "doctor": ("opalite.cli.doctor", "doctor", "Examine a deployment, and say how to mend what is wrong."),
    "policies": ("opalite.cli.policies", "policies", "List, show and lint policies; make their catalog and pages."),
    "data": ("opalite.cli.data", "data", "Check parameters, exemptions, stages and remediation settings."),
    "opa": ("opalite.cli.opa", "opa", "Install OPA, or say which one is used."),
    "template": ("opalite.cli.template", "template", "Make the generated parts of a deployment."),
    "version": ("opalite.cli.version", "version", "Print the versions of opalite and of OPA."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 clean; 1 violations or undetermined; 2 misuse, or input that could not be read; "
    "3 OPA, AWS or the output failed. Documentation: docs/ in the repository.",
)
@click.version_option(__version__, prog_name="opalite")
def cli() -> None:
    """Judge AWS Config's configuration items by Rego policies with a real OPA.

    \b
    Examples:
      opalite evaluate snapshot.json.gz
      aws configservice get-resource-config-history ... | opalite evaluate -
      opalite evaluate items/ --data settings/ --format jsonl
    """

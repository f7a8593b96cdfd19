"""template.yaml deployed on this machine, and one open port from AWS Config's event to its end.

    python tests/emulation/deploy_local.py [--keep]

Builds what `sam build` builds, has MiniStack create the stacks, runs the functions with the true runtime client, extension and layer,
and shows what each of them gets. `--keep`: all stays there until Ctrl-C, for your own calls. Exit codes: 0; 1 when something is not
as it should be. What the emulators cannot do stands in docs/decisions/0022-deployed-locally.md.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]
os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")  # the SAM transform asks for it
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # reading them takes seconds

from emulation.aws import LocalAws  # noqa: E402
from emulation.deployment.emulator import PYTHON  # noqa: E402
from emulation.deployment.running import Deployment, deployed  # noqa: E402
from emulation.deployment.stacks import UNKNOWN  # noqa: E402
from emulation.deployment.story import AUTO, MAIN, MEMBER, SETTINGS, Story  # noqa: E402
from emulation.lambda_results import Result  # noqa: E402


@click.command(help=__doc__)
@click.option("--keep", is_flag=True, help="Stay until Ctrl-C.")
def main(*, keep: bool) -> None:
    if not PYTHON.is_file():
        raise click.ClickException("there is no MiniStack: `make ministack` installs it below build/")
    with tempfile.TemporaryDirectory(prefix="opalite-") as name:
        settings = Path(name, "settings.json")
        settings.write_text(json.dumps(SETTINGS))
        click.echo("building packages and layer …")
        with (
            LocalAws() as aws,
            deployed(aws, Path(name), MAIN, MEMBER, layer_options=f"--data {settings}") as running,
        ):
            show(running)
            well = tell(Story(running))
            if keep:
                stay(running)
    sys.exit(0 if well else 1)


def show(running: Deployment) -> None:
    click.echo(f"stack opalite in {running.home}: {len(running.main.resources)} resources")
    for name, kind in running.main.left_out.items():
        click.echo(f"  not made: {name} ({kind})")
    for kind, who in UNKNOWN.items():
        click.echo(f"  left to {who}: {kind}")
    for account, member in running.members.items():
        click.echo(f"stack opalite-member in {account}: {', '.join(sorted(member.resources.values()))}")
    click.echo(f"{len(running.rules)} Config rules, functions {', '.join(sorted(running.functions))}")


def tell(story: Story) -> bool:
    """Whether all went well."""
    group = story.open_group(AUTO)
    click.echo(f"\nAWS Config of {AUTO} records {group}: port 22 is open to {', '.join(story.ranges(AUTO, group))}")
    judged = story.changed(AUTO, group)
    if failed(judged):
        return False
    click.echo(f"  AWS Config holds {story.result(AUTO, group)}")
    click.echo(f"  Security Hub shows {story.finding(AUTO, group)['Compliance']['Status']}")
    click.echo(f"  the decision log has {', '.join(story.decisions(group))}")
    click.echo(f"  the topic tells of {', '.join(word for one in story.messages(group) for word in one['change'])}")
    click.echo("\nSecurity Hub tells of the finding: EventBridge, queue, remediation function")
    mended = story.told(AUTO, group)
    if failed(mended):
        return False
    click.echo(f"  the group is open to {', '.join(story.ranges(AUTO, group))}")
    click.echo(f"  the records have {', '.join(story.records(group))}")
    click.echo(f"  Security Hub shows {story.finding(AUTO, group).get('Workflow', {}).get('Status')}")
    for role, action, resource in sorted(set(story.deployment.permitted.refused), key=str):
        click.echo(f"  refused: {action} on {resource} to {role}")
    return not story.deployment.permitted.refused and story.ranges(AUTO, group) == ["192.0.2.0/24"]


def failed(results: list[Result]) -> bool:
    """Whether anything of it failed, or nothing was heard of the function."""
    for one in results:
        if one.error:
            click.echo(f"  the function failed: {one.error}: {one.payload}")
    return not results or any(one.error for one in results)


def stay(running: Deployment) -> None:
    click.echo(f"\nWhat the stack has made (account {running.home}) is at the first, all else at the second endpoint:")
    click.echo(f"  AWS_ACCESS_KEY_ID={running.home} AWS_SECRET_ACCESS_KEY=x AWS_ENDPOINT_URL={running.ministack.url}")
    keys = running.aws.credentials.long_lived(AUTO)
    told = " ".join(f"{name.upper()}={value}" for name, value in keys.items())
    click.echo(f"  {told} AWS_ENDPOINT_URL={running.front.url}")
    try:
        click.pause("Ctrl-C or any key ends it.")
    except KeyboardInterrupt:
        click.echo()


if __name__ == "__main__":
    main()

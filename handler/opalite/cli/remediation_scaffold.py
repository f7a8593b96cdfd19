"""`opalite remediate new`: the files of a new action. They do nothing yet, and their tests say so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from string import Template

from opalite.errors import UsageError

_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+")
_TYPE = re.compile(r"[A-Za-z0-9]+::[A-Za-z0-9]+::[A-Za-z0-9]+")
_SERVICE = re.compile(r"[a-z][a-z0-9-]*")
_LONGEST_NAME = 47  # the role opalite-remediate-<name> has 64 characters at most

_MODULE = Template('''\
"""$name: what it does to a $type, in one line."""

from __future__ import annotations

from opalite.remediation.action import Action, Ask, Found, Permission
from opalite.remediation.items import described, item
from opalite.remediation.model import Mode, Plan, State, Target


def read(ask: Ask, target: Target) -> State:
    """The resource as AWS tells it now. Raises Absent if it is gone."""
    answer = ask("$service").ask("Describe…", Id=target.resource_id)
    return State(item(target, configuration=described(answer)), details={})


def plan(found: Found) -> Plan:
    """The steps that are missing; or a refusal, whenever anything is unsure."""
    return Plan(action=ACTION.name, refusal=f"nothing is planned yet for {found.target.resource_id}")


ACTION = Action(
    name="$name",
    title="…",
    resource_types=("$type",),
    read=read,
    plan=plan,
    most=Mode.PLAN,
    permissions=(Permission(("$service:Describe…",), reason="…"),),
)
''')
_TEST = Template('''\
"""The plan of $name."""

from __future__ import annotations

from opalite.remediation.actions.$name import ACTION


def test_nothing_is_changed_before_there_is_a_plan():
    assert ACTION.most == "plan"
''')
_PAGE = Template("""\
# $name

For `$type`.

## What it does

## What it never does

## Parameters

## How it is undone

## Permissions
""")


def written(root: Path, name: str, resource_type: str, service: str) -> Iterator[str]:
    """Writes the files, and says what is left to do by hand. Raises UsageError; nothing that is there is written over."""
    _check(name, resource_type, service)
    if not (root / "handler/opalite/remediation/actions").is_dir():
        raise UsageError(f"{root}: is no checkout of Opalite: name one by --into")
    files = {
        root / f"handler/opalite/remediation/actions/{name}.py": _MODULE,
        root / f"tests/unit/remediation/actions/test_{name}.py": _TEST,
        root / f"docs/remediation/{name}.md": _PAGE,
    }
    for path in files:
        if path.exists():
            raise UsageError(f"{path}: is there already")
    for path, template in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(template.substitute(name=name, type=resource_type, service=service))
        yield f"wrote {path}"
    yield f"now add its line to ACTIONS in handler/opalite/remediation/actions/__init__.py: {name}.ACTION,"
    yield f"and name it in the METADATA of its policies: custom.remediation.action: {name}; then `make catalog docs template`"
    yield "docs/remediation.md says what a plan must hold to, and which tests every action has"


def _check(name: str, resource_type: str, service: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise UsageError(
            f"{name!r} is no name of an action: write two words or more with underscores, as encrypt_topic"
        )
    if not _TYPE.fullmatch(resource_type):
        raise UsageError(f"--type: {resource_type!r} is no resource type such as AWS::SNS::Topic")
    if not _SERVICE.fullmatch(service):
        raise UsageError(f"--service: {service!r} is no name of a service as boto3 writes it, such as sns")

"""The page of a policy is made of its METADATA, its notes and its examples, and of nothing else."""

from __future__ import annotations

import pytest

from opalite import settings_data
from opalite.adapters import documents
from opalite.policy_page.page import Source, faults, page

ID = "custom.ec2.volume.size"
MEMBERS = {"image": ("state", "name"), "kms_key": ("manager",)}
ENTRY = {
    "title": "Volumes are of a size",
    "description": "Small ones\nare cheap.",
    "severity": "LOW",
    "version": "1.2.0",
    "resource_types": ["AWS::EC2::Volume"],
    "related_resources": [],
    "requires": [],
}
PARAMETERS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "most": {"description": "GiB at most", "type": "integer", "minimum": 1, "default": 100},
        "kinds": {"description": "Kinds | of volumes", "type": "array", "items": {"enum": ["gp3", "off"]}, "default": ["gp3", "off"]},
    },
}  # fmt: skip


def made(notes="", examples=(), **more) -> str:
    return page(Source(ID, {**ENTRY, **more}, notes, examples), MEMBERS)


def test_the_least_page():
    assert made() == (
        "# Volumes are of a size\n\n`custom.ec2.volume.size` · LOW · AWS::EC2::Volume · version 1.2.0\n\n"
        "Small ones are cheap.\n"
    )


def test_a_page_with_everything():
    text = made(
        "Judged is the size.\n\n- a trap\n",
        [("fail_too_big.json", "../x/fail_too_big.json"), ("pass-small-one.json", ""), ("other.json", "")],
        resource_types=["*"],
        tags=["cost", "images"],
        facts=["image", "kms_key"],
        schedule=True,
        aliases=["custom.ec2.volume.big"],
        deprecated=True,
        idle_without=["most", "kinds"],
        parameters=PARAMETERS,
        remediation={"summary": "Make it smaller.", "action": "shrink"},
        frameworks={"nist_800_53_r5": ["CM-2"], "fsbp": ["EC2.1", "EC2.2"]},
        related_resources=[{"ref": "https://example.org/a", "description": "Sizes"}, {"ref": "https://example.org/b"}],
    )
    assert text == (
        """# Volumes are of a size

`custom.ec2.volume.size` · LOW · every type · tags `cost`, `images` · facts `image`, `kms_key` · also judged anew on a schedule · version 1.2.0

Formerly `custom.ec2.volume.big`.

**Retired:** it stays for those who still use it.

It judges nothing until `most` or `kinds` is set.

Small ones are cheap.

Judged is the size.

- a trap

## Parameters

| key | type | default | meaning |
|---|---|---|---|
| `most` | integer, at least 1 | `100` | GiB at most |
| `kinds` | list of `gp3`, `off` | `[gp3, 'off']` | Kinds \\| of volumes |

## Settings

These are the defaults, in the form that `--data` takes. Change what you need, and leave the rest out:

```yaml
parameters:
  custom.ec2.volume.size:
    default:
      most: 100
      kinds: [gp3, 'off']
```

## Facts

The verdict may hang on what the item does not tell. A file (`--facts FILE`, with `kind: {key: {member: value}}`) or AWS itself """
        """(`--live`) can tell it; a member that is left out is not known. Where nobody knows what it takes, the resource is """
        """undetermined, never passed.

| fact | key | members |
|---|---|---|
| `image` | image id | `state`, `name` |
| `kms_key` | key id, key ARN, alias or alias ARN | `manager` |

## Remediation

Make it smaller.

## Frameworks

| framework | key | requirements |
|---|---|---|
| AWS Foundational Security Best Practices | `fsbp` | EC2.1, EC2.2 |
| NIST SP 800-53 Rev. 5 | `nist_800_53_r5` | CM-2 |

## Related resources

- [Sizes](https://example.org/a)
- [https://example.org/b](https://example.org/b)

## Example items

| outcome | item |
|---|---|
| pass | small one |
| fail | [too big](../x/fail_too_big.json) |
"""
    )


def test_the_settings_of_a_page_are_settings():
    fence = made(parameters=PARAMETERS).partition("```yaml\n")[2].partition("```")[0]
    document = documents.parse(fence.encode(), "page.yaml")
    assert document == {"parameters": {ID: {"default": {"most": 100, "kinds": ["gp3", "off"]}}}}
    assert list(settings_data.faults(document, {"policies": {ID: {"parameters": PARAMETERS}}})) == []


@pytest.mark.parametrize(
    ("notes", "shown"),
    [
        (f"```yaml\nparameters:\n  {ID}: {{}}\n```\n", False),
        ("```yaml\n  default: {most: 7}\n```\n", False),
        ("```yaml\nimage: {}\n```\n", True),
        ("```json\n{}\n```\n", True),
        ("parameters: default:\n", True),
    ],
)
def test_settings_are_shown_unless_the_notes_show_them(notes, shown):
    assert ("\n## Settings\n" in made(notes, parameters=PARAMETERS)) is shown


def test_one_tag_is_no_tags():
    assert " · AWS::EC2::Volume · tag `cost` · version 1.2.0\n" in made(tags=["cost"])


def test_a_kind_of_fact_that_nobody_described_is_named():
    assert made(facts=["new"]).endswith("\n| `new` | | |\n")


def test_parameters_without_defaults_have_no_settings():
    text = made(parameters={"type": "object", "properties": {"most": {"type": "integer"}}})
    assert text.endswith("| `most` | integer | | |\n")


def test_notes_must_leave_title_and_generated_sections_to_the_page():
    notes = "# Title\n\n## Traps\n\n```sh\n# a comment\n## Facts\n```\n\n## Facts\n### Facts\n"
    assert list(faults(notes)) == [
        "line 1: a title; the page has that of the METADATA",
        "line 10: the section 'Facts' is generated; give yours another name",
    ]
    assert list(faults("")) == []

"""The overview leads to each policy by its types, its severity, its tags and the frameworks that ask for it."""

from __future__ import annotations

import pytest

from opalite.policy_page.frameworks import full_name
from opalite.policy_page.overview import overview
from opalite.policy_page.tags import meaning


def entry(severity, types, title, **more):
    return {"severity": severity, "resource_types": types, "title": title, **more}


def test_the_overview():
    entries = {
        "custom.b.b.two": entry(
            "LOW", ["AWS::B::B", "AWS::A::A"], "Two", frameworks={"fsbp": ["B.10", "B.2"]}, tags=["cost", "own"]
        ),
        "custom.a.a.one": entry("HIGH", ["AWS::A::A"], "One", frameworks={"fsbp": ["B.2"], "own": ["x"]}, tags=["own"]),
        "custom.c.c.three": entry("LOW", ["*"], "Three", deprecated=True),
    }
    assert overview(entries) == (
        """# Policies

3 policies, by resource type, by severity, by tag and by framework. Each has a page.

Look up the policy that your decision names. `fail`: its page says when that is, and under Remediation what to do. `undetermined`: nobody has told what the verdict hangs on; see Facts, and ask whoever runs Opalite. `exempt`: it fails, and is excused until the time that the decision names.

## By resource type

| type | policy | severity | good state |
|---|---|---|---|
| every type | [`custom.c.c.three`](custom.c.c.three.md) | LOW | Three (retired) |
| AWS::A::A | [`custom.a.a.one`](custom.a.a.one.md) | HIGH | One |
| | [`custom.b.b.two`](custom.b.b.two.md) | LOW | Two |
| AWS::B::B | [`custom.b.b.two`](custom.b.b.two.md) | LOW | Two |

## By severity

| severity | policies | which |
|---|---|---|
| HIGH | 1 | [`custom.a.a.one`](custom.a.a.one.md) |
| LOW | 2 | [`custom.b.b.two`](custom.b.b.two.md), [`custom.c.c.three`](custom.c.c.three.md) |

## By tag

A catalog tag chooses policies without naming each: `opalite evaluate --tag TAG`. Later versions may add policies to a tag.

| tag | stands for | policies |
|---|---|---|
| `cost` | nobody pays for what nobody uses, and it is known who pays | [`custom.b.b.two`](custom.b.b.two.md) |
| `own` | | [`custom.a.a.one`](custom.a.a.one.md), [`custom.b.b.two`](custom.b.b.two.md) |

## By framework

### AWS Foundational Security Best Practices

| requirement | policies |
|---|---|
| B.2 | [`custom.a.a.one`](custom.a.a.one.md), [`custom.b.b.two`](custom.b.b.two.md) |
| B.10 | [`custom.b.b.two`](custom.b.b.two.md) |

### own

| requirement | policies |
|---|---|
| x | [`custom.a.a.one`](custom.a.a.one.md) |
"""
    )


def test_an_overview_without_tags_and_frameworks_ends_before_them():
    text = overview({"custom.a.a.one": entry("HIGH", ["AWS::A::A"], "One")})
    assert text.startswith("# Policies\n\n1 policy, by ")
    assert text.endswith("| HIGH | 1 | [`custom.a.a.one`](custom.a.a.one.md) |\n")


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("fsbp", "AWS Foundational Security Best Practices"),
        ("cis_aws_foundations", "CIS AWS Foundations Benchmark"),
        ("cis_aws_foundations_3_0_0", "CIS AWS Foundations Benchmark 3.0.0"),
        ("cis_aws_foundations_v1_4", "CIS AWS Foundations Benchmark 1.4"),
        ("nist_800_53_r5", "NIST SP 800-53 Rev. 5"),
        ("nist_800_53", "NIST SP 800-53"),
        ("pci_dss_4_0_1", "PCI DSS 4.0.1"),
        ("our_own_3", "our_own_3"),
        ("ours", "ours"),
    ],
)
def test_frameworks_by_their_full_names(key, name):
    assert full_name(key) == name


def test_only_tags_of_shipped_policies_have_a_meaning():
    assert (meaning("network"), meaning("ours")) == ("what may come in over the network", "")

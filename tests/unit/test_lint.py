"""Each trap is clean under `opa check --strict`, and found here. Parsed by a real OPA."""

from __future__ import annotations

import pytest

from opalite import lint
from opalite.engine import tools

HEAD = "package custom.a.b.c\n\n"


def told(opa, tmp_path, text: str, declared=None) -> list[tuple[int, str]]:
    path = tmp_path / "policy.rego"
    path.write_text(HEAD + text)
    return list(lint.faults(tools.parse(opa.path, path), declared))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("violations contains 1 if not is_string(input.tags.Owner)", "`not is_string(…input.tags.Owner…)` is undefined when"),
        ("violations contains 1 if not _text(input.tags.Owner)\n_text(x) if is_string(x)", "input.tags.Owner is missing"),
        ("x if not input.resource.tags.a in {1}", "input.resource.tags.a is missing"),
        ("x if {\n\tsome rule in input.resource.configuration.ingress\n\tnot _closed(rule.ipv4)\n}\n_closed(_) := true", "rule.ipv4 is missing"),
        ('x if {\n\tc := input.resource.configuration\n\tnot startswith(c.name, "a")\n}', "c.name is missing"),
        ('x := {y | some y in [1]; not startswith(input.a.b, "a")}', "input.a.b is missing"),
        ('x if every y in [1] {\n\tnot startswith(input.a.b, "a")\n\ty\n}', "input.a.b is missing"),
        ("x if input.age_days <= 90", "`is_number(input.age_days)` in the same body"),
        ("x if 90 > input.resource.configuration.age", "input.resource.configuration.age is compared and may be null"),
        ("x if {\n\tsome rule in input.resource.configuration.ingress\n\trule.from_port <= 22\n}", "rule.from_port is compared"),
        ("x := http.send({}) ", "http.send is impure"),
        ("x := time.now_ns()", "time.now_ns is impure"),
        ('x if rand.intn("a", 2) == 1', "rand.intn is impure"),
        ("compliant if input.resource.configuration.kmsKeyId", "holds for any value of input.resource.configuration.kmsKeyId, null"),
        ('compliant if every x in object.get(input.resource, "x", []) {\n\tx\n}', "`every` over an empty default proves nothing"),
        ("default compliant := true", "`default compliant` passes what nothing proved"),
    ],
)  # fmt: skip
def test_a_trap_is_found(opa, tmp_path, text, says):
    found = told(opa, tmp_path, text)
    assert len(found) == 1
    row, message = found[0]
    assert says in message
    assert row >= 3


@pytest.mark.parametrize(
    "text",
    [
        "x if not _named\n_named if is_string(input.tags.Owner)",
        "x if not input.resource.tags.Owner",
        "x if {\n\tis_number(input.age_days)\n\tinput.age_days <= 90\n}",
        "x if {\n\tprotocol := input.resource.configuration.protocol\n\tnot protocol in {1}\n}",
        'x if not startswith(input.resource.id, "sg-")',
        "compliant if input.resource.configuration.encrypted == true",
        "compliant if _good\n_good if is_string(input.resource.configuration.kmsKeyId)",
        "x if {\n\tsome port in [22]\n\tport <= 90\n}",
    ],
)  # fmt: skip
def test_the_right_ways_are_clean(opa, tmp_path, text):
    assert told(opa, tmp_path, text) == []


PARAMETERS = 'import data.opalite.parameters\nx := parameters.value("{}", "{}", input.resource)'


def test_a_parameter_that_is_not_declared_is_found(opa, tmp_path):
    [(row, message)] = told(opa, tmp_path, PARAMETERS.format("custom.a.b.c", "levle"), {"level": {}})
    assert (row, message) == (4, "parameter levle is not declared in custom.parameters of the METADATA")


def test_parameters_of_another_policy_are_found(opa, tmp_path):
    [(_, message)] = told(opa, tmp_path, PARAMETERS.format("custom.x.y.z", "level"), {"level": {}})
    assert message == "parameters of custom.x.y.z are read; a policy reads its own (custom.a.b.c)"


def test_declared_parameters_are_clean(opa, tmp_path):
    assert told(opa, tmp_path, PARAMETERS.format("custom.a.b.c", "level"), {"level": {}}) == []


def test_a_misspelt_parameter_among_all_is_found(opa, tmp_path):
    path = tmp_path / "policy.rego"
    path.write_text(
        HEAD
        + 'import data.opalite.parameters\n_p := parameters.of("custom.a.b.c", input.resource)\nx := _p.levle\ny := _p.level'
    )
    module = tools.parse(opa.path, path)
    holders = lint.parameter_rules([module])
    assert holders == {"_p"}
    assert list(lint.faults(module, {"level": {}}, holders)) == [
        (5, "parameter levle is not declared in custom.parameters of the METADATA")
    ]


def test_missing_exports_are_told_over_all_files_of_a_package(opa, tmp_path):
    one, two = tmp_path / "one.rego", tmp_path / "two.rego"
    one.write_text(HEAD + "violations contains 1 if false")
    two.write_text(HEAD + "compliant if true")
    modules = [tools.parse(opa.path, path) for path in (one, two)]
    assert lint.missing_exports(modules) == []
    assert lint.missing_exports(modules[:1]) == ["compliant"]

"""Settings are refused when they are not exactly of the agreed shape: a mistake here would be a silent fail-open."""

from __future__ import annotations

import pytest

from opalite.settings_data import faults, overlay, unused

ID = "aws.a.b.c"
CATALOG = {
    "policies": {
        ID: {
            "parameters": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "level": {"enum": ["any", "kms"]},
                    "ports": {"type": "array", "items": {"type": "integer"}},
                },
            }
        },
        "custom.a.b.d": {},
    }
}
EXEMPTION = {
    "scope": {"accounts": ["111111111111"], "resources": ["sg-*"]},
    "owner": "platform",
    "ticket": "SEC-1",
    "reason": "bastion",
    "expires": "2027-01-01T00:00:00Z",
}


def told(document) -> list[str]:
    return list(faults(document, CATALOG))


def test_settings_of_the_agreed_shape_have_no_faults():
    assert (
        told(
            {
                "parameters": {
                    ID: {
                        "default": {"level": "kms"},
                        "overrides": [{"accounts": ["111111111111"], "regions": ["eu-west-1"], "set": {"ports": [22]}}],
                    }
                },
                "exemptions": {ID: {"EX-1": EXEMPTION}},
                "stages": {
                    "*": {"default": {"undetermined": "nothing"}},
                    ID: {"default": {"stage": "audit", "severity": "LOW"}},
                },
            }
        )
        == []
    )
    assert told({}) == []
    assert told({"parameters": None, "exemptions": {}, "stages": {}}) == []


def with_exemption(**changes) -> dict:
    return {
        "exemptions": {
            ID: {"EX-1": {key: value for key, value in {**EXEMPTION, **changes}.items() if value is not ...}}
        }
    }


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "must be an object"),
        ({"parameter": {}}, "parameter: not a kind of setting"),
        ({"parameters": []}, "parameters: must be an object"),
        ({"parameters": {"aws.a.b.x": {}}}, "parameters.aws.a.b.x: there is no such policy"),
        ({"parameters": {"*": {}}}, "parameters.*: there is no such policy"),
        ({"parameters": {ID: []}}, f"parameters.{ID}: must be an object"),
        ({"parameters": {ID: {"level": "any"}}}, f"parameters.{ID}.level: unknown; values belong below `default`"),
        ({"parameters": {ID: {"default": {"level": "all"}}}}, f"parameters.{ID}.default.level: 'all' is not one of"),
        (
            {"parameters": {ID: {"default": {"ports": [22, "x"]}}}},
            f"parameters.{ID}.default.ports[1]: 'x' is not of type",
        ),
        ({"parameters": {ID: {"default": {"levle": "any"}}}}, "Additional properties are not allowed ('levle'"),
        ({"parameters": {ID: {"default": 7}}}, f"parameters.{ID}.default: must be an object"),
        ({"parameters": {"custom.a.b.d": {"default": {"x": 1}}}}, "Additional properties are not allowed ('x'"),
        ({"parameters": {ID: {"overrides": {}}}}, "overrides: must be a list"),
        ({"parameters": {ID: {"overrides": [{"set": {}}]}}}, "overrides[0]: names no accounts"),
        (
            {"parameters": {ID: {"overrides": [{"accounts": ["1"], "set": {}}]}}},
            "'1' is not an account id of 12 digits",
        ),
        ({"parameters": {ID: {"overrides": [{"accounts": [111111111111], "set": {}}]}}}, "must be a list of texts"),
        ({"parameters": {ID: {"overrides": [{"region": ["x"], "set": {}}]}}}, "overrides[0].region: unknown"),
        ({"parameters": {ID: {"overrides": [{"regions": ["x"]}]}}}, "overrides[0].set: must be an object"),
        ({"stages": {ID: {"default": {"stage": "on"}}}}, "'on' is not one of off, audit, enforce"),
        ({"stages": {ID: {"default": {"stage": False}}}}, 'in YAML write "off" with quotes'),
        ({"stages": {ID: {"default": {"colour": "red"}}}}, "default.colour: unknown"),
        ({"stages": {ID: {"default": {"undetermined": "COMPLIANT"}}}}, "'COMPLIANT' is not one of"),
        (with_exemption(expires=...), "EX-1.expires: is missing"),
        (with_exemption(expires="2027-01-01"), "EX-1.expires: '2027-01-01' is not a time"),
        (with_exemption(expires="2027-01-01T00:00Z"), "EX-1.expires: '2027-01-01T00:00Z' is not a time"),
        (with_exemption(expires="2027-13-01T00:00:00Z"), "EX-1.expires: '2027-13-01T00:00:00Z' is not a time"),
        (with_exemption(expires="never"), "EX-1.expires: 'never' is not a time"),
        (with_exemption(ticket=7), "EX-1.ticket: is missing"),
        (with_exemption(reason=" "), "EX-1.reason: is missing"),
        (with_exemption(note="x"), "EX-1.note: unknown"),
        (with_exemption(scope={}), "EX-1.scope: must name"),
        (with_exemption(scope={"vpcs": ["x"]}), "EX-1.scope.vpcs: unknown"),
        (with_exemption(scope={"resources": "sg-1"}), "EX-1.scope.resources: must be a list of texts"),
        (with_exemption(scope={"resources": []}), "EX-1.scope.resources: must be a list of texts"),
        (with_exemption(scope={"tags": {"a": "b"}}), "whoever may tag a resource could exempt it"),
        (with_exemption(scope={"accounts": ["111111111111"], "tags": {"a": 1}}), "tags: must be an object of texts"),
        ({"exemptions": {ID: {"EX-1": []}}}, "EX-1: must be an object"),
    ],
)
def test_everything_else_is_told_with_its_place(document, says):
    found = told(document)
    assert len(found) >= 1
    assert says in found[0]


def test_an_overlay_changes_values_key_by_key_and_overrides_whole():
    base = {
        "parameters": {ID: {"default": {"level": "any", "ports": [22]}, "overrides": [{"regions": ["a"], "set": {}}]}},
        "exemptions": {ID: {"EX-1": EXEMPTION}},
        "remediation": {"*": {"default": {"mode": "plan"}}, ID: {"default": {"mode": "plan", "limits": {}}}},
    }
    over = {
        "parameters": {ID: {"default": {"level": "kms"}, "overrides": []}, "custom.a.b.d": {"default": {}}},
        "exemptions": {ID: {"EX-2": EXEMPTION}},
        "stages": {ID: {"default": {"stage": "audit"}}},
        "remediation": {ID: {"default": {"mode": "auto"}}},
    }
    assert overlay(base, over) == {
        "parameters": {
            ID: {"default": {"level": "kms", "ports": [22]}, "overrides": []},
            "custom.a.b.d": {"default": {}},
        },
        "exemptions": {ID: {"EX-1": EXEMPTION, "EX-2": EXEMPTION}},
        "stages": {ID: {"default": {"stage": "audit"}}},
        "remediation": {"*": {"default": {"mode": "plan"}}, ID: {"default": {"mode": "auto", "limits": {}}}},
    }


def test_an_overlay_leaves_what_it_does_not_name():
    base = {"parameters": {ID: {"default": {"ports": [22]}, "overrides": [{"regions": ["a"], "set": {}}]}}}
    assert overlay(base, {"parameters": {ID: {"default": {}}}})["parameters"] == base["parameters"]


def test_unused_exemptions():
    assert unused({ID: {"EX-1": {}, "EX-2": {}}}, [(ID, "EX-2")]) == [(ID, "EX-1")]

"""Whether the attached layer is Opalite's: what its name tells, and what the zip that it was made of."""

from __future__ import annotations

import pytest

from opalite.doctor.diagnosis import Reply, State
from opalite.doctor.layer import FOREIGN, Seen, diagnoses
from unit.doctor.cloud import CATALOG, FUNCTION, LAYER, LAYER_FILE, REGION, Cloud, found

OTEL = f"arn:aws:lambda:{REGION}:901920570463:layer:aws-otel-python-arm64-ver-1-25-0:1"
CHECKS = ("function_layer", "function_architecture")


def _told(cloud, **more):
    return [one for one in found(cloud, **more) if one.check in CHECKS]


def _attached(arn, **version):
    cloud = Cloud()
    cloud.change("lambda:GetFunctionConfiguration", Layers=[{"Arn": arn}])
    cloud.change("lambda:GetLayerVersionByArn", **version)
    return cloud


@pytest.mark.parametrize("name", ["opalite", "opalite-arm64", "our-Opalite"])
def test_a_layer_of_our_name_is_taken_for_ours(name):
    arn = LAYER.replace("layer:opalite", f"layer:{name}")
    assert [one.state for one in _told(_attached(arn), layer=None)] == [State.WELL, State.WELL]


@pytest.mark.parametrize(
    ("name", "state"),
    [("guard-arm64", "well"), ("guard-x86-64", "well"), ("guard", "well"), ("guard-extras", "notice")],
)
def test_a_layer_is_called_after_the_function_by_the_template(name, state):
    function = FUNCTION.replace("opalite", "guard")
    configuration = {"FunctionArn": function, "Layers": [{"Arn": LAYER.replace("layer:opalite", f"layer:{name}")}]}
    one, _ = diagnoses(Seen(function, configuration, [Reply({"Content": {}})]))
    assert str(one.state) == state


def test_a_single_layer_of_another_name_is_not_taken_for_ours():
    one, architecture = _told(_attached(OTEL), layer=None)
    assert (one.state, architecture.state) == (State.NOTICE, State.WELL)
    assert one.message == (
        "the only layer is called aws-otel-python-arm64-ver-1-25-0: whether it is Opalite's, that does not say"
    )
    assert "--layer" in one.remedy


def test_the_zip_tells_of_a_layer_of_another_name_whose_it_is():
    same, other = _attached(OTEL), _attached(OTEL, Content={"CodeSha256": "another", "Location": "https://layers"})
    assert [one.state for one in _told(same)] == [State.WELL, State.WELL]
    assert [one.state for one in _told(other, fetch=lambda _: LAYER_FILE)] == [State.WELL, State.WELL]
    one, architecture = _told(other, fetch=lambda _: FOREIGN)
    assert (one.state, one.message) == (
        State.WRONG,
        "the attached layer, aws-otel-python-arm64-ver-1-25-0, is no layer of Opalite",
    )
    assert one.command.startswith("aws lambda update-function-configuration")
    assert architecture.state is State.SKIPPED


@pytest.mark.parametrize("layer", [None, LAYER_FILE])
def test_a_version_that_is_deleted_is_said_to_be(layer):
    cloud = Cloud()
    cloud.absent("lambda:GetLayerVersionByArn")
    told = _told(cloud, layer=layer)
    assert [one.state for one in told] == [State.UNKNOWN, State.UNKNOWN]
    assert {(one.message, one.remedy) for one in told} == {
        (
            "Lambda does not find layer version opalite:7: it is deleted, and stays with the functions that have it",
            "publish the layer and attach its new version",
        )
    }


def test_the_architecture_is_that_of_what_is_attached():
    """The named file may be that of the other architecture, of the same revision."""
    cloud = _attached(
        LAYER, Content={"CodeSha256": "another", "Location": "https://layers"}, CompatibleArchitectures=[]
    )
    meant = LAYER_FILE.__class__("x", LAYER_FILE.revision, LAYER_FILE.opa_version, CATALOG, "x86_64")
    assert [one.state for one in _told(cloud, layer=meant, fetch=lambda _: LAYER_FILE)] == [State.WELL, State.WELL]

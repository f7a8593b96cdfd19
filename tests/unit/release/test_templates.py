from __future__ import annotations

import pytest
import yaml
from layer.architecture import ARM64, X86_64
from shipment import templates

from opalite.errors import UsageError

BOTH = pytest.mark.parametrize("architecture", [ARM64, X86_64], ids=lambda each: each.name)


class Loader(yaml.SafeLoader):
    """Short forms are what they hold."""


Loader.add_multi_constructor(
    "!",
    lambda loader, _suffix, node: (
        loader.construct_scalar(node)
        if isinstance(node, yaml.ScalarNode)
        else loader.construct_sequence(node, deep=True)
        if isinstance(node, yaml.SequenceNode)
        else loader.construct_mapping(node, deep=True)
    ),
)


def read(text):
    return yaml.load(text, Loader)  # noqa: S506 - a safe loader


@pytest.fixture(scope="module")
def source(repository):
    return (repository / "template.yaml").read_text()


def without_places(document):
    """What a release changes, left out."""
    document["Globals"]["Function"].pop("CodeUri", None)
    for name in ("AllowedValues", "Default"):
        del document["Parameters"]["Architecture"][name]
    for resource in document["Resources"].values():
        for name in ("CodeUri", "ContentUri"):
            resource["Properties"].pop(name, None)
        resource.pop("Metadata", None) if "BuildMethod" in resource.get("Metadata", {}) else None
    return document


@BOTH
def test_a_packaged_template_is_the_same_but_for_where_code_lies(source, architecture):
    made = templates.packaged(source, architecture, "0.1.0")
    assert without_places(read(made)) == without_places(read(source))


@BOTH
def test_functions_and_layers_are_the_zip_files_of_their_architecture(source, architecture):
    document = read(templates.packaged(source, architecture, "0.1.0"))
    code = {
        one["Properties"]["CodeUri"]
        for one in document["Resources"].values()
        if one["Type"] == "AWS::Serverless::Function"
    }
    layers = {
        name: one["Properties"]["ContentUri"]
        for name, one in document["Resources"].items()
        if one["Type"] == "AWS::Serverless::LayerVersion"
    }
    assert code == {f"opalite-function-{architecture.name}.zip"}
    assert layers == {
        "OpaLayerArm64": "opalite-layer-arm64.zip",
        "OpaLayerX86": "opalite-layer-x86_64.zip",
    }


@BOTH
def test_the_code_of_one_architecture_cannot_be_deployed_for_the_other(source, architecture):
    parameter = read(templates.packaged(source, architecture, "0.1.0"))["Parameters"]["Architecture"]
    assert (parameter["AllowedValues"], parameter["Default"]) == ([architecture.name], architecture.name)


@BOTH
def test_nothing_is_left_to_be_built(source, architecture):
    assert "BuildMethod" not in templates.packaged(source, architecture, "0.1.0")


@pytest.mark.parametrize(
    "line",
    ["    CodeUri: handler/\n", "      ContentUri: extension/\n", "      Handler: opalite.", "    Default: arm64\n"],
)
def test_a_template_in_which_something_is_not_found_ends_the_release(source, line):
    assert line in source
    with pytest.raises(UsageError, match=r"^template\.yaml: .* times, not \d: see shipment\.templates$"):
        templates.packaged(source.replace(line, "", 1), ARM64, "0.1.0")


def test_a_file_that_a_template_names_and_that_is_not_there_is_told(tmp_path):
    (tmp_path / "template.yaml").write_text("Resources:\n  A:\n    TemplateURL: deploy/rules.yaml\n")
    with pytest.raises(UsageError, match=r"^template\.yaml names deploy/rules\.yaml, which is not in the release"):
        templates.require_files(tmp_path)
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "rules.yaml").write_text("Resources:\n  A:\n    TemplateURL: !Ref Elsewhere\n")
    templates.require_files(tmp_path)

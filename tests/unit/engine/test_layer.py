"""What the layer says of itself is whole, or nothing starts."""

from __future__ import annotations

import orjson
import pytest

from opalite.engine.layer import Layer, read
from opalite.errors import UsageError

WHOLE = {
    "format": 1,
    "opa_version": "1.22.2",
    "bundle_revision": "3f2a",
    "catalog": {"policies": {}, "by_type": {}},
    "exemptions": {},
}


def test_a_whole_layer(tmp_path):
    (tmp_path / "layer.json").write_bytes(orjson.dumps({**WHOLE, "made_by": "a newer builder may say more"}))
    assert read(tmp_path) == Layer("1.22.2", "3f2a", {"policies": {}, "by_type": {}}, {})


def test_a_missing_layer_is_named_with_the_remedy(tmp_path):
    with pytest.raises(UsageError) as caught:
        read(tmp_path / "opalite")
    assert str(caught.value) == (
        f"{tmp_path}/opalite/layer.json: cannot be read (No such file or directory): attach the layer, or set OPALITE_LAYER"
    )


def test_a_folder_in_its_place_cannot_be_read(tmp_path):
    (tmp_path / "layer.json").mkdir()
    with pytest.raises(UsageError, match=r"layer\.json: cannot be read \(Is a directory\): attach the layer"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is not JSON: build the layer anew"),
        (b'{"format": 1', "is not JSON: build the layer anew"),
        (b"\xff\xfe", "is not JSON: build the layer anew"),
        (b"[]", "is not of format 1: the layer is of another version than the function"),
        (b"{}", "is not of format 1: the layer is of another version than the function"),
        (orjson.dumps({**WHOLE, "format": 2}), "is not of format 1: the layer is of another version than the function"),
        (orjson.dumps({**WHOLE, "format": "1"}), "is not of format 1: the layer is of another version than the function"),
        *(
            (orjson.dumps({name: value for name, value in WHOLE.items() if name != lacking}), f"lacks '{lacking}': build the layer anew")
            for lacking in ("opa_version", "bundle_revision", "catalog", "exemptions")
        ),
        (orjson.dumps({**WHOLE, "bundle_revision": ""}), "bundle_revision is not a text: build the layer anew"),
        (orjson.dumps({**WHOLE, "bundle_revision": 7}), "bundle_revision is not a text: build the layer anew"),
        (orjson.dumps({**WHOLE, "opa_version": None}), "opa_version is not a text: build the layer anew"),
        (orjson.dumps({**WHOLE, "catalog": []}), "catalog is not an object: build the layer anew"),
        (orjson.dumps({**WHOLE, "exemptions": None}), "exemptions is not an object: build the layer anew"),
    ],
)  # fmt: skip
def test_a_layer_that_is_not_whole_is_told(tmp_path, content, says):
    (tmp_path / "layer.json").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read(tmp_path)
    assert str(caught.value) == f"{tmp_path}/layer.json: {says}"

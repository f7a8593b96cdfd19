from __future__ import annotations

from typing import Any

import orjson
import pytest

from opalite.normalize.generic import MAX_DEPTH, configuration
from opalite.normalize.values import Recorded


def found(document: Any, supplementary: Any = None, *, encoded: bool = False) -> tuple[Any, list[dict[str, str]]]:
    unknown: list[dict[str, str]] = []
    recorded = Recorded(
        configuration=document,
        supplementary={} if supplementary is None else supplementary,
        encoded=encoded,
        complete=True,
        captured_at=None,
        blank="nothing there",
    )
    return configuration(recorded, unknown), unknown


def nested(depth: int, innermost: Any) -> Any:
    for _ in range(depth):
        innermost = [innermost]
    return innermost


def test_keys_and_values_stay_as_config_wrote_them() -> None:
    document = {
        "dBInstanceArn": "x",
        "Enabled": "true",
        "none": None,
        "ports": [1, 2.5],
        "note": "10.0.0.0",
        "e": "{no",
    }
    assert found(document) == (document | {"supplementaryConfiguration": {}}, [])


def test_documents_in_text_are_decoded_also_inside_each_other() -> None:
    inner = orjson.dumps({"c": "[1.0]"}).decode()
    assert found({"a": {"b": inner}}) == ({"a": {"b": {"c": [1]}}, "supplementaryConfiguration": {}}, [])


def test_documents_in_text_are_decoded_three_deep() -> None:
    text = "[]"
    for _ in range(4):
        text = orjson.dumps([text]).decode()
    assert found({"a": text})[0]["a"] == [[['["[]"]']]]


def test_whole_floats_become_integers_and_others_do_not() -> None:
    document = {"whole": 3.0, "half": 0.5, "large": 1e300, "negative": -0.0, "list": [2.0]}
    converted = found(document)[0]
    assert orjson.dumps(converted) == (
        b'{"whole":3,"half":0.5,"large":1e+300,"negative":0,"list":[2],"supplementaryConfiguration":{}}'
    )


def test_supplementary_values_of_both_dialects_become_equal() -> None:
    values = {"Policy": '{"Version":"2012-10-17"}', "Rotation": True, "Days": 7, "Name": "x", "Tags": [], "Text": "12"}
    encoded = {name: orjson.dumps(value).decode() for name, value in values.items()}
    expected = values | {"Policy": {"Version": "2012-10-17"}}
    assert found({"a": 1}, values) == ({"a": 1, "supplementaryConfiguration": expected}, [])
    assert found({"a": 1}, encoded, encoded=True) == ({"a": 1, "supplementaryConfiguration": expected}, [])


@pytest.mark.parametrize("document", [None, {}])
def test_a_blank_configuration_is_unknown(document: Any) -> None:
    gap = {"path": "resource.configuration", "reason": "nothing there"}
    assert found(document, {"Policy": "{}"}) == (None, [gap])


@pytest.mark.parametrize("leaf", [1, 1.0, "[]"])
@pytest.mark.parametrize("depth", [MAX_DEPTH + 200, 900])
def test_what_is_nested_too_deeply_to_be_written_is_unknown(depth: int, leaf: Any) -> None:
    reason = f"malformed: nested deeper than {MAX_DEPTH} levels"
    gap = {"path": "resource.configuration", "reason": reason}
    assert found({"a": nested(depth, leaf)}) == (None, [gap])
    assert found({"a": orjson.dumps(nested(150, leaf)).decode()}) == (None, [gap])


@pytest.mark.parametrize("leaf", [1, 1.0])
def test_what_is_nested_less_deeply_can_be_written(leaf: Any) -> None:
    document, unknown = found({"a": nested(MAX_DEPTH, leaf)})
    assert unknown == []
    assert orjson.dumps({"items": {"key": {"resource": {"configuration": document}}}})

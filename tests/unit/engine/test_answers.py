"""Every answer of OPA's REST API is results, or the one right error."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.engine.answers import path, result_of
from opalite.errors import DecisionError, EngineError
from opalite.ports import GUARD_RULE, PolicyFault

RESULT = {"0": {"aws.s3.bucket.a": {"outcome": "pass"}}}
NO_BATCH = "OPA knows no data.opalite.decision.batch: its bundle is not one of Opalite's; check --bundle, --opa-url, or the layer"
NOT_USED = "its answer is not used; extension and function must have the same layer"


def by(*revisions, result=RESULT):
    bundles = {f"bundle{number}": {"revision": revision} for number, revision in enumerate(revisions)}
    return {"provenance": {"version": "1.22.2", "bundles": bundles}, "result": result}


def failed(*errors, message="error(s) occurred while evaluating query"):
    return {"code": "internal_error", "message": message, "errors": list(errors)}


BUILTIN = {
    "code": "eval_builtin_error",
    "message": "net.cidr_contains:\n bad",
    "location": {"file": "p.rego", "row": 3, "col": 1},
}


def test_what_is_asked():
    assert path() == "/v1/data/opalite/decision/batch?strict-builtin-errors=true"
    assert path(provenance=True) == f"{path()}&provenance=true"
    assert path(GUARD_RULE) == "/v1/data/opalite/remediation/batch?strict-builtin-errors=true"


@pytest.mark.parametrize(
    ("document", "revision"),
    [
        ({"result": RESULT}, None),
        (by("r"), None),
        (by("other"), None),
        (by("r"), "r"),
        ({**by("r"), "warning": {"code": "api_usage_warning"}}, "r"),
    ],
)
def test_results_by_key(document, revision):
    assert result_of(200, orjson.dumps(document), revision=revision) == RESULT


def test_no_items_are_no_results():
    assert result_of(200, b'{"result": {}}') == {}


@pytest.mark.parametrize(
    ("document", "seen"),
    [
        (by("q"), "by the bundle q"),
        (by("r", "q"), "by the bundle q+r"),
        (by("r", "r"), "by the bundle r+r"),
        (by(""), "by the bundle ?"),
        (by(None), "by the bundle ?"),
        (by(7), "by the bundle 7"),
        (by("x" * 500), f"by the bundle {'x' * 200}"),
        (by(), "without naming a bundle"),
        ({"result": RESULT}, "without naming a bundle"),
        ({"result": RESULT, "provenance": None}, "without naming a bundle"),
        ({"result": RESULT, "provenance": {"bundles": ["r"]}}, "without naming a bundle"),
        ({"result": RESULT, "provenance": {"bundles": {"b": "r"}}}, "by the bundle ?"),
        ([RESULT], "without naming a bundle"),
        (by("q", result=None), "by the bundle q"),
    ],
)
def test_results_by_another_bundle_are_not_used(document, seen):
    with pytest.raises(DecisionError) as caught:
        result_of(200, orjson.dumps(document), revision="r")
    assert str(caught.value) == f"OPA judges {seen}, expected is r: {NOT_USED}"


@pytest.mark.parametrize("document", [{}, {"result": None}, {"result": []}, {"result": "pass"}, [], None, 1, "result"])
def test_an_undefined_or_shapeless_result_is_an_error(document):
    with pytest.raises(DecisionError) as caught:
        result_of(200, orjson.dumps(document))
    assert str(caught.value) == NO_BATCH
    with pytest.raises(DecisionError):
        result_of(200, orjson.dumps(document), revision="r")


def test_the_rule_that_is_not_there_is_named():
    with pytest.raises(DecisionError) as caught:
        result_of(200, b"{}", rule=GUARD_RULE)
    assert str(caught.value) == NO_BATCH.replace("decision", "remediation")


@pytest.mark.parametrize(
    ("status", "body", "error", "says"),
    [
        (200, b"", EngineError, "OPA answered HTTP 200 with something that is not JSON"),
        (502, b"<html>", EngineError, "OPA answered HTTP 502 with something that is not JSON"),
        (500, b"boom", EngineError, "OPA answered HTTP 500 with something that is not JSON"),
        (404, b'{"code": "undefined_document", "message": "no such"}', EngineError, "OPA answered HTTP 404: no such"),
        (400, b'{"message": "two\\n lines"}', EngineError, "OPA answered HTTP 400: two lines"),
        (401, b"{}", EngineError, "OPA answered HTTP 401: no message"),
        (301, b"[]", EngineError, "OPA answered HTTP 301: no message"),
        (500, b"null", EngineError, "OPA answered HTTP 500: no message"),
        (500, orjson.dumps(failed()), EngineError, "OPA answered HTTP 500: error(s) occurred while evaluating query"),
        (500, b'{"errors": ["boom"], "message": "m"}', EngineError, "OPA answered HTTP 500: m"),
        (500, orjson.dumps(failed(BUILTIN)), PolicyFault, "p.rego:3: net.cidr_contains: bad"),
        (500, orjson.dumps(failed(BUILTIN, {"message": "second"})), PolicyFault, "p.rego:3: net.cidr_contains: bad"),
        (500, orjson.dumps(failed({"message": "conflict"})), PolicyFault, "?:?: conflict"),
        (500, orjson.dumps(failed({"message": "conflict", "location": 3})), PolicyFault, "conflict"),
        (503, orjson.dumps(failed(BUILTIN)), EngineError, "OPA answered HTTP 503: p.rego:3: net.cidr_contains: bad"),
    ],
)  # fmt: skip
def test_what_is_no_result_is_a_fault_of_a_policy_or_of_opa(status, body, error, says):
    with pytest.raises(error) as caught:
        result_of(status, body, revision="r")
    assert str(caught.value) == says


def test_a_message_has_one_line_of_at_most_300_characters():
    with pytest.raises(PolicyFault) as caught:
        result_of(500, orjson.dumps(failed({"message": "word " * 1000, "location": {}})))
    assert len(str(caught.value)) == 300


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "r", "q"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["result", "provenance", "bundles", "revision", "errors", "message", "location"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(st.sampled_from([200, 204, 400, 404, 500, 503]), JSON.map(orjson.dumps) | st.binary(max_size=20))
def test_only_200_by_the_right_bundle_with_an_object_is_a_result(status, body):
    try:
        found = result_of(status, body, revision="r")
    except (DecisionError, EngineError, PolicyFault) as error:
        assert str(error).isprintable() or "\ufffd" in str(error)  # noqa: PT017 - either is right
    else:
        document = orjson.loads(body)
        assert status == 200
        assert found == document["result"]
        assert [bundle["revision"] for bundle in document["provenance"]["bundles"].values()] == ["r"]

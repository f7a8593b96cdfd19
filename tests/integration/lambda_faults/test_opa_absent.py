"""A layer that is not whole: no sandbox starts, nothing is told to AWS Config, and the event waits until the layer is repaired."""

from __future__ import annotations

import gzip
import tarfile
from io import BytesIO

import pytest

from integration.lambda_faults.scene import WHOLE, errors


def archive(**files: str) -> bytes:
    raw = BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as made:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"/{name}.rego")
            entry.size = len(text)
            made.addfile(entry, BytesIO(text.encode()))
    return gzip.compress(raw.getvalue())


def without_opa(layer):
    (layer / "opa").unlink()
    return "Extension.OpaMissing", "OPA is not there: "


def opa_that_is_no_program(layer):
    (layer / "opa").unlink()
    (layer / "opa").write_bytes(b"\x7fELF but no more than that")
    (layer / "opa").chmod(0o755)
    return "Extension.OpaNotReady", "OPA cannot be started: "


def opa_that_may_not_be_run(layer):
    (layer / "opa").unlink()
    (layer / "opa").write_bytes(b"")
    return "Extension.OpaMissing", f"{layer}/opa is no file that can be run; build the layer anew"


def opa_that_ends_at_once(layer):
    (layer / "opa").unlink()
    (layer / "opa").write_text("#!/bin/sh\necho of another architecture\nexit 3\n")
    (layer / "opa").chmod(0o755)
    return "Extension.OpaNotReady", "OPA did not start: it ended with exit status 3; it said: of another architecture"


def without_bundle(layer):
    (layer / "bundle.tar.gz").unlink()
    return "Extension.BundleMissing", "the bundle is not there: "


def bundle_cut_short(layer):
    whole = (layer / "bundle.tar.gz").read_bytes()
    (layer / "bundle.tar.gz").write_bytes(whole[: len(whole) // 2])
    return "Extension.OpaNotReady", "OPA did not start: it ended with exit status 1; it said: "


def bundle_that_does_not_compile(layer):
    (layer / "bundle.tar.gz").write_bytes(archive(policy="package opalite.decision\n\nbatch := nothing"))
    return "Extension.OpaNotReady", "OPA did not start: it ended with exit status 1; it said: "


@pytest.mark.parametrize(
    "broken",
    [
        without_opa, opa_that_is_no_program, opa_that_may_not_be_run, opa_that_ends_at_once,
        without_bundle, bundle_cut_short, bundle_that_does_not_compile,
    ],
)  # fmt: skip
def test_no_sandbox_starts_and_the_event_is_kept(stage, broken_layer, member, broken):
    kind, message = broken(broken_layer)
    function, event = stage.function(layer=broken_layer), member.event(member.closed())
    results = function.invoke_async(event)
    assert errors(results) == [kind] * 3
    assert [result.payload["errorMessage"][: len(message)] for result in results] == [message] * 3
    assert function.kept == [event]
    assert (member.compliance, member.asked) == ({}, [])
    assert [line[: len(kind)] for line in function.alarms] == [kind] * 3
    assert function.living == []


def test_what_was_kept_is_delivered_when_the_layer_has_been_repaired(stage, broken_layer, member):
    bundle = (broken_layer / "bundle.tar.gz").read_bytes()
    (broken_layer / "bundle.tar.gz").unlink()
    function = stage.function(layer=broken_layer)
    function.invoke_async(member.event(member.closed()))
    (broken_layer / "bundle.tar.gz").write_bytes(bundle)
    assert errors(function.invoke_async(function.kept[0])) == [None]
    assert member.compliance == {"sg-closed": "COMPLIANT"}
    assert function.living == WHOLE


def test_a_bundle_of_other_policies_gives_no_decision(stage, broken_layer, member):
    """OPA starts, knows nothing of what it is asked, and says so with 200."""
    (broken_layer / "bundle.tar.gz").write_bytes(archive(policy="package other\n\nallow := true"))
    function, event = stage.function(layer=broken_layer), member.event(member.closed())
    assert errors(function.invoke_async(event)) == ["Unhandled"] * 3
    assert function.kept == [event]
    assert (member.compliance, member.told) == ({}, [])
    assert len(set(function.failures)) == 1
    assert function.failures[0].startswith("DecisionError: OPA judges ")
    assert function.living == WHOLE


def test_a_layer_whose_description_names_another_bundle_gives_no_decision(stage, good_layer, faulty_layer, member):
    """As when function and extension have different layers."""
    function, event = stage.function(layer=faulty_layer(bundle_revision="0" * 16)), member.event(member.closed())
    assert errors(function.invoke_async(event)) == ["Unhandled"] * 3
    assert function.kept == [event]
    assert (member.compliance, member.told) == ({}, [])
    assert [failure.partition(", expected is ")[2] for failure in function.failures] == [
        f"{'0' * 16}: its answer is not used; extension and function must have the same layer"
    ] * 3
    assert errors(stage.function(layer=good_layer).invoke_async(event)) == [None]
    assert member.compliance == {"sg-closed": "COMPLIANT"}


@pytest.mark.parametrize("content", [None, b"{", b'{"format": 2}'], ids=["absent", "cut", "of another version"])
def test_a_layer_without_a_description_that_can_be_read_starts_no_sandbox(stage, broken_layer, member, content):
    (broken_layer / "layer.json").unlink()
    if content is not None:
        (broken_layer / "layer.json").write_bytes(content)
    function, event = stage.function(layer=broken_layer), member.event(member.closed())
    [result] = function.invoke_async(event, retries=0)
    assert result.error == "UsageError"
    assert result.payload["errorMessage"].startswith(f"{broken_layer}/layer.json: ")
    assert function.kept == [event]
    assert (member.compliance, function.living) == ({}, [])


def test_without_the_extension_the_function_says_that_it_is_missing(stage, member):
    function, event = stage.function(extensions=[], timeout=3), member.event(member.closed())
    assert errors(function.invoke_async(event)) == ["Unhandled"] * 3
    not_there = f"OPA is not ready at {function.socket} ([Errno 2] No such file or directory)"
    assert function.failures == [f"EngineError: {not_there}: is the layer with the extension attached?"] * 3
    assert function.kept == [event]
    assert (member.compliance, member.told, function.living) == ({}, [], ["runtime"])


def test_an_opa_that_never_gets_ready_ends_with_the_start_of_the_sandbox(stage, broken_layer, member):
    (broken_layer / "opa").unlink()
    (broken_layer / "opa").write_text("#!/bin/sh\nexec sleep 1000\n")
    (broken_layer / "opa").chmod(0o755)
    function, event = stage.function(layer=broken_layer, init_timeout=1), member.event(member.closed())
    assert errors(function.invoke_async(event, retries=0)) == ["Sandbox.Timedout"]
    assert function.kept == [event]
    assert (member.compliance, member.asked, function.living) == ({}, [], [])

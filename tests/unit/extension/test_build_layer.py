"""`python extension/build_layer.py`, as people call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from opalite.engine.bundle import assemble, read
from opalite.normalize import TYPES

POLICY = """# METADATA
# title: Things are good
# description: Else they are bad.
# scope: package
# custom:
#   severity: LOW
#   resource_types: [AWS::EC2::Volume]
#   version: 1.0.0
package custom.ec2.volume.good

compliant if {condition}

violations contains {{"message": "bad", "subject": "x", "evidence": {{"path": [], "actual": 1, "expected": 2}}}} if {{
	not compliant
}}
"""


EXEMPTIONS = """
custom.ec2.volume.good:
  EX-1:
    scope: {accounts: ["111122223333"]}
    owner: ann@example.com
    ticket: T-1
    reason: It is not needed there.
    expires: "2099-01-01T00:00:00Z"
"""


@pytest.fixture
def build(repository, opa, tmp_path):
    """With a cache of its own, so that no other build has to be waited for."""
    own = {"OPALITE_OPA": str(opa.path), "OPALITE_CACHE": str(tmp_path / "cache")}

    def call(*arguments, **environ):
        return subprocess.run(
            [sys.executable, repository / "extension" / "build_layer.py", *arguments],
            env={**os.environ, **own, **environ}, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    return call


@pytest.fixture
def own(tmp_path):
    def write(condition):
        path = tmp_path / "own" / "custom" / "ec2" / "volume" / "good" / "good.rego"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(POLICY.format(condition=condition))
        return tmp_path / "own"

    return write


def test_the_unpacked_layer_has_what_the_function_reads(build, own, opa, tmp_path, extension_program):
    policies, folder = own("input.resource.configuration.encrypted == true"), tmp_path / "layer"
    exemptions = tmp_path / "settings" / "exemptions" / "data.yaml"
    exemptions.parent.mkdir(parents=True)
    exemptions.write_text(EXEMPTIONS)
    done = build("--unpacked", folder, "--bundle", policies, "--data", tmp_path / "settings")
    expected = assemble(
        opa.path, bundles=[policies], overlays=[tmp_path / "settings"], with_shipped=True, typed=TYPES
    )  # fmt: skip
    assert (done.returncode, done.stdout.split("  ")[0]) == (0, str(folder)), done.stderr
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert files == [
        *("extensions/opalite-opa", "opalite/bundle.tar.gz", "opalite/layer.json"),
        *("opalite/licenses/opalite/LICENSE", "opalite/opa"),
    ]
    description = json.loads((folder / "opalite" / "layer.json").read_bytes())
    assert description == {
        "format": 1,
        "architecture": {"x86_64": "x86_64", "aarch64": "arm64"}[os.uname().machine],
        "opa_version": opa.version,
        "bundle_revision": expected.revision,
        "catalog": expected.data["catalog"],
        "exemptions": expected.data["exemptions"],
    }
    assert read(folder / "opalite" / "bundle.tar.gz").modules == {
        f"{path}": text for path, text in expected.modules.items()
    }
    assert (folder / "extensions" / "opalite-opa").read_bytes() == extension_program.read_bytes()
    for name in ("extensions/opalite-opa", "opalite/opa"):
        assert os.access(folder / name, os.X_OK)


def test_a_policy_that_reaches_out_is_refused(build, own, tmp_path):
    policies = own('http.send({"method": "get", "url": "https://example.com"}).status_code == 200')
    done = build("--unpacked", tmp_path / "layer", "--no-shipped", "--bundle", policies)
    told = (
        "build_layer: own/custom/ec2/volume/good/good.rego:11: http.send may not be used in the layer: it reaches out or "
        "answers differently each time: facts come in input.facts, the time is input.evaluated_at\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "", told)
    assert not (tmp_path / "layer").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--unpacked", "x", "--architecture", "all"], "--unpacked takes one architecture: name it by --architecture"),
        (["--architecture", "host"], "--architecture host is for --unpacked alone: a .zip is for x86_64 or arm64"),
        (["--unpacked", "x", "--output", "y"], "--architecture host is for --unpacked alone: a .zip is for x86_64 or arm64"),
        (["--architecture", "mips"], "Invalid value for '--architecture': 'mips' is not one of 'x86_64', 'arm64', 'host', 'all'."),
        (["--unpacked", "x", "--no-shipped"], "--no-shipped leaves no policies: name some by --bundle"),
        (["--unpacked", "x", "--data", "/no/such"], "/no/such: cannot be read: No such file or directory"),
    ],
)  # fmt: skip
def test_misuse_is_one_line_and_exit_code_2(build, arguments, message):
    done = build(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"build_layer: {message}\n")


def test_an_opa_that_is_not_there_is_one_line_and_exit_code_3(build, tmp_path):
    done = build("--unpacked", tmp_path / "layer", OPALITE_OPA="/no/such")
    assert (done.returncode, done.stdout, done.stderr) == (
        3,
        "",
        "build_layer: OPALITE_OPA: there is no file '/no/such'; correct OPALITE_OPA or leave it out\n",
    )


def test_a_folder_of_somebody_else_is_left_alone(build, own, tmp_path, extension_program):
    done = build("--unpacked", Path.cwd(), "--no-shipped", "--bundle", own("input.x == 1"))
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        2,
        f"build_layer: {Path.cwd()} is there and is no unpacked layer: name a new or empty folder",
    )

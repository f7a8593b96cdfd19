"""`sam build` and `sam package` without the SAM CLI: what the Makefiles build, as .zip files; and the template that names them."""

from __future__ import annotations

import io
import json
import os
import platform
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from architecture.cloudformation import ROOT, _NoPolicies, template

ARCHITECTURE = "x86_64" if platform.machine() == "x86_64" else "arm64"
_FUNCTION, _LAYER = "AWS::Serverless::Function", "AWS::Serverless::LayerVersion"
_LAYERS = {"arm64": "OpaLayerArm64", "x86_64": "OpaLayerX86"}
_PATIENCE = 600

Put = Callable[[str, bytes], str]  # key, content → the s3:// URI


@dataclass(frozen=True, slots=True)
class Built:
    """What has been built for this machine, as .zip, by logical id. The layer of the other architecture is left out."""

    zips: Mapping[str, bytes]

    @property
    def layer(self) -> str:
        return _LAYERS[ARCHITECTURE]


def names() -> list[str]:
    """Logical ids of what is built."""
    found = template("template.yaml")["Resources"].items()
    return [name for name, one in found if one["Type"] == _FUNCTION or name == _LAYERS[ARCHITECTURE]]


def build(folder: Path, layer_options: str = "") -> Built:
    """Run the targets that `sam build` runs, in the folders that the template names."""
    written = template("template.yaml")
    code = written["Globals"]["Function"]["CodeUri"]
    folders = {name: ROOT / written["Resources"][name]["Properties"].get("ContentUri", code) for name in names()}
    recipes = {name: (path, _recipe(name, path)) for name, path in folders.items()}
    first = {recipe: name for name, recipe in reversed(recipes.items())}  # what is made in the same way is made once

    def one(name: str) -> bytes:
        return _zip(_made(name, folders[name], folder / name, layer_options))

    with ThreadPoolExecutor() as pool:
        made = dict(zip(first.values(), pool.map(one, first.values()), strict=True))
    return Built({name: made[first[recipe]] for name, recipe in recipes.items()})


def packaged(built: Built, put: Put) -> dict[str, Any]:
    """template.yaml as CloudFormation gets it after the transform, with all that it names uploaded."""
    document = deepcopy(template("template.yaml"))
    uris = {name: put(f"{name}.zip", content) for name, content in built.zips.items()}
    document["Globals"]["Function"].pop("CodeUri")
    for name, one in document["Resources"].items():
        properties = one.get("Properties", {})
        if one["Type"] == _FUNCTION:
            properties["CodeUri"] = uris[name]
        elif one["Type"] == _LAYER:
            properties["ContentUri"] = uris[built.layer]
        elif "DefinitionUri" in properties:
            path = properties["DefinitionUri"]
            bucket, key = put(path, (ROOT / path).read_bytes()).removeprefix("s3://").split("/", 1)
            properties["DefinitionUri"] = {"Bucket": bucket, "Key": key}
    return json.loads(_transformed(json.dumps(document)))  # type: ignore[no-any-return]


@cache
def _transformed(document: str) -> str:
    """By the translator that AWS runs. It takes seconds, and asks for the Region: AWS_DEFAULT_REGION."""
    from samtranslator.translator.transform import transform  # noqa: PLC0415 - reads a megabyte of schemas

    return json.dumps(transform(json.loads(document), {}, _NoPolicies()))


def _recipe(name: str, source: Path) -> str:
    """The commands that the target would run."""
    return _make(["--dry-run", f"build-{name}"], source, {"ARTIFACTS_DIR": "artifacts"})


def _made(name: str, source: Path, artifacts: Path, layer_options: str) -> Path:
    """https://github.com/aws/aws-lambda-builders: the target, with ARTIFACTS_DIR, where the source is (build_in_source)."""
    artifacts.mkdir(parents=True)
    _make([f"build-{name}"], source, {"ARTIFACTS_DIR": str(artifacts), "LAYER_OPTIONS": layer_options})
    return artifacts


def _make(arguments: list[str], source: Path, variables: Mapping[str, str]) -> str:
    environ = {**os.environ, "ARCHITECTURE": ARCHITECTURE, **variables}
    environ.pop("MAKEFLAGS", None)  # of a make that runs the tests
    command = ["make", "--makefile", "Makefile", *arguments]
    done = subprocess.run(
        command, cwd=source, env=environ, capture_output=True, text=True, timeout=_PATIENCE, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} in {source.name}/ failed: {done.stderr[-2000:]}")
    return done.stdout


def _zip(folder: Path) -> bytes:
    """With the permissions of the files: Lambda starts an extension only if it may be executed."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.write(path, path.relative_to(folder))
    return content.getvalue()

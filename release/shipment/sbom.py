"""The bill of materials: what is in each file of a release, as CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/).

The same release gives the same bytes: nothing in it is made up but the serial number, which is a digest of the rest.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shipment.executables import Linked
from shipment.libraries import Library, Licence

NAME = "sbom.cdx.json"
_OPA = "github.com/open-policy-agent/opa"
_NAMESPACE = uuid.UUID("6f1c6f2e-5d0b-5a0c-9e59-0a6f0a1d7b11")  # of our serial numbers

Component = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LayerContent:
    """Of one layer: the file, and its two executables."""

    name: str
    goarch: str
    opa_version: str
    opa: Linked
    extension: Linked


@dataclass(frozen=True, slots=True)
class Contents:
    """`digests` of the files of the release, by name; `tools` are libraries that nothing of it holds or needs."""

    version: str
    at: datetime
    digests: Mapping[str, str]
    wheel: str
    command: Sequence[Library]
    functions: Sequence[str]
    function: Sequence[Library]
    layers: Sequence[LayerContent]
    tools: Sequence[Library]


def document(contents: Contents) -> str:
    """The text of the file."""
    whole = _application(f"pkg:pypi/opalite@{contents.version}", "opalite", contents.version)
    components: dict[str, Component] = {}
    needs: dict[str, list[str]] = {}
    for name, digest in sorted(contents.digests.items()):
        _add(components, _file(name, digest))
    needs[str(whole["bom-ref"])] = [_ref(name) for name in contents.digests]
    needs[_ref(contents.wheel)] = _add_all(components, map(_library, contents.command))
    for name in contents.functions:
        needs[_ref(name)] = _add_all(components, map(_library, contents.function))
    for layer in contents.layers:
        needs[_ref(layer.name)] = _add_layer(components, needs, layer)
    _add_all(components, ({**_library(tool), "scope": "excluded"} for tool in contents.tools))
    dependencies = [{"ref": ref, "dependsOn": sorted(set(on))} for ref, on in sorted(needs.items())]
    body = {
        "metadata": {"timestamp": contents.at.strftime("%Y-%m-%dT%H:%M:%SZ"), "component": whole},
        "components": [component for _, component in sorted(components.items())],
        "dependencies": dependencies,
    }
    serial = uuid.uuid5(_NAMESPACE, json.dumps(body, sort_keys=True))
    head = {"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{serial}", "version": 1}
    return json.dumps({**head, **body}, indent=2, ensure_ascii=False) + "\n"


def _add_layer(components: dict[str, Component], needs: dict[str, list[str]], layer: LayerContent) -> list[str]:
    extension = _application(f"opalite-opa:{layer.goarch}", "opalite-opa", None)
    purl = f"pkg:golang/{_OPA}@v{layer.opa_version}"
    opa = {**_application(f"{purl}?goarch={layer.goarch}", "opa", layer.opa_version), "purl": purl}
    for program, linked in ((opa, layer.opa), (extension, layer.extension)):
        parts = [("std", linked.go.removeprefix("go")), *linked.modules]
        needs[str(program["bom-ref"])] = _add_all(components, (_module(*part) for part in parts))
    return _add_all(components, (opa, extension))


def _add_all(components: dict[str, Component], more: Iterable[Component]) -> list[str]:
    return [_add(components, component) for component in more]


def _add(components: dict[str, Component], component: Component) -> str:
    ref = str(component["bom-ref"])
    components.setdefault(ref, component)
    return ref


def _ref(name: str) -> str:
    return f"file:{name}"


def _file(name: str, digest: str) -> Component:
    return {"type": "file", "bom-ref": _ref(name), "name": name, "hashes": [{"alg": "SHA-256", "content": digest}]}


def _application(ref: str, name: str, version: str | None) -> Component:
    """Everything that is ours, or OPA: both are under the same licence."""
    known = {} if version is None else {"version": version}
    licence = [{"license": {"id": "Apache-2.0"}}]
    return {"type": "application", "bom-ref": ref, "name": name, **known, "licenses": licence}


def _library(library: Library) -> Component:
    purl = f"pkg:pypi/{library.name}@{library.version}"
    component = {"type": "library", "bom-ref": purl, "name": library.name, "version": library.version}
    return {**component, **_licences(library.licence), "purl": purl}


def _licences(licence: Licence | None) -> Component:
    if licence is None:
        return {}
    one = {"expression": licence.text} if licence.kind == "expression" else {"license": {"name": licence.text}}
    return {"licenses": [one]}


def _module(path: str, version: str) -> Component:
    """`+` stands for itself in neither part of a package URL."""
    purl = f"pkg:golang/{path}@{version.replace('+', '%2B')}"
    return {"type": "library", "bom-ref": purl, "name": path, "version": version, "purl": purl}

"""The layer of the function: whether it is attached, and whether it is the one that was meant. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from opalite.doctor.diagnosis import Diagnosis, Reply, notice, skipped, unknown, well, wrong

_OURS: Final = "opalite"
_ATTACH: Final = "aws lambda update-function-configuration --function-name {arn} --layers LAYER_VERSION_ARN"


@dataclass(frozen=True, slots=True)
class LayerFile:
    """What a layer says of itself, and the digest of its zip (base64 of SHA-256, as Lambda tells it)."""

    digest: str
    revision: str
    opa_version: str
    catalog: Mapping[str, Any]
    architecture: str


@dataclass(frozen=True, slots=True)
class Seen:
    """`versions`: GetLayerVersionByArn of each layer of the function; `meant`: the file that --layer names, if one is.

    `attached`: what lies in the attached layer, if it had to be fetched for that; None if it was not or could not be.
    """

    arn: str
    configuration: Mapping[str, Any]
    versions: Sequence[Reply] = ()
    meant: LayerFile | None = None
    attached: LayerFile | None = None
    installed: Mapping[str, Any] = field(default_factory=dict)  # the catalog of this installation


def ours(configuration: Mapping[str, Any]) -> str | None:
    """The ARN of our layer version: by its name, or the only one that there is."""
    arns = [str(layer.get("Arn")) for layer in configuration.get("Layers") or ()]
    named = [arn for arn in arns if _OURS in arn.lower()]
    return named[0] if named else (arns[0] if len(arns) == 1 else None)


def diagnoses(seen: Seen) -> Iterator[Diagnosis]:
    """Of the layer, and whether it is of the function's architecture."""
    yield _layer(seen)
    yield _architecture(seen)


def _version(seen: Seen) -> Reply:
    return seen.versions[0] if seen.versions else Reply(unknown="nobody knows which of the layers it is")


def _layer(seen: Seen) -> Diagnosis:
    check = "function_layer"
    if not seen.configuration.get("Layers"):
        return wrong(check, "no layer is attached: there is no OPA", "attach it", _ATTACH.format(arn=seen.arn))
    if ours(seen.configuration) is None:
        return unknown(check, Reply(unknown="none of the layers is called opalite, so nobody knows which one it is"))
    if seen.meant is None:
        return well(check, "attached; name a layer's zip by --layer to compare revision, OPA and policies")
    if seen.meant.catalog.get("policies") != seen.installed.get("policies"):
        differing = _differing(seen.meant.catalog, seen.installed)
        apart = f"the layer's policies are not those installed here ({differing} differ)"
    else:
        apart = ""
    version = _version(seen)
    if not version.known:
        return unknown(check, version)
    digest = ((version.value or {}).get("Content") or {}).get("CodeSha256")
    if digest != seen.meant.digest:
        other = _other(seen)
        if other is not None:
            return other
    return notice(check, apart, "that is right if the layer has policies of your own") if apart else well(check)


def _other(seen: Seen) -> Diagnosis | None:
    """The attached layer is another zip than the named one; what lies in it may still be the same."""
    check, meant, found = "function_layer", seen.meant, seen.attached
    if meant is None:
        return None
    if found is None:
        reply = Reply(unknown="the attached layer is another zip than --layer, and could not be fetched to be compared")
        return unknown(check, reply)
    if (found.revision, found.opa_version) == (meant.revision, meant.opa_version):
        return None
    message = f"revision {found.revision}, OPA {found.opa_version} is attached; of --layer it is {meant.revision}, {meant.opa_version}"
    return wrong(check, message, "publish the layer and attach its new version", _ATTACH.format(arn=seen.arn))


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> int:
    first, second = one.get("policies") or {}, other.get("policies") or {}
    return sum(first.get(name) != second.get(name) for name in first.keys() | second.keys())


def _architecture(seen: Seen) -> Diagnosis:
    check = "function_architecture"
    if not seen.configuration.get("Layers"):
        return skipped(check, "no layer is attached")
    own = (seen.configuration.get("Architectures") or ["x86_64"])[0]
    if seen.meant is not None and seen.meant.architecture != own:
        return _apart(seen, own, seen.meant.architecture)
    version = _version(seen)
    if not version.known:
        return unknown(check, version)
    made_for = (version.value or {}).get("CompatibleArchitectures") or ()
    if not made_for and seen.meant is None:
        return unknown(
            check, Reply(unknown="the layer does not say for which architecture it is: publish it with that")
        )
    if made_for and own not in made_for:
        return _apart(seen, own, ", ".join(map(str, made_for)))
    return well(check)


def _apart(seen: Seen, own: str, other: str) -> Diagnosis:
    return wrong(
        "function_architecture", f"the function is for {own}, the layer for {other}",
        "attach the layer of the function's architecture", _ATTACH.format(arn=seen.arn),
    )  # fmt: skip

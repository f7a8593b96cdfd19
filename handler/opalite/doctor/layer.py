"""The layer of the function: whether it is attached, and whether it is the one that was meant. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from opalite.doctor.diagnosis import Diagnosis, Reply, notice, skipped, unknown, well, wrong

_OURS: Final = "opalite"
_ENDINGS: Final = ("", "-arm64", "-x86-64")  # of the layer that the template makes, after the name of the function
_ATTACH: Final = "aws lambda update-function-configuration --function-name {arn} --layers LAYER_VERSION_ARN"


@dataclass(frozen=True, slots=True)
class LayerFile:
    """What a layer says of itself, and the digest of its zip (base64 of SHA-256, as Lambda tells it)."""

    digest: str
    revision: str
    opa_version: str
    catalog: Mapping[str, Any]
    architecture: str


FOREIGN: Final = LayerFile("", "", "", {}, "")  # a zip that says nothing of this


@dataclass(frozen=True, slots=True)
class Seen:
    """`versions`: GetLayerVersionByArn of each layer of the function; `meant`: the file that --layer names, if one is.

    `attached`: what lies in the attached layer, if it had to be fetched for that; FOREIGN if it is no layer of Opalite; None if it
    was not fetched or could not be.
    """

    arn: str
    configuration: Mapping[str, Any]
    versions: Sequence[Reply] = ()
    meant: LayerFile | None = None
    attached: LayerFile | None = None
    installed: Mapping[str, Any] = field(default_factory=dict)  # the catalog of this installation


def ours(configuration: Mapping[str, Any]) -> str | None:
    """The ARN of our layer version: by its name, or the only one that there is, which may be another's."""
    arns = [str(layer.get("Arn")) for layer in configuration.get("Layers") or ()]
    named = [arn for arn in arns if _is_named(arn, configuration)]
    return named[0] if named else (arns[0] if len(arns) == 1 else None)


def _is_named(arn: str, configuration: Mapping[str, Any]) -> bool:
    """By the names that the documents and the template give: anybody may have published it under another one."""
    name, function = _part(arn, 6), _part(str(configuration.get("FunctionArn")), 6)
    return _OURS in name.lower() or (bool(function) and name in [function + ending for ending in _ENDINGS])


def _part(arn: str, index: int) -> str:
    return next(iter(arn.split(":")[index : index + 1]), "")


def diagnoses(seen: Seen) -> Iterator[Diagnosis]:
    """Of the layer, and whether it is of the function's architecture."""
    yield _layer(seen)
    yield _architecture(seen)


def _version(seen: Seen) -> Reply:
    if not seen.versions:
        return Reply(unknown="nobody knows which of the layers it is")
    if not seen.versions[0].absent:
        return seen.versions[0]
    # https://docs.aws.amazon.com/lambda/latest/api/API_DeleteLayerVersion.html
    arn = str(ours(seen.configuration))
    named = f"{_part(arn, 6)}:{_part(arn, 7)}"
    gone = f"Lambda does not find layer version {named}: it is deleted, and stays with the functions that have it"
    return Reply(unknown=gone, remedy="publish the layer and attach its new version")


def _layer(seen: Seen) -> Diagnosis:
    check = "function_layer"
    if not seen.configuration.get("Layers"):
        return wrong(check, "no layer is attached: there is no OPA", "attach it", _ATTACH.format(arn=seen.arn))
    arn = ours(seen.configuration)
    if arn is None:
        return unknown(check, Reply(unknown="none of the layers is called opalite, so nobody knows which one it is"))
    version = _version(seen)
    if any(one.absent for one in seen.versions) or (seen.meant is not None and not version.known):
        return unknown(check, version)
    return _by_name(seen, arn) if seen.meant is None else _compared(seen, seen.meant)


def _by_name(seen: Seen, arn: str) -> Diagnosis:
    """Without a file to compare it with there is the name alone, and another name proves nothing."""
    check = "function_layer"
    if _is_named(arn, seen.configuration):
        return well(check, "attached; name a layer's zip by --layer to compare revision, OPA and policies")
    message = f"the only layer is called {_part(arn, 6)}: whether it is Opalite's, that does not say"
    remedy = "name the layer's zip by --layer: then what is attached is looked at; if it is another's, attach Opalite's"
    return notice(check, message, remedy)


def _compared(seen: Seen, meant: LayerFile) -> Diagnosis:
    check = "function_layer"
    digest = ((_version(seen).value or {}).get("Content") or {}).get("CodeSha256")
    if digest != meant.digest and (other := _other(seen, meant)) is not None:
        return other
    if meant.catalog.get("policies") == seen.installed.get("policies"):
        return well(check)
    differing = _differing(meant.catalog, seen.installed)
    apart = f"the layer's policies are not those installed here ({differing} differ)"
    return notice(check, apart, "that is right if the layer has policies of your own")


def _other(seen: Seen, meant: LayerFile) -> Diagnosis | None:
    """The attached layer is another zip than the named one; what lies in it may still be the same."""
    check, found = "function_layer", seen.attached
    if found is None:
        reply = Reply(unknown="the attached layer is another zip than --layer, and could not be fetched to be compared")
        return unknown(check, reply)
    if found == FOREIGN:
        name = _part(str(ours(seen.configuration)), 6)
        message = f"the attached layer, {name}, is no layer of Opalite"
        remedy = "publish Opalite's layer and attach it: --layers names all that the function is to have"
        return wrong(check, message, remedy, _ATTACH.format(arn=seen.arn))
    if (found.revision, found.opa_version) == (meant.revision, meant.opa_version):
        return None
    message = f"revision {found.revision}, OPA {found.opa_version} is attached; of --layer it is {meant.revision}, {meant.opa_version}"
    return wrong(check, message, "publish the layer and attach its new version", _ATTACH.format(arn=seen.arn))


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> int:
    first, second = one.get("policies") or {}, other.get("policies") or {}
    return sum(first.get(name) != second.get(name) for name in first.keys() | second.keys())


def _architecture(seen: Seen) -> Diagnosis:
    check = "function_architecture"
    if not seen.configuration.get("Layers") or seen.attached == FOREIGN:
        return skipped(check, "no layer of Opalite is attached")
    own = (seen.configuration.get("Architectures") or ["x86_64"])[0]
    file = seen.attached or seen.meant
    if file is not None and file.architecture != own:
        return _apart(seen, own, file.architecture)
    version = _version(seen)
    if not version.known:
        return unknown(check, version)
    made_for = (version.value or {}).get("CompatibleArchitectures") or ()
    if not made_for and file is None:
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

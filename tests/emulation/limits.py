"""Requests against AWS's own service models. boto3 lets through what only the service refuses: this refuses it too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator


@cache
def service_model(service: str) -> ServiceModel:
    """What AWS says of a service, as boto3 names it. It is read once: that takes a while."""
    return _session().get_service_model(service)


@cache
def _session() -> botocore.session.Session:
    """With a loader of its own: clients of S3 write into the models that others may share, and `/{Bucket}` would be lost."""
    made = botocore.session.get_session()
    made.register_component("data_loader", Loader())
    return made


def problems(shape: Shape | None, parameters: Any) -> list[str]:
    """What is wrong with the parameters of an operation: missing or unknown members, types, lengths, enums, patterns."""
    if shape is None:
        return []
    report = ParamValidator().validate(parameters, shape)
    if report.has_errors():
        return [line for line in report.generate_report().splitlines() if line]
    return list(_beyond(shape, parameters, shape.name))


def _beyond(shape: Shape, value: Any, place: str) -> Iterator[str]:
    """Those limits of the model that boto3 does not check."""
    if shape.type_name == "structure":
        for name, inner in value.items():
            yield from _beyond(shape.members[name], inner, f"{place}.{name}")
    elif shape.type_name == "map":
        for name, inner in value.items():
            yield from _beyond(shape.value, inner, f"{place}.{name}")
    elif shape.type_name == "list":
        yield from _range(shape, len(value), "elements", place)
        for index, inner in enumerate(value):
            yield from _beyond(shape.member, inner, f"{place}[{index}]")
    elif shape.type_name == "string":
        yield from _range(shape, len(value), "characters", place)
        yield from _words(shape, value, place)
    elif shape.type_name in ("integer", "long"):
        yield from _range(shape, value, "as its value", place)


def _words(shape: Shape, value: str, place: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield f"{place}: {value!r} is none of the values that there are"
    pattern = _pattern(shape.metadata.get("pattern"))
    if pattern and not pattern.fullmatch(value):
        yield f"{place}: {value!r} does not match {pattern.pattern}"


def _range(shape: Shape, number: int, unit: str, place: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if (least is not None and number < least) or (most is not None and number > most):
        yield f"{place} has {number} {unit}, allowed are {least} to {most}"


@cache
def _pattern(text: str | None) -> re.Pattern[str] | None:
    """The models are written for Java: the few patterns that Python does not know are passed over."""
    try:
        return re.compile(text, re.DOTALL) if text else None
    except re.error:
        return None

"""The zip of a layer: a file, or what is attached to the function."""

from __future__ import annotations

import base64
import hashlib
import io
import urllib.request
import zipfile
from http.client import HTTPException
from pathlib import Path
from typing import Any

import orjson

from opalite.catalog import Catalog
from opalite.doctor.layer import FOREIGN, LayerFile
from opalite.errors import UsageError

_NAME = "opalite/layer.json"
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: bytes; Lambda takes no larger one, not even unpacked.
_LARGEST = 250 * 1024 * 1024
_SECONDS = 60


def named(path: Path) -> LayerFile:
    """Of --layer. Raises UsageError."""
    try:
        return layer_of(path.read_bytes())
    except OSError as error:
        raise UsageError(f"--layer {path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"--layer {path}: {error}: build it by `make layer`") from None


def fetched(url: str) -> LayerFile | None:
    """The attached layer, from where Lambda says that it lies: FOREIGN if it is none of Opalite, None if it cannot be had."""
    if not url.startswith("https://"):
        return None
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 - https, as just seen
            body = answer.read(_LARGEST)
    except (OSError, ValueError, HTTPException):
        return None
    if not zipfile.is_zipfile(io.BytesIO(body)):  # Lambda takes nothing else: it was cut short
        return None
    try:
        return layer_of(body)
    except ValueError:
        return FOREIGN


def layer_of(body: bytes) -> LayerFile:
    """What the zip of a layer says of itself. Raises ValueError for what is none."""
    try:
        said = _said(body)
        members = ("bundle_revision", "opa_version", "catalog", "architecture")
        revision, opa_version, catalog, architecture = (said[name] for name in members)
        Catalog(catalog)
    except (UsageError, zipfile.BadZipFile, KeyError, TypeError, ValueError, NotImplementedError, RuntimeError):
        raise ValueError("it is not the zip of a layer") from None
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return LayerFile(digest, str(revision), str(opa_version), catalog, str(architecture))


def _said(body: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(body)) as zipped:
        if zipped.getinfo(_NAME).file_size > _LARGEST:
            raise ValueError("it is too large")
        return orjson.loads(zipped.read(_NAME))

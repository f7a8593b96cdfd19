"""The zip of a layer, named by --layer or fetched from where Lambda says that it lies."""

from __future__ import annotations

import io
import json
import zipfile
from base64 import b64encode
from hashlib import sha256

import pytest

from opalite.cli.doctor_layer import fetched, layer_of
from opalite.doctor.layer import FOREIGN, LayerFile
from unit.doctor.cloud import CATALOG

SAID = {"bundle_revision": "0123", "opa_version": "1.22.2", "catalog": CATALOG, "architecture": "arm64"}


def _zipped(said, name="opalite/layer.json"):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as zipped:
        zipped.writestr(name, said if isinstance(said, str) else json.dumps(said))
    return body.getvalue()


def test_a_layer_says_what_is_in_it():
    body = _zipped(SAID)
    digest = b64encode(sha256(body).digest()).decode()
    assert layer_of(body) == LayerFile(digest, "0123", "1.22.2", CATALOG, "arm64")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"PK\x03\x04nonsense",
        _zipped(SAID, "other.json"),
        _zipped("[]"),
        _zipped("no JSON"),
        _zipped(SAID | {"catalog": {"policies": []}}),
        _zipped(SAID)[:-30],
    ],
)
def test_what_is_no_layer_is_refused(body):
    with pytest.raises(ValueError, match="it is not the zip of a layer"):
        layer_of(body)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/layer.zip", "file:///etc/passwd", "", "https://127.0.0.1:1/layer.zip"]
)
def test_nothing_is_fetched_but_by_https_and_failures_are_no_layer(url):
    assert fetched(url) is None


@pytest.mark.parametrize(
    ("body", "known"),
    [
        (_zipped(SAID), layer_of(_zipped(SAID))),
        (_zipped("", "python/x.py"), FOREIGN),
        (_zipped("no JSON"), FOREIGN),
        (_zipped(SAID)[:-30], None),
        (b"<Error/>", None),
    ],
)
def test_a_zip_of_somebody_else_is_known_from_one_that_was_cut_short(monkeypatch, body, known):
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: io.BytesIO(body))
    assert fetched("https://layers/x") == known

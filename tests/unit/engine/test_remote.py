"""An OPA that runs already, asked through opa-python-client: a real one, by token and by TLS."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from opalite.engine.bundle import Bundle
from opalite.engine.remote import RemoteOpa
from opalite.errors import DecisionError, EngineError, UsageError
from opalite.ports import GUARD_RULE, PolicyFault

MODULE = b"""package opalite.decision
batch[key] := {"p": {"outcome": item.outcome}} if {
	some key, item in input.items
	not item.cidr
}
batch[key] := net.cidr_contains(item.cidr, "10.0.0.1/32") if some key, item in input.items
"""
CATALOG = {"policies": {}, "by_type": {}}
AUTHORIZATION = b"""package system.authz
default allow := false
allow if input.identity == "s3cret"
"""


@contextmanager
def serving(opa, folder: Path, bundle: Bundle, *arguments: str, scheme: str = "http") -> Iterator[str]:
    """The URL of an OPA that somebody else started."""
    bundle.write(folder / "bundle.tar.gz")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        opa.path,
        "run",
        "--server",
        "--addr",
        f"127.0.0.1:{port}",
        "--log-level",
        "error",
        "--skip-version-check",
    ]
    with subprocess.Popen(
        [*command, *arguments, "--bundle", folder / "bundle.tar.gz"], stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait(port)
            yield f"{scheme}://127.0.0.1:{port}"
        finally:
            process.kill()


def wait(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("OPA did not start")


def remote(url: str, **more) -> RemoteOpa:
    return RemoteOpa(url, **({"token": None, "ca": None, "certificate": None} | more))


BUNDLE = Bundle({"router.rego": MODULE}, {"catalog": CATALOG})
SECOND = Bundle({"router.rego": MODULE.replace(b"opalite.decision", b"opalite.remediation")}, {"catalog": CATALOG})


def test_it_answers_and_tells_who_it_is(opa, tmp_path, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with serving(opa, tmp_path, BUNDLE) as url, remote(url) as engine:
        assert engine.ask(b'{"a":{"outcome":"pass"}}') == {"a": {"p": {"outcome": "pass"}}}
        assert engine.catalog() == CATALOG
        assert (engine.opa_version, engine.bundle_revision) == (opa.version, BUNDLE.revision)
        with pytest.raises(PolicyFault, match=r"net\.cidr_contains"):
            engine.ask(b'{"a":{"cidr":"0.0.0.0/0 "}}')


def test_it_answers_by_another_rule(opa, tmp_path):
    with serving(opa, tmp_path, SECOND) as url, remote(url) as engine:
        assert engine.ask(b'{"a":{"outcome":"pass"}}', GUARD_RULE) == {"a": {"p": {"outcome": "pass"}}}
        with pytest.raises(DecisionError, match=r"OPA knows no data\.opalite\.decision\.batch"):
            engine.ask(b"{}")


def test_a_token_is_sent(opa, tmp_path):
    bundle = Bundle({"router.rego": MODULE, "authz.rego": AUTHORIZATION}, {"catalog": CATALOG})
    arguments = ("--authentication=token", "--authorization=basic")
    with serving(opa, tmp_path, bundle, *arguments) as url:
        with remote(url, token="s3cret") as engine:
            assert engine.catalog() == CATALOG
        with pytest.raises(EngineError, match="answered HTTP 401; check the token"):
            remote(url, token="wrong")


def test_tls_is_verified(opa, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    arguments = (f"--tls-cert-file={certificate}", f"--tls-private-key-file={key}")
    with serving(opa, tmp_path, BUNDLE, *arguments, scheme="https") as url:
        with remote(url, ca=certificate) as engine:
            assert engine.catalog() == CATALOG
        with pytest.raises(EngineError, match="its certificate is not trusted; name its authority by --opa-ca"):
            remote(url)


def test_an_opa_without_our_policies_is_told(opa, tmp_path):
    with serving(opa, tmp_path, Bundle({"x.rego": b"package x"}, {})) as url, remote(url) as engine:
        with pytest.raises(EngineError, match=r"has no data\.catalog"):
            engine.catalog()
        with pytest.raises(DecisionError, match=r"knows no data\.opalite\.decision\.batch"):
            engine.ask(b"{}")


def test_nobody_there_is_told():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(EngineError, match=f"the OPA at {url} cannot be reached"):
        remote(url)


@pytest.mark.parametrize(
    ("url", "more", "says"),
    [
        ("localhost:8181", {}, "is not a URL of an OPA"),
        ("ftp://x", {}, "is not a URL of an OPA"),
        ("http://user:pass@x", {}, "must not carry a password"),
        ("http://opa.example.com", {"token": "t"}, "a token is sent over https only"),
    ],
)
def test_urls_that_cannot_be_used_are_told(url, more, says):
    with pytest.raises(UsageError, match=says) as caught:
        remote(url, **more)
    assert "pass@" not in str(caught.value)

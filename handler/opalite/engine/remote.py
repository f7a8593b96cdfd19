"""An OPA that somebody else runs, asked through opa-python-client.

Imported only where `--opa-url` is given: the client brings requests and aiohttp, 0.3 s of start-up that a managed OPA on
the loopback does not need.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
from opa_client.opa import OpaClient

from opalite.engine import answers
from opalite.engine.server import ANSWER_SECONDS
from opalite.errors import EngineError, UsageError
from opalite.ports import BATCH_RULE, UNVERSIONED

DEFAULT_PORT = 8181
_PARAMETERS = {"strict-builtin-errors": "true"}


class RemoteOpa:
    """Meets opalite.ports.GuardEngine. `url` is http(s)://host[:port][/prefix]; no part of it is ever logged with a token."""

    def __init__(self, url: str, *, token: str | None, ca: Path | None, certificate: Path | None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UsageError(f"--opa-url {url!r} is not a URL of an OPA; write http://host:8181 or https://host")
        if parts.username or parts.password:
            raise UsageError(
                "--opa-url must not carry a password; give a token by --opa-token-file or OPALITE_OPA_TOKEN"
            )
        secure = parts.scheme == "https"
        if token and not secure and not _is_loopback(parts.hostname):
            raise UsageError("a token is sent over https only; use an https:// --opa-url")
        self._url = f"{parts.scheme}://{parts.hostname}:{parts.port or (443 if secure else DEFAULT_PORT)}"
        client: Any = OpaClient(  # untyped
            host=parts.hostname,
            port=parts.port or (443 if secure else DEFAULT_PORT),
            ssl=str(ca) if ca and secure else secure,
            cert=str(certificate) if certificate else None,
            token=token,
            timeout=ANSWER_SECONDS,
        )
        self._client = client
        client.root_url = f"{self._url}{parts.path.rstrip('/')}/v1"
        if _is_loopback(parts.hostname):
            client._session.trust_env = False  # noqa: SLF001 - a proxy has no way to our own loopback
        self.opa_version, self.bundle_revision = self._identity()

    def __enter__(self) -> RemoteOpa:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close_connection()

    def ask(self, items: bytes, rule: str = BATCH_RULE) -> Mapping[str, Any]:
        """Results by key; see opalite.ports.GuardEngine."""
        package, name = rule.rsplit("/", 1)
        answer = self._post(package, name, {"items": orjson.loads(items)}, _PARAMETERS)
        return answers.result_of(*answer, rule=rule)

    def catalog(self) -> dict[str, Any]:
        """data.catalog of that OPA."""
        status, body = self._post("catalog", None, {}, {})
        document = orjson.loads(body) if status == 200 else {}
        catalog = document.get("result")
        if not isinstance(catalog, dict) or not {"policies", "by_type"} <= catalog.keys():
            raise EngineError(f"the OPA at {self._url} has no data.catalog: load Opalite's policies and data into it")
        return catalog

    def _identity(self) -> tuple[str, str]:
        status, body = self._post("catalog", None, {}, {"provenance": "true"})
        if status != 200:
            raise EngineError(f"the OPA at {self._url} answered HTTP {status}; check the token and --opa-url")
        provenance = orjson.loads(body).get("provenance") or {}
        revisions = sorted(str(entry.get("revision", "")) for entry in (provenance.get("bundles") or {}).values())
        return str(provenance.get("version") or "unknown"), "+".join(filter(None, revisions)) or UNVERSIONED

    def _post(self, package: str, rule: str | None, document: Any, parameters: Mapping[str, str]) -> tuple[int, bytes]:
        try:
            answer = self._client.query_rule(document, package, rule, dict(parameters))
        except requests.HTTPError as error:
            response: Any = error.response
            return response.status_code, response.content
        except (requests.RequestException, OSError) as error:
            raise EngineError(f"the OPA at {self._url} cannot be reached: {_reason(error)}") from error
        except ValueError:
            raise EngineError(f"the OPA at {self._url} answered with something that is not JSON") from None
        return 200, orjson.dumps(answer)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _reason(error: Exception) -> str:
    text = str(error)
    for sign, meaning in (
        ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted; name its authority by --opa-ca"),
        ("Connection refused", "connection refused"),
        ("timed out", "timed out"),
    ):
        if sign in text:
            return meaning
    return type(error).__name__

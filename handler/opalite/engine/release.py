"""The official release of OPA for this platform, over HTTPS only, checked against its published SHA-256."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, Protocol

from opalite.errors import InstallError

if TYPE_CHECKING:
    from pathlib import Path

DOWNLOADS = "https://openpolicyagent.org/downloads"
# The file names of OPA's release builds; there is none called static for macOS on Intel.
ASSETS = {
    ("Linux", "x86_64"): "opa_linux_amd64_static",
    ("Linux", "aarch64"): "opa_linux_arm64_static",
    ("Darwin", "x86_64"): "opa_darwin_amd64",
    ("Darwin", "arm64"): "opa_darwin_arm64_static",
}
_SILENCE_SECONDS = 15  # without a connection or a further byte
_WHOLE_SECONDS = 900
_LARGEST = 200 * 1024 * 1024  # a release has 40 to 70 MB
_CHUNK = 256 * 1024
_DIGEST_LINE = re.compile(r"([0-9a-fA-F]{64})(?:[ \t]+\*?(\S+))?\s*")

Report = Callable[[str, float | None], None]


class Response(Protocol):
    """What an opened URL must offer; `headers` has Content-Length, or not."""

    headers: Any

    def read(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


Fetch = Callable[[str], Response]


class UnavailableError(InstallError):
    """No release can be had here, for a reason that casts no doubt on anyone: another way may be tried."""


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not newurl.lower().startswith("https://"):
            raise urllib.error.URLError(f"redirected to {newurl}, which is not HTTPS; not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def https_opener(https: urllib.request.BaseHandler | None = None) -> urllib.request.OpenerDirector:
    """An opener that knows no other scheme than HTTPS, whatever it is asked for or redirected to."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        _HttpsOnly(),
        urllib.request.HTTPErrorProcessor(),
        https or urllib.request.HTTPSHandler(),
    ):
        opener.add_handler(handler)
    return opener


def fetch_https(url: str) -> Response:
    response: Response = https_opener().open(url, timeout=_SILENCE_SECONDS)
    return response


def download(
    version: str,
    directory: Path,
    report: Report,
    *,
    fetch: Fetch = fetch_https,
    platform: tuple[str, str] | None = None,
) -> Path:
    """A checked, not yet executable file in `directory`; UnavailableError when there is none to be had."""
    system, machine = platform or (os.uname().sysname, os.uname().machine)
    asset = ASSETS.get((system, machine))
    if asset is None:
        raise UnavailableError(f"there is no OPA release for {system} on {machine}")
    url = f"{DOWNLOADS}/v{version}/{asset}"
    target = directory / asset
    try:
        published = _published_digest(url, asset, fetch)
        found = _stream(url, target, report, fetch, f"downloading {asset} {version}")
    except (OSError, http.client.HTTPException) as error:
        raise UnavailableError(f"{url}: {_reason(error)}") from error
    if found != published:
        target.unlink()
        raise InstallError(
            f"{url} has SHA-256 {found}, published is {published}: the download is not used; try again, "
            "and if that repeats, find out who changes it on the way"
        )
    return target


def _published_digest(url: str, asset: str, fetch: Fetch) -> str:
    response = fetch(f"{url}.sha256")
    try:
        text = response.read(4096).decode("ascii", "replace")
    finally:
        response.close()
    line = _DIGEST_LINE.fullmatch(text)
    if line is None or line[2] not in {None, asset}:
        raise UnavailableError(f"{url}.sha256 holds no SHA-256 of {asset}")
    return line[1].lower()


def _stream(url: str, target: Path, report: Report, fetch: Fetch, step: str) -> str:
    digest, size, deadline = hashlib.sha256(), 0, time.monotonic() + _WHOLE_SECONDS
    report(step, 0.0)
    response = fetch(url)
    try:
        declared = response.headers.get("Content-Length") or ""
        length = int(declared) if declared.isdecimal() else 0
        with target.open("xb") as file:
            while chunk := response.read(_CHUNK):
                size += len(chunk)
                if size > _LARGEST or time.monotonic() > deadline:
                    raise UnavailableError(f"{url}: more than {_LARGEST >> 20} MB or {_WHOLE_SECONDS} s; given up")
                digest.update(chunk)
                file.write(chunk)
                report(step, min(size / length, 1.0) if length else None)
    finally:
        response.close()
    if size < length:
        raise UnavailableError(f"{url}: the download broke off after {size} of {length} bytes")
    return digest.hexdigest()


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.URLError) and not isinstance(error, urllib.error.HTTPError):
        return str(error.reason)
    return str(error) or type(error).__name__

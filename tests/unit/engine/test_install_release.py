"""Downloading the official release, without a network: only the connection itself is replaced."""

from __future__ import annotations

import email
import hashlib
import io
import urllib.error
import urllib.request
import urllib.response
from pathlib import Path

import pytest

from opalite.engine.release import ASSETS, UnavailableError, download, https_opener
from opalite.errors import InstallError

LINUX = ("Linux", "x86_64")
URL = "https://openpolicyagent.org/downloads/v1.22.2/opa_linux_amd64_static"
CONTENT = b"\x7fELF" + bytes(700_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Reply(io.BytesIO):
    def __init__(self, content: bytes, length: int | str | None = None) -> None:
        super().__init__(content)
        self.headers = {} if length is None else {"Content-Length": str(length)}


def fetch_from(replies: dict[str, Reply | Exception]):
    def fetch(url: str) -> Reply:
        reply = replies[url]
        if isinstance(reply, Exception):
            raise reply
        return reply

    return fetch


def published(text: str) -> Reply:
    return Reply(text.encode())


def quiet(step: str, fraction: float | None) -> None:
    pass


def test_a_release_that_matches_its_published_digest_is_kept(tmp_path):
    told: list[tuple[str, float | None]] = []
    replies = {
        f"{URL}.sha256": published(f"{DIGEST}  opa_linux_amd64_static\n"),
        URL: Reply(CONTENT, len(CONTENT)),
    }
    path = download("1.22.2", tmp_path, lambda *each: told.append(each), fetch=fetch_from(replies), platform=LINUX)
    assert (path, path.read_bytes()) == (tmp_path / "opa_linux_amd64_static", CONTENT)
    assert {step for step, _ in told} == {"downloading opa_linux_amd64_static 1.22.2"}
    fractions = [fraction for _, fraction in told if fraction is not None]
    assert (fractions[0], fractions[-1], fractions) == (0.0, 1.0, sorted(fractions))


def test_a_checksum_mismatch_refuses_and_leaves_nothing(tmp_path):
    replies = {f"{URL}.sha256": published(DIGEST), URL: Reply(b"something else")}
    with pytest.raises(InstallError) as raised:
        download("1.22.2", tmp_path, quiet, fetch=fetch_from(replies), platform=LINUX)
    assert not isinstance(raised.value, UnavailableError)
    assert str(raised.value) == (
        f"{URL} has SHA-256 {hashlib.sha256(b'something else').hexdigest()}, published is {DIGEST}: "
        "the download is not used; try again, and if that repeats, find out who changes it on the way"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["<html>log in</html>", DIGEST[:-1], f"{DIGEST}  opa_linux_arm64_static", f"{DIGEST} a b", ""]
)
def test_without_a_published_digest_of_this_very_file_nothing_is_downloaded(tmp_path, text):
    with pytest.raises(UnavailableError) as raised:
        download("1.22.2", tmp_path, quiet, fetch=fetch_from({f"{URL}.sha256": published(text)}), platform=LINUX)
    assert str(raised.value) == f"{URL}.sha256 holds no SHA-256 of opa_linux_amd64_static"
    assert list(tmp_path.iterdir()) == []


def test_a_download_that_breaks_off_is_told_from_a_wrong_one(tmp_path):
    replies = {f"{URL}.sha256": published(DIGEST), URL: Reply(CONTENT[:1000], len(CONTENT))}
    with pytest.raises(UnavailableError) as raised:
        download("1.22.2", tmp_path, quiet, fetch=fetch_from(replies), platform=LINUX)
    assert str(raised.value) == f"{URL}: the download broke off after 1000 of {len(CONTENT)} bytes"


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (urllib.error.URLError(OSError("no route")), "no route"),
        (
            urllib.error.HTTPError(URL, 404, "Not Found", email.message_from_string(""), None),
            "HTTP Error 404: Not Found",
        ),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_a_failing_connection_says_which_and_lets_another_way_be_tried(tmp_path, failure, reason):
    with pytest.raises(UnavailableError) as raised:
        download("1.22.2", tmp_path, quiet, fetch=fetch_from({f"{URL}.sha256": failure}), platform=LINUX)
    assert str(raised.value) == f"{URL}: {reason}"


def test_more_than_the_largest_size_is_given_up(tmp_path):
    class Endless(Reply):
        def read(self, size: int | None = -1, /) -> bytes:
            return bytes(64 * 1024 * 1024)

    replies = {f"{URL}.sha256": published(DIGEST), URL: Endless(b"")}
    with pytest.raises(UnavailableError, match="more than 200 MB"):
        download("1.22.2", tmp_path, quiet, fetch=fetch_from(replies), platform=LINUX)


def test_a_platform_without_a_release_is_named(tmp_path):
    with pytest.raises(UnavailableError) as raised:
        download("1.22.2", tmp_path, quiet, fetch=fetch_from({}), platform=("Linux", "riscv64"))
    assert str(raised.value) == "there is no OPA release for Linux on riscv64"


def test_the_files_of_the_four_platforms():
    assert ASSETS == {
        ("Linux", "x86_64"): "opa_linux_amd64_static",
        ("Linux", "aarch64"): "opa_linux_arm64_static",
        ("Darwin", "x86_64"): "opa_darwin_amd64",
        ("Darwin", "arm64"): "opa_darwin_arm64_static",
    }


class Wire(urllib.request.HTTPSHandler):
    """In the place of TLS: answers with a redirect, then with the content."""

    def __init__(self, location: str) -> None:
        super().__init__()
        self.location = location
        self.opened: list[str] = []

    def https_open(self, req: urllib.request.Request) -> urllib.response.addinfourl:
        self.opened.append(req.full_url)
        first = len(self.opened) == 1
        headers = email.message_from_string(f"Location: {self.location}\n\n" if first else "\n")
        reply = urllib.response.addinfourl(io.BytesIO(b"content"), headers, req.full_url, 302 if first else 200)
        reply.msg = "Found" if first else "OK"
        return reply


def test_a_redirect_to_http_is_refused():
    wire = Wire("http://mirror.example/opa")
    with pytest.raises(urllib.error.URLError) as raised:
        https_opener(wire).open(URL)
    assert raised.value.reason == "redirected to http://mirror.example/opa, which is not HTTPS; not followed"
    assert wire.opened == [URL]


def test_a_redirect_to_https_is_followed():
    wire = Wire("https://mirror.example/opa")
    with https_opener(wire).open(URL) as reply:
        assert reply.read() == b"content"
    assert wire.opened == [URL, "https://mirror.example/opa"]


@pytest.mark.parametrize("scheme", ["http", "ftp", "file"])
def test_no_other_scheme_is_opened_at_all(scheme, tmp_path):
    with pytest.raises(urllib.error.URLError, match=f"unknown url type: {scheme}"):
        https_opener().open(f"{scheme}://{Path(tmp_path)}/opa")

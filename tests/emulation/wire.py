"""Requests and errors of AWS's protocols: which operation a request is of, and how its error is spelt."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from emulation.faults import AwsFault, one_name
from emulation.limits import service_model

_SCOPE = re.compile(r"Credential=([^/,\s]+)/\d+/([^/]+)/([^/]+)/aws4_request")
_FIELD = re.compile(r"\{(\w+)(\+?)\}")
_STATUS = {
    **dict.fromkeys(("AccessDenied", "ExpiredToken", "InvalidClientTokenId", "UnauthorizedOperation"), 403),
    **dict.fromkeys(("RequestLimitExceeded", "ServiceUnavailable", "SlowDown"), 503),
    **dict.fromkeys(("InternalError", "InternalFailure", "InternalServerError", "InternalServiceError"), 500),
}


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Asked(NamedTuple):
    """What a request tells of itself."""

    service: str
    operation: str
    region: str
    access_key: str
    protocol: str
    path: str
    headers: Mapping[str, str]
    body: bytes


def asked(method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Asked:
    """Read a signed request. Raises AwsFault if it is not signed."""
    scope = _SCOPE.search(headers.get("authorization", ""))
    if scope is None:
        raise AwsFault("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
    access_key, region, signed_for = scope.groups()
    service = one_name(signed_for)
    operation, protocol = _named(service, method, path, query, headers, body)
    return Asked(service, operation, region, access_key, protocol, path, headers, body)


def _named(
    service: str, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> tuple[str, str]:
    """The operation and the protocol."""
    if target := headers.get("x-amz-target"):
        return target.rpartition(".")[2], "json"
    if "smithy-protocol" in headers:
        return path.rpartition("/")[2], "cbor"
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded") and b"Action=" in body:
        return parse_qs(body.decode())["Action"][0], "ec2" if service == "ec2" else "query"
    protocol: str = service_model(service).protocol
    return _routed(service, method, path, query, headers), protocol


def answer(document: Any) -> Reply:
    """An answer of a JSON protocol."""
    return Reply(200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(document).encode())


def refusal(protocol: str, fault: AwsFault) -> Reply:
    """The error in the words of the protocol."""
    code, message = fault.code, fault.message
    status = fault.status or _STATUS.get(code, 400)
    if protocol == "json":
        return Reply(
            status, {"Content-Type": "application/x-amz-json-1.1"}, _json({"__type": code, "message": message})
        )
    if protocol == "rest-json":
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
        return Reply(status, headers, _json({"message": message, "Message": message}))
    if protocol == "cbor":
        headers = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        return Reply(status, headers, _cbor({"__type": code, "message": message}))
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if protocol == "ec2":
        text = f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>none</RequestID></Response>"
    elif protocol == "query":
        text = f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error><RequestId>none</RequestId></ErrorResponse>"
    else:
        text = f"<Error>{inner}<RequestId>none</RequestId></Error>"
    return Reply(status, {"Content-Type": "text/xml"}, text.encode())


class _Route(NamedTuple):
    operation: str
    method: str
    path: re.Pattern[str]
    query: Mapping[str, str]
    literal: int  # how much of the route is fixed text: the most exact one is meant


@cache
def _routes(service: str) -> tuple[_Route, ...]:
    return tuple(_made(service))


def _made(service: str) -> Iterator[_Route]:
    model = service_model(service)
    for name in model.operation_names:
        http = model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        parts = _FIELD.split(path.rstrip("/") or "/")
        pattern = "".join(
            re.escape(text) + ("" if index + 1 >= len(parts) else ".+" if parts[index + 2] else "[^/]+")
            for index, text in enumerate(parts)
            if index % 3 == 0
        )
        fixed = {key: values[0] for key, values in parse_qs(query, keep_blank_values=True).items()}
        yield _Route(name, http["method"], re.compile(pattern + "/?"), fixed, 10 * len(fixed) + path.count("/"))


def _routed(service: str, method: str, path: str, query: str, headers: Mapping[str, str]) -> str:
    given = {key: values[0] for key, values in parse_qs(query, keep_blank_values=True).items()}
    fitting = [
        route
        for route in _routes(service)
        if route.method == method and route.path.fullmatch(path) and route.query.items() <= given.items()
    ]
    if not fitting:
        return f"{method} {path}"
    if service == "s3" and method == "PUT" and "x-amz-copy-source" not in headers:
        fitting = [route for route in fitting if "Copy" not in route.operation] or fitting
    return max(fitting, key=lambda route: route.literal).operation


def _json(document: Mapping[str, str]) -> bytes:
    return json.dumps(document).encode()


def _cbor(document: Mapping[str, str]) -> bytes:
    """A map of short texts (RFC 8949, sections 3 and 3.1)."""

    def text(value: str) -> bytes:
        encoded = value.encode()[:255]
        return b"\x78" + bytes([len(encoded)]) + encoded

    return bytes([0xA0 + len(document)]) + b"".join(text(part) for pair in document.items() for part in pair)

"""Secrets stay out of what is kept: values that are named like secrets, and texts that look like keys. Pure.

Items are written by whoever owns the resource: nobody promises that there is no password in them. What is replaced here is
lost for good, so references (ARNs), numbers of days and the like stay: policies judge by them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from string import digits
from typing import Any, Final

from opalite.model import JsonObject

REDACTED: Final = "[redacted]"

# Ends of names, without capitals and separators. A name that goes on (…Arn, …Id, …Enabled, …Age) speaks of the secret only.
_SECRET = re.compile(
    r".*(?:passwords?|passwd|passphrase|passcode|pwd|secrets?|secret(?:string|binary|value|key)|credentials?"
    r"|(?<!http)(?<!client)(?<!request)(?<!creation)(?<!next)tokens?"  # those only keep calls from being made twice
    r"|(?:private|access|api|auth|shared|signing|master|account|storage)keys?|privatekeypem|connectionstrings?|userdata)"
)
_VARIABLES = re.compile(r".*variables|env|envvars?|environment")
_NAMES: Final = frozenset({"name", "key", "optionname", "parameterkey", "parametername", "settingname"})
_VALUES: Final = frozenset({"value", "values", "parametervalue", "settingvalue"})
_ABOUT = re.compile(r".*(?:name|id|arn|status|type|from|state|region)")  # beside a secret, and none
_REFERENCE = re.compile(r"arn:[a-z-]{1,20}:[a-z0-9-]{1,40}:[^\s]{0,2000}")
_SEPARATORS = re.compile(r"[^a-z0-9]+")
_NAME_CHARACTERS: Final = 256  # of which the end counts

_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY")
_WORD = r"(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|credentials?)"
_KEY_LIKE = re.compile(
    r"(?<![A-Z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Z0-9])"
    r"|eyJ[A-Za-z0-9_-]{10,4096}\.eyJ[A-Za-z0-9_-]{10,8192}\.[A-Za-z0-9_-]{0,4096}"  # a signed token, as JSON
    r"|gh[oprsu]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}|glpat-[A-Za-z0-9_-]{20,255}"
    r"|xox[abeprs]-[A-Za-z0-9-]{10,255}|[rs]k_live_[A-Za-z0-9]{16,255}|AIza[A-Za-z0-9_-]{35}"
    r"|(?<=://)[^/\s:@\"']{0,128}:[^/\s@\"']{1,256}(?=@)"  # a user and a password in an address
    r"|(?i:bearer)\s{1,3}[A-Za-z0-9._~+/=-]{16,4096}"
)
_ASSIGNED = re.compile(
    rf"({_WORD}[\"']?\s{{0,3}}(?:=\s{{0,3}}[\"']?|:\s{{0,3}}[\"'])|--{_WORD}\s{{1,3}}[\"']?)[^\s\"';,&]{{1,4096}}",
    re.IGNORECASE,
)

# One of these is in whatever the expressions above find.
_KEY_MARKS: Final = (
    "AKIA", "ASIA", "ABIA", "ACCA", "eyJ", "gho_", "ghp_", "ghr_", "ghs_", "ghu_", "github_pat_", "glpat-", "xox", "k_live_",
    "AIza", "://", "earer", "EARER", "PRIVATE KEY",
)  # fmt: skip
_WORD_MARKS: Final = ("pass", "pwd", "secret", "token", "key", "credential")

_SHORTEST_SAID = 6  # a shorter secret would be found in half of all words
_SHORTEST_VARIABLE = 16  # most variables are settings that messages name as well, as a region
_MOST_SECRETS = 200


class Redaction:
    """One record's: where something was replaced, and what, so that it is found in messages as well."""

    def __init__(self) -> None:
        self.paths: list[str] = []  # JSON Pointers
        self._secrets: set[str] = set()

    def copy(self) -> Redaction:
        """One that goes on from here by itself."""
        other = Redaction()
        other.paths, other._secrets = list(self.paths), set(self._secrets)
        return other

    def document(self, value: Any, path: str) -> Any:
        """A copy without what is named like a secret or looks like one."""
        return self._value(value, path, "")

    def text(self, text: str, path: str) -> str:
        """A text without the secrets that were found in documents before, nor what looks like one."""
        said = text
        for secret in sorted(self._secrets, key=lambda secret: (-len(secret), secret)):
            said = said.replace(secret, REDACTED)
        return self._noted(text, _without_keys(said), path)

    def evidence(self, evidence: Any, path: str) -> Any:
        """What a policy shows: `path` says what `actual` is the value of, so it may say that this is a secret."""
        document = self.document(evidence, path)
        steps = evidence.get("path") if isinstance(evidence, Mapping) else None
        if isinstance(steps, (list, tuple)) and "actual" in document:
            kind = next(("secret" for step in steps if _is_secret_step(step)), "")
            document["actual"] = self._value(document["actual"], f"{path}/actual", kind)
        return self._said(document, path)

    def _said(self, value: Any, path: str) -> Any:
        if isinstance(value, str):
            return self.text(value, path)
        if isinstance(value, dict):
            return {key: self._said(entry, _below(path, key)) for key, entry in value.items()}
        if isinstance(value, list):
            return [self._said(entry, _below(path, index)) for index, entry in enumerate(value)]
        return value

    def _value(self, value: Any, path: str, kind: str) -> Any:
        """`kind`: within what it stands: "secret", "variables" (by name), "listed" (a list of variables), or nothing."""
        if isinstance(value, Mapping):
            return self._object(value, path, kind)
        if isinstance(value, (list, tuple)):
            inner = "listed" if kind == "variables" else kind
            return [self._value(entry, _below(path, index), inner) for index, entry in enumerate(value)]
        if isinstance(value, str):
            return self._string(value, path, kind)
        if kind == "secret" and type(value) in (int, float):  # a PIN, say; truth values tell nothing
            self.paths.append(path)
            return REDACTED
        return value

    def _object(self, value: Mapping[str, Any], path: str, kind: str) -> JsonObject:
        named = _names_secret(value)
        done: JsonObject = {}
        for key, entry in value.items():
            flat, is_secret, is_variables = _name(key)
            inner = kind
            if named and flat in _VALUES:
                inner = "secret"
            elif kind in ("secret", "listed") and _ABOUT.fullmatch(flat):
                inner = ""
            elif is_secret:
                inner = "secret"
            elif is_variables and _holds_variables(flat, entry):
                inner = "variables"
            shown = self._noted(key, _without_keys(key), path)
            done[shown] = self._value(entry, _below(path, shown), inner)
        return done

    def _string(self, value: str, path: str, kind: str) -> str:
        if not kind or not value or _REFERENCE.fullmatch(value):
            return self._noted(value, _without_keys(value), path)
        shortest = _SHORTEST_SAID if kind == "secret" else _SHORTEST_VARIABLE
        if len(value) >= shortest and value != REDACTED and len(self._secrets) < _MOST_SECRETS:
            self._secrets.add(value)
        self.paths.append(path)
        return REDACTED

    def _noted(self, before: str, after: str, path: str) -> str:
        if after != before:
            self.paths.append(path)
        return after


def _names_secret(value: Mapping[str, Any]) -> bool:
    """An entry of a list of names and values, whose name is that of a secret, or an environment variable of Elastic Beanstalk."""
    if str(value.get("namespace", value.get("Namespace", ""))).endswith("application:environment"):
        return True
    return any(
        isinstance(entry, str) and _name(key)[0] in _NAMES and _is_secret(_flat(entry)) for key, entry in value.items()
    )


def _is_secret_step(step: object) -> bool:
    return any(_name(str(step))[1:])


def _holds_variables(flat: str, entry: Any) -> bool:
    """`environment` alone is a folder of other things as well, and the tag that everybody has."""
    return isinstance(entry, list) if flat == "environment" else isinstance(entry, (dict, list))


def _without_keys(text: str) -> str:
    """Most texts hold none of the marks, and finding that out is much faster than what follows."""
    if any(mark in text for mark in _KEY_MARKS):
        if _PEM.search(text):
            return REDACTED
        text = _KEY_LIKE.sub(REDACTED, text)
    lowered = text.lower()
    if ("=" in text or ":" in text or "--" in text) and any(word in lowered for word in _WORD_MARKS):
        text = _ASSIGNED.sub(rf"\1{REDACTED}", text)
    return text


def _is_secret(flat: str) -> bool:
    return _SECRET.fullmatch(flat.rstrip(digits)) is not None


@lru_cache(maxsize=4096)
def _name(name: str) -> tuple[str, bool, bool]:
    """A name without capitals and separators, and whether it is that of a secret, or of variables."""
    flat = _flat(name)
    return flat, _is_secret(flat), _VARIABLES.fullmatch(flat) is not None


def _flat(name: str) -> str:
    return _SEPARATORS.sub("", name[-_NAME_CHARACTERS:].lower())


def _below(path: str, step: object) -> str:
    """A JSON Pointer, RFC 6901."""
    return f"{path}/{str(step).replace('~', '~0').replace('/', '~1')}"

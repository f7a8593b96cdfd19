"""RELEASE.md: which versions of what, from what it was made, and what has changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shipment.checkout import Checkout

NAME = "RELEASE.md"


@dataclass(frozen=True, slots=True)
class Versions:
    """`runtime` is the functions' Python, as the template names it; `python` that of the build."""

    bundle_revision: str
    opa: str
    go: str
    runtime: str
    python: str


def text(checkout: Checkout, versions: Versions, digests: Mapping[str, str]) -> str:
    """`digests` of the other files."""
    rows = {
        "Opalite": checkout.version,
        "bundle revision": f"`{versions.bundle_revision}`",
        "OPA": versions.opa,
        "Go": versions.go,
        "Python of the functions": versions.runtime,
        "Python of the build": versions.python,
        "commit": f"`{checkout.commit}`" + (", with changes that are not committed" if checkout.is_dirty else ""),
        "date": f"{checkout.at:%Y-%m-%dT%H:%M:%SZ}",
    }
    return "\n".join(
        [
            f"# Opalite {checkout.version}",
            "",
            "| | |",
            "|---|---|",
            *(f"| {name} | {value} |" for name, value in rows.items()),
            "",
            "```sh",
            "sha256sum --check SHA256SUMS",
            "sam deploy --guided --template-file template-arm64.yaml      # or template-x86_64.yaml; nothing is built",
            "```",
            "",
            "`deploy/member.yaml` is for the accounts. What is in each file: `sbom.cdx.json`.",
            "",
            "## Changes",
            "",
            checkout.changes,
            "",
            "## Files",
            "",
            "| file | SHA-256 |",
            "|---|---|",
            *(f"| {name} | `{digest}` |" for name, digest in sorted(digests.items())),
            "",
        ]
    )

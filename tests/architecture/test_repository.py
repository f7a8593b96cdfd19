"""What a checkout holds is the product, and nothing of the places where it was made."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
_NOT_OURS = {".git", ".venv", "bench-data", "dist", "build", "__pycache__", "node_modules"}
# Written so that this file does not hold what it looks for.
OUTSIDE = re.compile(r"\.\.[/]shared|(?<![\w.:/$~-])/(?:work|root|Users)/\w")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def files() -> list[Path]:
    """Those under version control or about to be; in an unpacked archive, all."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode == 0:
        found = [REPOSITORY / name for name in listed.stdout.split("\0") if name]
    else:
        found = [path for path in REPOSITORY.rglob("*") if not _NOT_OURS & set(path.relative_to(REPOSITORY).parts)]
    return sorted(path for path in found if path.is_file())


FILES = files()


def texts() -> list[tuple[str, str]]:
    found = []
    for path in FILES:
        try:
            found.append((path.relative_to(REPOSITORY).as_posix(), path.read_bytes().decode()))
        except UnicodeDecodeError:
            continue
    return found


def test_no_file_refers_to_a_place_outside_the_repository():
    found = [(name, line) for name, text in texts() for line in text.splitlines() if OUTSIDE.search(line)]
    assert found == []


def test_the_lock_leaves_the_registry_to_whoever_installs():
    lock = (REPOSITORY / "requirements.lock").read_text()
    assert re.findall(r"^(?:--(?:extra-)?index-url|--find-links|-i|-f)\b.*|\S+ @ \S+", lock, re.MULTILINE) == []


def test_every_link_between_documents_leads_somewhere():
    dead = [
        (name, target)
        for name, text in texts()
        if name.endswith(".md")
        for target in _LINK.findall(text)
        if not re.match(r"[a-z]+:", target) and not ((REPOSITORY / name).parent / target).exists()
    ]
    assert dead == []


@pytest.mark.parametrize("tree", ["handler", "extension", "tests", "samples", "benchmarks", "release"])
def test_modules_stay_short_enough_to_be_read_at_once(tree):
    """Tests may be tables; what they test may not."""
    ceiling = 700 if tree == "tests" else 300
    long = {
        path.relative_to(REPOSITORY).as_posix(): count
        for path in FILES
        if path.suffix == ".py" and path.is_relative_to(REPOSITORY / tree)
        if (count := len(path.read_text().splitlines())) > ceiling
    }
    assert long == {}

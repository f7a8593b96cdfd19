from __future__ import annotations

import pytest
import yaml

from opalite.deployment import requirements
from opalite.deployment.text import with_sections, yaml_text
from opalite.errors import UsageError

TEXT = """\
a: 1
b:
  # made: things
  old: true
  # end: things
c: 2
"""


def test_what_appears_twice_is_written_twice():
    same = {"x": [1]}
    assert yaml_text({"a": same, "b": same}) == "a:\n  x: [1]\nb:\n  x: [1]\n"


def test_a_section_is_put_in_as_deep_as_its_marks():
    found = with_sections(TEXT, {"things": {"new": [1, {"deep": "y"}]}}, "t.yaml")
    assert yaml.safe_load(found) == {"a": 1, "b": {"new": [1, {"deep": "y"}]}, "c": 2}
    assert with_sections(found, {"things": {"new": [1, {"deep": "y"}]}}, "t.yaml") == found


@pytest.mark.parametrize("text", ["a: 1\n", TEXT + TEXT, TEXT.replace("  # end: things\n", "")])
def test_marks_that_are_missing_or_there_twice_are_refused(text):
    with pytest.raises(UsageError, match=r"^t\.yaml: expected once the lines `# made: things`"):
        with_sections(text, {"things": {}}, "t.yaml")


LOCK = """\
# comment
boto3==1.0 \\
    --hash=sha256:00
botocore==1.1 \\
    --hash=sha256:01 \\
    --hash=sha256:02
six==1.2 \\
    --hash=sha256:03
"""


def test_of_the_lock_the_named_libraries_are_taken_with_all_their_hashes():
    assert requirements.part(LOCK, ["six", "botocore"]) == (
        "botocore==1.1 \\\n    --hash=sha256:01 \\\n    --hash=sha256:02\nsix==1.2 \\\n    --hash=sha256:03\n"
    )


def test_a_library_that_is_not_locked_is_refused():
    with pytest.raises(UsageError, match="there is no orjson"):
        requirements.part(LOCK, ["orjson"])

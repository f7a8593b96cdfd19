"""template.yaml for those who have no checkout: code and layer are the .zip files beside it.

One for each architecture, because the code of the function holds compiled libraries. The text is edited, not written
anew, so that its comments stay. What is not found where it is looked for ends the release.
"""

from __future__ import annotations

import re
from pathlib import Path

from layer.architecture import ALL, Architecture

from opalite.errors import UsageError

TEMPLATE = "template.yaml"
# Paths of these are relative to the template, for SAM and `aws cloudformation package` alike:
# https://docs.aws.amazon.com/cli/latest/reference/cloudformation/package.html
_LOCAL = re.compile(
    r"^\s*(?:CodeUri|ContentUri|DefinitionUri|TemplateURL|Location): *(?P<path>[^\s{!#]+)", re.MULTILINE
)
_FUNCTION = "Type: AWS::Serverless::Function\n"
_HANDLER = re.compile(r"^(?P<indent> +)Handler: opalite\.", re.MULTILINE)
_CODE = re.compile(r"^ +CodeUri: handler/\n", re.MULTILINE)
_BUILT = re.compile(r"^ +Metadata: \{BuildMethod: makefile\}\n", re.MULTILINE)
_LAYER_BUILT = re.compile(r"^ +Metadata:\n +BuildMethod: makefile\n +BuildArchitecture: \w+\n", re.MULTILINE)
_CHOICE = re.compile(r"(?<=^  Architecture:\n    Type: String\n)    AllowedValues: .*\n    Default: .*\n", re.MULTILINE)


def packaged_name(architecture: Architecture) -> str:
    return f"template-{architecture.name}.yaml"


def function_name(architecture: Architecture) -> str:
    return f"opalite-function-{architecture.name}.zip"


def layer_name(architecture: Architecture) -> str:
    return f"opalite-layer-{architecture.name}.zip"


def packaged(text: str, architecture: Architecture, version: str) -> str:
    """`text` is template.yaml. Nothing of it is left to `sam build`."""
    functions = text.count(_FUNCTION)
    text = _replaced(_CODE, "", text, 1)
    text = _replaced(_BUILT, "", text, functions)
    text = _replaced(_LAYER_BUILT, "", text, len(ALL))
    text = _replaced(_HANDLER, rf"\g<indent>CodeUri: {function_name(architecture)}\n\g<0>", text, functions)
    choice = f"    AllowedValues: [{architecture.name}]\n    Default: {architecture.name}\n"
    text = _replaced(_CHOICE, choice, text, 1)
    for each in ALL:
        text = _replaced(_content(each), rf"\g<before>ContentUri: {layer_name(each)}\n\g<after>", text, 1)
    return f"# Opalite {version} for {architecture.name}; docs/release.md says how it is deployed.\n{text}"


def require_files(folder: Path) -> None:
    """Every file that a template in the folder names by its path is there. Raises UsageError with what is missing."""
    for template in sorted(folder.rglob("*.yaml")):
        for match in _LOCAL.finditer(template.read_text(encoding="utf-8")):
            if not (template.parent / match["path"]).is_file():
                raise UsageError(f"{template.name} names {match['path']}, which is not in the release: see {__name__}")


def _content(architecture: Architecture) -> re.Pattern[str]:
    after = rf" +CompatibleArchitectures: \[{architecture.name}\]\n"
    return re.compile(rf"^(?P<before> +)ContentUri: extension/\n(?P<after>{after})", re.MULTILINE)


def _replaced(pattern: re.Pattern[str], by: str, text: str, times: int) -> str:
    made, count = pattern.subn(by, text)
    if count != times:
        raise UsageError(f"{TEMPLATE}: {pattern.pattern!r} is there {count} times, not {times}: see {__name__}")
    return made

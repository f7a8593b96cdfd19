"""Documents as the text of a template, and the generated parts of a template that people write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from opalite.errors import UsageError

HEADER = "# Made by `make template`; what is changed here by hand is lost. See docs/deploy.md.\n"
_WIDTH = 130


def yaml_text(document: Any) -> str:
    """YAML without aliases, in the order of the document, with the short forms of CloudFormation's functions."""
    import yaml  # noqa: PLC0415 - 20 ms, needed only where templates are made

    class Dumper(yaml.SafeDumper):
        """CloudFormation knows no aliases."""

        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
            return True

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
            super().increase_indent(flow, indentless=False)

    def mapping(dumper: Any, value: Mapping[str, Any]) -> Any:
        """`!Ref x`, `!If [..]`; a mapping, if it is no function."""
        name, body = next(iter(value.items()), ("", None)) if len(value) == 1 else ("", None)
        if name != "Ref" and not name.startswith("Fn::"):
            return dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=False)
        tag = f"!{name.removeprefix('Fn::')}"
        if tag == "!GetAtt" and body:
            body = ".".join(body)
        if isinstance(body, str):
            return dumper.represent_scalar(tag, body, style='"' if tag == "!Sub" else None)
        return dumper.represent_sequence(tag, body)

    Dumper.add_representer(dict, mapping)
    text: str = yaml.dump(
        document, Dumper=Dumper, sort_keys=False, width=_WIDTH, allow_unicode=True, default_flow_style=None
    )
    return text


def with_sections(text: str, sections: Mapping[str, Any], source: str) -> str:
    """The text, with a document between each pair of lines `# made: <name>` and `# end: <name>`, as deep as these stand.

    Raises UsageError if a pair is not there exactly once.
    """
    for name, document in sections.items():
        pattern = re.compile(
            rf"^(?P<depth> *)# made: {re.escape(name)}\n.*?^(?P=depth)# end: {re.escape(name)}\n",
            re.MULTILINE | re.DOTALL,
        )
        found = pattern.findall(text)
        if len(found) != 1:
            raise UsageError(
                f"{source}: expected once the lines `# made: {name}` and `# end: {name}`, found {len(found)}"
            )

        def put(match: re.Match[str], name: str = name, document: Any = document) -> str:
            depth = match["depth"]
            lines = [f"{depth}{line}".rstrip() for line in yaml_text(document).splitlines()]
            return "\n".join([f"{depth}# made: {name}", *lines, f"{depth}# end: {name}", ""])

        text = pattern.sub(put, text)
    return text

"""The resource of a finding: type, id, place, tags, details. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from opalite.model import Case, JsonObject
from opalite.publish.annotation import clean, cut, length
from opalite.publish.asff_details import asff_type, details

# https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Resource.html: Region 1 to 16 characters. For Id the page has no
# limit; 512 is that of a finding's own.
_REGION_CHARACTERS = 16
_ID_CHARACTERS = 512
_DIGEST_CHARACTERS = 40
# https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Resource.html: the values of Partition, some of them spelt as nowhere
# else. Those of newer partitions are not among them.
_PARTITIONS = {
    "aws": "aws",
    "aws-cn": "aws-cn",
    "aws-us-gov": "aws-us-gov",
    "aws-iso": "aws-us-iso",
    "aws-iso-b": "aws-us-iso-b",
}
# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html: 50 tags, keys of 1 to 128 and values of up to
# 256 characters: letters, digits, spaces and _.:/=+-@, never beginning with "aws:". The finding format allows no empty values.
_TAGS, _TAG_KEY_CHARACTERS, _TAG_VALUE_CHARACTERS = 50, 128, 256
_TAG_TEXT = re.compile(r"[\w .:/=+\-@]+")
_RESERVED = "aws:"


def resource(case: Case) -> JsonObject:
    """One entry of a finding's Resources."""
    decision, document = case.decision, case.judged["resource"]
    found: JsonObject = {"Type": asff_type(decision.resource_type), "Id": _id(case)}
    if (partition := _PARTITIONS.get(str(document.get("partition")))) is not None:
        found["Partition"] = partition
    if 0 < length(decision.region) <= _REGION_CHARACTERS and clean(decision.region):
        found["Region"] = clean(decision.region)
    if tags := _tags(document.get("tags")):
        found["Tags"] = tags
    if more := details(document):
        found["Details"] = more
    return found


def _id(case: Case) -> str:
    """The ARN; for the few that have none, or one too long, the parts by which AWS Config knows the resource."""
    decision = case.decision
    arn = decision.arn
    if arn is not None and clean(arn) == arn and 0 < length(arn) <= _ID_CHARACTERS:
        return arn
    whole = f"{decision.account_id}/{decision.region}/{decision.resource_type}/{decision.resource_id}"
    if clean(whole) == whole and length(whole) <= _ID_CHARACTERS:
        return whole
    digest = sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{cut(clean(whole), _ID_CHARACTERS - _DIGEST_CHARACTERS - 1)}~{digest}"


def _tags(tags: Any) -> dict[str, str]:
    """Those that Security Hub takes, by key: one that it does not take would cost the whole finding."""
    if not isinstance(tags, Mapping):
        return {}
    valid = {
        key: value
        for key, value in tags.items()
        if _is_tag_text(key, _TAG_KEY_CHARACTERS) and _is_tag_text(value, _TAG_VALUE_CHARACTERS)
    }
    return {key: valid[key] for key in sorted(valid)[:_TAGS]}


def _is_tag_text(text: Any, most: int) -> bool:
    return (
        isinstance(text, str)
        and len(text) <= most
        and length(text) <= most
        and not text.casefold().startswith(_RESERVED)
        and _TAG_TEXT.fullmatch(text) is not None
        and not text.isspace()
        and text.isprintable()
    )

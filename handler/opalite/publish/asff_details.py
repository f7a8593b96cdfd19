"""What Security Hub's finding format calls the type of a resource, and what a finding shows of its configuration. Pure.

Only members of typed configurations are shown, one by one: they hold no secrets. The generic form of other types may.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from opalite.model import JsonObject
from opalite.publish.annotation import clean, length
from opalite.publish.asff_forms import BY_WORDS, DIFFERENT, FORMS, SHOWN

OTHER = "Other"  # the type of what the format has no name for
# https://docs.aws.amazon.com/securityhub/latest/userguide/asff-resourcedetails-other.html: up to 50 pairs, keys of fewer than 128
# characters, values of fewer than 1,024. For the members of its objects the format names no limit; we use the same.
OTHER_PAIRS, OTHER_KEY_CHARACTERS, OTHER_VALUE_CHARACTERS = 50, 127, 1023
_INTEGERS = range(-(2**31), 2**31)
_ENTRIES = 50  # of one list
_RULES, _SOURCES = 100, 50  # of a security group in one direction; ranges or groups of one rule


@lru_cache(maxsize=256)
def asff_type(resource_type: str) -> str:
    """AwsEc2SecurityGroup for AWS::EC2::SecurityGroup; Other for what the format does not know."""
    if resource_type in DIFFERENT:
        return DIFFERENT[resource_type]
    vendor, _, rest = resource_type.partition("::")
    return BY_WORDS.get(rest.replace("::", "").casefold(), OTHER) if vendor == "AWS" else OTHER


def details(resource: Mapping[str, Any]) -> JsonObject:
    """Resource.Details of a resource as it was judged; empty when there is nothing to show."""
    kind = asff_type(resource["type"])
    configuration = resource.get("configuration")
    configuration = configuration if isinstance(configuration, dict) else {}
    special: JsonObject = {}
    if kind in FORMS and configuration:
        special = _filled(FORMS[kind], configuration | {"@id": resource["id"], "@name": resource.get("name")})
    if kind in _BY_HAND and configuration:
        special |= _BY_HAND[kind](resource, configuration)
    other = _other(resource, configuration, named=kind != OTHER)
    return ({kind: special} if special else {}) | ({OTHER: other} if other else {})


def shown(value: Any, most: int = OTHER_VALUE_CHARACTERS) -> str | None:
    """Text that may stand in a finding; None for what is none, blank or too long. Cut, an id would be another id."""
    if not isinstance(value, str) or length(value) > most:
        return None
    return clean(value) or None


def _other(resource: Mapping[str, Any], configuration: Mapping[str, Any], *, named: bool) -> dict[str, str]:
    """What has no place of its own: what the resource is, and some members of types without an object."""
    kind = resource["type"]
    found: dict[str, Any] = {} if named else {"resource_type": kind, "resource_id": resource["id"]}
    found["resource_name"] = resource.get("name")
    units = resource.get("organizational_units")
    found["organizational_units"] = "/".join(map(str, units)) if isinstance(units, (list, tuple)) else None
    for member in SHOWN.get(kind, ()):
        value = configuration.get(member)
        found[member] = str(value).lower() if isinstance(value, (bool, int)) else value
    return {key: text for key, value in found.items() if (text := shown(value)) is not None}


def _filled(form: Mapping[str, str], configuration: Mapping[str, Any]) -> JsonObject:
    """`form`: place in the details → kind and place in the configuration."""
    found: JsonObject = {}
    for place, source in form.items():
        value = _KINDS[source[0]](_at(configuration, source[1:]))
        if value is None:
            continue
        *way, last = place.split(".")
        if source[0] == "+":  # objects with one member each
            value, last = [{last: entry} for entry in value], way.pop()
        target = found
        for part in way:
            target = target.setdefault(part, {})
        target[last] = value
    return found


def _at(configuration: Mapping[str, Any], source: str) -> Any:
    value: Any = configuration
    for part in source.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _number(value: Any) -> int | None:
    return value if type(value) is int and value in _INTEGERS else None


def _texts(value: Any) -> list[str] | None:
    found = [text for entry in _list(value, _ENTRIES) if (text := shown(entry)) is not None]
    return found or None


_KINDS: Mapping[str, Callable[[Any], Any]] = {"'": shown, "?": _flag, "#": _number, "*": _texts, "+": _texts}


def _list(value: Any, most: int) -> Sequence[Any]:
    return value[:most] if isinstance(value, (list, tuple)) else ()


def _security_group(resource: Mapping[str, Any], configuration: Mapping[str, Any]) -> JsonObject:
    found = {
        "GroupId": shown(resource["id"]),
        "IpPermissions": _rules(configuration.get("ingress")),
        "IpPermissionsEgress": _rules(configuration.get("egress")),
    }
    return {key: value for key, value in found.items() if value}


def _rules(rules: Any) -> list[JsonObject]:
    return [found for rule in _list(rules, _RULES) if isinstance(rule, dict) and (found := _rule(rule))]


def _rule(rule: Mapping[str, Any]) -> JsonObject:
    found = {
        "IpProtocol": shown(rule.get("protocol")),
        "FromPort": _number(rule.get("from_port")),
        "ToPort": _number(rule.get("to_port")),
        "IpRanges": _objects("CidrIp", _ranges(rule.get("ipv4"))),
        "Ipv6Ranges": _objects("CidrIpv6", _ranges(rule.get("ipv6"))),
        "PrefixListIds": _objects("PrefixListId", rule.get("prefix_lists")),
        "UserIdGroupPairs": _objects("GroupId", rule.get("groups")),
    }
    return {key: value for key, value in found.items() if value not in (None, [])}


def _ranges(entries: Any) -> list[Any]:
    return [entry.get("cidr") if isinstance(entry, dict) else None for entry in _list(entries, _SOURCES)]


def _objects(member: str, entries: Any) -> list[JsonObject]:
    return [{member: text} for entry in _list(entries, _SOURCES) if (text := shown(entry)) is not None]


def _bucket(_resource: Mapping[str, Any], configuration: Mapping[str, Any]) -> JsonObject:
    encryption = configuration.get("encryption")
    if not isinstance(encryption, dict) or not (algorithm := shown(encryption.get("algorithm"))):
        return {}
    rule = {"SSEAlgorithm": algorithm}
    if (key := shown(encryption.get("key"))) is not None:
        rule["KMSMasterKeyID"] = key
    return {"ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": rule}]}}


def _instance(_resource: Mapping[str, Any], configuration: Mapping[str, Any]) -> JsonObject:
    addresses = [configuration.get("private_ip_address"), configuration.get("public_ip_address")]
    interfaces = [
        entry.get("network_interface_id")
        for entry in _list(configuration.get("network_interfaces"), _ENTRIES)
        if isinstance(entry, dict)
    ]
    found = {"IpV4Addresses": _texts(addresses), "NetworkInterfaces": _objects("NetworkInterfaceId", interfaces)}
    return {key: value for key, value in found.items() if value}


_BY_HAND: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], JsonObject]] = {
    "AwsEc2Instance": _instance,
    "AwsEc2SecurityGroup": _security_group,
    "AwsS3Bucket": _bucket,
}

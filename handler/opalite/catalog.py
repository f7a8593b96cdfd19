"""The catalog: the index of all policies, made from their METADATA. Pure.

`document` turns what `opa inspect --annotations` prints into data.catalog; `Catalog` reads such a document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from opalite import metadata, settings_data
from opalite.errors import UsageError
from opalite.model import JsonObject, Policy, Severity

ROOTS = ("aws", "custom")
_SHIPPED = f"{ROOTS[0]}."
PARTS = 4  # segments of a policy id


def document(
    inspections: Iterable[Mapping[str, Any]],
    *,
    typed: Iterable[str],
    schemas: Mapping[str, Any] | None = None,
    strict: bool = True,
) -> tuple[JsonObject, list[str]]:
    """data.catalog, and one line for each fault of the METADATA.

    `typed` are the resource types with a normal form, `schemas` its JSON Schemas by type. Not strict: what only makes a
    policy harder to use is no fault.
    """
    entries: dict[str, JsonObject] = {}
    faults: list[str] = []
    typed = frozenset(typed)
    for inspection in inspections:
        described = {_name(entry["path"]): entry for entry in inspection.get("annotations") or () if _of_package(entry)}
        for package, files in sorted((inspection.get("namespaces") or {}).items()):
            policy_id = package.removeprefix("data.")
            if not _is_policy(policy_id):
                continue
            where = next((file for file in sorted(files) if not file.endswith("_test.rego")), "?")
            if policy_id not in described:
                faults.append(
                    f"{where}: package {policy_id} has no METADATA with `scope: package`; see docs/authors.md"
                )
                continue
            if policy_id in entries:
                faults.append(f"{where}: package {policy_id} stands in two bundles; a policy id belongs to one")
                continue
            entry = described[policy_id]
            found = metadata.faults(entry["annotations"], typed, schemas or {})
            if strict:
                found += metadata.advice(entry["annotations"], shipped=policy_id.startswith(_SHIPPED))
            faults += [f"{where}:{entry['location']['row']}: {fault}" for fault in found]
            if not found:
                entries[policy_id] = _entry(policy_id, entry)
    return from_entries(entries), faults


def from_entries(entries: Mapping[str, JsonObject], idle: frozenset[str] = frozenset()) -> JsonObject:
    """data.catalog from its `policies`. The idle ones are described, but no type leads to them."""
    by_type: dict[str, list[str]] = {}
    for policy_id in sorted(entries.keys() - idle):
        for kind in entries[policy_id]["resource_types"]:
            by_type.setdefault(kind, []).append(policy_id)
    return {"policies": dict(sorted(entries.items())), "by_type": dict(sorted(by_type.items()))}


def idle(entries: Mapping[str, JsonObject], parameters: Mapping[str, Any]) -> frozenset[str]:
    """The policies that judge nothing, because all that their `idle_without` names is empty in every scope."""
    return frozenset(
        policy_id
        for policy_id, entry in entries.items()
        if entry.get("idle_without") and not _is_set(entry["idle_without"], parameters.get(policy_id) or {})
    )


def _is_set(names: Iterable[str], settings: Mapping[str, Any]) -> bool:
    return any(values.get(name) for _, values in settings_data.parameter_sets(settings) for name in names)


class Catalog:
    """data.catalog, read for routing and output."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        try:
            self.policies = {policy_id: _policy(policy_id, entry) for policy_id, entry in document["policies"].items()}
            self._listed = {kind: _known(ids, self.policies) for kind, ids in document["by_type"].items()}
            self._tagged = _by_tag(document["policies"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(
                f"data.catalog is not a catalog ({error!r}); make it anew with `opalite policies catalog`"
            ) from None
        self._aliases = {
            alias: policy_id for policy_id, entry in document["policies"].items() for alias in entry.get("aliases", ())
        }
        routed = frozenset[str]().union(*self._listed.values())
        # By idle policy: the parameters of which one must be set.
        self.idle: dict[str, tuple[str, ...]] = {
            policy_id: tuple(entry["idle_without"])
            for policy_id, entry in document["policies"].items()
            if entry.get("idle_without") and policy_id not in routed
        }
        self._by_type: dict[str, tuple[str, ...]] = {}

    def applying_to(self, resource_type: str, chosen: frozenset[str] | None) -> tuple[str, ...]:
        """The ids of the policies for a type, sorted; `chosen` narrows them. The same ones as OPA's router finds."""
        known = self._by_type.get(resource_type)
        if known is None:
            nothing: frozenset[str] = frozenset()
            listed = self._listed.get(resource_type, nothing) | self._listed.get(metadata.EVERY_TYPE, nothing)
            known = tuple(sorted(listed))
            self._by_type[resource_type] = known
        return known if chosen is None else tuple(policy_id for policy_id in known if policy_id in chosen)

    def resolve(self, names: Sequence[str], told: str = "--policy", *, idle: bool = False) -> frozenset[str]:
        """Policy ids for ids or aliases. Raises UsageError for a name that is neither, or whose policy is idle.

        `told` says in messages where the names come from. With `idle` such policies are taken; they judge nothing.
        """
        chosen = set()
        for name in names:
            policy_id = self._aliases.get(name, name)
            if policy_id not in self.policies:
                raise UsageError(
                    f"{told} {name}: there is no such policy; there are: {', '.join(sorted(self.policies))}"
                )
            if policy_id in self.idle and not idle:
                wanted = " or ".join(self.idle[policy_id])
                raise UsageError(f"{told} {name}: judges nothing until {wanted} is set: give --data")
            chosen.add(policy_id)
        return frozenset(chosen)

    def tagged(self, tags: Sequence[str], told: str = "--tag") -> frozenset[str]:
        """The ids of the policies with any of these tags, idle ones too. Raises UsageError for a tag that none has."""
        for tag in tags:
            if tag not in self._tagged:
                there = ", ".join(sorted(self._tagged)) or "none"
                raise UsageError(f"{told} {tag}: no policy names it; there are: {there}")
        return frozenset[str]().union(*(self._tagged[tag] for tag in tags))


def _by_tag(entries: Mapping[str, JsonObject]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for policy_id, entry in entries.items():
        for tag in entry.get("tags") or ():
            found.setdefault(tag, set()).add(policy_id)
    return found


def _known(ids: Iterable[str], policies: Mapping[str, Policy]) -> frozenset[str]:
    """The ids, each of which must have an entry."""
    return frozenset(policies[policy_id].id for policy_id in ids)


def _policy(policy_id: str, entry: Mapping[str, Any]) -> Policy:
    return Policy(
        policy_id,
        entry["title"],
        entry["version"],
        Severity(entry["severity"]),
        tuple(entry["resource_types"]),
        bool(entry.get("generic")),
        bool(entry.get("schedule")),
    )


def _is_policy(policy_id: str) -> bool:
    parts = policy_id.split(".")
    return len(parts) == PARTS and parts[0] in ROOTS and not parts[-1].endswith("_test")


def _of_package(entry: Mapping[str, Any]) -> bool:
    return entry.get("annotations", {}).get("scope") == "package" and _is_policy(_name(entry["path"]))


def _name(path: Sequence[Mapping[str, Any]]) -> str:
    return ".".join(str(part["value"]) for part in path[1:])


def _entry(policy_id: str, entry: Mapping[str, Any]) -> JsonObject:
    notes = entry["annotations"]
    return {
        **notes["custom"],
        "path": policy_id.split("."),
        "title": notes["title"],
        "description": notes["description"],
        "related_resources": notes.get("related_resources", []),
        "requires": notes["custom"].get("requires", []),
    }

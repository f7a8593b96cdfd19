"""Findings of policies that the layer does not ask any more: found in the members' Security Hub, and ended.

What stands there may have been written by anybody who may import findings in the member account. So nothing of it is believed: its
id must be one of ours, for the very place where it was found, and only the id goes into what is sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from opalite.catalog import PARTS, ROOTS, Catalog
from opalite.errors import AwsError, DeliveryError
from opalite.metadata import EVERY_TYPE
from opalite.model import Severity
from opalite.ports import Absent, Denied, Place
from opalite.publish.annotation import clean
from opalite.publish.ending import Ending, Reason, Shown
from opalite.publish.life import ID_CHARACTERS, instant

GENERATOR = "opalite/"  # how the GeneratorId of our findings begins; the policy id follows

_POLICY = re.compile(rf"(?:{'|'.join(ROOTS)})(?:\.[A-Za-z0-9_]+){{{PARTS - 1}}}")
_REGIONLESS = "global"
_AT_ONCE = 500  # that are ended together

Deadline = Callable[[], float]


class Hub(Protocol):
    """Security Hub of the members. Raises Denied, AwsError, or DeliveryError for what it could not go through."""

    def active(
        self, place: Place, product_arn: str, generator: str, deadline: Deadline
    ) -> Iterable[Mapping[str, Any]]: ...


class Outputs(Protocol):
    """Meets config_rule.outputs.Outputs."""

    def deliver(
        self, cases: Sequence[Any], *, rule_arn: str, deadline: Deadline, endings: Sequence[Ending]
    ) -> Sequence[str]: ...


class Asked:
    """Which policies the layer asks about a type of resource; a policy goes by its aliases, too."""

    def __init__(self, catalog: Catalog, entries: Mapping[str, Mapping[str, Any]]) -> None:
        self._catalog = catalog
        self._known = {alias: name for name, entry in entries.items() for alias in (name, *entry.get("aliases", ()))}

    def asks(self, name: str, resource_type: str) -> bool:
        """`name`: an id or an alias. What is idle is not asked."""
        policy = self._catalog.policies.get(self._known.get(name, ""))
        if policy is None or policy.id in self._catalog.idle:
            return False
        return resource_type in policy.resource_types or EVERY_TYPE in policy.resource_types


class Findings:
    """Ends what nobody asks about any more. May be asked from several threads at once."""

    def __init__(self, hub: Hub, outputs: Outputs, asked: Asked, *, at: str, deadline: Deadline) -> None:
        self._hub = hub
        self._outputs = outputs
        self._asked = asked
        self._at = at
        self._deadline = deadline

    def end(self, place: Place) -> int:
        """How many there were. Raises DeliveryError, AwsError or Denied; what had been found before is ended all the same."""
        found: list[Ending] = []
        problems: list[str] = []
        try:
            for finding in self._hub.active(place, product_arn(place), GENERATOR, self._deadline):
                ending = end_of(finding, place, self._asked, self._at)
                if ending is not None:
                    found.append(ending)
        except (Denied, AwsError, DeliveryError) as error:
            problems.append(str(error))
        except Absent as error:
            problems.append(f"Security Hub answers {error}")
        for first in range(0, len(found), _AT_ONCE):
            chunk = found[first : first + _AT_ONCE]
            problems += self._outputs.deliver((), rule_arn="", deadline=self._deadline, endings=chunk)
        if problems:
            raise DeliveryError("; ".join(dict.fromkeys(problems)))
        return len(found)


def product_arn(place: Place) -> str:
    """The product that findings of this place are of."""
    account = place.account_id
    return f"arn:{place.partition}:securityhub:{place.region}:{account}:product/{account}/default"


def end_of(finding: Mapping[str, Any], place: Place, asked: Asked, at: str) -> Ending | None:
    """The end of a finding if it is ours, and of a policy that is not asked; else None."""
    name, generator = str(finding.get("Id")), str(finding.get("GeneratorId"))
    policy_id = generator.removeprefix(GENERATOR)
    head, partition, account, region, resource_type, rest = (*name.split("/", 5), *[""] * 5)[:6]
    is_ours = (
        (head, partition, account) == ("opalite", place.partition, place.account_id)
        and region in (place.region, _REGIONLESS)
        and generator.startswith(GENERATOR)
        and _POLICY.fullmatch(policy_id) is not None
        and finding.get("ProductArn") == product_arn(place)
        and clean(name) == name
        and len(name) <= ID_CHARACTERS
    )
    resource_id, _, named = rest.rpartition("/")
    # The id says which policy it is of, too, unless it ends with a digest: what says two things is forged.
    if not is_ours or not rest or asked.asks(policy_id, resource_type) or asked.asks(named, resource_type):
        return None
    updated_at = _moment(finding.get("UpdatedAt"))
    if finding.get("RecordState") != "ACTIVE" or updated_at is None:
        return None
    resource = {
        "type": resource_type,
        "id": resource_id or rest,
        "partition": partition,
        "account_id": account,
        "region": region,
    }
    shown = Shown(name, updated_at, _severity(finding))
    return Ending(policy_id=policy_id, resource=resource, reason=Reason.REMOVED, at=at, shown=shown)


def _moment(text: Any) -> str | None:
    try:
        return instant(str(text))
    except (ValueError, OverflowError):
        return None


def _severity(finding: Mapping[str, Any]) -> Severity:
    """The format demands one. Only its label is taken over."""
    provided = finding.get("FindingProviderFields") or {}
    label = (provided.get("Severity") or finding.get("Severity") or {}).get("Label")
    return Severity(label) if label in set(Severity) else Severity.INFORMATIONAL

"""One changed resource: the item of the notification, or the one that was too large for it."""

from __future__ import annotations

from dataclasses import replace

from opalite.config_rule.judging import Verdict, refuse_faults, verdicts
from opalite.config_rule.parts import Parts
from opalite.errors import AwsError, DeliveryError, InvocationError, NormalizationError, OpaliteError
from opalite.event import Invocation
from opalite.model import Item, JsonObject, Resource
from opalite.normalize import resource as normalize
from opalite.ports import Denied, Place
from opalite.publish.annotation import clean
from opalite.selection import Selection

_EVERYWHERE = "global"  # the Region of what has none; it is recorded in that of the Config rule


def judge(parts: Parts, invocation: Invocation, place: Place, selection: Selection) -> Verdict:
    """The verdict, delivered. Raises what keeps it from being one."""
    resource = changed(parts, invocation, place, selection)

    def held(_: object) -> str | None:
        rule = invocation.rule.name
        return parts.results.held_of(place, rule, resource.document["type"], resource.document["id"])

    verdict = verdicts(parts, [resource], selection, at=None, held=held)[0]
    parts.telemetry.judged([verdict])
    deliver(parts, invocation, place, verdict)
    refuse_faults([verdict])
    return verdict


def deliver(parts: Parts, invocation: Invocation, place: Place, verdict: Verdict) -> None:
    """To AWS Config first, then to every other output, whatever became of the one before. Raises for all that failed."""
    problems: list[str] = []
    failed: OpaliteError | Denied | None = None
    try:
        parts.delivery.put(
            place,
            [] if verdict.evaluation is None else [verdict.evaluation],
            invocation.result_token,
            test_mode=invocation.test_mode,
            deadline=parts.remaining,
        )
    except (OpaliteError, Denied) as error:
        failed = error
    if parts.outputs is not None and not invocation.test_mode:
        problems = parts.outputs.deliver(
            verdict.cases, rule_arn=invocation.rule.arn, deadline=parts.remaining, endings=verdict.endings
        )
    if failed is not None and not problems:
        raise failed
    if problems:
        raise DeliveryError("; ".join([*([str(failed)] if failed else []), *problems]))


def is_still_there(invocation: Invocation) -> bool:
    """Whether the item's own status says that there is something to judge, whatever is said of the scope."""
    return _normal(replace(_item(invocation), left_scope=False)).gone is None


def changed(parts: Parts, invocation: Invocation, place: Place, selection: Selection) -> Resource:
    """The resource as it was when the notification was made."""
    summary = _item(invocation)
    resource = _normal(summary)
    is_whole = not summary.oversized or resource.gone is not None
    if is_whole or not parts.catalog.applying_to(resource.document["type"], selection.chosen):
        return resource
    if resource.capture_time is None:
        raise InvocationError("configurationItemSummary has no configurationItemCaptureTime: which item was meant?")
    home = place if resource.document["region"] == _EVERYWHERE else place._replace(region=resource.document["region"])
    body = _fetched(parts, home, summary.body, resource.capture_time, invocation.notified_at)
    whole = _normal(Item(body, summary.source, summary.notified_at, summary.left_scope))
    _check_same(resource, whole)
    return whole


def _fetched(parts: Parts, place: Place, summary: JsonObject, captured_at: str, notified_at: str | None) -> JsonObject:
    """From the history; else from the bucket that the operator has named, never from one that the event names."""
    wanted = (summary["resourceType"], summary["resourceId"], captured_at, summary.get("configurationStateId"))
    name = f"{wanted[0]} {clean(wanted[1][:100])}"
    denied = ""
    try:
        body = parts.items.at(place, *wanted)
    except Denied as refusal:
        body, denied = None, f" ({refusal})"
    if body is None and parts.oversized is not None:
        body = parts.oversized.item(place, *wanted, notified_at)
    if body is None:
        where = "the history" + (" and the delivery bucket" if parts.oversized is not None else "")
        raise AwsError(f"{name}: {where} of account {place.account_id} has no item captured at {captured_at}{denied}")
    return body


def _check_same(summary: Resource, whole: Resource) -> None:
    for part in ("type", "id", "account_id", "region"):
        if summary.document[part] != whole.document[part]:
            raise AwsError(f"the fetched item is of another resource than the notification: its {part} differs")
    if summary.capture_time != whole.capture_time:
        raise AwsError("the fetched item was captured at another time than the notification says")


def _item(invocation: Invocation) -> Item:
    if invocation.item is None:
        raise InvocationError(f"{invocation.message_type} carries no item")
    return invocation.item


def _normal(item: Item) -> Resource:
    try:
        return normalize(item)
    except NormalizationError as error:
        raise InvocationError(f"the item cannot be read: {error}") from None

"""What an attempt has come to, noted on its finding in the member's own Security Hub, by the role of the action."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from opalite.adapters.aws.workflows import ACTIONS as WORKFLOW_ACTIONS
from opalite.adapters.aws.workflows import Workflows
from opalite.errors import DeliveryError
from opalite.ports import Denied, Sessions
from opalite.remediation import note
from opalite.remediation.action import Action
from opalite.remediation.attempt import Attempt
from opalite.remediation.model import Target

ACTIONS: Final = (*WORKFLOW_ACTIONS, "securityhub:GetFindings")  # of the role of each action

_GLOBAL: Final = "global"
# There is no finding, or no Security Hub that could have one.
_OFF: Final = "(InvalidAccessException)"
_NOTHING_THERE: Final = ("(FindingNotFound)", _OFF)


@dataclass(frozen=True, slots=True)
class HubFindings:
    """Meets remediation.parts.Findings. `sessions`: with the role of an action. `deadline`: seconds that are left."""

    actions: Mapping[str, Action]
    sessions: Callable[[Action], Sessions]
    home_region: str
    sleep: Callable[[float], None]
    jitter: Callable[[], float]
    deadline: Callable[[], float]

    def status(self, attempt: Attempt) -> str | None:
        """None as well where there is no Security Hub."""
        action = self.actions.get(attempt.action)
        if action is None or attempt.finding_id is None:
            return None
        arn = product_arn(attempt, self.home_region)
        filters = {
            "Id": [{"Value": attempt.finding_id, "Comparison": "EQUALS"}],
            "ProductArn": [{"Value": arn, "Comparison": "EQUALS"}],
        }
        service = self.sessions(action).service("securityhub", attempt.target.account_id, arn.split(":")[3])
        try:
            found = service.ask("GetFindings", Filters=filters, MaxResults=1).get("Findings") or ()
        except Denied as denied:
            if _OFF in str(denied):
                return None
            raise
        known = [one for one in found if one.get("Id") == attempt.finding_id]
        status = (known[0].get("Workflow") or {}).get("Status") if known else None
        return status if isinstance(status, str) else None

    def note(self, attempt: Attempt) -> None:
        """Nothing without an action: it has no role by which it could be noted."""
        action = self.actions.get(attempt.action)
        update = note.update(attempt, product_arn(attempt, self.home_region))
        if action is None or update is None:
            return
        workflows = Workflows(self.sessions(action), sleep=self.sleep, jitter=self.jitter)
        try:
            workflows.put([update], deadline=self.deadline)
        except DeliveryError as error:
            if not any(code in str(error) for code in _NOTHING_THERE):
                raise


def product_arn(attempt: Attempt, home_region: str) -> str:
    """Of the finding that has asked; else the one to which the Config rules' function sends its findings."""
    target: Target = attempt.target
    region = home_region if target.region == _GLOBAL else target.region
    own = f"arn:{target.partition}:securityhub:{region}:{target.account_id}:product/{target.account_id}/default"
    return attempt.trigger.product_arn or own

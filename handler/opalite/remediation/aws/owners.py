"""Whom messages about a resource are for: by its tags, else who made it, as AWS CloudTrail tells the role of the action."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from opalite.adapters.aws.cloudtrail_events import Creators
from opalite.publish.addressees import TagKeys, of_one
from opalite.remediation.action import Action


@dataclass(frozen=True, slots=True)
class Owners:
    """Meets remediation.parts.OwnerOf. `creators`: who asks with the role of an action; None: nobody is asked."""

    keys: TagKeys
    creators: Callable[[Action], Creators] | None
    deadline: Callable[[], float]  # seconds that are left

    def __call__(self, action: Action, resource: Mapping[str, Any]) -> str:
        def maker() -> str:
            if self.creators is None:
                return ""
            return self.creators(action).find({"": dict(resource)}, deadline=self.deadline).get("", "")

        return of_one(resource.get("tags"), action.name, self.keys, maker)

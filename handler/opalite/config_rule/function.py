"""One invocation by AWS Config, from the event to the evaluations."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

from opalite import event as events
from opalite.config_rule import change, schedule
from opalite.config_rule.parts import Context, Parts
from opalite.errors import AwsError, InvocationError, OpaliteError
from opalite.event import Invocation, MessageType
from opalite.ports import Absent, Denied, Place
from opalite.selection import Selection, selection
from opalite.trust import Refusal, is_in_scope, is_trusted

_FUNCTION_ARN = re.compile(r"arn:(aws[a-z-]*):lambda:[a-z0-9-]+:([0-9]{12}):function:.+")


class Function:
    """Serves one invocation after the other; what it keeps between them are caches."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._partition = ""

    def handle(self, event: Any, context: Context) -> dict[str, Any]:
        """What was done, for whoever calls by hand; AWS Config does not read it.

        Raises an OpaliteError when something was not done, so that Lambda tries again, and in the end keeps the event.
        """
        parts = self._parts
        parts.remaining.begin(context)
        with parts.telemetry.invocation(context.aws_request_id):
            own_account = self._own_account(context)
            parts.renew()
            invocation = self._parsed(event)
            parts.telemetry.about(invocation)
            refusal = self._refusal(invocation, own_account)
            if refusal is not None:
                parts.telemetry.refused(refusal)
                return {"refused": str(refusal)}
            return self._served(invocation, own_account)

    def _served(self, invocation: Invocation, own_account: str) -> dict[str, Any]:
        rule = invocation.rule
        place = Place(rule.partition, rule.account_id, rule.region)
        chosen = self._selection(invocation)
        try:
            if invocation.left_scope and self._forged(invocation, place):
                self._parts.telemetry.refused(Refusal.LEFT_SCOPE)
                return {"refused": str(Refusal.LEFT_SCOPE)}
            if invocation.message_type is MessageType.SCHEDULE:
                tally = schedule.run(self._parts, invocation, place, chosen)
                return {**asdict(tally), "delivered": dict(tally.delivered)}
            verdict = change.judge(self._parts, invocation, place, chosen)
        except Denied as denied:
            raise self._helpless(denied, invocation, own_account) from None
        except Absent as absent:  # where that is an answer it has been taken for one; here it is none
            where = f"account {place.account_id}, {place.region}"
            raise AwsError(f"AWS does not find what it was asked about in {where}: {absent}", str(absent)) from None
        evaluation = verdict.evaluation
        return {
            "evaluations": [] if evaluation is None else [asdict(evaluation)],
            "outcomes": {decision.policy_id: str(decision.outcome) for decision in verdict.decisions},
        }

    def _parsed(self, event: Any) -> Invocation:
        try:
            return events.parse(event)
        except InvocationError:
            self._parts.telemetry.refused(Refusal.EVENT)
            raise

    def _selection(self, invocation: Invocation) -> Selection:
        try:
            return selection(invocation.rule.parameters, self._parts.catalog)
        except InvocationError:
            self._parts.telemetry.refused(Refusal.PARAMETERS)
            raise

    def _refusal(self, invocation: Invocation, own_account: str) -> Refusal | None:
        """Why nothing of this is done. Nobody of ours waits for it, so it is no error that is tried again."""
        account, environment = invocation.rule.account_id, self._parts.environment
        ours = invocation.rule.partition == self._partition
        if not ours or not is_trusted(invocation.rule, environment.rules, own_account):
            return Refusal.RULE
        if account == own_account:
            return None
        if environment.accounts is not None:
            return None if account in environment.accounts else Refusal.ACCOUNT
        return None if self._parts.members.is_member(account) else Refusal.ACCOUNT

    def _forged(self, invocation: Invocation, place: Place) -> bool:
        """Whether the Config rule itself contradicts eventLeftScope. A rule that is not there takes no evaluations anyhow."""
        if invocation.item is None or not change.is_still_there(invocation):
            return False
        rule = self._parts.results.rule(place, invocation.rule.name)
        return rule is not None and is_in_scope(rule.get("Scope"), invocation.item) is True

    def _own_account(self, context: Context) -> str:
        parts = _FUNCTION_ARN.fullmatch(context.invoked_function_arn)
        if parts is None:
            raise InvocationError("the function's own ARN does not tell its account")
        self._parts.known_as(parts[2], parts[1])
        self._partition = parts[1]
        return parts[2]

    def _helpless(self, denied: Denied, invocation: Invocation, own_account: str) -> OpaliteError:
        """What AWS refuses to the function itself, not to a policy's question: nothing can be sent."""
        account = invocation.rule.account_id
        if account == own_account:
            return AwsError(f"nothing can be told to AWS Config in account {account}: {denied}")
        return AwsError(
            f"nothing can be told to AWS Config in account {account}: {denied}: "
            "is the member role deployed there, and does it trust this function?"
        )

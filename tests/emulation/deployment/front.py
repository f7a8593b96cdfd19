"""The one endpoint of the deployed functions: who calls, whether the role may, and which emulation answers."""

from __future__ import annotations

from emulation.aws import LocalAws
from emulation.credentials import Caller
from emulation.deployment.emulator import MiniStack
from emulation.deployment.permitted import Permitted
from emulation.faults import AwsFault, Call
from emulation.gateway import Gateway, Request
from emulation.wire import Asked, Reply

# What the stack has made in the functions' account. All else is there for other reasons: members' resources, AWS Config, the hub.
IN_THE_STACK = frozenset({"dynamodb", "events", "kms", "lambda", "logs", "s3", "sns", "sqs", "states"})


class Front(Gateway):
    """LocalAws with MiniStack beside it, and roles that may only do what their policies allow."""

    def __init__(self, aws: LocalAws, ministack: MiniStack, permitted: Permitted) -> None:
        own = {
            "config": aws.config.answer,
            "securityhub": aws.security_hub.answer,
            "sts": aws.credentials.answer,
        }
        super().__init__(aws.credentials, aws.faults, own, aws._behind)
        self._home, self._ministack, self._permitted = aws.accounts[0], ministack, permitted

    def _answer(self, caller: Caller, call: Call, said: Asked, request: Request) -> Reply:
        if not caller.is_the_test and not self._permitted.may(caller.arn, call, said):
            words = f"{caller.arn} is not authorized to perform: {call.action}"
            raise AwsFault("AccessDenied", words, 403)
        if call.account == self._home and call.service in IN_THE_STACK:
            self._faults.meet(call)
            return self._ministack.hand_on(self._home, *request)
        return super()._answer(caller, call, said, request)

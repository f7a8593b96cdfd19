"""The one endpoint of the deployed functions: who calls, whether the role may, and which emulation answers."""

from __future__ import annotations

import traceback
from collections.abc import Mapping

from moto.server import DomainDispatcherApplication, create_backend_app

from emulation.aws import LocalAws
from emulation.deployment.emulator import MiniStack
from emulation.deployment.permitted import Permitted
from emulation.faults import AwsFault, Call
from emulation.gateway import Gateway
from emulation.wire import Reply, asked, refusal

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
        moto = DomainDispatcherApplication(create_backend_app)
        super().__init__(aws.credentials, aws.faults, own, moto, aws._behind)
        self._home, self._ministack, self._permitted = aws.accounts[0], ministack, permitted

    def reply(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        path, _, query = target.partition("?")
        protocol = "json"
        try:
            said = asked(method, path, query, headers, body)
            protocol = said.protocol
            caller = self._credentials.caller(said.service, said.access_key, headers)
            call = Call(caller.account, said.service, said.operation, said.region)
            if not caller.is_the_test and not self._permitted.may(caller.arn, call, said):
                words = f"{caller.arn} is not authorized to perform: {call.action}"
                return refusal(protocol, AwsFault("AccessDenied", words, 403))
            if call.account == self._home and call.service in IN_THE_STACK:
                self._faults.meet(call)
                return self._ministack.hand_on(self._home, method, target, headers, body)
        except AwsFault as fault:
            return refusal(protocol, fault)
        except Exception as error:  # noqa: BLE001 - a fault of the emulation must be seen, not taken for a broken line
            traceback.print_exc()
            return refusal(protocol, AwsFault("InternalFailure", f"the emulation failed: {error!r}"))
        return super().reply(method, target, headers, body)

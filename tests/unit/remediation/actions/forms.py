"""Whether AWS would take what plans call."""

from __future__ import annotations

from botocore.session import get_session
from botocore.validate import ParamValidator

from opalite.remediation.applying import filled


def check_call(call, **outputs):
    """`outputs` is what earlier steps have put out."""
    shape = get_session().get_service_model(call.service).operation_model(call.operation).input_shape
    assert ParamValidator().validate(filled(call.parameters, outputs), shape).generate_report() == ""


def check_steps(steps, **outputs):
    """And every step can be taken back, or says why not."""
    assert steps
    for step in steps:
        for call in (step.call, step.inverse):
            if call is not None:
                check_call(call, **outputs)
        assert (step.inverse is None) == bool(step.irreversible)

"""AWS::Lambda::Function."""

from __future__ import annotations

from typing import Any

from opalite.normalize.members import always, inside, maybe, needed, typed
from opalite.normalize.policy import policy
from opalite.normalize.values import integer, objects, texts

_layer_arn = needed("arn")


def _layers(value: Any) -> list[str]:
    return [_layer_arn(layer) for layer in objects(value)]


function = typed(
    {
        "arn": always("functionArn"),
        "package_type": maybe("packageType"),
        # Container images bring their own.
        "runtime": maybe("runtime"),
        "handler": maybe("handler"),
        "role": always("role"),
        "kms_key_arn": maybe("kmskeyArn"),
        "timeout": always("timeout", integer),
        "memory_size": always("memorySize", integer),
        "architectures": maybe("architectures", texts),
        "layers": maybe("layers", _layers),
        "subnet_ids": maybe("vpcConfig", inside("subnetIds", texts)),
        "security_group_ids": maybe("vpcConfig", inside("securityGroupIds", texts)),
        "dead_letter_target_arn": maybe("deadLetterConfig", inside("targetArn")),
        "tracing_mode": maybe("tracingConfig", needed("mode")),
    },
    every=("functionName", "functionArn", "codeSha256", "codeSize", "version"),
    supplementary={
        # Absent where nobody was ever given a permission.
        "policy": maybe("Policy", policy),
        "reserved_concurrency": maybe("Concurrency", inside("reservedConcurrentExecutions", integer)),
    },
)

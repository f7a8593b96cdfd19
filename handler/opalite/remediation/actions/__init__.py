"""The table of actions: a remediation is a module of this package and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from opalite.remediation.action import Action
from opalite.remediation.actions import (
    delete_load_balancer,
    enable_default_volume_encryption,
    notify_owner,
    quarantine_instance,
    replace_with_encrypted_cluster,
    replace_with_encrypted_instance,
    revoke_ingress,
    run_automation,
    set_bucket_encryption,
    stop_instance,
    tag_resource,
)

_ACTIONS: Final = (
    delete_load_balancer.ACTION,
    enable_default_volume_encryption.ACTION,
    notify_owner.ACTION,
    quarantine_instance.ACTION,
    replace_with_encrypted_cluster.ACTION,
    replace_with_encrypted_instance.ACTION,
    revoke_ingress.ACTION,
    run_automation.ACTION,
    set_bucket_encryption.ACTION,
    stop_instance.ACTION,
    tag_resource.ACTION,
)
ACTIONS: Final[Mapping[str, Action]] = {action.name: action for action in _ACTIONS}

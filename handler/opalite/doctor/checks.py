"""The checks, by their ids: these are for ever. docs/doctor.md has the same table, with the remedies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CHECKS: Final[Mapping[str, str]] = {  # by id, how it is when all is well
    # the organization
    "delegated_rules": "this account administers organization Config rules",
    "delegated_config": "this account administers AWS Config for the organization",
    "delegated_stacksets": "this account may deploy StackSets to the organization",
    "delegated_security_hub": "an account administers Security Hub",
    "trusted_access": "the organization trusts AWS Config, StackSets and Security Hub",
    # the function
    "function_state": "the function is there and active",
    "function_settings": "the function's environment can be read, and agrees with the options",
    "function_layer": "the layer is attached; with --layer, it is that file's revision, OPA and policies",
    "function_architecture": "function and layer are of one architecture",
    "function_timeout": "the time-out is 60 seconds or more",
    "function_memory": "the memory is 256 MB or more",
    "function_destination": "failed events go somewhere",
    "function_concurrency": "concurrency is reserved, and is not 0",
    "function_permission": "AWS Config may invoke the function for each account, and not everybody may",
    "failed_events": "the queue of failed events is empty",
    # the rules of the organization
    "rule_name": "names of organization rules leave room for what AWS adds",
    "organization_rules": "there are organization rules of the function, and AWS has deployed them",
    "organization_rule_accounts": "AWS has deployed them in each account",
    # in each account, or account and Region
    "member_role": "the member role is there and can be assumed",
    "role_trust": "the role trusts the function, and demands the organization or an external id",
    "recorder": "the recorder is on, and its last delivery succeeded",
    "recorder_types": "it records all types that the policies of the rules speak of",
    "recorder_frequency": "it records what the policies need continuously",
    "delivery_channel": "there is a delivery channel, and what it delivered last arrived",
    "security_hub": "Security Hub is enabled",
    "rule_copies": "each rule of the organization has its copy",
    "rule_state": "the rules of the function are active",
    "rule_invocation": "their last invocation succeeded",
    "rule_fresh": "they were evaluated within --stale-days",
    "test_evaluation": "AWS Config takes an evaluation in test mode",
    # the other outputs
    "log_bucket": "the bucket of the decision log is there, and of the right owner",
    "log_bucket_encryption": "it is encrypted",
    "log_bucket_public": "public access to it is blocked",
    "log_bucket_write": "an object can be written (with --write)",
    "state_table": "the table of standings is there, with its key",
    "state_table_expiry": "its items expire",
    "topic": "the topic of notifications is there",
    "topic_encryption": "it is encrypted",
    "topic_subscriptions": "somebody is subscribed and has confirmed it",
    # remediation
    "remediation_switch": "remediation is not stopped",
    "remediation_table": "its table is there, with its keys and the index of what waits",
    "remediation_expiry": "its items expire",
}

"""AWS::SNS::Topic. Config writes the attributes of GetTopicAttributes."""

from __future__ import annotations

from opalite.normalize.members import always, maybe, typed
from opalite.normalize.policy import policy
from opalite.normalize.values import boolean

topic = typed(
    {
        # SNS leaves it out while server-side encryption is off.
        "kms_key_id": maybe("KmsMasterKeyId"),
        # No topic is without one.
        "policy": always("Policy", policy),
        "owner": always("Owner"),
        "display_name": maybe("DisplayName"),
        "fifo": maybe("FifoTopic", boolean),
        "content_based_deduplication": maybe("ContentBasedDeduplication", boolean),
    },
    every=("TopicArn", "Owner", "Policy"),
)

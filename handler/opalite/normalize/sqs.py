"""AWS::SQS::Queue. Config writes the attributes of GetQueueAttributes but for the policies, many of them as text."""

from __future__ import annotations

from opalite.normalize.members import always, maybe, typed
from opalite.normalize.values import boolean, integer

queue = typed(
    {
        "kms_key_id": maybe("KmsMasterKeyId"),
        "kms_data_key_reuse_period": maybe("KmsDataKeyReusePeriodSeconds", integer),
        # Items from before SSE-SQS lack it, and since then new queues have it on: its absence says nothing.
        "sqs_managed_sse": always("SqsManagedSseEnabled", boolean),
        "fifo": maybe("FifoQueue", boolean),
        "content_based_deduplication": maybe("ContentBasedDeduplication", boolean),
        "visibility_timeout": always("VisibilityTimeout", integer),
        "message_retention_period": always("MessageRetentionPeriod", integer),
        "maximum_message_size": always("MaximumMessageSize", integer),
        "delay": always("DelaySeconds", integer),
        "receive_wait_time": always("ReceiveMessageWaitTimeSeconds", integer),
    },
    every=("QueueArn", "CreatedTimestamp", "LastModifiedTimestamp", "MaximumMessageSize"),
)

"""AWS::CloudTrail::Trail. Whether a trail is logging at this moment is not in the item."""

from __future__ import annotations

from opalite.normalize.members import always, maybe, typed
from opalite.normalize.values import boolean

trail = typed(
    {
        "name": always("name"),
        "home_region": always("homeRegion"),
        "multi_region": always("isMultiRegionTrail", boolean),
        "organization": always("isOrganizationTrail", boolean),
        "global_service_events": always("includeGlobalServiceEvents", boolean),
        "log_file_validation": always("logFileValidationEnabled", boolean),
        "kms_key_id": maybe("kmsKeyId"),
        "s3_bucket": always("s3BucketName"),
        "s3_key_prefix": maybe("s3KeyPrefix"),
        "sns_topic_arn": maybe("snsTopicARN"),
        "log_group_arn": maybe("cloudWatchLogsLogGroupArn"),
        "custom_event_selectors": always("hasCustomEventSelectors", boolean),
    },
    every=("name", "homeRegion", "trailARN", "s3BucketName", "hasCustomEventSelectors"),
)

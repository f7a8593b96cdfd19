"""AWS::EFS::FileSystem."""

from __future__ import annotations

from opalite.normalize.members import always, maybe, needed, typed
from opalite.normalize.values import boolean

file_system = typed(
    {
        "arn": always("Arn"),
        "encrypted": always("Encrypted", boolean),
        "kms_key_id": maybe("KmsKeyId"),
        "backup_policy": always("BackupPolicy", needed("Status")),
        "performance_mode": always("PerformanceMode"),
        "throughput_mode": always("ThroughputMode"),
    },
    every=("FileSystemId", "Arn", "PerformanceMode", "ThroughputMode"),
)

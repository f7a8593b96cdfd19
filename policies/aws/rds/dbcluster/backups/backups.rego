# METADATA
# title: RDS DB clusters keep automated backups long enough
# description: >-
#   Automated backups restore a cluster to any second of the days for which they are kept: what was destroyed earlier than that is
#   lost. Aurora always has backups, but for a single day unless told otherwise.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Managing.Backups.html
#     description: Overview of backing up and restoring an Aurora DB cluster
# custom:
#   severity: MEDIUM
#   resource_types: [AWS::RDS::DBCluster]
#   tags: [backup, baseline, resilience]
#   requires: [resource.configuration.backup_retention_period]
#   facts: []
#   version: 1.0.0
#   schedule: false
#   frameworks:
#     nist_800_53_r5: [CP-10, CP-6, CP-9, SI-12]
#   remediation:
#     summary: Set the backup retention period of the cluster to the required days or more.
#     action: set_backup_retention
#   parameters:
#     type: object
#     additionalProperties: false
#     properties:
#       minimum_days:
#         description: "Days for which automated backups must be kept at least"
#         type: integer
#         minimum: 1
#         maximum: 35
#         default: 7
package aws.rds.dbcluster.backups

import data.opalite.parameters

compliant if {
	is_number(_days)
	_days >= _minimum
}

violations contains {
	"message": sprintf("automated backups are kept for %d of %d required days", [_days, _minimum]),
	"subject": "backup_retention_period",
	"evidence": {"path": ["backup_retention_period"], "actual": _days, "expected": sprintf("%d or more", [_minimum])},
} if {
	is_number(_days)
	_days < _minimum
}

_minimum := parameters.value("aws.rds.dbcluster.backups", "minimum_days", input.resource)

_days := input.resource.configuration.backup_retention_period

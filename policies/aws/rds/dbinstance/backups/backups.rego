# METADATA
# title: RDS DB instances keep automated backups long enough
# description: >-
#   Automated backups restore an instance to any second of the days for which they are kept: what was destroyed earlier than that is
#   lost. Members of a cluster are not judged, because their backups are those of the cluster.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.html
#     description: Introduction to backups
#   - ref: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReadRepl.html
#     description: Working with DB instance read replicas
# custom:
#   severity: MEDIUM
#   resource_types: [AWS::RDS::DBInstance]
#   tags: [backup, baseline, resilience]
#   requires: [resource.configuration.backup_retention_period, resource.configuration.cluster, resource.configuration.read_replica_source]
#   facts: []
#   version: 1.0.0
#   schedule: false
#   frameworks:
#     fsbp: [RDS.11]
#     nist_800_53_r5: [CP-10, CP-6, CP-9, SI-12]
#   remediation:
#     summary: Set the backup retention period of the instance to the required days or more.
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
#       read_replicas:
#         description: "Whether read replicas must have backups of their own"
#         type: boolean
#         default: false
package aws.rds.dbinstance.backups

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

not_applicable contains sprintf("its backups are those of the DB cluster %s", [_cluster]) if is_string(_cluster)

not_applicable contains sprintf("it is a read replica of %s", [_source]) if {
	is_string(_source)
	_parameters.read_replicas == false
}

_parameters := parameters.of("aws.rds.dbinstance.backups", input.resource)

_minimum := _parameters.minimum_days

_cluster := input.resource.configuration.cluster

_source := input.resource.configuration.read_replica_source

_days := input.resource.configuration.backup_retention_period

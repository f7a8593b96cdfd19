# METADATA
# title: RDS DB cluster snapshots are not public
# description: >-
#   A snapshot holds all data of a cluster, and whoever may restore it has them. A public one may be restored by every AWS account.
#   Sharing with single accounts is allowed unless a parameter lists which.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-share-snapshot.html
#     description: Sharing a DB cluster snapshot
# custom:
#   severity: CRITICAL
#   resource_types: [AWS::RDS::DBClusterSnapshot]
#   tags: [baseline, public-access]
#   requires: [resource.configuration.shared_with]
#   facts: []
#   version: 1.0.0
#   schedule: false
#   frameworks:
#     fsbp: [RDS.1]
#     nist_800_53_r5: [AC-3, AC-4, AC-6, SC-7]
#   remediation:
#     summary: Remove "all", and accounts that should not restore the snapshot, from its attribute restore.
#     action: restrict_snapshot_sharing
#   parameters:
#     type: object
#     additionalProperties: false
#     properties:
#       allowed_accounts:
#         description: "Account id to reason: the accounts with which snapshots may be shared; null: any account, {}: none; public never"
#         type: [object, "null"]
#         propertyNames: {pattern: "^[0-9]{12}$"}
#         additionalProperties: {type: string}
#         default: null
package aws.rds.dbclustersnapshot.not_public

import data.opalite.parameters

compliant if {
	every account in _shared_with { _may_restore(account) }
}

violations contains {
	"message": _message(account),
	"subject": account,
	"evidence": {"path": ["shared_with"], "actual": _shared_with, "expected": "allowed accounts only"},
} if {
	some account in _shared_with
	not _may_restore(account)
}

_shared_with := input.resource.configuration.shared_with

_allowed := parameters.value("aws.rds.dbclustersnapshot.not_public", "allowed_accounts", input.resource)

# RDS writes "all" where it means every account there is.
_may_restore(account) if {
	account != "all"
	_is_allowed(account)
}

_is_allowed(_) if is_null(_allowed)

_is_allowed(account) if _ = _allowed[account]

_message(account) := "every AWS account may restore the snapshot" if {
	account == "all"
} else := sprintf("account %s may restore the snapshot and is not allowed to", [account])

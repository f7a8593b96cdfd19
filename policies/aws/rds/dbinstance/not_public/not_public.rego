# METADATA
# title: RDS DB instances are not publicly accessible
# description: >-
#   A publicly accessible instance has a public address: one security group that is too wide, now or later, and the world can reach
#   the database. Judged is the setting of the instance, whatever its security groups, subnets and routes let through today.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html
#     description: Working with a DB instance in a VPC
# custom:
#   severity: CRITICAL
#   resource_types: [AWS::RDS::DBInstance]
#   tags: [baseline, network, public-access]
#   requires: [resource.configuration.publicly_accessible]
#   facts: []
#   version: 1.0.0
#   schedule: false
#   frameworks:
#     fsbp: [RDS.2]
#     cis_aws_foundations_3_0_0: ["2.3.3"]
#     nist_800_53_r5: [AC-3, AC-4, AC-6, SC-7]
#   remediation:
#     summary: Modify the instance to be not publicly accessible.
#     action: disable_public_access
package aws.rds.dbinstance.not_public

compliant if input.resource.configuration.publicly_accessible == false

violations contains {
	"message": "the DB instance is publicly accessible",
	"subject": "publicly_accessible",
	"evidence": {"path": ["publicly_accessible"], "actual": true, "expected": false},
} if {
	input.resource.configuration.publicly_accessible == true
}

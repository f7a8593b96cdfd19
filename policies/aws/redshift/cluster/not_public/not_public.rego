# METADATA
# title: Redshift clusters have no public address
# description: >-
#   A cluster that is publicly accessible gets an address that the whole internet can reach; then only security groups and
#   passwords stand before the data.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/redshift/latest/mgmt/managing-clusters-vpc.html
#     description: Redshift resources in a VPC
# custom:
#   severity: CRITICAL
#   resource_types: [AWS::Redshift::Cluster]
#   tags: [baseline, network, public-access]
#   requires: [resource.configuration.publicly_accessible]
#   version: 1.0.0
#   frameworks:
#     fsbp: [Redshift.1]
#     nist_800_53_r5: [AC-3, AC-4, SC-7]
#   remediation:
#     summary: Turn off the public accessibility of the cluster.
#     action: disable_public_access
package aws.redshift.cluster.not_public

compliant if input.resource.configuration.publicly_accessible == false

violations contains {
	"message": "the cluster is publicly accessible",
	"subject": "publicly_accessible",
	"evidence": {"path": ["publicly_accessible"], "actual": true, "expected": false},
} if {
	input.resource.configuration.publicly_accessible == true
}

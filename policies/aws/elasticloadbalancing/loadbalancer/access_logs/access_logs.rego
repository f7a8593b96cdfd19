# METADATA
# title: Classic Load Balancers write access logs
# description: >-
#   Access logs tell who asked for what, from where, and what the answer was. Without them an attack cannot be traced, because
#   CloudTrail sees none of the requests that pass a load balancer; what was not logged cannot be had afterwards.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html
#     description: Access logs for your Classic Load Balancer
# custom:
#   severity: MEDIUM
#   resource_types: [AWS::ElasticLoadBalancing::LoadBalancer]
#   tags: [logging]
#   requires: [resource.configuration.access_logs]
#   version: 1.0.0
#   frameworks:
#     fsbp: [ELB.5]
#     nist_800_53_r5: [AC-4(26), AU-10, AU-12, AU-2, AU-3, AU-6(3), AU-6(4), CA-7, SC-7(9), SI-7(8)]
#   remediation:
#     summary: Turn on access logs to an S3 bucket that lets Elastic Load Balancing write.
#     action: enable_access_logs
package aws.elasticloadbalancing.loadbalancer.access_logs

compliant if input.resource.configuration.access_logs == true

violations contains {
	"message": "access logs are off",
	"subject": "access_logs",
	"evidence": {"path": ["access_logs"], "actual": false, "expected": true},
} if {
	input.resource.configuration.access_logs == false
}

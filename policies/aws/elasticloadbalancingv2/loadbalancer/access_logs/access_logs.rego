# METADATA
# title: Load balancers write access logs
# description: >-
#   Access logs tell who asked for what, from where, and what the answer was. Without them an attack cannot be traced, because
#   CloudTrail sees none of the requests that pass a load balancer; what was not logged cannot be had afterwards.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
#     description: Access logs for your Application Load Balancer
#   - ref: https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-access-logs.html
#     description: Access logs for your Network Load Balancer
# custom:
#   severity: MEDIUM
#   resource_types: [AWS::ElasticLoadBalancingV2::LoadBalancer]
#   tags: [logging]
#   requires: [resource.configuration.type, resource.configuration.access_logs]
#   version: 1.0.0
#   frameworks:
#     fsbp: [ELB.5]
#     nist_800_53_r5: [AC-4(26), AU-10, AU-12, AU-2, AU-3, AU-6(3), AU-6(4), CA-7, SC-7(9), SI-7(8)]
#   remediation:
#     summary: Turn on access logs to an S3 bucket that lets Elastic Load Balancing write.
#     action: enable_access_logs
#   parameters:
#     type: object
#     additionalProperties: false
#     properties:
#       types:
#         description: "Types of load balancers that must write access logs; others are not judged (those of a network load balancer hold TLS requests only)"
#         type: array
#         items: {enum: [application, network]}
#         default: [application]
package aws.elasticloadbalancingv2.loadbalancer.access_logs

import data.opalite.parameters

compliant if input.resource.configuration.access_logs == true

violations contains {
	"message": "access logs are off",
	"subject": "access_logs",
	"evidence": {"path": ["access_logs"], "actual": false, "expected": true},
} if {
	input.resource.configuration.access_logs == false
}

not_applicable contains sprintf("access logs are not asked of a load balancer of type %s", [type]) if {
	type := input.resource.configuration.type
	is_string(type)
	types := parameters.value("aws.elasticloadbalancingv2.loadbalancer.access_logs", "types", input.resource)
	not type in types
}

# The load balancer's attributes were recorded, and this one is not among them.
unknown contains {"path": "resource.configuration.access_logs"} if is_null(input.resource.configuration.access_logs)

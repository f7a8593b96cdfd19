# METADATA
# title: Load balancers are protected from deletion
# description: >-
#   Deleting a load balancer takes away its name and its addresses, which clients and DNS records use, and it cannot be undone.
#   With deletion protection one call, by mistake or malice, is not enough.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
#     description: Edit attributes for your Application Load Balancer
#   - ref: https://docs.aws.amazon.com/elasticloadbalancing/latest/network/network-load-balancers.html
#     description: Network Load Balancers
# custom:
#   severity: MEDIUM
#   resource_types: [AWS::ElasticLoadBalancingV2::LoadBalancer]
#   tags: [resilience]
#   requires: [resource.configuration.deletion_protection]
#   version: 1.0.0
#   frameworks:
#     fsbp: [ELB.6]
#     nist_800_53_r5: [CA-9(1), CM-2, CM-2(2), CM-3, SC-5(2)]
#   remediation:
#     summary: Turn on deletion protection of the load balancer.
#     action: enable_deletion_protection
package aws.elasticloadbalancingv2.loadbalancer.deletion_protection

compliant if input.resource.configuration.deletion_protection == true

violations contains {
	"message": "deletion protection is off",
	"subject": "deletion_protection",
	"evidence": {"path": ["deletion_protection"], "actual": false, "expected": true},
} if {
	input.resource.configuration.deletion_protection == false
}

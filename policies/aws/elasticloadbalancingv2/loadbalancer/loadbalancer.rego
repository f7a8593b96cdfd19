# METADATA
# scope: subpackages
# schemas:
#   - input: schema.input
#   - input.resource.configuration: schema.aws.elasticloadbalancingv2.loadbalancer
package aws.elasticloadbalancingv2.loadbalancer

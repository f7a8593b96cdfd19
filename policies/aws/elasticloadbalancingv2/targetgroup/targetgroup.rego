# METADATA
# scope: subpackages
# schemas:
#   - input: schema.input
#   - input.resource.configuration: schema.aws.elasticloadbalancingv2.targetgroup
package aws.elasticloadbalancingv2.targetgroup

# METADATA
# scope: subpackages
# schemas:
#   - input: schema.input
#   - input.resource.configuration: schema.aws.elasticloadbalancing.loadbalancer
package aws.elasticloadbalancing.loadbalancer

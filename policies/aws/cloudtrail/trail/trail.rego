# METADATA
# scope: subpackages
# schemas:
#   - input: schema.input
#   - input.resource.configuration: schema.aws.cloudtrail.trail
package aws.cloudtrail.trail

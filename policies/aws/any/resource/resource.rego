# METADATA
# scope: subpackages
# schemas:
#   - input: schema.input
package aws.any.resource

# METADATA
# scope: subpackages
# schemas:
#   - input: schema.input
#   - input.resource.configuration: schema.aws.opensearch.domain
package aws.opensearch.domain

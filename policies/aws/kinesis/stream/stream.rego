# METADATA
# scope: subpackages
# schemas:
#   - input: schema.input
#   - input.resource.configuration: schema.aws.kinesis.stream
package aws.kinesis.stream

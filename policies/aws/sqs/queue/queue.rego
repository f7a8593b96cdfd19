# METADATA
# scope: subpackages
# schemas:
#   - input: schema.input
#   - input.resource.configuration: schema.aws.sqs.queue
package aws.sqs.queue

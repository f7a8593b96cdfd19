# METADATA
# scope: subpackages
# schemas:
#   - input: schema.input
#   - input.resource.configuration: schema.aws.secretsmanager.secret
package aws.secretsmanager.secret

# METADATA
# scope: subpackages
# schemas:
#   - input: schema.input
#   - input.resource.configuration: schema.aws.rds.dbinstance
package aws.rds.dbinstance

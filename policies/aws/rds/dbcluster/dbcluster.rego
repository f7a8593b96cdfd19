# METADATA
# scope: subpackages
# schemas:
#   - input: schema.input
#   - input.resource.configuration: schema.aws.rds.dbcluster
package aws.rds.dbcluster

# METADATA
# scope: subpackages
# schemas:
#   - input: schema.input
#   - input.resource.configuration: schema.aws.rds.dbclustersnapshot
package aws.rds.dbclustersnapshot

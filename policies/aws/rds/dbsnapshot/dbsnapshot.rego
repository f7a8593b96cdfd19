# METADATA
# scope: subpackages
# schemas:
#   - input: schema.input
#   - input.resource.configuration: schema.aws.rds.dbsnapshot
package aws.rds.dbsnapshot

# The shortest policy that finds the same bad images: raw items, no reasons for silence, no evidence, no parameters.
package bare

decision contains sprintf("%s runs %s", [input.resourceId, input.configuration.imageId]) if {
	input.resourceType == "AWS::EC2::Instance"
	input.configuration.state.name != "terminated"
	not input.configuration.imageId in {"ami-0be4c400000000001", "ami-0be4c400000000002"}
}

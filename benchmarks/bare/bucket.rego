package bare

decision contains sprintf("%s is not encrypted with a named KMS key", [input.resourceId]) if {
	input.resourceType == "AWS::S3::Bucket"
	not _named_key
}

_named_key if {
	some rule in input.supplementaryConfiguration.ServerSideEncryptionConfiguration.rules
	startswith(rule.applyServerSideEncryptionByDefault.sseAlgorithm, "aws:kms")
	startswith(rule.applyServerSideEncryptionByDefault.kmsMasterKeyID, "arn:aws:kms:")
}

"""What makes the Lambda layer: OPA, the extension that runs it, the bundle, and the licences. See ../README.md."""

"""Sending events that failed to the function again: docs/lambda.md."""

"""What AWS tells about accounts: one module per service. Only `remote` and `sessions` know boto3."""

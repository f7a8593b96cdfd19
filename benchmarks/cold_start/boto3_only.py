"""The handler to compare with: it imports boto3 and makes one client."""

import boto3

CONFIG = boto3.client("config", region_name="eu-west-1")


def lambda_handler(event, context):
    return {"region": CONFIG.meta.region_name}

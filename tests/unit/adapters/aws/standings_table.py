"""The table of standings, as moto has it."""

from __future__ import annotations

from opalite.adapters.aws.standing_item import KEY

TABLE, REGION = "opalite-standings", "eu-west-1"


def created():
    """A client of its service."""
    import boto3  # noqa: PLC0415 - takes a second, and most tests do without

    client = boto3.client("dynamodb", region_name=REGION)
    client.create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": KEY, "AttributeType": "S"}],
        KeySchema=[{"AttributeName": KEY, "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return client

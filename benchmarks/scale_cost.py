"""What a month of a load costs, by list prices in USD (N. Virginia, without free tiers). Look at AWS's pages: prices change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scale_load import Assumptions, Load

MONTH = 30
_GB = 1e9

# https://aws.amazon.com/config/pricing/
ITEM = 0.003  # recorded continuously
EVALUATIONS = (
    (100_000, 0.001),
    (400_000, 0.0008),
    (float("inf"), 0.0005),
)  # so many in a month and Region at this price
# https://aws.amazon.com/lambda/pricing/, arm64
INVOCATION, GB_SECOND = 0.20 / 1e6, 0.0000133334
# https://aws.amazon.com/dynamodb/pricing/on-demand/
WRITE_UNIT, READ_UNIT = 0.625 / 1e6, 0.125 / 1e6
# https://aws.amazon.com/s3/pricing/
PUT, STORED_GB = 0.005 / 1000, 0.023
# https://aws.amazon.com/cloudwatch/pricing/, logs of Lambda; metrics, alarms and a dashboard of one stack
LOGGED_GB = ((10_000, 0.50), (20_000, 0.25), (20_000, 0.10), (float("inf"), 0.05))
STACK = 150 * 0.30 + 20 * 0.10 + 3
# https://aws.amazon.com/security-hub/pricing/; the first 10,000 of an account in a month are free, and not counted here
FINDING = 0.00003
# https://aws.amazon.com/sns/pricing/ and https://aws.amazon.com/kms/pricing/: two keys; data keys are cached by buckets and tables
MESSAGE, KEYS = 0.50 / 1e6, 2 * 1.0


def tiered(count: float, tiers: Sequence[tuple[float, float]]) -> float:
    """`tiers`: how many at which price, one after the other."""
    cost = 0.0
    for width, price in tiers:
        cost += min(count, width) * price
        count = max(0.0, count - width)
    return cost


def monthly(given: Assumptions, load: Load) -> Mapping[str, float]:
    """What AWS Config charges stands first."""
    invocations = (load.events + load.schedule_invocations) * MONTH
    stored = load.decisions * given.record * given.log_days / _GB
    return {
        "AWS Config: items": load.changes * MONTH * ITEM,
        "AWS Config: evaluations": tiered(load.evaluations * MONTH, EVALUATIONS),
        "Lambda": invocations * INVOCATION + load.lambda_seconds * MONTH * given.memory * GB_SECOND,
        "decision log in S3: requests": load.objects * MONTH * PUT,
        "decision log in S3: kept, once it is full": stored * STORED_GB,
        "DynamoDB": MONTH * (load.writes * WRITE_UNIT + load.reads * READ_UNIT),
        "CloudWatch: logs": tiered(load.log_bytes * MONTH / _GB, LOGGED_GB),
        "CloudWatch: metrics, alarms, dashboard; KMS": STACK + KEYS,
        "Security Hub, SNS": MONTH * (load.imports * FINDING + load.messages * MESSAGE),
    }

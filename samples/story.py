"""Who has what in the sample organization: items, each with the outcome it stands for.

The outcome is that of the shipped policy for the item's type under samples/settings and samples/facts.yaml;
None where the samples have no such policy in mind.
"""

# ruff: noqa: INP001 - a script's neighbour, not a package
from __future__ import annotations

from shapes import JsonObject, Place, as_of_2016, group, permission
from shapes_compute import function, instance, role
from shapes_storage import bucket, key, key_arn, key_id_of, table, volume

Told = tuple[JsonObject, str | None]
PASS, FAIL, EXEMPT, NOT_APPLICABLE, UNDETERMINED = "pass", "fail", "exempt", "not_applicable", "undetermined"

PRODUCTION, PRODUCTION_US = Place("111122223333", "eu-west-1"), Place("111122223333", "us-east-1")
SANDBOX, SANDBOX_US = Place("444455556666", "eu-west-1"), Place("444455556666", "us-east-1")
SECURITY, SECURITY_US = Place("777788889999", "eu-west-1"), Place("777788889999", "us-east-1")
PARTNER = Place("000011112222", "eu-west-1")

# Images; samples/settings and samples/facts.yaml speak of the same ones.
GOLDEN = "ami-0a90de2026100e501"  # on the list of images
GOLDEN_TAGGED = "ami-0a90de2026110e502"  # built in the security account, tagged approved=true
GOLDEN_UNTESTED = "ami-0a90de2026110e503"  # built there too, but approved=false
AMAZON_CURRENT = "ami-0a3a20260914ae101"  # Amazon Linux of September 2026
AMAZON_OLD = "ami-0a3a20250203ae102"  # Amazon Linux of February 2025
WITHDRAWN = "ami-0bad000cafe000bad"  # on the deny-list
LOOKALIKE = "ami-0f00d00000fa4e001"  # a stranger's image under the golden image's name
NOT_DESCRIBED = "ami-0d15a99ea4ed00001"  # nobody can say whose it was
FORGOTTEN = "ami-0f0490ce20180e001"  # a stranger's too; one instance of it is exempt

BASTION, BASTION_OLD = "sg-0ba5710e000000001", "sg-0ba5710e000000002"
WORLD4, WORLD6 = "0.0.0.0/0", "::/0"
WORLD6_EXPANDED = "0000:0000:0000:0000:0000:0000:0000:0000/0"


def production_instances() -> list[Told]:
    here = PRODUCTION
    return [
        (instance(here, "shop-api-1", GOLDEN), PASS),
        (instance(here, "shop-api-2", GOLDEN), PASS),
        (instance(here, "shop-worker-1", GOLDEN_TAGGED, tags={"PatchGroup": "linux-weekly"}), PASS),
        (instance(here, "payroll-app", AMAZON_CURRENT, tags={"PatchGroup": "linux-monthly"}), PASS),
        (instance(here, "payroll-app-blue", AMAZON_OLD), FAIL),
        (instance(here, "checkout-canary", WITHDRAWN), FAIL),
        (instance(here, "legacy-reports", LOOKALIKE, instance_type="m4.large"), FAIL),
        (instance(here, "shop-worker-next", GOLDEN_UNTESTED), FAIL),
        (instance(here, "batch-runner", NOT_DESCRIBED), UNDETERMINED),
        (instance(here, "timesheet-import", FORGOTTEN, "stopped", tags={"PatchGroup": "none"}), EXEMPT),
        (instance(here, "shop-api-0", WITHDRAWN, "terminated"), NOT_APPLICABLE),
    ]


def production_groups() -> list[Told]:
    here, ssh = PRODUCTION, permission("tcp", (22, 22), WORLD4, note="MFA on the host")
    public = group(here, "shop-api-lb", permission("tcp", (443, 443), WORLD4, WORLD6))
    lb = public["resourceId"]
    from_2016 = group(here, "launch-wizard-1", permission("tcp", (22, 22), WORLD4), tags={})
    for rule in from_2016["configuration"]["ipPermissions"] + from_2016["configuration"]["ipPermissionsEgress"]:
        for later in ("ipv4Ranges", "ipv6Ranges"):
            del rule[later]
    return [
        (public, PASS),
        (group(here, "shop-api-app", permission("tcp", (8080, 8080), lb)), PASS),
        (group(here, "payroll-db", permission("tcp", (5432, 5432), "10.20.0.0/16")), PASS),
        (
            group(here, "office-ssh", permission("tcp", (22, 22), "198.51.100.17/32", "2001:db8:0:7::/64")),
            PASS,
        ),
        (group(here, "ping", permission("icmp", (-1, -1), WORLD4)), PASS),
        (group(here, "s3-endpoint", permission("tcp", (443, 443), "pl-6da54004")), PASS),
        (group(here, "empty-default", description="default VPC security group"), PASS),
        (group(here, "bastion", ssh, group_id=BASTION), EXEMPT),
        (group(here, "bastion-old", ssh, group_id=BASTION_OLD), FAIL),
        (group(here, "legacy-admin", permission("tcp", (3389, 3389), WORLD4)), FAIL),
        (group(here, "vendor-debug", permission("-1", None, WORLD6_EXPANDED)), FAIL),
        (group(here, "migration-wide", permission("tcp", (0, 65535), WORLD4)), FAIL),
        (as_of_2016(from_2016, "2016-08-03T14:21:40.118Z"), FAIL),
    ]


def production_buckets() -> list[Told]:
    here, kms = PRODUCTION, "aws:kms"
    alias = f"arn:aws:kms:{here.region}:{here.account}:alias"
    old = "2021-04-09T07:13:55.402Z"
    return [
        # A customer managed key in its four spellings …
        (bucket(here, "payroll-db-backups", kms, key_arn(here, "payroll"), tags={"team": "payroll"}), PASS),
        (bucket(here, "payroll-exports", kms, key_id_of(here, "payroll")), PASS),
        (bucket(here, "shop-invoices", kms, f"{alias}/shop-data"), PASS),
        (bucket(here, "shop-contracts", "aws:kms:dsse", "alias/shop-data"), PASS),
        (bucket(here, "audit-copy", kms, key_arn(SECURITY, "org-audit")), PASS),
        # … the key that AWS manages in its five …
        (bucket(here, "shop-search-index", kms), FAIL),
        (bucket(here, "shop-mail-queue", kms, "alias/aws/s3"), FAIL),
        (bucket(here, "shop-media", kms, f"{alias}/aws/s3"), FAIL),
        (bucket(here, "shop-crash-dumps", kms, key_id_of(here, "aws-s3")), FAIL),
        (bucket(here, "shop-data-lake", kms, key_arn(here, "aws-s3")), FAIL),
        # … and no KMS key, a stranger's key, and nothing recorded.
        (bucket(here, "shop-api-assets"), FAIL),
        (bucket(here, "shop-static-site", tags={"team": "web", "data": "public"}), EXEMPT),
        (bucket(here, "partner-exchange", kms, key_arn(PARTNER, "partner")), UNDETERMINED),
        (bucket(here, "attic-2019", None, configurationItemCaptureTime=old), UNDETERMINED),
    ]


def production_rest() -> list[Told]:
    here = PRODUCTION
    items = [
        key(here, "payroll"),
        key(here, "shop-data"),
        key(here, "aws-s3", manager="AWS"),
        volume(here, "shop-api-1", key_arn(here, "shop-data")),
        volume(here, "legacy-reports"),
        function(here, "shop-thumbnailer", "python3.12"),
        function(here, "shop-order-mailer", "nodejs16.x"),
        function(here, "shop-render", None),
        table(here, "shop-sessions"),
        table(here, "shop-orders", key_arn(here, "shop-data")),
        role(here, "shop-instance", "ec2.amazonaws.com"),
        role(here, "shop-thumbnailer-role", "lambda.amazonaws.com"),
    ]
    return [(item, None) for item in items]


def production_us() -> list[Told]:
    here = PRODUCTION_US
    return [
        (instance(here, "shop-edge-1", GOLDEN_TAGGED, tags={"PatchGroup": "linux-weekly"}), PASS),
        (instance(here, "shop-edge-2", LOOKALIKE), FAIL),
        (group(here, "shop-edge-lb", permission("tcp", (443, 443), WORLD4)), PASS),
        (group(here, "old-vpn", permission("udp", None, WORLD4)), FAIL),
        (bucket(here, "shop-edge-logs", "aws:kms", key_arn(here, "edge")), PASS),
        (bucket(here, "shop-edge-cache"), FAIL),
        (key(here, "edge", rotation=False), None),
        (function(here, "shop-edge-rewrite", "nodejs22.x"), None),
    ]


def sandbox() -> list[Told]:
    here = SANDBOX
    return [
        (instance(here, "try-golden", GOLDEN), PASS),
        (instance(here, "try-anything", AMAZON_OLD), PASS),
        (instance(here, "hackday-gpu", LOOKALIKE, instance_type="g5.xlarge"), FAIL),
        (instance(here, "hackday-done", LOOKALIKE, "terminated"), NOT_APPLICABLE),
        (group(here, "hackday-ssh", permission("tcp", (22, 22), WORLD4)), FAIL),
        (group(here, "hackday-web", permission("tcp", (80, 80), WORLD4)), PASS),
        (bucket(here, "sandbox-scratch"), FAIL),
        (bucket(here, "sandbox-models", "aws:kms"), PASS),
        (function(here, "hackday-bot", "python3.8"), None),
        (table(here, "hackday-scores"), None),
        (role(here, "hackday", "lambda.amazonaws.com"), None),
    ]


def sandbox_us() -> list[Told]:
    here = SANDBOX_US
    return [
        (instance(here, "bench-a", AMAZON_CURRENT), PASS),
        (instance(here, "bench-b", NOT_DESCRIBED, "stopped"), UNDETERMINED),
        (group(here, "bench-rdp", permission("tcp", (3000, 4000), WORLD4, WORLD6)), FAIL),
        (bucket(here, "sandbox-bench-results"), None),  # the policy is off here
        (volume(here, "bench-a"), None),
    ]


def security() -> list[Told]:
    here = SECURITY
    return [
        (instance(here, "image-builder", GOLDEN, tags={"PatchGroup": "linux-weekly"}), PASS),
        (instance(here, "scanner", AMAZON_CURRENT), PASS),
        (group(here, "scanner", permission("tcp", (22, 22), "10.0.0.0/8")), PASS),
        (group(here, "evidence-db", permission("tcp", (5432, 5432), WORLD4)), FAIL),
        (bucket(here, "org-cloudtrail", "aws:kms", key_arn(here, "org-audit")), PASS),
        (bucket(here, "org-config", "aws:kms", key_arn(here, "org-audit")), PASS),
        (bucket(here, "org-access-logs"), EXEMPT),
        (key(here, "org-audit"), None),
        (role(here, "config-aggregator", "config.amazonaws.com"), None),
    ]


def security_us() -> list[Told]:
    here = SECURITY_US
    return [
        (instance(here, "scanner", GOLDEN_TAGGED, tags={"PatchGroup": "linux-weekly"}), PASS),
        (group(here, "scanner", permission("-1", None, "10.0.0.0/8")), PASS),
        (bucket(here, "org-config-us", "aws:kms", key_arn(here, "org-audit-us")), PASS),
        (key(here, "org-audit-us"), None),
    ]


def snapshots() -> dict[Place, list[Told]]:
    return {
        PRODUCTION: production_instances() + production_groups() + production_buckets() + production_rest(),
        PRODUCTION_US: production_us(),
        SANDBOX: sandbox(),
        SANDBOX_US: sandbox_us(),
        SECURITY: security(),
        SECURITY_US: security_us(),
    }

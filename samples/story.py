"""Who has what in the sample organization: the snapshots of its six places."""

# ruff: noqa: INP001 - a script's neighbour, not a package
from __future__ import annotations

import story_services
from shapes import Place, as_of_2016, group, permission
from shapes_compute import function, instance, role
from shapes_data import stream
from shapes_messages import queue, repository, secret, topic, trail
from shapes_network import load_balancer
from shapes_rds import db_instance
from shapes_storage import bucket, key, key_arn, key_id_of, table, volume
from told import (
    EXEMPT,
    FAIL,
    NOT_APPLICABLE,
    PARTNER,
    PASS,
    PRODUCTION,
    PRODUCTION_US,
    SANDBOX,
    SANDBOX_US,
    SECURITY,
    SECURITY_US,
    UNDETERMINED,
    Told,
    told,
)

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
        told(instance(here, "shop-api-1", GOLDEN), approved_image=PASS, imdsv2=PASS, no_public_address=PASS),
        told(instance(here, "shop-api-2", GOLDEN), approved_image=PASS),
        told(instance(here, "shop-worker-1", GOLDEN_TAGGED, tags={"PatchGroup": "linux-weekly"}), approved_image=PASS),
        told(instance(here, "payroll-app", AMAZON_CURRENT, tags={"PatchGroup": "linux-monthly"}), approved_image=PASS),
        told(instance(here, "payroll-app-blue", AMAZON_OLD), approved_image=FAIL),
        told(instance(here, "checkout-canary", WITHDRAWN), approved_image=FAIL),
        told(
            instance(
                here, "legacy-reports", LOOKALIKE, instance_type="m4.large", tokens="optional", public_ip="203.0.113.40"
            ),
            approved_image=FAIL,
            imdsv2=FAIL,
            no_public_address=FAIL,
        ),
        told(instance(here, "shop-worker-next", GOLDEN_UNTESTED), approved_image=FAIL),
        told(instance(here, "batch-runner", NOT_DESCRIBED), approved_image=UNDETERMINED),
        told(
            instance(here, "timesheet-import", FORGOTTEN, "stopped", tags={"PatchGroup": "none"}), approved_image=EXEMPT
        ),
        told(instance(here, "shop-api-0", WITHDRAWN, "terminated"), approved_image=NOT_APPLICABLE),
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
        told(public, restricted_ingress=PASS),
        told(group(here, "shop-api-app", permission("tcp", (8080, 8080), lb)), restricted_ingress=PASS),
        told(group(here, "payroll-db", permission("tcp", (5432, 5432), "10.20.0.0/16")), restricted_ingress=PASS),
        told(
            group(here, "office-ssh", permission("tcp", (22, 22), "198.51.100.17/32", "2001:db8:0:7::/64")),
            restricted_ingress=PASS,
        ),
        told(group(here, "ping", permission("icmp", (-1, -1), WORLD4)), restricted_ingress=PASS),
        told(group(here, "s3-endpoint", permission("tcp", (443, 443), "pl-6da54004")), restricted_ingress=PASS),
        told(group(here, "empty-default", description="default VPC security group"), restricted_ingress=PASS),
        told(group(here, "bastion", ssh, group_id=BASTION), restricted_ingress=EXEMPT),
        told(group(here, "bastion-old", ssh, group_id=BASTION_OLD), restricted_ingress=FAIL),
        told(group(here, "legacy-admin", permission("tcp", (3389, 3389), WORLD4)), restricted_ingress=FAIL),
        told(group(here, "vendor-debug", permission("-1", None, WORLD6_EXPANDED)), restricted_ingress=FAIL),
        told(group(here, "migration-wide", permission("tcp", (0, 65535), WORLD4)), restricted_ingress=FAIL),
        told(as_of_2016(from_2016, "2016-08-03T14:21:40.118Z"), restricted_ingress=FAIL),
    ]


def production_buckets() -> list[Told]:
    here, kms = PRODUCTION, "aws:kms"
    alias = f"arn:aws:kms:{here.region}:{here.account}:alias"
    old = "2021-04-09T07:13:55.402Z"
    return [
        # A customer managed key in its four spellings …
        told(
            bucket(here, "payroll-db-backups", kms, key_arn(here, "payroll"), tags={"team": "payroll"}),
            encryption=PASS,
            public_access_block=PASS,
            tls_only=PASS,
        ),
        told(bucket(here, "payroll-exports", kms, key_id_of(here, "payroll")), encryption=PASS),
        told(bucket(here, "shop-invoices", kms, f"{alias}/shop-data"), encryption=PASS),
        told(bucket(here, "shop-contracts", "aws:kms:dsse", "alias/shop-data"), encryption=PASS),
        told(bucket(here, "audit-copy", kms, key_arn(SECURITY, "org-audit")), encryption=PASS),
        # … the key that AWS manages in its five …
        told(bucket(here, "shop-search-index", kms), encryption=FAIL),
        told(bucket(here, "shop-mail-queue", kms, "alias/aws/s3"), encryption=FAIL),
        told(bucket(here, "shop-media", kms, f"{alias}/aws/s3"), encryption=FAIL),
        told(bucket(here, "shop-crash-dumps", kms, key_id_of(here, "aws-s3")), encryption=FAIL),
        told(bucket(here, "shop-data-lake", kms, key_arn(here, "aws-s3")), encryption=FAIL),
        # … and no KMS key, a stranger's key, and nothing recorded.
        told(bucket(here, "shop-api-assets"), encryption=FAIL),
        told(
            bucket(here, "shop-static-site", tags={"team": "web", "data": "public"}, public=True),
            encryption=EXEMPT,
            public_access_block=EXEMPT,
            tls_only=FAIL,
        ),
        told(bucket(here, "partner-exchange", kms, key_arn(PARTNER, "partner")), encryption=UNDETERMINED),
        told(bucket(here, "attic-2019", None, configurationItemCaptureTime=old), encryption=UNDETERMINED),
    ]


def production_us() -> list[Told]:
    here, edge = PRODUCTION_US, key_arn(PRODUCTION_US, "edge")
    tagged = {"PatchGroup": "linux-weekly"}
    return [
        told(instance(here, "shop-edge-1", GOLDEN_TAGGED, tags=tagged), approved_image=PASS, patch_group=PASS),
        told(instance(here, "shop-edge-2", LOOKALIKE), approved_image=FAIL),
        told(group(here, "shop-edge-lb", permission("tcp", (443, 443), WORLD4)), restricted_ingress=PASS),
        told(group(here, "old-vpn", permission("udp", None, WORLD4)), restricted_ingress=FAIL),
        told(bucket(here, "shop-edge-logs", "aws:kms", edge), encryption=PASS),
        told(bucket(here, "shop-edge-cache"), encryption=FAIL),
        told(key(here, "edge", rotation=False), rotation=FAIL),
        told(function(here, "shop-edge-rewrite", "nodejs22.x"), supported_runtime=PASS, not_public=PASS),
        told(load_balancer(here, "shop-edge"), in_use=PASS, access_logs=PASS),
        told(secret(here, "edge/origin", edge), encryption=PASS),
        told(trail(here, "edge-debugging", everywhere=False), multi_region=FAIL, log_validation=FAIL, encryption=FAIL),
    ]


def sandbox() -> list[Told]:
    here = SANDBOX
    return [
        told(instance(here, "try-golden", GOLDEN), approved_image=PASS),
        told(instance(here, "try-anything", AMAZON_OLD, tokens="optional"), approved_image=PASS, imdsv2=FAIL),
        told(instance(here, "hackday-gpu", LOOKALIKE, instance_type="g5.xlarge"), approved_image=FAIL),
        told(instance(here, "hackday-done", LOOKALIKE, "terminated"), approved_image=NOT_APPLICABLE),
        told(group(here, "hackday-ssh", permission("tcp", (22, 22), WORLD4)), restricted_ingress=FAIL),
        told(group(here, "hackday-web", permission("tcp", (80, 80), WORLD4)), restricted_ingress=PASS),
        told(bucket(here, "sandbox-scratch"), encryption=FAIL),
        told(bucket(here, "sandbox-models", "aws:kms"), encryption=PASS),
        told(function(here, "hackday-bot", "python3.8"), supported_runtime=FAIL),
        told(table(here, "hackday-scores"), encryption=FAIL),
        told(role(here, "hackday", "lambda.amazonaws.com", "sandbox"), permissions_boundary=PASS),
        told(db_instance(here, "hackday-db", public=True, backups=0), encryption=FAIL, not_public=FAIL, backups=FAIL),
        told(topic(here, "hackday-scores"), encryption=FAIL, not_public=PASS),
        told(queue(here, "hackday-jobs", managed=True), encryption=FAIL),
        told(stream(here, "hackday-clicks"), encryption=FAIL),
        told(repository(here, "hackday/bot", scanned=False), scan_on_push=FAIL),
        told(volume(here, "try-golden"), encryption=FAIL),
    ]


def sandbox_us() -> list[Told]:
    here = SANDBOX_US
    return [
        told(instance(here, "bench-a", AMAZON_CURRENT), approved_image=PASS),
        told(instance(here, "bench-b", NOT_DESCRIBED, "stopped"), approved_image=UNDETERMINED),
        told(group(here, "bench-rdp", permission("tcp", (3000, 4000), WORLD4, WORLD6)), restricted_ingress=FAIL),
        told(bucket(here, "sandbox-bench-results"), tls_only=PASS),  # encryption is off here
        told(volume(here, "bench-a"), encryption=FAIL),
    ]


def security() -> list[Told]:
    here, audit = SECURITY, key_arn(SECURITY, "org-audit")
    tagged = {"PatchGroup": "linux-weekly"}
    return [
        told(instance(here, "image-builder", GOLDEN, tags=tagged), approved_image=PASS, patch_group=PASS),
        told(instance(here, "scanner", AMAZON_CURRENT), approved_image=PASS, patch_group=FAIL),
        told(group(here, "scanner", permission("tcp", (22, 22), "10.0.0.0/8")), restricted_ingress=PASS),
        told(group(here, "evidence-db", permission("tcp", (5432, 5432), WORLD4)), restricted_ingress=FAIL),
        told(bucket(here, "org-cloudtrail", "aws:kms", audit), encryption=PASS),
        told(bucket(here, "org-config", "aws:kms", audit), encryption=PASS),
        told(bucket(here, "org-access-logs"), encryption=EXEMPT),
        told(key(here, "org-audit"), rotation=PASS),
        told(role(here, "config-aggregator", "config.amazonaws.com"), permissions_boundary=FAIL),
        told(trail(here, "org", audit), multi_region=PASS, log_validation=PASS, encryption=PASS),
        told(topic(here, "org-alerts", audit), encryption=PASS, not_public=PASS),
        told(queue(here, "org-findings", audit), encryption=PASS, not_public=UNDETERMINED),
    ]


def security_us() -> list[Told]:
    here = SECURITY_US
    return [
        told(instance(here, "scanner", GOLDEN_TAGGED, tags={"PatchGroup": "linux-weekly"}), approved_image=PASS),
        told(group(here, "scanner", permission("-1", None, "10.0.0.0/8")), restricted_ingress=PASS),
        told(bucket(here, "org-config-us", "aws:kms", key_arn(here, "org-audit-us")), encryption=PASS),
        told(key(here, "org-audit-us"), rotation=PASS),
    ]


def production() -> list[Told]:
    return [
        *production_instances(),
        *production_groups(),
        *production_buckets(),
        *story_services.databases(),
        *story_services.other_data(),
        *story_services.messages(),
        *story_services.load_balancers(),
        *story_services.functions_and_roles(),
        *story_services.keys_and_volumes(),
    ]


def snapshots() -> dict[Place, list[Told]]:
    return {
        PRODUCTION: production(),
        PRODUCTION_US: production_us(),
        SANDBOX: sandbox(),
        SANDBOX_US: sandbox_us(),
        SECURITY: security(),
        SECURITY_US: security_us(),
    }

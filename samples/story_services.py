"""What the shop and the payroll run on in production, apart from instances, groups and buckets."""

# ruff: noqa: INP001 - a script's neighbour, not a package
from __future__ import annotations

from shapes_compute import function, role
from shapes_data import file_system, search_domain, stream, warehouse
from shapes_messages import queue, repository, secret, topic
from shapes_network import classic_load_balancer, load_balancer, target_group
from shapes_rds import db_cluster, db_cluster_snapshot, db_instance, db_snapshot
from shapes_storage import key, key_arn, table, volume
from told import EXEMPT, FAIL, NOT_APPLICABLE, PARTNER, PASS, PRODUCTION, UNDETERMINED, Told, told

here = PRODUCTION
SHOP, PAYROLL = key_arn(here, "shop-data"), key_arn(here, "payroll")


def databases() -> list[Told]:
    of_shop, of_payroll = {"team": "shop", "data": "internal"}, {"team": "payroll", "data": "confidential"}
    return [
        told(
            db_instance(here, "shop-orders", SHOP, tags=of_shop),
            encryption=PASS,
            not_public=PASS,
            backups=PASS,
            required_tags=PASS,
        ),
        told(
            db_instance(
                here, "shop-orders-replica", SHOP, readReplicaSourceDBInstanceIdentifier="shop-orders", backups=0
            ),
            backups=NOT_APPLICABLE,
            required_tags=FAIL,
        ),
        told(db_instance(here, "payroll", key_arn(here, "aws-rds"), tags=of_payroll), encryption=FAIL),
        told(
            db_instance(here, "shop-analytics", SHOP, backups=0, tags={"team": "bi"}), backups=FAIL, required_tags=FAIL
        ),
        told(db_instance(here, "legacy-crm", public=True), encryption=EXEMPT, not_public=FAIL),
        told(db_instance(here, "partner-orders", key_arn(PARTNER, "partner")), encryption=UNDETERMINED),
        told(db_cluster(here, "shop-catalog", SHOP, ["shop-catalog-1"], backups=1), encryption=PASS, backups=FAIL),
        told(
            db_instance(here, "shop-catalog-1", SHOP, dBClusterIdentifier="shop-catalog", backups=1),
            backups=NOT_APPLICABLE,
        ),
        told(db_snapshot(here, "payroll-before-upgrade", "payroll", PAYROLL), encryption=PASS, not_public=PASS),
        told(db_snapshot(here, "crm-for-vendor", "legacy-crm", None, "all"), encryption=FAIL, not_public=FAIL),
        told(
            db_cluster_snapshot(here, "shop-catalog-for-tests", "shop-catalog", SHOP, "444455556666"),
            encryption=PASS,
            not_public=PASS,
        ),
    ]


def other_data() -> list[Told]:
    indexer = f"arn:aws:iam::{here.account}:role/shop-instance"
    by_dynamodb = key_arn(here, "aws-dynamodb")
    return [
        told(table(here, "shop-orders", SHOP), encryption=PASS),
        told(table(here, "shop-sessions"), encryption=FAIL),
        told(table(here, "shop-carts", by_dynamodb), encryption=FAIL),
        told(file_system(here, "shop-media", SHOP), encryption=PASS),
        told(file_system(here, "legacy-share"), encryption=FAIL),
        told(warehouse(here, "shop-warehouse", SHOP), encryption=PASS, not_public=PASS),
        told(warehouse(here, "legacy-reporting", public=True), encryption=FAIL, not_public=FAIL),
        told(search_domain(here, "shop-search", SHOP, indexer), encryption=PASS, not_public=PASS),
        told(search_domain(here, "shop-logs", SHOP, "*", in_vpc=False), encryption=PASS, not_public=FAIL),
        told(stream(here, "payroll-changes", PAYROLL), encryption=PASS),
        told(stream(here, "shop-clicks", "alias/aws/kinesis"), encryption=FAIL),
        told(stream(here, "legacy-feed"), encryption=FAIL),
    ]


def messages() -> list[Told]:
    return [
        told(topic(here, "shop-events", "alias/shop-data"), encryption=PASS, not_public=PASS),
        told(topic(here, "shop-alerts", "alias/aws/sns"), encryption=FAIL, not_public=PASS),
        told(topic(here, "shop-newsletter", public=True), encryption=FAIL, not_public=FAIL),
        told(queue(here, "shop-orders", SHOP), encryption=PASS, not_public=PASS),
        told(queue(here, "shop-mail", managed=True), encryption=FAIL, not_public=PASS),
        told(queue(here, "partner-inbox", SHOP), encryption=PASS, not_public=FAIL),
        told(queue(here, "legacy-import", managed=None), encryption=UNDETERMINED, not_public=UNDETERMINED),
        told(secret(here, "shop/payments", SHOP), encryption=PASS),
        told(secret(here, "shop/mail-relay"), encryption=FAIL),
        told(repository(here, "shop/api"), scan_on_push=PASS, encryption=UNDETERMINED),
        told(repository(here, "legacy/reports", scanned=False), scan_on_push=FAIL),
    ]


def load_balancers() -> list[Told]:
    """Who is registered, and since when nobody is, stands in facts.yaml."""
    made = "2026-11-12T08:00:00.000Z"
    return [
        told(
            load_balancer(here, "shop-web"),
            in_use=PASS,
            access_logs=PASS,
            deletion_protection=PASS,
            drop_invalid_headers=PASS,
        ),
        told(
            load_balancer(here, "shop-web-2023", careful=False),
            in_use=FAIL,
            access_logs=FAIL,
            deletion_protection=FAIL,
            drop_invalid_headers=FAIL,
        ),
        told(load_balancer(here, "shop-batch"), in_use=PASS),
        told(load_balancer(here, "shop-search"), in_use=UNDETERMINED),
        told(
            load_balancer(here, "shop-beta", resourceCreationTime=made, configurationItemCaptureTime=made),
            in_use=PASS,
        ),
        told(
            load_balancer(here, "partner-link", "network"),
            in_use=UNDETERMINED,
            access_logs=NOT_APPLICABLE,
            drop_invalid_headers=NOT_APPLICABLE,
        ),
        told(classic_load_balancer(here, "timesheet"), in_use=PASS, access_logs=PASS),
        told(classic_load_balancer(here, "legacy-crm", logged=False), in_use=FAIL, access_logs=FAIL),
        told(classic_load_balancer(here, "payroll-2019"), in_use=UNDETERMINED),
        told(target_group(here, "shop-web"), encrypted_protocol=PASS, encrypted_health_checks=PASS),
        told(target_group(here, "shop-web-2023", "HTTP"), encrypted_protocol=FAIL, encrypted_health_checks=FAIL),
        told(target_group(here, "shop-beta", None), encrypted_protocol=NOT_APPLICABLE),
    ]


def functions_and_roles() -> list[Told]:
    of_rds = "/aws-service-role/rds.amazonaws.com/"
    return [
        told(function(here, "shop-thumbnailer", "python3.12"), supported_runtime=PASS, not_public=PASS),
        told(function(here, "shop-order-mailer", "nodejs16.x"), supported_runtime=FAIL),
        told(function(here, "shop-render", None), supported_runtime=NOT_APPLICABLE),
        told(function(here, "shop-contact-form", "nodejs22.x", "*"), not_public=EXEMPT),
        told(function(here, "shop-webhook", "python3.13", "*"), not_public=FAIL),
        told(role(here, "shop-instance", "ec2.amazonaws.com", "workload"), permissions_boundary=PASS),
        told(role(here, "shop-thumbnailer-role", "lambda.amazonaws.com"), permissions_boundary=FAIL),
        told(role(here, "ci-deploy", "codebuild.amazonaws.com", "all-but-billing"), permissions_boundary=FAIL),
        told(
            role(here, "AWSServiceRoleForRDS", "rds.amazonaws.com", path=of_rds),
            permissions_boundary=NOT_APPLICABLE,
        ),
    ]


def keys_and_volumes() -> list[Told]:
    of_aws = [key(here, f"aws-{service}", manager="AWS") for service in ("s3", "rds", "dynamodb", "ebs")]
    return [
        told(key(here, "payroll"), rotation=PASS),
        told(key(here, "shop-data"), rotation=PASS),
        *(told(item, rotation=NOT_APPLICABLE) for item in of_aws),
        told(volume(here, "shop-api-1", SHOP), encryption=PASS),
        told(volume(here, "payroll-app", key_arn(here, "aws-ebs")), encryption=FAIL),
        told(volume(here, "legacy-reports"), encryption=FAIL),
    ]

"""Cloud Custodian in process: parse a snapshot, load each item by its Config source, filter. Run by custodian's own Python.

It finds the same bad resources, without reasons or evidence. Its Config source drops the encryption of buckets, so that is
handed on here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from c7n.config import Config
from c7n.loader import PolicyLoader

ENCRYPTION = "Encryption.rules[0].applyServerSideEncryptionByDefault.sseAlgorithm"
APPROVED = ["ami-0be4c400000000001", "ami-0be4c400000000002"]
WORLD = {"Cidr": {"value": "0.0.0.0/0"}}
POLICIES = {
    "AWS::EC2::Instance": ("aws.ec2", [{"type": "value", "key": "ImageId", "op": "not-in", "value": APPROVED}]),
    "AWS::EC2::SecurityGroup": ("aws.security-group", [{"type": "ingress", "Ports": [22, 3389]} | WORLD]),
    "AWS::S3::Bucket": ("aws.s3", [{"type": "value", "key": ENCRYPTION, "op": "ne", "value": "aws:kms"}]),
}


def main() -> None:
    by_type: dict[str, list[dict[str, object]]] = {kind: [] for kind in POLICIES}
    for item in json.loads(Path(sys.argv[1]).read_bytes())["configurationItems"]:
        by_type[item["resourceType"]].append(item)
    documents = [
        {"name": f"p{i}", "resource": kind, "filters": tests} for i, (kind, tests) in enumerate(POLICIES.values())
    ]
    loader = PolicyLoader(Config.empty(region="eu-west-1", account_id="111122223333"))
    loaded = loader.load_data({"policies": documents}, "memory://", validate=False)
    found = 0
    for policy, items in zip(loaded, by_type.values(), strict=True):
        manager = policy.resource_manager
        source = manager.get_source("config")
        resources = []
        for item in items:
            resource = source.load_resource(item)
            if item["resourceType"] == "AWS::S3::Bucket":
                resource["Encryption"] = item["supplementaryConfiguration"].get("ServerSideEncryptionConfiguration")
            resources.append(resource)
        found += len(manager.filter_resources(resources))
    print(json.dumps({"found": found}))


if __name__ == "__main__":
    main()

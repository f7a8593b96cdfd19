"""Configuration items of instances and of the types around them; the longer shapes."""

# ruff: noqa: INP001 - a script's neighbour, not a package
from __future__ import annotations

from typing import Any
from urllib.parse import quote

from shapes import (
    JsonObject,
    Place,
    compact,
    hex_id,
    item,
    moment,
    number,
    related,
    tag_list,
    uuid,
)

STATES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
_STOPPED = {
    "code": "Client.UserInitiatedShutdown",
    "message": "Client.UserInitiatedShutdown: User initiated shutdown",
}
_ABSENT = (
    "bootMode",
    "capacityReservationId",
    "instanceLifecycle",
    "kernelId",
    "keyName",
    "outpostArn",
    "ramdiskId",
    "spotInstanceRequestId",
    "sriovNetSupport",
)


def instance(place: Place, name: str, image: str, state: str = "running", **more: Any) -> JsonObject:
    """`more`: `instance_type`, `public_ip`, `tokens` of the metadata service, and keys of the item as Config spells them."""
    instance_id = hex_id("i", place, name)
    launched = moment("launch", place.account, place.region, name)
    tags = {"Name": name} | more.pop("tags", {})
    network = network_interface(place, name, launched, more.pop("public_ip", None))
    tokens = more.pop("tokens", "required")
    gone = state == "terminated"
    configuration = {
        "amiLaunchIndex": 0,
        "imageId": image,
        "instanceId": instance_id,
        "instanceType": more.pop("instance_type", "t3.medium"),
        "launchTime": launched,
        "monitoring": {"state": "disabled"},
        "placement": placement(place),
        "platform": None,
        "privateDnsName": "" if gone else network["privateDnsName"],
        "privateIpAddress": None if gone else network["privateIpAddress"],
        "productCodes": [],
        "publicDnsName": "",
        "publicIpAddress": None if gone else (network["association"] or {}).get("publicIp"),
        "state": {"code": STATES[state], "name": state},
        "stateTransitionReason": "" if state == "running" else "User initiated (2026-11-02 17:20:09 GMT)",
        "subnetId": None if gone else network["subnetId"],
        "vpcId": None if gone else network["vpcId"],
        "securityGroups": [] if gone else network["groups"],
        "networkInterfaces": [] if gone else [network],
        "blockDeviceMappings": [] if gone else [root_device(place, name, launched)],
        "stateReason": None if state == "running" else _STOPPED,
        "tags": tag_list(tags),
        "metadataOptions": metadata_options(tokens),
    } | fixed_parts(place, name)
    own = {
        "relationships": [] if gone else instance_relationships(place, name, network),
        "tags": tags,
        "ARN": f"arn:aws:ec2:{place.region}:{place.account}:instance/{instance_id}",
        "availabilityZone": f"{place.region}a",
        "resourceCreationTime": launched,
        "configurationItemCaptureTime": launched,
    }
    return item(place, "AWS::EC2::Instance", instance_id, configuration, **(own | more))


def placement(place: Place) -> JsonObject:
    absent = dict.fromkeys(("affinity", "partitionNumber", "hostId", "spreadDomain", "hostResourceGroupArn", "groupId"))
    return {"availabilityZone": f"{place.region}a", "groupName": "", "tenancy": "default"} | absent


def root_device(place: Place, name: str, launched: str) -> JsonObject:
    ebs = {
        "attachTime": launched,
        "deleteOnTermination": True,
        "status": "attached",
        "volumeId": hex_id("vol", place, name),
    }
    return {"deviceName": "/dev/xvda", "ebs": ebs}


def network_interface(place: Place, name: str, launched: str, public_ip: str | None) -> JsonObject:
    association = {"ipOwnerId": place.account, "publicDnsName": "", "publicIp": public_ip} if public_ip else None
    address = f"10.20.{number(250, 'third', name)}.{4 + number(250, 'fourth', name)}"
    host = f"ip-{address.replace('.', '-')}.{place.region}.compute.internal"
    attachment = {
        "attachTime": launched,
        "attachmentId": hex_id("eni-attach", place, name),
        "deleteOnTermination": True,
    }
    return {
        "association": association,
        "attachment": attachment | {"deviceIndex": 0, "status": "attached", "networkCardIndex": 0},
        "description": "",
        "groups": [{"groupName": "shop-api-app", "groupId": hex_id("sg", place, "shop-api-app")}],
        "ipv6Addresses": [],
        "macAddress": f"06:{number(90, 'mac', name) + 10}:3c:11:7e:{number(90, 'mac2', name) + 10}",
        "networkInterfaceId": hex_id("eni", place, name),
        "ownerId": place.account,
        "privateDnsName": host,
        "privateIpAddress": address,
        "privateIpAddresses": [
            {"association": association, "primary": True, "privateDnsName": host, "privateIpAddress": address}
        ],
        "sourceDestCheck": True,
        "status": "in-use",
        "subnetId": hex_id("subnet", place, "private-a"),
        "vpcId": hex_id("vpc", place, "main"),
        "interfaceType": "interface",
        "ipv4Prefixes": [],
        "ipv6Prefixes": [],
    }


def fixed_parts(place: Place, name: str) -> JsonObject:
    """What all instances of the samples have in common."""
    return {
        "architecture": "x86_64",
        "clientToken": uuid("token", place.account, place.region, name),
        "ebsOptimized": True,
        "enaSupport": True,
        "hypervisor": "xen",
        "iamInstanceProfile": {
            "arn": f"arn:aws:iam::{place.account}:instance-profile/shop-instance",
            "id": "AIPAEXAMPLESHOPPROFILE",
        },
        "elasticGpuAssociations": [],
        "elasticInferenceAcceleratorAssociations": [],
        "rootDeviceName": "/dev/xvda",
        "rootDeviceType": "ebs",
        "sourceDestCheck": True,
        "virtualizationType": "hvm",
        "cpuOptions": {"coreCount": 1, "threadsPerCore": 2},
        "capacityReservationSpecification": {
            "capacityReservationPreference": "open",
            "capacityReservationTarget": None,
        },
        "hibernationOptions": {"configured": False},
        "licenses": [],
        "enclaveOptions": {"enabled": False},
    } | dict.fromkeys(_ABSENT)


def metadata_options(tokens: str) -> JsonObject:
    options = {"state": "applied", "httpTokens": tokens, "httpPutResponseHopLimit": 2}
    return options | {"httpEndpoint": "enabled"}


def instance_relationships(place: Place, name: str, network: JsonObject) -> list[JsonObject]:
    return [
        related("AWS::EC2::NetworkInterface", network["networkInterfaceId"], "Contains NetworkInterface"),
        related("AWS::EC2::SecurityGroup", network["groups"][0]["groupId"], "Is associated with SecurityGroup"),
        related("AWS::EC2::Subnet", network["subnetId"], "Is contained in Subnet"),
        related("AWS::EC2::Volume", hex_id("vol", place, name), "Is attached to Volume"),
        related("AWS::EC2::VPC", network["vpcId"], "Is contained in Vpc"),
    ]


def function(place: Place, name: str, runtime: str | None, caller: str | None = None) -> JsonObject:
    """A function; without a runtime it is a container image, without a caller nobody was ever given a permission."""
    role, arn = f"{name}-role", f"arn:aws:lambda:{place.region}:{place.account}:function:{name}"
    configuration = {
        "functionName": name,
        "functionArn": arn,
        "runtime": runtime,
        "role": f"arn:aws:iam::{place.account}:role/{role}",
        "handler": "main.handler" if runtime else None,
        "codeSize": 48_213 if runtime else 0,
        "description": "",
        "timeout": 30,
        "memorySize": 256,
        "lastModified": "2026-09-30T11:52:07.000+0000",
        "codeSha256": "3q2+7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "version": "$LATEST",
        "vpcConfig": None,
        "deadLetterConfig": None,
        "environment": None,
        "kmskeyArn": None,
        "tracingConfig": {"mode": "PassThrough"},
        "layers": [],
        "packageType": "Zip" if runtime else "Image",
        "architectures": ["arm64"],
        "ephemeralStorage": {"size": 512},
        "state": {"value": "Active"},
    }
    supplementary: JsonObject = {"Tags": {"team": "shop"}}
    if caller:
        statement = {"Sid": "call", "Effect": "Allow", "Principal": {"AWS": caller}, "Action": "lambda:InvokeFunction"}
        document = {"Version": "2012-10-17", "Id": "default", "Statement": [statement | {"Resource": arn}]}
        supplementary["Policy"] = compact(document)
    own = {
        "relationships": [related("AWS::IAM::Role", None, "Is associated with ", role)],
        "supplementaryConfiguration": supplementary,
        "tags": {"team": "shop"},
        "resourceName": name,
        "ARN": arn,
    }
    return item(place, "AWS::Lambda::Function", name, configuration, **own)


def role(place: Place, name: str, service: str, boundary: str | None = None, path: str = "/") -> JsonObject:
    """A role, by the name of its boundary; IAM is recorded in one Region and its items say "global"."""
    role_id, created = f"AROA{digest_id(place, name)}", "2024-05-06T12:00:00.000Z"
    arn = f"arn:aws:iam::{place.account}:role{path}{name}"
    managed = {
        "policyName": "AmazonSSMManagedInstanceCore",
        "policyArn": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
    }
    configuration = {
        "path": path,
        "roleName": name,
        "roleId": role_id,
        "arn": arn,
        "createDate": created,
        "assumeRolePolicyDocument": quoted_trust(service),
        "instanceProfileList": [],
        "rolePolicyList": [],
        "attachedManagedPolicies": [managed],
        "permissionsBoundary": limited_by(place, boundary) if boundary else None,
        "tags": [],
        "roleLastUsed": None,
    }
    attached = related("AWS::IAM::Policy", None, "Is attached to CustomerManagedPolicy", "shop-base")
    own = {
        "relationships": [attached],
        "resourceName": name,
        "ARN": arn,
        "awsRegion": "global",
        "resourceCreationTime": created,
    }
    return item(place, "AWS::IAM::Role", role_id, configuration, **own)


def limited_by(place: Place, boundary: str) -> JsonObject:
    arn = f"arn:aws:iam::{place.account}:policy/{boundary}"
    return {"permissionsBoundaryType": "Policy", "permissionsBoundaryArn": arn}


def digest_id(place: Place, name: str) -> str:
    return hex_id("role", place, name).removeprefix("role-").upper()


def quoted_trust(service: str) -> str:
    """IAM policy documents are URL-encoded JSON text in Config's items."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return quote(compact({"Version": "2012-10-17", "Statement": [statement]}), safe="")

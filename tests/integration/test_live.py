"""`opalite evaluate --live`: AWS in memory, in the process of the test, because nothing else can stand in for all of its accounts."""

from __future__ import annotations

import json
import os
import signal
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import boto3
import botocore.handlers
import orjson
import pytest
from botocore.awsrequest import AWSResponse
from moto import mock_aws

from opalite.cli.evaluate import evaluate
from opalite.errors import AwsError, UsageError

OWN, MEMBER, OWNER = "123456789012", "111122223333", "444455556666"
IMAGES = "aws.ec2.instance.approved_image"
KEYS = "aws.s3.bucket.encryption"
EXAMPLES = "policies/aws/elasticloadbalancing/loadbalancer/in_use/examples"
QUEUES = "policies/aws/sqs/queue/not_public/examples"


@pytest.fixture
def credentials(monkeypatch, tmp_path, opa):
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "OPALITE_OPA": str(opa.path),
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def aws(credentials):
    with mock_aws():
        yield


@pytest.fixture
def client(aws):
    def made(service, account=MEMBER, region="eu-west-1"):
        role = f"arn:aws:iam::{account}:role/Admin"
        keys = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        return boto3.client(
            service,
            region_name=region,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    return made


@pytest.fixture
def instances(item, tmp_path):
    """A file of instances, one for each (account, region, image)."""

    def written(places):
        template = item("ec2-instance.event")
        path = tmp_path / "items.jsonl"
        with path.open("wb") as file:
            for number, (account, region, image) in enumerate(places):
                configuration = template["configuration"] | {"imageId": image}
                place = {"awsAccountId": account, "awsRegion": region, "resourceId": f"i-{number:017x}", "ARN": None}
                file.write(orjson.dumps(template | place | {"configuration": configuration}) + b"\n")
        return path

    return written


@pytest.fixture
def settings(tmp_path):
    def written(parameters, **more):
        path = tmp_path / "settings.json"
        path.write_text(json.dumps({"parameters": parameters, **more}))
        return path

    return written


@pytest.fixture
def run(tmp_path, capsys):
    """The command in this process: its exit code, decisions, and the words of standard error."""

    def ran(*arguments):
        output = tmp_path / "decisions.jsonl"
        output.unlink(missing_ok=True)
        given = [*map(str, arguments), "--format", "jsonl", "--output", str(output)]
        with evaluate.make_context("evaluate", given) as context:
            code = evaluate.invoke(context)
        decisions = [orjson.loads(line) for line in output.read_bytes().splitlines()]
        return code, decisions, capsys.readouterr().err.splitlines()

    return ran


APPROVED = {IMAGES: {"default": {"owners": {MEMBER: {"tags": {"approved": ["yes"]}}}}}}


def test_images_are_judged_by_what_aws_says_of_them(client, instances, settings, run):
    ec2 = client("ec2")
    good, bad, gone = (ec2.register_image(Name=name)["ImageId"] for name in ("good", "bad", "gone"))
    ec2.create_tags(Resources=[good], Tags=[{"Key": "approved", "Value": "yes"}])
    ec2.deregister_image(ImageId=gone)
    path = instances([(MEMBER, "eu-west-1", image) for image in (good, bad, gone, good)])
    code, decisions, said = run(
        path, "--policy", IMAGES, "--data", settings(APPROVED), "--live", "--live-role", "OpaliteRead"
    )
    assert [decision["outcome"] for decision in decisions] == ["pass", "fail", "fail", "pass"]
    assert decisions[2]["violations"][0]["message"] == (
        f"image {gone} is gone: deregistered, or no longer shared with the account"
    )
    assert code == 1
    assert said[-1] == ("opalite: notice: 3 AWS calls: ec2:DescribeImages 1, sts:AssumeRole 1, sts:GetCallerIdentity 1")


@pytest.mark.slow
@pytest.mark.parametrize("order", ["sorted", "by turns"])
def test_10000_instances_of_50_images_cost_one_describe_images_per_account_and_region(
    client, instances, settings, run, order
):
    homes = [(MEMBER, "eu-west-1"), (MEMBER, "us-east-1"), (OWNER, "eu-west-1")]
    known = {}
    for home in homes:
        ec2 = client("ec2", *home)
        known[home] = [ec2.register_image(Name=f"golden-{number}")["ImageId"] for number in range(50)]
        ec2.create_tags(Resources=known[home], Tags=[{"Key": "approved", "Value": "yes"}])
    places = [(*homes[number % 3], known[homes[number % 3]][number // 3 % 50]) for number in range(10_000)]
    if order == "sorted":
        places.sort()
    owners = {account: {"tags": {"approved": ["yes"]}} for account in (MEMBER, OWNER)}
    data = settings({IMAGES: {"default": {"owners": owners}}})
    code, decisions, said = run(
        instances(places), "--policy", IMAGES, "--data", data, "--live", "--live-role", "OpaliteRead", "--jobs", 3
    )
    assert code == 0
    assert [decision["outcome"] for decision in decisions] == ["pass"] * 10_000
    assert said[-1] == ("opalite: notice: 6 AWS calls: ec2:DescribeImages 3, sts:AssumeRole 2, sts:GetCallerIdentity 1")


def test_what_is_refused_is_undetermined_and_says_why(client, instances, settings, run):
    image = client("ec2").register_image(Name="good")["ImageId"]
    path = instances([(MEMBER, "eu-west-1", image)])
    code, [decision], said = run(path, "--policy", IMAGES, "--data", settings(APPROVED), "--live")
    reason = "account 111122223333 cannot be asked: the credentials are of account 123456789012, and no role was named"
    assert decision["outcome"] == "undetermined"
    assert decision["unknown"] == [{"fact": "image", "key": image, "reason": reason}]
    assert decision["annotation"].startswith(f"undetermined: image {image}: {reason} [")
    assert code == 1
    assert said[-1] == "opalite: notice: 1 AWS call: sts:GetCallerIdentity 1"


def test_tags_that_cannot_be_seen_leave_the_decision_open_and_say_why(client, instances, settings, run):
    amazons = client("ec2").describe_images(Owners=["amazon"])["Images"][0]
    owners = {"amazon": {"tags": {"approved": ["yes"]}}}
    path = instances([(MEMBER, "eu-west-1", amazons["ImageId"])])
    data = settings({IMAGES: {"default": {"owners": owners}}})
    _, [decision], _ = run(path, "--policy", IMAGES, "--data", data, "--live", "--live-role", "R")
    reason = f"only amazon sees the tags of image {amazons['ImageId']}"
    assert decision["unknown"] == [{"path": f"facts.image.{amazons['ImageId']}.tags", "reason": reason}]


def test_nothing_is_asked_where_no_verdict_hangs_on_it(aws, instances, settings, run):
    path = instances([(MEMBER, "eu-west-1", "ami-00000000")])
    data = settings({IMAGES: {"default": {"images": {"ami-00000000": "known"}}}})
    code, [decision], said = run(path, "--policy", IMAGES, "--data", data, "--live")
    assert (code, decision["outcome"]) == (0, "pass")
    assert said == ["opalite: notice: no AWS call was needed"]


def test_units_and_the_facts_behind_them_are_both_asked_for(client, instances, settings, run):
    organizations = boto3.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    root = organizations.list_roots()["Roots"][0]["Id"]
    made = organizations.create_account(Email="a@example.com", AccountName="a")
    account = made["CreateAccountStatus"]["AccountId"]
    image = client("ec2", account).register_image(Name="good")["ImageId"]
    overrides = [{"organizational_units": [root], "set": {"owners": {account: {}}}}]
    data = settings({IMAGES: {"default": {}, "overrides": overrides}})
    path = instances([(account, "eu-west-1", image)] * 250)
    code, decisions, said = run(path, "--policy", IMAGES, "--data", data, "--live", "--live-role", "R")
    assert [decision["outcome"] for decision in decisions] == ["pass"] * 250
    assert said[-1] == (
        "opalite: notice: 4 AWS calls: ec2:DescribeImages 1, organizations:ListParents 1, sts:AssumeRole 1, "
        "sts:GetCallerIdentity 1"
    )
    assert code == 0


def test_a_key_is_asked_of_aws_and_if_it_refuses_of_the_corpus(client, item, run, tmp_path):
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]
    bucket, its_key = item("s3-bucket.event"), item("kms-key.event")
    text = orjson.dumps(bucket)
    path = tmp_path / "bucket.json"
    path.write_bytes(orjson.dumps(with_key(bucket, key["Arn"])))
    code, [decision], said = run(path, "--policy", KEYS, "--live", "--live-role", "R")
    assert (decision["outcome"], code) == ("pass", 0), decision
    assert "kms:DescribeKey 1" in said[-1]
    assert text == orjson.dumps(bucket)
    both = tmp_path / "both"
    both.mkdir()
    told = its_key["configuration"]["arn"]
    (both / "bucket.json").write_bytes(orjson.dumps(with_key(bucket, told)))
    (both / "key.json").write_bytes(orjson.dumps(its_key))
    _, decisions, _ = run(both, "--policy", KEYS, "--live")
    assert [decision["outcome"] for decision in decisions] == ["pass"]


def with_key(bucket, arn):
    """The bucket in the key's account and region, encrypted by it."""
    _, _, _, region, account, _ = arn.split(":", 5)
    rule = {
        "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyID": arn},
        "bucketKeyEnabled": True,
    }
    more = bucket["supplementaryConfiguration"] | {"ServerSideEncryptionConfiguration": {"rules": [rule]}}
    return bucket | {"awsAccountId": account, "awsRegion": region, "supplementaryConfiguration": more}


def test_load_balancers_are_judged_by_what_cloudwatch_has_counted(client, repository, run, tmp_path):
    elb, cloudwatch = client("elb"), client("cloudwatch")
    now = datetime.now(UTC)  # noqa: TID251 - CloudWatch's
    template = orjson.loads((repository / EXAMPLES / "fail_no_instances_for_months.json").read_bytes())
    path = tmp_path / "items.jsonl"
    with path.open("wb") as file:
        for name, days in (("idle", 100), ("busy-lately", 3), ("never", None)):
            listeners = [{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}]
            elb.create_load_balancer(LoadBalancerName=name, Listeners=listeners, AvailabilityZones=["eu-west-1a"])
            if days is not None:
                datum = {
                    "MetricName": "HealthyHostCount",
                    "Dimensions": [{"Name": "LoadBalancerName", "Value": name}],
                    "Timestamp": now - timedelta(days=days),
                    "Value": 2,
                }
                cloudwatch.put_metric_data(Namespace="AWS/ELB", MetricData=[datum])
            file.write(orjson.dumps(template | {"resourceId": name, "ARN": None}) + b"\n")
    policy = "aws.elasticloadbalancing.loadbalancer.in_use"
    _, decisions, said = run(path, "--policy", policy, "--live", "--live-role", "R", "--at", now.isoformat())
    idle, _, never = decisions
    assert [decision["outcome"] for decision in decisions] == ["fail", "pass", "undetermined"]
    assert idle["violations"][0]["message"].startswith(
        f"no registered instances since {(now - timedelta(days=99)).date().isoformat()}T00:00:00.000Z"
    )
    assert never["unknown"][0]["reason"].endswith("CloudWatch has counted no hosts, and no lack of any, for 455 days")
    assert "cloudwatch:GetMetricData 1, elasticloadbalancing:DescribeLoadBalancers 1," in said[-1]


def test_queues_are_judged_by_the_policy_that_sqs_has(client, repository, run, tmp_path):
    sqs = client("sqs", region="eu-central-1")
    template = orjson.loads((repository / QUEUES / "fail_everybody_may_send.json").read_bytes())
    open_to_all = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [open_to_all]})
    urls = [
        sqs.create_queue(QueueName="open", Attributes={"Policy": policy})["QueueUrl"],
        sqs.create_queue(QueueName="closed")["QueueUrl"],
    ]
    path = tmp_path / "items.jsonl"
    path.write_bytes(b"\n".join(orjson.dumps(template | {"resourceId": url, "ARN": None}) for url in urls))
    _, decisions, said = run(path, "--policy", "aws.sqs.queue.not_public", "--live", "--live-role", "R")
    assert [decision["outcome"] for decision in decisions] == ["fail", "pass"]
    assert "sqs:GetQueueAttributes 2, " in said[-1]


def test_a_call_that_aws_throttles_for_good_ends_the_run(aws, instances, settings, run, monkeypatch):
    class Throttled(AWSResponse):
        def __init__(self):
            super().__init__("https://ec2", 503, {}, None)

        @property
        def content(self):
            return b"<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>slow down</Message></Error></Errors></Response>"

    throttling = ("before-send.ec2.DescribeImages", lambda **_: Throttled())
    monkeypatch.setattr(botocore.handlers, "BUILTIN_HANDLERS", [throttling, *botocore.handlers.BUILTIN_HANDLERS])
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    path = instances([(MEMBER, "eu-west-1", "ami-00000000")])
    with pytest.raises(
        AwsError, match=r"ec2:DescribeImages in account 111122223333, eu-west-1: .*RequestLimitExceeded"
    ):
        run(path, "--policy", IMAGES, "--data", settings(APPROVED), "--live", "--live-role", "R")


def test_without_credentials_one_line_says_so(opalite, instances, settings):
    path = instances([(MEMBER, "eu-west-1", "ami-00000000")])
    none = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), "")
    nowhere = str(path.parent / "none")
    environ = {
        **none, "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere,
    }  # fmt: skip
    done = opalite("evaluate", path, "--policy", IMAGES, "--data", settings(APPROVED), "--live", environ=environ)
    assert done.code == 3
    assert done.err == [
        "opalite: sts:GetCallerIdentity: no AWS credentials: Unable to locate credentials; sign in, or set AWS_PROFILE"
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--live", "--facts", "facts.yaml"], "--facts and --live are two sources of the same"),
        (["--live-role", "R"], "--live-role says how to ask AWS"),
        (["--live", "--live-role", "Opalite*"], "is not the name of an IAM role"),
    ],
)
def test_options_that_contradict_one_another_are_refused(run, options, says):
    with pytest.raises(UsageError, match=says):
        run("items.jsonl", *options)


@pytest.fixture
def slow_aws(credentials):
    """An AWS that takes its time with images: the environment that leads there, and whether it is being asked."""
    asked, end = threading.Event(), threading.Event()
    identity = f"<Arn>arn:aws:iam::{OWN}:user/ci</Arn><Account>{OWN}</Account><UserId>A</UserId>"
    keys = "<AccessKeyId>A</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
    keys = f"<Credentials>{keys}<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            [action] = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())["Action"]
            if action == "DescribeImages":
                asked.set()
                end.wait(60)
                return
            result = {"GetCallerIdentity": identity, "AssumeRole": keys}[action]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"<R><{action}Result>{result}</{action}Result></R>".encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}", "NO_PROXY": "127.0.0.1"}, asked
    end.set()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("accounts", [1, 12])
@pytest.mark.parametrize(
    "end", [(signal.SIGINT, 130, ["opalite: interrupted"]), (signal.SIGTERM, 143, [])], ids=["Ctrl-C", "terminated"]
)
def test_an_interrupted_run_does_not_wait_for_aws(opalite, children, slow_aws, instances, settings, accounts, end):
    environ, asked = slow_aws
    number, code, words = end
    path = instances([(f"{index:012d}", "eu-west-1", "ami-00000000") for index in range(accounts)])
    options = ["--policy", IMAGES, "--data", settings(APPROVED), "--live", "--live-role", "R", "--format", "jsonl"]
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_CONFIG_FILE")
    given = {**environ, **{name: os.environ[name] for name in names}}
    with opalite.start("evaluate", path, *options, environ=given) as process:
        seen = children(process.pid)
        seen.opa()
        assert asked.wait(60)
        process.send_signal(number)
        out, err = process.communicate(timeout=10)  # a call may take 15 s, five times
    assert (process.returncode, out, err.decode().splitlines()) == (code, b"", words)
    assert seen.all_gone()
    assert opalite.leftovers() == []

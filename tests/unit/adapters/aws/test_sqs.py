"""Facts about policies on queues."""

from __future__ import annotations

import json

import pytest

from opalite.adapters.aws.sqs import QueuePolicies
from opalite.ports import Answer, Denied

OWN, MEMBER = "123456789012", "111122223333"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}],
}
URL = f"https://sqs.eu-west-1.amazonaws.com/{MEMBER}/orders"
ARN = f"arn:aws:sqs:eu-west-1:{MEMBER}:orders"


def told(sessions, place, *keys):
    return QueuePolicies(sessions).fetch(place, list(keys))


def test_a_policy_is_decoded_and_none_is_none(sessions, place, as_account):
    sqs = as_account("sqs")
    sqs.create_queue(QueueName="orders", Attributes={"Policy": json.dumps(POLICY)})
    sqs.create_queue(QueueName="plain.fifo", Attributes={"FifoQueue": "true"})
    plain, gone = URL.replace("orders", "plain.fifo"), ARN.replace("orders", "gone")
    assert told(sessions, place, URL, ARN, plain, gone) == {
        URL: Answer({"policy": POLICY}),
        ARN: Answer({"policy": POLICY}),
        plain: Answer({"policy": None}),
        gone: Answer(None, "the queue is not there any more"),
    }


@pytest.mark.parametrize(
    "key", ["https://evil.example/111122223333/orders", f"http://127.0.0.1/latest/{MEMBER}/orders"]
)
def test_requests_go_to_sqs_wherever_an_item_points(accounts, place, key):
    sessions = accounts().tell(MEMBER, "GetQueueAttributes", {"Attributes": {}})
    assert told(sessions, place, key) == {key: Answer({"policy": None})}
    assert sessions.asked == [
        (MEMBER, "eu-west-1", "GetQueueAttributes", {"QueueUrl": URL, "AttributeNames": ["Policy"]})
    ]


def test_the_address_in_china_is_another(accounts, place):
    sessions = accounts().tell(MEMBER, "GetQueueAttributes", {})
    told(sessions, place._replace(partition="aws-cn", region="cn-north-1"), ARN)
    assert sessions.asked[0][3]["QueueUrl"] == f"https://sqs.cn-north-1.amazonaws.com.cn/{MEMBER}/orders"


@pytest.mark.parametrize("text", ["{", "[]", "null", '"x"', '{"Id": "a", "Id": "b"}'])
def test_a_policy_that_is_no_object_is_not_known(accounts, place, text):
    sessions = accounts().tell(MEMBER, "GetQueueAttributes", {"Attributes": {"Policy": text}})
    assert told(sessions, place, ARN) == {ARN: Answer(None, "its policy is not a JSON object")}


def test_a_refusal_is_told(accounts, place):
    sessions = accounts().tell(MEMBER, "GetQueueAttributes", Denied("no"))
    assert told(sessions, place, ARN) == {ARN: Answer(None, "no")}


def test_another_account_is_not_asked_because_a_name_says_so(accounts, place):
    sessions, key = accounts().tell(OWN, "GetQueueAttributes", {}), ARN.replace(MEMBER, OWN)
    reason = "this queue is of account 123456789012, its item of account 111122223333"
    assert told(sessions, place, key) == {key: Answer(None, reason)}
    assert sessions.asked == []


@pytest.mark.parametrize("key", ["orders", "", f"{ARN}?x", "https://sqs.eu-west-1.amazonaws.com/orders"])
def test_what_is_no_queue_is_not_asked_for(accounts, place, key):
    assert told(accounts(), place, key) == {key: Answer(None, "this is neither the URL nor the ARN of a queue")}

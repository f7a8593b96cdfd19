"""Notifications by SNS: people get the text, programs the document; nothing lost, and what was not taken is told."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters
from hypothesis import given
from hypothesis import strategies as st

from opalite.adapters.aws.batches import ATTEMPTS, RESERVE_SECONDS
from opalite.adapters.aws.sessions import AwsSessions
from opalite.adapters.aws.topics import ACTIONS, CALL_BYTES, MESSAGES_PER_CALL, Topics
from opalite.errors import AwsError, DeliveryError, UsageError
from opalite.model import Message
from opalite.ports import Absent, Denied
from unit.adapters.aws.sending import Time, refusal

OWN, OTHER, REGION = "123456789012", "444455556666", "eu-central-1"
ARN = f"arn:aws:sns:{REGION}:{OTHER}:findings"
MODEL = get_session().get_service_model("sns")
NOT_TAKEN = f"sns:Publish to {ARN}: not taken: "
TOO_FAST = AwsError("sns:PublishBatch: too fast", "Throttled")
MESSAGE = Message(
    subject="1 new failure (HIGH)",
    text="arn:aws:s3:::reports\nis not encrypted",
    document={"schema_version": 1, "resources": ["reports"]},
    attributes={"severity": "HIGH", "policy": '["aws.s3.bucket.encryption"]'},
)
ENTRY = {
    "Id": "m1",
    "Subject": "1 new failure (HIGH)",
    "Message": '{"default":"{\\"schema_version\\":1,\\"resources\\":[\\"reports\\"]}",'
    '"email":"arn:aws:s3:::reports\\nis not encrypted","sms":"1 new failure (HIGH)"}',
    "MessageStructure": "json",
    "MessageAttributes": {
        "severity": {"DataType": "String", "StringValue": "HIGH"},
        "policy": {"DataType": "String.Array", "StringValue": '["aws.s3.bucket.encryption"]'},
    },
}


def size(entry):
    texts = [entry["Id"], entry["Subject"], entry["Message"]]
    for name, value in entry.get("MessageAttributes", {}).items():
        texts += [name, value["DataType"], value["StringValue"]]
    return sum(len(text.encode()) for text in texts)


def check_call(parameters):
    validate_parameters(parameters, MODEL.operation_model("PublishBatch").input_shape)
    entries = parameters["PublishBatchRequestEntries"]
    assert parameters["TopicArn"] == ARN
    assert 1 <= len(entries) <= MESSAGES_PER_CALL
    assert len({entry["Id"] for entry in entries}) == len(entries)
    assert sum(map(size, entries)) <= CALL_BYTES


@pytest.fixture
def sns(accounts):
    """SNS, asked with the caller's own credentials; in the end every request must have been one that it would take."""
    sessions = accounts()
    yield sessions
    assert ACTIONS == ("sns:Publish",)
    for account, region, operation, parameters in sessions.asked:
        assert (account, region, operation) == (OWN, REGION, "PublishBatch")
        check_call(parameters)


@pytest.fixture
def put(sns, time):
    """`put`, and the subjects of what it heard of."""
    topics = Topics(sns, ARN, sleep=time.sleep, jitter=lambda: 1.0)

    def call(given):
        call.taken = []
        topics.put(given, deadline=time, taken=lambda batch: call.taken.extend(one.subject for one in batch))
        return call.taken

    return call


def message(subject="a", text="text", document=None, **attributes):
    return Message(subject, text, document or {}, attributes)


def many(count, **more):
    return [message(f"s{number:02}", **more) for number in range(count)]


def script(sns, *answers):
    """One after the other; after them everything is taken. A mapping tells of subjects that fail: a code, `!` if by our fault."""
    left = list(answers)

    def answer(parameters):
        told = left.pop(0) if left else {}
        if isinstance(told, Exception):
            raise told
        entries = parameters["PublishBatchRequestEntries"]
        failed = [
            {
                "Id": entry["Id"],
                "Code": told[entry["Subject"]].removeprefix("!"),
                "SenderFault": told[entry["Subject"]].startswith("!"),
                "Message": "secret",
            }
            for entry in entries
            if entry["Subject"] in told
        ]
        taken = [{"Id": entry["Id"], "MessageId": "x"} for entry in entries if entry["Subject"] not in told]
        return {"Successful": taken, "Failed": failed}

    sns.tell(OWN, "PublishBatch", answer)


def sent(sns):
    return [[entry["Subject"] for entry in told["PublishBatchRequestEntries"]] for *_, told in sns.asked]


# What is sent


def test_people_get_the_text_and_programs_the_document(sns, put):
    script(sns)
    assert put([MESSAGE]) == ["1 new failure (HIGH)"]
    parameters = {"TopicArn": ARN, "PublishBatchRequestEntries": [ENTRY]}
    assert sns.asked == [(OWN, REGION, "PublishBatch", parameters)]


def test_nothing_to_say_is_no_call(sns, put):
    assert put([]) == []
    assert sns.asked == []


def test_a_message_without_attributes_has_none(sns, put):
    script(sns)
    put([message()])
    assert "MessageAttributes" not in sns.asked[0][3]["PublishBatchRequestEntries"][0]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("plain", "String"),
        ('["a", "b"]', "String.Array"),
        ("[]", "String.Array"),
        ("[not json", "String"),
        ("[1]", "String"),
        ("[", "String"),
    ],
)
def test_a_list_of_texts_is_an_array(sns, put, value, kind):
    script(sns)
    put([message(policy=value)])
    [entry] = sns.asked[0][3]["PublishBatchRequestEntries"]
    assert entry["MessageAttributes"] == {"policy": {"DataType": kind, "StringValue": value}}


def test_ten_at_once(sns, put):
    script(sns)
    assert len(put(many(25))) == 25
    assert [len(subjects) for subjects in sent(sns)] == [10, 10, 5]


def test_no_call_is_larger_than_sns_takes(sns, put):
    script(sns)
    assert len(put(many(5, text="ß" * 60_000))) == 5
    assert [len(subjects) for subjects in sent(sns)] == [2, 2, 1]


def test_a_message_that_is_too_large_is_told_and_no_other_is_kept_back(sns, put):
    script(sns)
    entry = {"Id": "m1", "Subject": "a", "Message": '{"default":"{}","email":"","sms":"a"}'}
    room = CALL_BYTES - size(entry)
    assert put([message(text="x" * room)]) == ["a"]
    assert refusal(put, [message(text="x" * (room + 1)), message("b")]) == (
        f"{NOT_TAKEN}message 1 of 2: it has 262145 bytes with all its forms and attributes; at most 262144 are taken"
    )
    assert put.taken == ["b"]


SUBJECT = "its subject must be 1 to 100 printable ASCII characters, the first no space"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (message(""), SUBJECT),
        (message("x" * 101), SUBJECT),
        (message("a\nb"), SUBJECT),
        (message("a\n"), SUBJECT),
        (message(" a"), SUBJECT),
        (message("ä"), SUBJECT),
        (message("x", ""), "its text is empty"),
        (message("x", policy=""), "an attribute is empty"),
    ],
)
def test_what_sns_would_refuse_is_not_sent(sns, put, wrong, told):
    script(sns)
    assert refusal(put, [message(), wrong]) == f"{NOT_TAKEN}message 2 of 2: {told}"
    assert sent(sns) == [["a"]]


@pytest.mark.parametrize(
    "arn", ["", "findings", f"{ARN}.fifo", f"arn:aws:sqs:{REGION}:{OTHER}:findings", f"{ARN}:1234"]
)
def test_a_topic_must_be_the_arn_of_a_standard_one(sns, arn):
    with pytest.raises(UsageError, match="is not the ARN of a standard SNS topic"):
        Topics(sns, arn, sleep=None, jitter=None)


# What is sent again


def test_what_fails_is_sent_again_alone(sns, put, time):
    script(sns, {"s01": "InternalError", "s03": "InternalError"}, {"s03": "InternalError"})
    assert put(many(5)) == ["s00", "s02", "s04", "s01", "s03"]
    assert sent(sns)[1:] == [["s01", "s03"], ["s03"]]
    assert time.slept == [0.5, 1.0]


def test_what_keeps_failing_is_told_with_its_code_and_without_the_words(sns, put):
    script(sns, *[{"s01": "InternalError", "s02": "odd words: secret"}] * 9)
    assert refusal(put, many(3)) == (
        f"{NOT_TAKEN}message 2 of 3: SNS refuses it (InternalError) (attempt 5 was the last); "
        "message 3 of 3: SNS did not say that it took it (attempt 5 was the last)"
    )
    assert (put.taken, len(sns.asked)) == (["s00"], ATTEMPTS)


def test_what_is_our_fault_is_not_sent_again(sns, put):
    script(sns, {"s01": "!InvalidParameter"})
    assert refusal(put, many(3)) == f"{NOT_TAKEN}message 2 of 3: SNS refuses it (InvalidParameter)"
    assert (put.taken, len(sns.asked)) == (["s00", "s02"], 1)


def test_what_is_not_named_at_all_was_not_taken(sns, put):
    answers = [{"Successful": [], "Failed": []}, {"Successful": [{"Id": "m1", "MessageId": "x"}]}]
    sns.tell(OWN, "PublishBatch", lambda _: answers.pop(0))
    assert put([message()]) == ["a"]
    assert len(sns.asked) == 2


def test_a_throttled_call_is_tried_again_after_a_wait_in_which_none_is_made(sns, put, time):
    script(sns, TOO_FAST)
    assert len(put(many(15))) == 15
    assert [len(subjects) for subjects in sent(sns)] == [10, 10, 5]
    assert time.slept == [0.5]


@pytest.mark.parametrize("code", ["BatchRequestTooLong", "InvalidParameter"])
def test_a_call_that_is_refused_for_one_message_is_halved_until_the_others_are_taken(sns, put, code):
    def answer(parameters):
        entries = parameters["PublishBatchRequestEntries"]
        if "s03" in {entry["Subject"] for entry in entries}:
            raise AwsError("sns:PublishBatch: secret", code)
        return {"Successful": [{"Id": entry["Id"], "MessageId": "x"} for entry in entries], "Failed": []}

    sns.tell(OWN, "PublishBatch", answer)
    assert refusal(put, many(10)) == f"{NOT_TAKEN}message 4 of 10: SNS does not take what was sent ({code})"
    assert sorted(put.taken) == [f"s{number:02}" for number in range(10) if number != 3]


def test_time_is_not_exceeded(sns, put, time):
    script(sns, TOO_FAST)
    time.left = RESERVE_SECONDS + 0.4
    assert refusal(put, [message()]) == (
        f"{NOT_TAKEN}message 1 of 1: sns:PublishBatch: too fast (attempt 1 was the last)"
    )


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Absent("NotFoundException"), "the topic is not there"),
        (AwsError("no", "NotFound"), "the topic is not there (NotFound)"),
        (AwsError("no", "KMSAccessDenied"), "may the function use the topic's key? (KMSAccessDenied)"),
        (
            Denied("sns:PublishBatch is denied"),
            "sns:PublishBatch is denied; the function needs sns:Publish on the topic",
        ),
    ],
)
def test_a_topic_that_refuses_is_not_asked_again(sns, put, error, told):
    script(sns, error)
    names = ", ".join(f"message {number} of 12" for number in range(1, 11))
    assert refusal(put, many(12)) == f"{NOT_TAKEN}{names}, +2 more: {told}"
    assert len(sns.asked) == 1


# Whatever happens


MESSAGES = st.lists(
    st.builds(
        Message,
        subject=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=100),
        text=st.tuples(st.sampled_from(["x", "ß", "😀", "\n", '"', "\x00"]), st.integers(1, 40_000)).map(
            lambda drawn: drawn[0] * drawn[1]
        ),
        document=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 9), max_size=3),
        attributes=st.dictionaries(
            st.sampled_from(["severity", "policy", "owner"]),
            st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        ),
    ),
    max_size=30,
)


@given(MESSAGES, st.lists(st.sampled_from(["takes all", "takes every other", "throttles", "too long"]), max_size=20))
def test_every_call_is_within_the_limits_and_none_is_lost_or_taken_twice(messages, moods):
    received = Counter()

    class Moody:
        def service(self, *_):
            return self

        def ask(self, operation, **parameters):
            check_call(parameters)
            mood = moods.pop() if moods else "takes all"
            if mood == "throttles":
                raise TOO_FAST
            if mood == "too long":
                raise AwsError("no", "BatchRequestTooLong")
            entries = parameters["PublishBatchRequestEntries"]
            taken = entries[::2] if mood == "takes every other" else entries
            received.update(entry["Id"] for entry in taken)
            return {"Successful": [{"Id": entry["Id"]} for entry in taken]}

    heard = []
    topics, time = Topics(Moody(), ARN, sleep=lambda _: None, jitter=lambda: 0.5, own_account=OWN), Time()
    try:
        topics.put(messages, deadline=time, taken=heard.extend)
    except DeliveryError:
        assert len(received) < len(messages)
    else:
        assert len(received) == len(messages)
    assert len(heard) == len(received)
    assert all(times == 1 for times in received.values())


# Through boto3


@pytest.fixture
def topic(aws):
    """A topic, and how to read what a queue got that is subscribed to it."""
    import boto3  # noqa: PLC0415 - takes a second, and most tests do without

    sns, sqs = (boto3.client(name, region_name=REGION) for name in ("sns", "sqs"))
    arn = sns.create_topic(Name="findings")["TopicArn"]
    url = sqs.create_queue(QueueName="findings")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"FilterPolicy": json.dumps({"severity": ["HIGH"], "policy": ["aws.s3.bucket.encryption"]})}
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue, Attributes=policy)

    def received():
        told = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(one["Body"]) for one in told]

    return arn, received


def test_a_queue_gets_the_document_of_those_messages_that_it_has_chosen(topic, sessions, time):
    arn, received = topic
    other = message("b", severity="LOW", policy='["aws.s3.bucket.encryption"]')
    Topics(sessions, arn, sleep=time.sleep, jitter=lambda: 1.0).put([MESSAGE, other], deadline=time)
    told = [(one["Subject"], json.loads(one["Message"]), one["MessageAttributes"]["severity"]) for one in received()]
    assert told == [(MESSAGE.subject, MESSAGE.document, {"Type": "String", "Value": "HIGH"})]


def test_a_topic_that_is_not_there_is_told(topic, sessions, time):
    arn, _ = topic
    with pytest.raises(DeliveryError, match="message 1 of 1: the topic is not there"):
        Topics(sessions, f"{arn}2", sleep=time.sleep, jitter=lambda: 1.0).put([MESSAGE], deadline=time)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("AuthorizationError", "the function needs sns:Publish on the topic"),
        ("NotFound", "the topic is not there"),
        ("InvalidParameter", r"SNS does not take what was sent \(InvalidParameter\)"),
        ("KMSDisabled", r"the topic's key is disabled \(KMSDisabled\)"),
    ],
)
def test_errors_of_boto3_are_understood(scripted, clock, time, code, told):
    scripted.answer("sns", "publish_batch", code)
    topics = Topics(AwsSessions(clock, own=scripted), ARN, sleep=time.sleep, jitter=lambda: 1.0)
    with pytest.raises(DeliveryError, match=told):
        topics.put([MESSAGE], deadline=time)
    assert scripted.made == [("sts", "eu-west-1", "own"), ("sns", REGION, "own")]

"""The policy about tags: idle until somebody says what is required, and then of one mind with a second implementation."""

from __future__ import annotations

import random
import re

import orjson
import pytest
import yaml

ID = "aws.any.resource.required_tags"
QUEUE = {
    "version": "1.3",
    "configurationItemCaptureTime": "2026-11-18T09:41:07.512Z",
    "configurationItemStatus": "OK",
    "resourceType": "AWS::Batch::JobQueue",
    "resourceId": "orders",
    "awsRegion": "eu-west-1",
    "configuration": '{"jobQueueName":"orders"}',
}
GENERATED, ACCOUNTS = 4000, 80


def queue(account="111122223333", **more):
    return orjson.dumps({**QUEUE, "accountId": account, **more})


@pytest.fixture
def settings(tmp_path):
    def written(entry):
        path = tmp_path / "settings.yaml"
        path.write_text(yaml.safe_dump({"parameters": {ID: entry}}))
        return path

    return written


def test_while_idle_it_is_not_asked(opalite):
    done = opalite("evaluate", "-", "--format", "jsonl", stdin=queue(tags={}))
    assert (done.code, done.out) == (0, b"")
    assert done.err == [
        "opalite: notice: 1 item of a type without a policy was not judged: AWS::Batch::JobQueue (1)"
    ]  # fmt: skip


@pytest.mark.parametrize("entry", [None, {"default": {"required": {}, "minimum": 0, "ignore_case": ["keys"]}}])
def test_who_asks_for_it_while_it_is_idle_is_told(opalite, settings, entry):
    given = [] if entry is None else ["--data", settings(entry)]
    done = opalite("evaluate", "-", "--policy", ID, *given, stdin=queue(tags={}))
    assert (done.code, done.out) == (2, b"")
    assert done.err == [f"opalite: --policy {ID}: judges nothing until required or minimum is set: give --data"]


def test_one_override_wakes_it_for_everybody(opalite, settings):
    woken = settings({"overrides": [{"accounts": ["111122223333"], "set": {"required": {"Owner": None}}}]})
    items = b"\n".join((queue(tags={}), queue("444455556666", tags={})))
    done = opalite("evaluate", "-", "--data", woken, "--format", "jsonl", stdin=items)
    assert [(line["account_id"], line["policy_id"], line["outcome"]) for line in done.lines] == [
        ("111122223333", ID, "fail"),
        ("444455556666", ID, "not_applicable"),
    ]
    assert (done.code, done.err) == (1, [])


@pytest.mark.parametrize(
    ("default", "says"),
    [
        ({"required": {"a": {"pattern": "("}}}, 'required.a.pattern: "(" is not right here'),
        ({"required": {"a": {"pattern": "(?=x)"}}}, 'required.a.pattern: "(?=x)" is not right here'),
        ({"required": {"a": {"values": ["x"], "pattern": "x"}}}, "required.a: "),
        ({"required": {"a": {"value": ["x"]}}}, "required.a: "),
        ({"required": {"a": []}}, "required.a: "),
        ({"required": {"a": [True]}}, "(in YAML put yes, no, on, off in quotes)"),
        ({"required": {"a": "x"}}, "required.a: 'x' is not of type"),
        ({"required": {"Aws:a": None}}, 'required: "Aws:a" is not right here'),
        ({"required": {"": None}}, 'required: "" is not right here'),
        ({"minimum": -1}, "minimum: -1 is less than the minimum of 0"),
        ({"ignore_case": ["key"]}, "ignore_case[0]: 'key' is not one of"),
        ({"resource_types": {"s3": "x"}}, 'resource_types: "s3" is not right here'),
        ({"excepted_types": {"AWS::S3::Bucket": None}}, "excepted_types.AWS::S3::Bucket: None is not of type"),
    ],
)
def test_settings_that_mean_nothing_are_refused(opalite, settings, default, says):
    done = opalite("evaluate", "-", "--data", settings({"default": default}), stdin=queue(tags={}))
    assert (done.code, done.out) == (2, b"")
    assert says in done.err[0]


def chosen_settings(chance):
    """Anything that the schema allows; small sets of keys and values, so that much of it meets."""

    def rule():
        values = chance.choices(VALUES, k=chance.randint(1, 3))
        written = chance.choice(
            [
                None,
                values,
                {},
                {"values": values},
                {"pattern": chance.choice(PATTERNS)},
                {"pattern": chance.choice(PATTERNS)},
            ]
        )
        if isinstance(written, dict):
            if chance.random() < 0.4:
                written["ignore_case"] = chance.choice(CASES)
            if chance.random() < 0.4:
                written["allow_empty"] = chance.random() < 0.5
        return written

    return {
        "required": {key: rule() for key in chance.sample(KEYS, chance.randint(0, 3))},
        "minimum": chance.choice([0, 0, 1, 2, 4]),
        "ignore_case": chance.choice(CASES),
        "allow_empty": chance.random() < 0.3,
        "resource_types": chance.choice([{}, {}, {}, {"AWS::Batch::JobQueue": "x"}, {"AWS::S3::Bucket": "x"}]),
        "excepted_types": chance.choice([{}, {}, {}, {}, {"AWS::Batch::JobQueue": "x"}]),
    }


KEYS = ["Owner", "owner", "env", "ENV", "Größe", "awsome", "cost-center"]
VALUES = ["", " ", "prod", "Prod", "PROD", "dev", "CC-1234", "x" * 40, "größe"]
PATTERNS = ["prod", "p.*", "P|prod|dev", "^Prod$", "CC-[0-9]{4}", "[a-z]*", ".", "(?i)prod", "GRÖßE", "[[:lower:]]+"]
CASES = [[], [], ["keys"], ["values"], ["keys", "values"]]


def judged(tags, parameters):
    """The outcome and the subjects of the violations, by the words of the documentation."""
    kind = QUEUE["resourceType"]
    required, minimum = parameters["required"], parameters["minimum"]
    if parameters["excepted_types"].get(kind) or (
        parameters["resource_types"] and kind not in parameters["resource_types"]
    ):
        return "not_applicable", []
    if not required and not minimum:
        return "not_applicable", []
    if tags is None:
        return "undetermined", []
    tags = {key: value for key, value in tags.items() if key[:4].lower() != "aws:"}
    bad = [key for key, rule in required.items() if not fulfilled(tags, key, rule, parameters)]
    bad += ["number of tags"] if len(tags) < minimum else []
    return ("fail", sorted(bad)) if bad else ("pass", [])


def fulfilled(tags, key, rule, parameters):
    rule = {"values": rule} if isinstance(rule, list) else rule or {}
    ignored = rule.get("ignore_case", parameters["ignore_case"])
    values = [value for tag, value in tags.items() if tag == key or ("keys" in ignored and tag.lower() == key.lower())]
    if not rule.get("allow_empty", parameters["allow_empty"]):
        values = [value for value in values if value.strip()]
    return bool(values) and all(allowed(value, rule, "values" in ignored) for value in values)


def allowed(value, rule, ignoring):
    if "values" in rule:
        return value in rule["values"] or (ignoring and value.lower() in [each.lower() for each in rule["values"]])
    if "pattern" in rule:
        pattern = rule["pattern"].replace("[[:lower:]]", "[a-z]")
        return re.fullmatch(pattern, value, re.IGNORECASE if ignoring else 0) is not None
    return True


def test_it_is_of_one_mind_with_a_second_implementation(opalite, settings):
    chance = random.Random(20261123)  # noqa: S311 - to be the same each time
    by_account = {f"{number:012}": chosen_settings(chance) for number in range(1, ACCOUNTS + 1)}
    keys = [*KEYS, "OWNER", "Env", "aws:Owner", "AWS:env", "x"]
    items, expected = [], []
    for number in range(GENERATED):
        account = f"{number % ACCOUNTS + 1:012}"
        tags = {key: chance.choice(VALUES) for key in chance.sample(keys, chance.randint(0, 5))}
        known = chance.random() < 0.95
        items.append(queue(account, resourceId=f"queue-{number}", **({"tags": tags} if known else {})))
        expected.append((f"queue-{number}", *judged(tags if known else None, by_account[account])))
    overrides = [{"accounts": [account], "set": each} for account, each in by_account.items()]
    done = opalite(
        "evaluate", "-", "--policy", ID, "--data", settings({"overrides": overrides}), "--format", "jsonl",
        stdin=b"\n".join(items),
    )  # fmt: skip
    assert [
        (line["resource_id"], line["outcome"], sorted(violation["subject"] for violation in line["violations"]))
        for line in done.lines
    ] == expected
    assert {outcome for _, outcome, _ in expected} == {"pass", "fail", "not_applicable", "undetermined"}
    assert min(sum(outcome == each for _, outcome, _ in expected) for each in ("pass", "fail", "undetermined")) > 50

"""Items as AWS Config holds them: the very one of a notification, all of an account, and which are still there."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters
from hypothesis import example, given
from hypothesis import strategies as st

from opalite.adapters.aws.config_items import ACTIONS, EXPRESSION_CHARACTERS, HISTORY_PAGES, ConfigItems
from opalite.adapters.aws.sessions import AwsSessions
from opalite.errors import AwsError, UsageError
from opalite.ports import Absent, Denied, Place

MEMBER, REGION = "111122223333", "eu-west-1"
MODEL = get_session().get_service_model("config")
BUCKET, VOLUME, CLUSTER = "AWS::S3::Bucket", "AWS::EC2::Volume", "AWS::RDS::DBCluster"
CAPTURED = "2026-03-04T05:06:07.089Z"
MOMENT = datetime(2026, 3, 4, 5, 6, 7, 89000, UTC)
NOTHING_COUNTED = {"resourceCounts": [], "totalDiscoveredResources": 0}


@pytest.fixture
def config(accounts):
    """AWS Config of the member account; in the end every request must have been one that it would take."""
    sessions = accounts()
    yield sessions
    for account, region, operation, parameters in sessions.asked:
        assert (account, region) == (MEMBER, REGION)
        assert f"config:{operation}" in ACTIONS
        validate_parameters(parameters, MODEL.operation_model(operation).input_shape)
        assert len(parameters.get("Expression", "")) <= EXPRESSION_CHARACTERS
        assert len(parameters.get("resourceKeys", ())) <= 100


@pytest.fixture
def items(config):
    return ConfigItems(config)


def item(name="reports", resource_type=BUCKET, *, captured=MOMENT, state="1772600767089", **more):
    """As boto3 hands it out."""
    return {
        "version": "1.3",
        "accountId": MEMBER,
        "awsRegion": REGION,
        "resourceType": resource_type,
        "resourceId": name,
        "configurationItemCaptureTime": captured,
        "configurationItemStatus": "OK",
        "configurationStateId": state,
        "configuration": '{"name":"reports"}',
        "tags": {"team": "shop"},
        **more,
    }


def shown(given):
    """The same with text for times."""
    return given | {"configurationItemCaptureTime": CAPTURED}


def row(name="reports", resource_type=BUCKET):
    return {"resourceId": name, "resourceType": resource_type, "accountId": MEMBER, "configuration": {"size": 8.0}}


def rows(*found):
    return {"Results": [json.dumps(one) for one in found], "QueryInfo": {"SelectFields": [{"Name": "resourceId"}]}}


def counts(**by_type):
    return {"resourceCounts": [{"resourceType": name.replace("_", "::"), "count": n} for name, n in by_type.items()]}


def keys_of(parameters):
    return [(key["resourceType"], key["resourceId"]) for key in parameters["resourceKeys"]]


def batch(*missing, unprocessed=()):
    """BatchGetResourceConfig knows all but these."""

    def answer(parameters):
        asked = [key for key in keys_of(parameters) if key not in missing and key not in unprocessed]
        left = [{"resourceType": t, "resourceId": i} for t, i in keys_of(parameters) if (t, i) in unprocessed]
        return {"baseConfigurationItems": [item(i, t) for t, i in asked], "unprocessedResourceKeys": left}

    return answer


def keys(count, resource_type=BUCKET):
    return [(resource_type, f"b{number}") for number in range(count)]


# One item of the history


def test_the_very_item_is_found_among_its_neighbours(config, items, place):
    neighbours = [item(captured=MOMENT + timedelta(milliseconds=ms), state=str(ms)) for ms in (2, 1, -1)]
    wanted = item(resourceCreationTime=datetime(2025, 1, 1, tzinfo=timezone(timedelta(hours=1))))
    config.tell(
        MEMBER, "GetResourceConfigHistory", {"configurationItems": []}, {"configurationItems": [*neighbours, wanted]}
    )
    found = items.at(place, BUCKET, "reports", CAPTURED, 1772600767089)
    assert found == shown(wanted) | {"resourceCreationTime": "2024-12-31T23:00:00.000Z"}
    assert config.asked == [
        (
            MEMBER,
            REGION,
            "GetResourceConfigHistory",
            {
                "resourceType": BUCKET,
                "resourceId": "reports",
                "earlierTime": datetime(2026, 3, 4, 5, 6, 2, 89000, UTC),
                "laterTime": datetime(2026, 3, 4, 5, 6, 12, 89000, UTC),
                "limit": 100,
            },
        )
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"configurationItemCaptureTime": MOMENT + timedelta(milliseconds=1)},
        {"configurationStateId": "1772600767090"},
        {"resourceId": "report"},
        {"resourceType": VOLUME},
        {"accountId": "444455556666"},
        {"awsRegion": "eu-north-1"},
        {"configurationItemCaptureTime": None},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_item_is_never_taken_for_it(config, items, place, other):
    config.tell(MEMBER, "GetResourceConfigHistory", {"configurationItems": [item() | other]})
    assert items.at(place, BUCKET, "reports", CAPTURED, 1772600767089) is None


@pytest.mark.parametrize("state", [None, "", 0, "0"])
def test_a_summary_without_a_state_id_is_met_by_the_capture_time(config, items, place, state):
    config.tell(MEMBER, "GetResourceConfigHistory", {"configurationItems": [item()]})
    assert items.at(place, BUCKET, "reports", "2026-03-04T06:06:07.089+01:00", state) == shown(item())


def test_an_item_that_tells_no_state_no_account_and_no_region_is_of_where_it_was_asked(config, items, place):
    bare = {name: value for name, value in item(state="").items() if name not in ("accountId", "awsRegion")}
    config.tell(MEMBER, "GetResourceConfigHistory", {"configurationItems": [bare]})
    assert items.at(place, BUCKET, "reports", CAPTURED, 7) == shown(bare)


def test_an_item_of_a_global_resource_is_found(config, items, place):
    config.tell(MEMBER, "GetResourceConfigHistory", {"configurationItems": [item(awsRegion="global")]})
    assert items.at(place, BUCKET, "reports", CAPTURED, None) == shown(item(awsRegion="global"))


def test_a_resource_that_is_not_discovered_yet_has_no_item(config, items, place):
    config.tell(MEMBER, "GetResourceConfigHistory", Absent("ResourceNotDiscoveredException"))
    assert items.at(place, BUCKET, "reports", CAPTURED, None) is None
    assert items.latest(place, BUCKET, "reports") is None


def test_without_a_capture_time_nothing_is_asked(config, items, place):
    assert [items.at(place, BUCKET, "reports", text, None) for text in ("", "yesterday")] == [None, None]
    assert config.asked == []


def test_a_history_of_empty_pages_is_not_followed_for_ever(config, items, place):
    told = []

    def empty(_):
        told.append(1)
        return {"configurationItems": [], "nextToken": "more"}

    config.tell(MEMBER, "GetResourceConfigHistory", *[empty] * 500)
    assert items.at(place, BUCKET, "reports", CAPTURED, None) is None
    assert len(told) == HISTORY_PAGES


def test_a_refusal_is_passed_on(config, items, place):
    config.tell(MEMBER, "GetResourceConfigHistory", Denied("config:GetResourceConfigHistory is denied"))
    with pytest.raises(Denied, match="GetResourceConfigHistory is denied"):
        items.at(place, BUCKET, "reports", CAPTURED, None)


# The newest item


def test_the_newest_item_is_the_first_of_the_history(config, items, place):
    config.tell(MEMBER, "GetResourceConfigHistory", {"configurationItems": [item()], "nextToken": "more"})
    assert items.latest(place, BUCKET, "reports") == shown(item())
    assert [(operation, parameters) for _, _, operation, parameters in config.asked] == [
        ("GetResourceConfigHistory", {"resourceType": BUCKET, "resourceId": "reports", "limit": 1})
    ]


def history_of_an_old_item(*found):
    """The first page is empty; the window around the capture has what there is."""

    def answer(parameters):
        if "laterTime" not in parameters:
            return {"configurationItems": [], "nextToken": "more"}
        return {"configurationItems": list(found)}

    return answer


def test_an_old_item_is_found_by_when_the_current_state_was_captured(config, items, place):
    config.tell(MEMBER, "GetResourceConfigHistory", history_of_an_old_item(item()))
    config.tell(MEMBER, "BatchGetResourceConfig", batch())
    assert items.latest(place, BUCKET, "reports") == shown(item())
    assert sum(config.calls.values()) == 3


def test_the_current_state_will_do_where_the_history_was_not_kept(config, items, place):
    config.tell(MEMBER, "GetResourceConfigHistory", history_of_an_old_item())
    config.tell(MEMBER, "BatchGetResourceConfig", batch())
    assert items.latest(place, BUCKET, "reports") == shown(item())


@pytest.mark.parametrize("token", [{}, {"nextToken": "more"}], ids=["all told", "more to tell"])
def test_what_was_deleted_long_ago_has_no_newest_item(config, items, place, token):
    config.tell(MEMBER, "GetResourceConfigHistory", {"configurationItems": [], **token})
    config.tell(MEMBER, "BatchGetResourceConfig", batch((BUCKET, "reports")))
    assert items.latest(place, BUCKET, "reports") is None


# All of an account


def test_all_columns_of_the_types_are_selected_page_by_page(config, items, place):
    config.tell(MEMBER, "SelectResourceConfig", rows(row("a"), row("b", VOLUME)), rows(), rows(row("c")))
    assert list(items.discovered(place, [BUCKET, VOLUME, BUCKET])) == [[row("a"), row("b", VOLUME)], [row("c")]]
    assert [(operation, parameters) for _, _, operation, parameters in config.asked] == [
        (
            "SelectResourceConfig",
            {
                "Expression": (
                    "SELECT resourceId, resourceType, resourceName, arn, accountId, awsRegion, availabilityZone, "
                    "configurationItemCaptureTime, configurationItemStatus, configurationStateId, resourceCreationTime, "
                    "tags, relationships, configuration, supplementaryConfiguration, version "
                    "WHERE resourceType IN ('AWS::S3::Bucket', 'AWS::EC2::Volume')"
                ),
                "Limit": 100,
            },
        )
    ]


def test_without_types_everything_is_selected_and_nothing_counted_is_missed(config, items, place):
    config.tell(MEMBER, "SelectResourceConfig", rows(row("a")))
    config.tell(MEMBER, "GetDiscoveredResourceCounts", counts(AWS_S3_Bucket=1))
    assert list(items.discovered(place, None)) == [[row("a")]]
    assert config.asked[0][3]["Expression"].endswith("supplementaryConfiguration, version")
    assert config.calls == {(MEMBER, "SelectResourceConfig"): 1, (MEMBER, "GetDiscoveredResourceCounts"): 1}


def test_without_types_each_type_that_is_counted_and_was_not_told_is_listed(config, items, place):
    config.tell(MEMBER, "SelectResourceConfig", rows(row("a")))
    config.tell(MEMBER, "GetDiscoveredResourceCounts", counts(AWS_S3_Bucket=1, AWS_EC2_Volume=1))
    config.tell(
        MEMBER, "ListDiscoveredResources", {"resourceIdentifiers": [{"resourceType": VOLUME, "resourceId": "v"}]}
    )
    config.tell(MEMBER, "BatchGetResourceConfig", batch())
    assert list(items.discovered(place, None)) == [[row("a")], [shown(item("v", VOLUME))]]


def test_no_types_are_no_question(config, items, place):
    assert list(items.discovered(place, [])) == []
    assert config.asked == []


@pytest.mark.parametrize("refusal", [None, AwsError("config:SelectResourceConfig …", "InvalidExpressionException")])
def test_a_type_that_queries_do_not_know_is_listed(config, items, place, refusal):
    config.tell(MEMBER, "SelectResourceConfig", refusal or rows(row("a")))
    config.tell(
        MEMBER,
        "GetDiscoveredResourceCounts",
        lambda asked: (
            counts(AWS_RDS_DBCluster=2, AWS_EC2_Volume=0, AWS_SQS_Queue=5) | {"nextToken": "2"}
            if "nextToken" not in asked
            else counts(AWS_S3_Bucket=1)
        ),
    )

    def listed(asked):
        names = {CLUSTER: ["c1", "c2"], BUCKET: ["a"]}[asked["resourceType"]]
        return {"resourceIdentifiers": [{"resourceType": asked["resourceType"], "resourceId": name} for name in names]}

    config.tell(MEMBER, "ListDiscoveredResources", listed, {"resourceIdentifiers": []})
    config.tell(MEMBER, "BatchGetResourceConfig", batch())
    clusters = [shown(item("c1", CLUSTER)), shown(item("c2", CLUSTER))]
    expected = [clusters, [shown(item("a"))]] if refusal else [[row("a")], clusters]
    assert list(items.discovered(place, [BUCKET, VOLUME, CLUSTER])) == expected


def test_what_disappears_while_it_is_listed_is_left_out(config, items, place):
    config.tell(MEMBER, "SelectResourceConfig", rows())
    config.tell(MEMBER, "GetDiscoveredResourceCounts", counts(AWS_S3_Bucket=1))
    config.tell(
        MEMBER, "ListDiscoveredResources", {"resourceIdentifiers": [{"resourceType": BUCKET, "resourceId": "a"}]}
    )
    config.tell(MEMBER, "BatchGetResourceConfig", batch((BUCKET, "a")))
    assert list(items.discovered(place, [BUCKET])) == []


def test_what_config_does_not_process_is_an_error_and_never_left_out(config, items, place):
    config.tell(MEMBER, "SelectResourceConfig", rows())
    config.tell(MEMBER, "GetDiscoveredResourceCounts", counts(AWS_S3_Bucket=1))
    config.tell(
        MEMBER, "ListDiscoveredResources", {"resourceIdentifiers": [{"resourceType": BUCKET, "resourceId": "a"}]}
    )
    config.tell(MEMBER, "BatchGetResourceConfig", batch(unprocessed={(BUCKET, "a")}))
    with pytest.raises(AwsError, match="1 of 1 keys were not processed"):
        list(items.discovered(place, [BUCKET]))


@pytest.mark.parametrize(
    ("types", "error"),
    [
        ([BUCKET], AwsError("config:SelectResourceConfig: too fast", "ThrottlingException")),
        ([BUCKET], Denied("config:SelectResourceConfig is denied")),
        (None, AwsError("config:SelectResourceConfig: too fast", "ThrottlingException")),
    ],
)
def test_any_other_failure_of_a_query_ends_it(config, items, place, types, error):
    config.tell(MEMBER, "SelectResourceConfig", error)
    with pytest.raises(type(error)):
        list(items.discovered(place, types))


def test_a_query_that_is_refused_after_its_first_page_ends_it(config, items, place):
    refusal = AwsError("config:SelectResourceConfig …", "InvalidExpressionException")
    config.tell(MEMBER, "SelectResourceConfig", rows(row("a")), refusal)
    pages = items.discovered(place, [BUCKET])
    assert next(pages) == [row("a")]
    with pytest.raises(AwsError):
        next(pages)


DOUBLE = '{"resourceType":"AWS::S3::Bucket","resourceId":"odd","a":1,"a":2}'
HUGE = '{"resourceType":"AWS::S3::Bucket","resourceId":"odd","a":123456789012345678901234567890}'
LONE = '{"resourceType":"AWS::S3::Bucket","resourceId":"odd","a":"\ud800"}'


@pytest.mark.parametrize("text", [DOUBLE, HUGE, LONE], ids=["a key twice", "a huge number", "half a character"])
def test_a_row_that_is_not_strict_is_fetched_in_another_way(config, items, place, text):
    config.tell(MEMBER, "SelectResourceConfig", {"Results": [json.dumps(row("a")), text]})
    config.tell(MEMBER, "BatchGetResourceConfig", batch())
    assert list(items.discovered(place, [BUCKET])) == [[row("a")], [shown(item("odd"))]]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"resourceType":"AWS::S3::Bucket"}', "[" * 5000])
def test_a_row_of_nobody_is_an_error_that_does_not_show_it(config, items, place, text):
    config.tell(MEMBER, "SelectResourceConfig", {"Results": [text]})
    with pytest.raises(AwsError) as raised:
        list(items.discovered(place, [BUCKET]))
    assert str(raised.value) == (
        "config:SelectResourceConfig in account 111122223333, eu-west-1: "
        "a row cannot be read: cut short, or not from AWS"
    )


@pytest.mark.parametrize(
    "name", ["", "AWS::S3::Bucket'", "x') OR ('1'='1", "AWS S3", "A" * 257, "AWS::S3::Bücket", "a\n"]
)
def test_what_is_no_resource_type_never_enters_a_query(config, items, place, name):
    with pytest.raises(UsageError, match="is not a resource type"):
        list(items.discovered(place, [BUCKET, name]))
    assert config.asked == []


NAMES = st.tuples(st.from_regex(r"[A-Za-z0-9:]{1,20}", fullmatch=True), st.integers(1, 12)).map(lambda t: t[0] * t[1])


@given(st.lists(NAMES, max_size=80))
@example([f"{'A' * 250}{number:03}" for number in range(40)])
@example([f"AWS::Service::Type{number:03}" for number in range(600)])
def test_each_type_is_in_exactly_one_query_of_a_length_that_config_takes(types):
    class Config:
        def __init__(self):
            self.expressions = []

        def service(self, *_):
            return self

        def pages(self, operation, *, Expression, Limit):  # noqa: N803 - as AWS spells them
            self.expressions.append(Expression)
            return iter(())

        def ask(self, *_, **__):
            return NOTHING_COUNTED

    config = Config()
    assert list(ConfigItems(config).discovered(Place("aws", MEMBER, REGION), types)) == []
    assert all(len(expression) <= EXPRESSION_CHARACTERS for expression in config.expressions)
    assert len(config.expressions) <= 1 + sum(len(name) + 4 for name in types) // 3500
    quoted = [name for expression in config.expressions for name in expression.split("'")[1::2]]
    assert quoted == list(dict.fromkeys(types))


# Which are still there


def test_what_is_neither_there_nor_unprocessed_is_gone(config, items, place):
    config.tell(MEMBER, "BatchGetResourceConfig", batch((BUCKET, "b0"), (VOLUME, "b1"), unprocessed={(BUCKET, "b2")}))
    assert items.existing(place, [*keys(4), *keys(4), *keys(2, VOLUME)]) == (
        {(BUCKET, "b1"), (BUCKET, "b3"), (VOLUME, "b0")},
        {(BUCKET, "b2")},
    )


@pytest.mark.parametrize("status", ["ResourceDeleted", "ResourceDeletedNotRecorded", "ResourceNotRecorded"])
def test_an_item_that_says_that_the_resource_is_gone_proves_it(config, items, place, status):
    config.tell(
        MEMBER, "BatchGetResourceConfig", {"baseConfigurationItems": [item("b0", configurationItemStatus=status)]}
    )
    assert items.existing(place, keys(1)) == (frozenset(), frozenset())


def test_what_was_left_unprocessed_is_asked_for_again_while_that_helps(config, items, place):
    def ten_at_once(parameters):
        asked = parameters["resourceKeys"]
        found = [item(key["resourceId"], key["resourceType"]) for key in asked[:10]]
        return {"baseConfigurationItems": found, "unprocessedResourceKeys": asked[10:]}

    config.tell(MEMBER, "BatchGetResourceConfig", ten_at_once)
    assert items.existing(place, keys(35)) == (set(keys(35)), frozenset())
    assert config.calls == {(MEMBER, "BatchGetResourceConfig"): 4}


def test_ids_that_come_back_in_another_spelling_prove_nothing(config, items, place):
    config.tell(MEMBER, "BatchGetResourceConfig", {"baseConfigurationItems": [item("b0"), item("B1")]})
    assert items.existing(place, keys(3)) == ({(BUCKET, "b0")}, {(BUCKET, "b1"), (BUCKET, "b2")})


def test_a_type_that_config_refuses_does_not_spoil_the_others(config, items, place):
    def answer(parameters):
        if keys_of(parameters)[0][0] == "AWS::New::Thing":
            raise Denied("config:BatchGetResourceConfig does not take this key (ValidationException)")
        return batch((BUCKET, "b0"))(parameters)

    config.tell(MEMBER, "BatchGetResourceConfig", answer)
    asked = [("AWS::New::Thing", "x"), *keys(2), ("AWS::::Account", MEMBER)]
    assert items.existing(place, asked) == (
        {(BUCKET, "b1")},
        {("AWS::New::Thing", "x"), ("AWS::::Account", MEMBER)},
    )


def test_a_refusal_of_everything_is_for_want_of_a_permission(config, items, place):
    config.tell(MEMBER, "BatchGetResourceConfig", Denied("config:BatchGetResourceConfig is denied"))
    with pytest.raises(Denied, match="is denied"):
        items.existing(place, [*keys(1), *keys(1, VOLUME)])


def test_an_account_is_nothing_that_config_could_be_asked_for(config, items, place):
    assert items.existing(place, [("AWS::::Account", MEMBER)]) == (frozenset(), {("AWS::::Account", MEMBER)})
    assert config.asked == []


@given(st.lists(st.tuples(st.sampled_from([BUCKET, VOLUME]), st.integers(0, 400).map(str)), max_size=600))
def test_each_key_is_asked_for_once_and_never_more_than_a_hundred_together(asked):
    class Config:
        def __init__(self):
            self.chunks = []

        def service(self, *_):
            return self

        def ask(self, operation, **parameters):
            self.chunks.append(keys_of(parameters))
            return batch()(parameters)

    config = Config()
    assert ConfigItems(config).existing(Place("aws", MEMBER, REGION), asked) == (set(asked), frozenset())
    assert all(1 <= len(chunk) <= 100 for chunk in config.chunks)
    assert sorted(key for chunk in config.chunks for key in chunk) == sorted(set(asked))


# Through boto3


def test_boto3_takes_the_questions_and_its_answers_are_understood(scripted, clock):
    own = "123456789012"
    full = item(accountId=own)
    base = {name: value for name, value in full.items() if name != "tags"}
    for operation, answer in (
        ("get_resource_config_history", {"configurationItems": [], "nextToken": "2"}),
        ("get_resource_config_history", {"configurationItems": [full]}),
        ("select_resource_config", "InvalidExpressionException"),
        ("get_discovered_resource_counts", counts(AWS_S3_Bucket=1)),
        ("list_discovered_resources", {"resourceIdentifiers": [{"resourceType": BUCKET, "resourceId": "reports"}]}),
        ("batch_get_resource_config", {"baseConfigurationItems": [base]}),
        ("batch_get_resource_config", {"baseConfigurationItems": [base]}),
        ("get_resource_config_history", "ResourceNotDiscoveredException"),
    ):
        scripted.answer("config", operation, answer)
    items, place = ConfigItems(AwsSessions(clock, own=scripted)), Place("aws", own, REGION)
    assert items.at(place, BUCKET, "reports", CAPTURED, 1772600767089) == shown(full)
    assert list(items.discovered(place, [BUCKET])) == [[shown(base)]]
    assert items.existing(place, [(BUCKET, "reports")]) == ({(BUCKET, "reports")}, frozenset())
    assert items.latest(place, BUCKET, "reports") is None


def test_an_answer_that_is_not_aws_proves_nothing_gone(scripted, clock):
    scripted.answer("config", "batch_get_resource_config", {})
    with pytest.raises(AwsError, match="what answered is not AWS"):
        ConfigItems(AwsSessions(clock, own=scripted)).existing(
            Place("aws", "123456789012", "eu-west-1"), [("AWS::S3::Bucket", "a")]
        )

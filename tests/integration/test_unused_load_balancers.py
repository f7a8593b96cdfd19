"""The policies about unused load balancers are of one mind with a second implementation, which never parses a time.

Times are drawn as numbers and written down in any zone and precision, often to the nanosecond around the day that decides.
"""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest

CLASSIC, NEXT = (f"aws.elasticloadbalancing{version}.loadbalancer.in_use" for version in ("", "v2"))
TYPES = {
    CLASSIC: "AWS::ElasticLoadBalancing::LoadBalancer",
    NEXT: "AWS::ElasticLoadBalancingV2::LoadBalancer",
}
CRITERIA = {CLASSIC: ("no_instances", "no_listeners"), NEXT: ("no_targets", "no_target_groups", "no_listeners")}
GENERATED, ACCOUNTS = 2500, 40
MILLISECOND, DAY = 10**6, 86_400 * 10**9
FIRST, LAST = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 10**9 for year in (2023, 2029))
NOTHING_KNOWN = object()


def written(chance, moment):
    """RFC 3339 in some zone, with as many digits as needed or more."""
    seconds, fraction = divmod(moment, 10**9)
    zone = timezone(timedelta(minutes=chance.choice([0, 0, 60, 330, -480, 765, -210])))
    text = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).astimezone(zone).isoformat()
    digits = f"{fraction:09}"
    digits = digits if chance.random() < 0.3 else digits.rstrip("0")
    text = text[:19] + ("." + digits if digits else "") + text[19:]
    return text.replace("+00:00", "Z")


def drawn_moment(chance, now, days, step):
    """A time around the one that decides, now and then to come; in whole steps of nanoseconds."""
    apart = chance.choice([0, step, -step, 1000 * step, -DAY, DAY, chance.randrange(-40 * DAY, 500 * DAY)])
    moment = now - days * DAY - apart
    if chance.random() < 0.1:
        moment = now + chance.choice([0, step, DAY])
    return moment - moment % step


def drawn_count(chance):
    return chance.choice([None, 0, 0, 0, 1, 12])


def drawn_case(chance, policy, number, settings):
    now = chance.randrange(FIRST, LAST) // MILLISECOND * MILLISECOND
    account = f"{chance.randrange(ACCOUNTS):012}"
    days = settings[policy][account]["days"]
    case = {
        "policy": policy,
        "name": f"balancer-{number}",
        "account": account,
        "now": now,
        "created": chance.choice([None, drawn_moment(chance, now, days, MILLISECOND)]),
        "idle_since": chance.choice([None, drawn_moment(chance, now, days, 1)]),
        "told": chance.random() < 0.85,
        "instances": chance.choice([None, None, None, 0, 2]),
        "recorded_listeners": chance.choice([None, 0, 0, 1]),
    }
    case |= {member: drawn_count(chance) for member in ("targets", "target_groups", "listeners")}
    arn = f"arn:aws:elasticloadbalancing:eu-west-1:{account}:loadbalancer/app/{case['name']}/50dc6c495c0c9188"
    return case | {"id": case["name"] if policy == CLASSIC else arn}


def raw_item(chance, case):
    configuration = {"loadBalancerName": case["name"]}
    if case["created"] is not None:
        milliseconds = case["created"] // MILLISECOND
        configuration["createdTime"] = chance.choice([milliseconds, written(chance, case["created"])])
    if case["policy"] == CLASSIC and case["instances"] is not None:
        configuration["instances"] = [{"instanceId": f"i-{index:017x}"} for index in range(case["instances"])]
    if case["policy"] == CLASSIC and case["recorded_listeners"] is not None:
        listener = {"listener": {"protocol": "HTTP", "loadBalancerPort": 80}, "policyNames": []}
        configuration["listenerDescriptions"] = [listener] * case["recorded_listeners"]
    return {
        "version": "1.3",
        "accountId": case["account"],
        "configurationItemCaptureTime": written(chance, case["now"]),
        "configurationItemStatus": "OK",
        "resourceType": TYPES[case["policy"]],
        "resourceId": case["id"],
        "awsRegion": "eu-west-1",
        "configuration": json.dumps(configuration),
    }


def counted(case, criterion):
    """How many there are, and what: (None, …) when nobody knows."""
    told = case if case["told"] else {"targets": None, "target_groups": None, "listeners": None}
    if criterion == "no_instances":
        return (case["instances"] or told["targets"]), "instances"
    if criterion == "no_listeners":
        recorded = case["recorded_listeners"] if case["policy"] == CLASSIC else None
        return (told["listeners"] if recorded is None else recorded), "listeners"
    if criterion == "no_targets" and told["targets"] is not None:
        return told["targets"], "targets"
    if criterion == "no_targets" and told["target_groups"] != 0:
        return None, "targets"
    return told["target_groups"], "target_groups"


def wanted(case, criterion, days):
    """The outcome, and of a failure what was counted, for how many days, and what the message says of it."""
    count, member = counted(case, criterion)
    if count:
        return "pass", None
    created, now = case["created"], case["now"]
    if days and created is not None and 0 <= now - created <= days * DAY:
        return "pass", None
    if count is None:
        return "undetermined", {"fact": "load_balancer", "key": case["id"]}
    since = case["idle_since"] if case["told"] and criterion in ("no_instances", "no_targets") else None
    if since is not None and since > now:
        since = None
    if days and since is None:
        return "undetermined", NOTHING_KNOWN
    if since is not None and days and now - since <= days * DAY:
        return "pass", None
    return "fail", (member, None if since is None else (now - since) // DAY, since is not None and days > 0)


def got(line):
    if line["outcome"] == "fail":
        [violation] = line["violations"]
        actual = violation["evidence"]["actual"]
        assert actual == {violation["subject"]: 0, "since": actual["since"], "days": actual["days"]}
        assert (actual["since"] is None) == (actual["days"] is None)
        return "fail", (violation["subject"], actual["days"], ", for more than " in violation["message"])
    if line["outcome"] == "undetermined":
        [gap] = line["unknown"]
        return "undetermined", gap if "fact" in gap else NOTHING_KNOWN
    return line["outcome"], None


def drawn_settings(chance):
    return {
        policy: {
            f"{number:012}": {"criterion": chance.choice(CRITERIA[policy]), "days": chance.choice([0, 1, 28, 30, 365])}
            for number in range(ACCOUNTS)
        }
        for policy in (CLASSIC, NEXT)
    }


@pytest.mark.parametrize("policy", [CLASSIC, NEXT])
def test_thousands_of_generated_load_balancers_are_judged_as_by_another_implementation(opalite, tmp_path, policy):
    chance = random.Random(f"unused {policy}")  # noqa: S311 - cases, not secrets
    settings = drawn_settings(chance)
    overrides = [{"accounts": [account], "set": values} for account, values in settings[policy].items()]
    cases = [drawn_case(chance, policy, number, settings) for number in range(GENERATED)]
    facts = {
        case["id"]: {
            **{member: case[member] for member in ("targets", "target_groups", "listeners")},
            "idle_since": None if case["idle_since"] is None else written(chance, case["idle_since"]),
        }
        for case in cases
        if case["told"]
    }
    (tmp_path / "facts.json").write_text(json.dumps({"load_balancer": facts}))
    (tmp_path / "settings.json").write_text(json.dumps({"parameters": {policy: {"overrides": overrides}}}))
    done = opalite(
        "evaluate", "-", "--policy", policy, "--format", "jsonl",
        "--facts", tmp_path / "facts.json", "--data", tmp_path / "settings.json",
        stdin=b"\n".join(orjson.dumps(raw_item(chance, case)) for case in cases),
    )  # fmt: skip
    assert done.err == []
    found = {line["resource_id"]: got(line) for line in done.lines}
    expected = {case["id"]: wanted(case, **settings[policy][case["account"]]) for case in cases}
    assert {key: (found.get(key), verdict) for key, verdict in expected.items() if found.get(key) != verdict} == {}
    assert {outcome for outcome, _ in expected.values()} == {"pass", "fail", "undetermined"}

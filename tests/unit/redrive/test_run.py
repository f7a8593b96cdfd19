"""A run over a queue, with all that can become of an event."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from opalite.adapters.aws.config_results import Started
from opalite.errors import AwsError
from opalite.ports import Denied
from opalite.redrive.run import Did, Redrive

FUNCTION = "arn:aws:lambda:eu-west-1:111111111111:function:opalite"
DEAD = "not taken: the result token is not (any longer) valid; AWS Config evaluates anew"
GONE = "not taken: the Config rule is not there any more"


def event(token, rule="opalite", account="222222222222"):
    return {
        "invokingEvent": json.dumps(
            {"messageType": "ScheduledNotification", "notificationCreationTime": "2026-11-28T09:00:01.000Z"}
        ),
        "resultToken": token,
        "configRuleArn": f"arn:aws:config:eu-west-1:{account}:config-rule/config-rule-abc123",
        "configRuleName": rule,
        "accountId": account,
    }


@dataclass
class Queue:
    """In order; what is shown again, or comes round, is handed out again."""

    bodies: list[str]
    errors: dict[str, str] = field(default_factory=dict)
    rounds: int = 1
    deleted: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    def __post_init__(self):
        self._waiting = [str(place) for place in range(len(self.bodies))] * self.rounds
        self._receipts = 0

    def take(self):
        while self._waiting:
            name = self._waiting.pop(0)
            if name not in self.deleted:
                self._receipts += 1
                error = self.errors.get(name, "")
                receipt = f"{name}/{self._receipts}"
                return SimpleNamespace(id=name, body=self.bodies[int(name)], error=error, receipt=receipt)
        return None

    def delete(self, message):
        self.deleted.append(message.id)

    def show(self, receipts):
        self.shown.extend(receipts)


class Lambda:
    """Answers by the result token: an exception is raised, a text is what the function raises, anything else it returns."""

    def __init__(self, answers):
        self.answers, self.sent = answers, []

    def send(self, payload):
        token = json.loads(payload)["resultToken"]
        self.sent.append(token)
        answer = self.answers.get(token, {"evaluations": []})
        if isinstance(answer, Exception):
            raise answer
        failed = isinstance(answer, str)
        return SimpleNamespace(failed=failed, payload={"errorMessage": answer} if failed else answer)


@pytest.fixture
def redriven():
    """A run; what was done is told by the positions of the messages."""

    def run(queue, answers=(), rules=(), *, error=None, **options):
        function, told, asked = Lambda(dict(answers)), [], []

        def start(place, names):
            asked.append((place.account_id, *names))
            state = dict(rules).get(names[0], "started")
            if isinstance(state, Exception):
                raise state
            return Started(**{state: tuple(names)})

        job = Redrive(
            queue=queue,
            function_arn=FUNCTION,
            send=function.send,
            start=start,
            tell=lambda did, name, why: told.append((did, why)),
            **options,
        )
        if error:
            with pytest.raises(error) as caught:
                job.run()
            return SimpleNamespace(job=job, told=told, sent=function.sent, asked=asked, error=str(caught.value))
        job.run()
        assert job.counts == Counter(did for did, _ in told)
        return SimpleNamespace(job=job, told=told, sent=function.sent, asked=asked)

    return run


def queue(*tokens, **more):
    return Queue([token if token.startswith("{") else json.dumps(event(token)) for token in tokens], **more)


def test_what_the_function_took_goes_from_the_queue_and_what_failed_is_shown_again(redriven):
    messages = queue("a", "b", "c", rounds=2)
    done = redriven(messages, {"b": "no time was left to send it"})
    assert done.told == [(Did.DELIVERED, ""), (Did.FAILED, "no time was left to send it"), (Did.DELIVERED, "")]
    assert (messages.deleted, messages.shown) == (["0", "2"], ["1/4"])
    assert done.sent == ["a", "b", "c"]  # each once, though the failed one came round again


def test_an_event_is_deleted_only_after_it_was_taken(redriven):
    messages = queue("a")
    messages.delete = lambda message: pytest.fail("deleted")
    done = redriven(messages, {"a": Denied("lambda:Invoke is denied")}, error=Denied)
    assert (done.sent, messages.shown) == (["a"], ["0/1"])


def test_a_refusal_of_the_function_is_its_answer(redriven):
    messages = queue("a")
    assert redriven(messages, {"a": {"refused": "account"}}).told == [(Did.REFUSED, "account")]
    assert messages.deleted == ["0"]


def test_a_rule_with_dead_tokens_is_evaluated_anew_once(redriven):
    messages = queue("a", "b", "c", errors={"2": DEAD})
    done = redriven(messages, {"a": DEAD, "b": DEAD})
    assert [did for did, _ in done.told] == [Did.REEVALUATED] * 3
    assert done.asked == [("222222222222", "opalite")]
    assert done.sent == ["a", "b"]  # of the third it was known
    assert messages.deleted == ["0", "1", "2"]


def test_rules_of_one_name_in_two_accounts_are_two(redriven):
    messages = Queue([json.dumps(event("a", account=account)) for account in ("222222222222", "333333333333")])
    assert redriven(messages, {"a": DEAD}).asked == [("222222222222", "opalite"), ("333333333333", "opalite")]


@pytest.mark.parametrize(
    ("state", "did", "why"),
    [
        ("gone", Did.GONE, "there is no such Config rule any more"),
        (
            "busy",
            Did.FAILED,
            "its result token is dead, and its rule is just being evaluated: try again in some minutes",
        ),
        (
            Denied("role X of account 2 cannot be assumed"),
            Did.FAILED,
            "its result token is dead, and its rule cannot be evaluated anew: role X of account 2 cannot be assumed",
        ),
    ],
    ids=["gone", "busy", "denied"],
)
def test_a_dead_event_stays_unless_its_rule_was_started_or_is_gone(redriven, state, did, why):
    messages = queue("a")
    assert redriven(messages, {"a": GONE}, {"opalite": state}).told == [(did, why)]
    assert messages.deleted == ([] if did is Did.FAILED else ["0"])


def test_a_dry_run_sends_starts_and_deletes_nothing(redriven):
    messages = queue("a", "b", '{"no": "event"}', errors={"1": DEAD})
    done = redriven(messages, dry_run=True)
    assert [did for did, _ in done.told] == [Did.WOULD_SEND, Did.WOULD_REEVALUATE, Did.UNREADABLE]
    assert (done.sent, done.asked, messages.deleted, messages.shown) == ([], [], [], ["0/1", "1/2", "2/3"])


def test_no_more_messages_are_looked_at_than_asked_for(redriven):
    messages = queue("a", "b", "c")
    assert redriven(messages, {"a": "no"}, most=2).sent == ["a", "b"]
    assert messages.shown == ["0/1"]


def test_one_event_of_which_nothing_is_heard_stops_nothing(redriven):
    silence = AwsError("read timeout")
    done = redriven(queue("a", "b", "c"), {"a": silence, "c": silence})
    assert done.told == [(Did.FAILED, "read timeout"), (Did.DELIVERED, ""), (Did.FAILED, "read timeout")]
    assert done.job.silences == 2


def test_two_in_a_row_end_the_run(redriven):
    messages = queue("a", "b", "c")
    done = redriven(messages, dict.fromkeys("abc", AwsError("read timeout")), error=AwsError)
    assert done.error == "nothing was heard of the function 2 times in a row: read timeout"
    assert (done.sent, messages.deleted, messages.shown) == (["a", "b"], [], ["0/1", "1/2"])


def test_what_the_function_says_is_one_line(redriven):
    done = redriven(queue("a", "b"), {"a": "bad\n\x1b[2Jopalite: all is well" + "x" * 9000, "b": ""})
    [(_, first), (_, second)] = done.told
    assert first.isprintable()
    assert len(first) == 300
    assert second == "the function failed without a word"

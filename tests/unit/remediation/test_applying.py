"""Steps against an AWS that fails anywhere, and a process that dies anywhere: a model, and the single cases."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opalite.errors import AwsError
from opalite.ports import Absent, Denied
from opalite.remediation.applying import BUSY_SECONDS, Applied, Progress, StepError, apply, filled
from opalite.remediation.model import OUTPUT, Call, Step, Until
from opalite.remediation.taking_back import taken_back

BEFORE = {"there": "already"}
MOST_RUNS = 60


class Crash(BaseException):
    """The process has died."""


@dataclass
class Aws:
    """Names and values. `fates`: what becomes of the next calls that change something; after that all goes well."""

    fates: list[str] = field(default_factory=list)
    world: dict[str, str] = field(default_factory=lambda: dict(BEFORE))
    made: list[str] = field(default_factory=list)  # by name of what they have put there
    looks: int = 0

    def __call__(self, service):
        assert service == "box"
        return self

    def ask(self, operation, **parameters):
        if operation == "Look":
            self.looks += 1
            return {"State": "done" if self.looks % 3 == 0 else "going on"}
        fate = self.fates.pop(0) if self.fates else "fine"
        if fate == "refused":
            raise AwsError("box: no", "LimitExceeded")
        if fate == "denied":
            raise Denied("box:Put is denied in account 1 (AccessDenied)")
        if fate == "busy":
            raise AwsError("box: busy", "Busy")
        if fate == "dead before":
            raise Crash
        if fate == "never arrived":
            raise AwsError("box: no answer")
        answer = self._changed(operation, parameters)
        if fate == "answer lost":
            raise AwsError("box: no answer", "InternalError")
        if fate == "dead after":
            raise Crash
        return answer

    def _changed(self, operation, parameters):
        name = parameters["Name"]
        if operation == "Put":
            self.world[name] = parameters["Value"]
            self.made.append(name)
        elif operation == "Create":
            if name in self.world:
                raise AwsError("box: it exists", "Exists")
            self.world[name] = parameters["Value"]
            self.made.append(name)
        elif operation == "Remove":
            if name not in self.world:
                raise Absent("NotFoundException")
            del self.world[name]
        return {"Thing": {"Id": f"id of {name}"}}


@dataclass
class Record:
    """What was noted, as it would be read again; `fates`: when the process dies at a note."""

    fates: list[str] = field(default_factory=list)
    applied: dict[str, Applied] = field(default_factory=dict)

    def note(self, one):
        fate = self.fates.pop(0) if self.fates else "fine"
        if fate == "dead before":
            raise Crash
        self.applied[one.name] = replace(one, outputs=dict(one.outputs))
        if fate == "dead after":
            raise Crash


def step(number, kind):
    """It waits for something, its inverse needs what it has put out, or AWS knows that it is there already."""
    name = f"thing {number}"
    parameters = {"Name": name, "Value": str(number)}
    more = {}
    if kind == "waits":
        more["until"] = Until(Call("box", "Look"), "State", ("done",), ("failed",), seconds=20)
    if kind == "once":
        more["already"] = ("Exists",)
    if kind == "puts out":
        more["outputs"] = {f"id {number}": "Thing.Id"}
    return Step(
        name=name,
        reason="missing",
        call=Call("box", "Create" if kind == "once" else "Put", parameters),
        inverse=Call("box", "Remove", {"Name": name}),
        busy=("Busy",),
        **more,
    )


PARTS = SimpleNamespace(remaining=lambda: 1e9, sleep=lambda _: None)
KINDS = st.lists(st.sampled_from(["plain", "waits", "once", "puts out"]), min_size=1, max_size=5)
MANY = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def fates(*names):
    return st.lists(st.sampled_from(["fine", *names]), max_size=14)


def carried_out(aws, record, steps):
    """Run after run until it is done or AWS has refused a step; the error if so."""
    for _ in range(MOST_RUNS):
        try:
            if apply(aws, steps, dict(record.applied), record.note) is None:
                return None
        except StepError as error:
            if error.certain:
                return error
        except Crash:
            pass
        assert_in_order(aws, steps)
    raise AssertionError("it does not come to an end")


def everything_is_taken_back(aws, applied):
    """Run after run, too, by what the one before has noted."""
    left = tuple(applied)

    def note(rest):
        nonlocal left
        left = rest

    for _ in range(MOST_RUNS):
        try:
            if not taken_back(PARTS, aws, left, note).problem:
                break
        except Crash:
            pass
    assert left == ()


def assert_in_order(aws, steps):
    """What was made is the beginning of the plan."""
    names = [one.name for one in steps]
    there = [name in aws.world for name in names]
    assert there == sorted(there, reverse=True)
    firsts = list(dict.fromkeys(aws.made))
    assert firsts == names[: len(firsts)]


@MANY
@given(
    KINDS,
    fates("busy", "dead before", "dead after", "never arrived", "answer lost"),
    fates("dead before", "dead after"),
)
def test_whatever_dies_or_is_lost_in_the_end_all_is_made_and_can_be_taken_back(kinds, of_calls, of_notes):
    steps = [step(number, kind) for number, kind in enumerate(kinds)]
    aws, record = Aws(list(of_calls)), Record(list(of_notes))

    assert carried_out(aws, record, steps) is None
    assert aws.world == {**BEFORE, **{f"thing {number}": str(number) for number in range(len(steps))}}
    assert {name: one.progress for name, one in record.applied.items()} == {one.name: Progress.DONE for one in steps}

    everything_is_taken_back(aws, [record.applied[one.name] for one in steps])
    assert aws.world == BEFORE


@MANY
@given(KINDS, st.integers(0, 4), st.sampled_from(["refused", "denied"]), st.data())
def test_what_aws_refuses_leaves_nothing_behind(kinds, place, refusal, data):
    """Deaths and lost answers of the steps before; the one that is refused was not begun before."""
    steps = [step(number, kind) for number, kind in enumerate(kinds)]
    place = min(place, len(steps) - 1)
    aws, record = Aws(data.draw(fates("dead before", "dead after", "never arrived", "answer lost"))), Record()
    assert carried_out(aws, record, steps[:place]) is None
    aws.fates = [refusal]

    error = carried_out(aws, record, steps)

    assert error.certain
    assert str(error).startswith(f"{steps[place].name}: box:")
    assert record.applied[steps[place].name].progress is Progress.NOT_MADE
    assert list(dict.fromkeys(aws.made)) == [one.name for one in steps[:place]]
    back = taken_back(PARTS, aws, tuple(record.applied.values()))
    assert (back.problem, back.left, aws.world) == ("", (), BEFORE)


@pytest.mark.parametrize("lost", ["answer lost", "dead after"])
@pytest.mark.parametrize("then", ["refused", "denied"])
def test_what_may_have_been_made_is_taken_back_though_aws_refuses_it_the_second_time(lost, then):
    aws, record = Aws([lost, then]), Record()

    error = carried_out(aws, record, [step(0, "plain")])

    assert error.certain
    back = taken_back(PARTS, aws, tuple(record.applied.values()))
    assert (back.problem, back.left, aws.world) == ("", (), BEFORE)


def test_what_was_busy_after_a_lost_answer_is_still_ours_to_take_back():
    aws, record = Aws(["answer lost", "busy"]), Record()

    assert carried_out(aws, record, [step(0, "once")]) is None
    assert record.applied["thing 0"].already is False
    taken_back(PARTS, aws, tuple(record.applied.values()))
    assert aws.world == BEFORE


def test_what_aws_calls_done_before_is_not_taken_back():
    aws, record = Aws(), Record()
    aws.world["thing 0"] = "of somebody else"

    assert apply(aws, [step(0, "once")], {}, record.note) is None
    assert record.applied == {"thing 0": Applied("thing 0", Progress.DONE, already=True, busy=("Busy",))}
    taken_back(PARTS, aws, tuple(record.applied.values()))
    assert aws.world == {**BEFORE, "thing 0": "of somebody else"}


def test_each_step_is_noted_before_and_after_its_call():
    aws, seen = Aws(), []

    def note(one):
        seen.append((one.name, str(one.progress), sorted(aws.world)))

    assert apply(aws, [step(0, "plain"), step(1, "plain")], {}, note) is None
    assert seen == [
        ("thing 0", "begun", ["there"]),
        ("thing 0", "waiting", ["there", "thing 0"]),
        ("thing 0", "done", ["there", "thing 0"]),
        ("thing 1", "begun", ["there", "thing 0"]),
        ("thing 1", "waiting", ["there", "thing 0", "thing 1"]),
        ("thing 1", "done", ["there", "thing 0", "thing 1"]),
    ]


def test_what_is_busy_is_asked_for_again_later_and_what_goes_on_is_looked_at():
    aws, record = Aws(["busy"]), Record()
    waiting = [step(0, "waits")]

    assert apply(aws, waiting, record.applied, record.note) == BUSY_SECONDS
    assert record.applied["thing 0"].progress is Progress.NOT_MADE
    assert apply(aws, waiting, record.applied, record.note) == 20
    assert record.applied["thing 0"].progress is Progress.WAITING
    assert apply(aws, waiting, record.applied, record.note) == 20
    assert apply(aws, waiting, record.applied, record.note) is None
    assert (aws.made, record.applied["thing 0"].progress) == (["thing 0"], Progress.DONE)


def test_inverses_and_later_steps_get_what_was_put_out():
    first = replace(step(0, "puts out"), inverse=Call("box", "Remove", {"Name": "thing 0", "Id": {OUTPUT: "id 0"}}))
    second = replace(step(1, "plain"), call=Call("box", "Put", {"Name": "thing 1", "Value": {OUTPUT: "id 0"}}))
    aws, record = Aws(), Record()

    assert apply(aws, [first, second], {}, record.note) is None
    assert aws.world["thing 1"] == "id of thing 0"
    assert record.applied["thing 0"].inverse == Call("box", "Remove", {"Name": "thing 0", "Id": "id of thing 0"})
    with pytest.raises(KeyError):  # what none has put out
        filled({"a": [{OUTPUT: "id"}]}, {})


def test_an_answer_without_what_it_was_to_tell_is_uncertain():
    silent = replace(step(0, "plain"), outputs={"id": "Thing.Name"})

    with pytest.raises(StepError, match=r"thing 0: AWS's answer does not tell Thing\.Name") as caught:
        apply(Aws(), [silent], {}, Record().note)
    assert not caught.value.certain


def test_what_comes_to_a_bad_end_is_certain():
    ends = replace(step(0, "waits"), until=Until(Call("box", "Look"), "State", ("ready",), ("going on",)))

    with pytest.raises(StepError, match="thing 0: it ended as going on") as caught:
        apply(Aws(), [ends], {}, Record().note)
    assert caught.value.certain


@given(
    st.recursive(
        st.integers() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    )
)
def test_parameters_without_outputs_stay_as_they_are(value):
    assert filled(value, {}) == value

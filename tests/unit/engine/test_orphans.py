"""Children end when their parent does, whatever ends it and from whichever thread they were started."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest

from opalite.engine import orphans

ALONE = """
from opalite.engine.orphans import start
child = start(["sleep", "60"])
print(child.process.pid, flush=True)
child.process.wait()
"""
IN_A_THREAD = """
import threading
from opalite.engine.orphans import start
def started():
    print(start(["sleep", "60"]).process.pid, flush=True)
thread = threading.Thread(target=started)
thread.start()
thread.join()
threading.Event().wait()
"""
BESIDE_A_THREAD = """
import threading
from opalite.engine.orphans import start
threading.Thread(target=threading.Event().wait, daemon=True).start()
child = start(["sleep", "60"])
print(child.process.pid, flush=True)
child.process.wait()
"""
# In the child, a tracer would wait for a lock that a thread of the parent had when it was forked.
WITH_A_TRACER = """
import os, sys, threading
from opalite.engine.orphans import start
lock, parent = threading.Lock(), os.getpid()
taken = threading.Event()
def hold():
    with lock:
        taken.set()
        threading.Event().wait()
threading.Thread(target=hold, daemon=True).start()
taken.wait()
def tracer(frame, event, argument):
    if os.getpid() != parent:
        lock.acquire()
sys.settrace(tracer)
child = start(["true"])
print(child.process.wait(), flush=True)
os._exit(0)
"""


def begun(script: str) -> tuple[subprocess.Popen[bytes], psutil.Process]:
    """A parent, and the child of which it has told."""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    return parent, psutil.Process(int(parent.stdout.readline()))


def is_gone(process: psutil.Process) -> bool:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("script", [ALONE, IN_A_THREAD, BESIDE_A_THREAD], ids=["alone", "in", "beside"])
def test_a_child_dies_with_a_parent_that_is_killed(script):
    parent, child = begun(script)
    assert child.is_running()

    parent.kill()
    parent.communicate(timeout=30)  # whoever watches the child keeps none of the parent's pipes open

    assert is_gone(child)


def test_a_child_that_is_started_beside_a_thread_with_a_lock_starts():
    done = subprocess.run([sys.executable, "-c", WITH_A_TRACER], stdout=subprocess.PIPE, timeout=30, check=True)
    assert done.stdout == b"0\n"


@pytest.mark.parametrize(
    "command", [["sleep", "60"], ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"]]
)
def test_one_that_is_ended_leaves_nobody_behind(command):
    before = set(psutil.Process().children())
    child = orphans.start(command, stdout=subprocess.PIPE)
    if "ready" in command[-1]:
        assert child.process.stdout.readline() == b"ready\n"
    of_ours = set(psutil.Process().children()) - before

    child.end(0.2)

    child.process.stdout.close()
    assert child.process.returncode is not None
    assert all(is_gone(one) for one in of_ours)
    child.end(0.2)  # once more does nothing

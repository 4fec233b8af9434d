"""Ending a child: its group is ended before its number can be another's, and never afterwards."""

import os
import shutil
import signal
import time

import pytest

from comparisons import processes
from comparisons.processes import Job, _Child, _is_zombie


@pytest.fixture
def child():
    """One that ends at once: its job is none."""
    child = _Child(Job("nobody", {}))
    yield child
    child.finish()


def is_in_the_table(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(child):
    too_late = time.monotonic() + 60
    while not child.has_ended():
        assert time.monotonic() < too_late
        time.sleep(0.02)


def test_to_ask_whether_a_child_has_ended_leaves_its_number_taken(child):
    wait_for(child)
    assert child.has_ended()
    assert child.process.returncode is None
    assert is_in_the_table(child.process.pid)


@pytest.mark.skipif(shutil.which("ps") is None, reason="there is no ps here")
def test_it_is_asked_of_ps_where_the_system_cannot_tell(child, monkeypatch):
    assert not _is_zombie(os.getpid())
    monkeypatch.delattr(os, "waitid")
    wait_for(child)
    assert is_in_the_table(child.process.pid)


def test_the_group_is_ended_while_the_number_is_taken_and_once(child, monkeypatch):
    ended = []

    def killpg(group, number):
        ended.append((group, number, is_in_the_table(group)))

    monkeypatch.setattr(processes.os, "killpg", killpg)
    wait_for(child)
    child.end()
    child.end()
    assert ended == [(child.process.pid, signal.SIGKILL, True)]


def test_a_child_whose_number_was_given_back_is_left_alone(child, monkeypatch):
    """As `poll` does it, which is why nobody calls it here."""
    wait_for(child)
    child.process.poll()
    assert not is_in_the_table(child.process.pid)
    monkeypatch.setattr(processes.os, "killpg", lambda *_: pytest.fail("the number may be another's"))
    child.end()

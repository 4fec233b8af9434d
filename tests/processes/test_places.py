"""Children hold places: as many work at a time as there are processors, and jobs that share a child are done by it.

What a job does to its child costs that job only, and a child ends as a Python program does, but sooner.
"""

import json

import pytest

from comparisons import processes
from comparisons.processes import Job, work
from comparisons.trace import load

PATIENCE = 60
WHO = "print(os.getpid(), flush=True)"
WHEN = "open(__file__ + f'.{os.getpid()}', 'a').write(f'{time.monotonic()}\\n'); time.sleep(0.1)"


@pytest.fixture
def job(tiny, tmp_path, write):
    """`job(name, line)`: a recording of a user's file with a line of his in it."""

    def one(name, line=WHO, at_the_top="", shares=""):
        task = {"experiment": tiny.to_json(), "into": str(tmp_path / f"{name}.trace")}
        target = f"{write(tmp_path, name, line, at_the_top)}:train"
        return Job(name, {"do": "record", "name": name, "target": target, "tasks": [task]}, shares=shares)

    return one


def by_name(done):
    return {job.name: job for job in done}


def child_of(job):
    """The number of the process that did it, which it printed at each of its steps, before anything else."""
    return int(job.output.split()[0])


def test_jobs_that_share_a_child_are_done_by_one_and_others_by_their_own(job):
    jobs = [job("one", shares="his"), job("alone"), job("two", shares="his"), job("other", shares="hers")]
    done = by_name(work(jobs, patience=PATIENCE, at_once=1))
    assert child_of(done["one"]) == child_of(done["two"])
    assert 3 == len({child_of(one) for one in done.values()})
    assert [None] * 4 == [one.ended for one in done.values()]
    assert all(one.of("recorded") for one in done.values())


def test_a_job_that_could_share_a_child_waits_for_it_where_others_can_begin(job):
    jobs = [job("one", "time.sleep(0.2)", shares="his"), job("two", shares="his"), job("alone")]
    assert "alone" == work(jobs, patience=PATIENCE, at_once=2)[0].name


@pytest.mark.parametrize(
    ("line", "ended"),
    [
        ("step == 3 and os._exit(7)", "it exited with status 7"),
        ("step == 3 and os.kill(os.getpid(), 9)", "it was ended by signal 9 (SIGKILL)"),
        ("step == 3 and sys.exit(3)", "it exited with status 3"),
    ],
)
def test_what_ends_a_child_costs_the_job_that_it_was_at(line, ended, job, tmp_path):
    """Those before it stay done, with what they printed, and those after it get another child."""
    jobs = [job("first", shares="his"), job("second", f"{WHO}; {line}", shares="his"), job("third", shares="his")]
    left = []
    done = work(jobs, patience=PATIENCE, at_once=1, left=lambda job: left.append(job.name))
    assert ["first", "second", "third"] == [one.name for one in done]
    assert [None, ended, None] == [one.ended for one in done]
    assert ["second"] == left
    assert child_of(done[0]) == child_of(done[1]) != child_of(done[2])
    for name in ("first", "third"):
        assert load(tmp_path / f"{name}.trace").is_whole


def n_at_the_same_time(folder):
    """How many of the children that noted when they were at each step were at work together."""
    times = [[float(line) for line in path.read_text().split()] for path in folder.glob("*.py.*")]
    spans = [(min(one), max(one)) for one in times]
    return max(sum(begin <= moment <= end for begin, end in spans) for moment, _ in spans)


def test_no_more_work_at_a_time_than_there_are_places(job, tmp_path):
    done = work([job(f"no_{number}", WHEN) for number in range(5)], patience=PATIENCE, at_once=2)
    assert 5 == len(done)
    assert 2 == n_at_the_same_time(tmp_path)


def test_by_default_there_are_as_many_places_as_processors(job, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "n_threads", lambda: 3)
    work([job(f"no_{number}", WHEN) for number in range(6)], patience=PATIENCE)
    assert 3 == n_at_the_same_time(tmp_path)


def test_a_child_that_may_hang_holds_no_place(job, monkeypatch):
    monkeypatch.setattr(processes, "QUIET", 1.0)
    jobs = [job("hangs", "time.sleep(600)"), job("honest")]
    assert ["honest", "hangs"] == [one.name for one in work(jobs, patience=8, at_once=1)]


def test_what_the_code_owes_at_its_end_is_done(job, tmp_path):
    """Its `atexit` functions and threads, and what it printed in C without a word to flush it."""
    at_the_top = (
        "import atexit, ctypes, threading\n"
        "atexit.register(lambda: open(__file__ + '.left', 'w').write('left'))\n"
        "def later():\n"
        "    import time\n"
        "    time.sleep(1)\n"
        "    open(__file__ + '.thread', 'w').write('ended')\n"
        "threading.Thread(target=later).start()\n"
    )
    (done,) = work([job("it", "ctypes.CDLL(None).printf(b'printed in C ')", at_the_top)], patience=PATIENCE)
    assert (None, "left", "ended") == (
        done.ended,
        (tmp_path / "it.py.left").read_text(),
        (tmp_path / "it.py.thread").read_text(),
    )
    assert "printed in C " * 4 == done.output


def test_the_users_code_and_what_it_starts_read_nothing(job):
    """Where further jobs are told is not theirs to read."""
    line = "print(json.dumps([sys.stdin.read(), os.read(0, 9).decode(), subprocess.run('cat', capture_output=True, " \
        "text=True).stdout]))"  # fmt: skip
    jobs = [job("one", line, "import json", shares="his"), job("two", line, "import json", shares="his")]
    for one in work(jobs, patience=PATIENCE, at_once=1):
        assert one.of("recorded")
        assert [["", "", ""]] * 4 == [json.loads(said) for said in one.output.splitlines()]

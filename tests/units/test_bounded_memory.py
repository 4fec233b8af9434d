"""A run a hundred times longer than a chunk on disk is worked on within what `--memory` says, and read whole it is not.

What a process may take is what it takes before it has read anything, `BASE`, and a share from which follows how many
steps it judges together. Here everything that is done after recording stays within that share alone.
"""

import pytest

from comparisons.certifying import certify
from comparisons.experiment import Circles
from comparisons.scenes.gathering import scenes_of
from comparisons.stored import BASE, Stored, shared
from comparisons.trace import load
from comparisons.unfinished import certified
from comparisons.whole_runs import whole_runs
from reference.dialects import DIALECTS
from tests.on_disk import folder_of
from tests.peak import peak
from tests.small import small

SHARE = 2**25
KERAS = tuple(form for form in DIALECTS if form.name in ("powers-in-precision", "epsilon-hat"))
NAMES = tuple(form.name for form in KERAS)
RUN = small("float64", data=Circles(n_train=300, n_test=10), batch_size=120, epochs=100)  # 300 steps
WARM = RUN.but(epochs=2)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Three traces of a run: of everything but the moments, of the weights alone, and of what has no weights yet."""
    return traces_of(RUN, tmp_path_factory.mktemp("run"))


def traces_of(experiment, place):
    return (
        folder_of(place / "one.trace", experiment, ("m_", "v_"), chunk=2**16, name="one"),
        folder_of(place / "other.trace", experiment, ("A", "Z", "d", "J", "Y"), KERAS, chunk=2**16, name="other"),
        folder_of(place / "begun.trace", experiment, ("d", "m_", "v_", "W", "b"), chunk=2**16, name="begun"),
    )


JOBS = {
    "certificate": lambda one, other, begun, memory: certify(load(one, memory)),
    "scenes": lambda one, other, begun, memory: scenes_of(
        load(one, memory).experiment, ((load(f, memory), forms) for f, forms in ((one, ()), (other, NAMES))), "one"
    ),
    "whole runs": lambda one, other, begun, memory: whole_runs(
        [(load(f, memory and shared(memory, 2)), forms, {}) for f, forms in ((one, ()), (other, NAMES))]
    ),
    "unfinished": lambda one, other, begun, memory: certified(load(begun, memory)),
}


@pytest.mark.parametrize("work", JOBS.values(), ids=JOBS)
def test_what_follows_recording_stays_within_its_share_and_read_whole_it_does_not(work, folders, tmp_path):
    n_files = [len(list(folder.glob("0*.safetensors"))) for folder in folders]
    assert n_files[0] >= 100
    assert isinstance(load(folders[0], BASE + SHARE), Stored)
    work(*traces_of(WARM, tmp_path), BASE + SHARE)  # so that what is made once is there
    assert peak(lambda: work(*folders, BASE + SHARE)) < SHARE
    assert peak(lambda: work(*folders, None)) > SHARE

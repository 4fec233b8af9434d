"""Tests of the plants in frameworks: each differs from the framework's honest loop where its table says."""

import pytest

from comparisons.certifying import certify
from comparisons.processes import Job, work
from comparisons.trace import load
from tests.exam.answers import answer, asked_of, less
from tests.exam.framework_plants import loop_of
from tests.exam.in_processes import need
from tests.exam.keras_plants import KERAS_PLANTS
from tests.exam.plants import PLANTS, VISIBILITIES
from tests.exam.test_plants import first_difference
from tests.exam.torch_plants import TORCH_PLANTS

TABLES = {"torch": TORCH_PLANTS, "keras": KERAS_PLANTS}


@pytest.fixture(scope="module")
def traces(tmp_path_factory):
    """`traces("torch")`: the traces of its plants and honest twins, by the experiments' names and precisions."""
    made = {}

    def of(framework):
        need(framework)
        if framework not in made:
            made[framework] = recorded(framework, tmp_path_factory.mktemp(framework))
        return made[framework]

    return of


def key(experiment) -> tuple[str, str]:
    """What tells two experiments of a table apart."""
    return experiment.name, experiment.precision


def recorded(framework, folder):
    """All plants of the framework and their honest twins, one after the other in a single process."""
    experiments = {key(e): e for plant in TABLES[framework] for e in (plant.experiment, plant.honest_experiment)}
    places = {name: folder / str(number) for number, name in enumerate(experiments)}
    tasks = [{"experiment": e.to_json(), "into": str(places[name])} for name, e in experiments.items()]
    target = f"{loop_of(framework)}:train"
    (job,) = work([Job(framework, {"do": "record", "name": framework, "target": target, "tasks": tasks})], patience=300)
    failures = [event["reason"] for event in job.of("failed")] + ([job.ended] if job.ended else [])
    assert not failures, job.output
    return {name: load(place) for name, place in places.items()}


GROUPS = {framework: pytest.mark.xdist_group(f"exam-{framework}") for framework in TABLES}
ALL = [
    pytest.param(plant, id=f"{plant.framework}-{plant.id}", marks=GROUPS[plant.framework])
    for table in TABLES.values()
    for plant in table
]


def test_every_plant_in_a_framework_is_a_known_form():
    known = {plant.name for plant in PLANTS}
    assert {plant.name for table in TABLES.values() for plant in table} <= known


def test_experiments_of_one_name_and_precision_are_one():
    digests = {}
    for table in TABLES.values():
        for plant in table:
            for experiment in (plant.experiment, plant.honest_experiment):
                assert digests.setdefault(key(experiment), experiment.digest) == experiment.digest


@pytest.mark.parametrize("plant", ALL)
def test_the_first_quantity_that_differs_is_the_one_that_the_line_changes(plant, traces):
    of_framework = traces(plant.framework)
    found = first_difference(of_framework[key(plant.honest_experiment)], of_framework[key(plant.experiment)])
    assert (plant.step, plant.first) == found


@pytest.mark.parametrize("framework", [pytest.param(name, marks=GROUPS[name]) for name in TABLES])
def test_the_frameworks_honest_loop_agrees(framework, traces):
    honest = {key(plant.honest_experiment) for plant in TABLES[framework]}
    for experiment in honest:
        for visibility in VISIBILITIES:
            certificate = certify(less(traces(framework)[experiment], visibility))
            assert certificate.verdict == "agrees", certificate


@pytest.mark.parametrize("plant", ALL)
def test_a_plant_of_a_framework_is_named_as_its_table_says(plant, traces):
    trace = traces(plant.framework)[key(plant.experiment)]
    number = TABLES[plant.framework].index(plant)
    answers = [answer(trace, plant, visibility, plant.framework) for visibility in asked_of(number)]
    assert [] == [said for said in answers if not said.is_right]

"""Tests of the files that people write: each agrees without its mistake and disagrees with it."""

import pytest

from comparisons.certifying import certify
from comparisons.implementations.registry import Implementation, load
from comparisons.recording import record
from tests.exam.in_processes import need, recorded
from tests.exam.plants import PLANTS
from tests.exam.plants_of_people import FOLDER, PEOPLE

IN_NUMPY = [pytest.param(person, id=person.file) for person in PEOPLE if person.framework is None]
FRAMEWORKS = ("torch", "keras")


def test_every_file_is_in_the_table_once():
    assert sorted(path.name for path in FOLDER.glob("*.py")) == sorted(person.file for person in PEOPLE)


def test_every_mistake_is_a_known_form():
    assert {(person.mistake, person.number) for person in PEOPLE} <= {(plant.name, plant.number) for plant in PLANTS}


@pytest.mark.parametrize("person", IN_NUMPY)
def test_a_file_agrees_without_its_mistake_and_is_told_its_name(person):
    verdicts = {}
    for function in ("honest", "train"):
        subject, layout = load(Implementation(person.file, person.target(function)))
        certificate = certify(record(subject, person.experiment, layout=layout))
        verdicts[function] = certificate.verdict
    assert {"honest": "agrees", "train": "disagrees"} == verdicts
    assert ((person.mistake,),) == certificate.explained_by


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_files_of_a_framework_agree_without_their_mistakes_and_are_told_their_names(framework, tmp_path):
    need(framework)
    people = [person for person in PEOPLE if person.framework == framework]
    asked = {
        f"{person.file}-{function}": (person.target(function), person.experiment)
        for person in people
        for function in ("honest", "train")
    }
    found = {name: certify(trace) for name, trace in recorded(asked, tmp_path).items()}
    expected = {f"{p.file}-{function}": mistakes for p in people
                for function, mistakes in {"honest": (), "train": ((p.mistake,),)}.items()}  # fmt: skip
    assert expected == {name: certificate.explained_by for name, certificate in found.items()}
    assert {"agrees"} == {c.verdict for name, c in found.items() if name.endswith("honest")}

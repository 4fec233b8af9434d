"""The reference itself, in the experiment's precision: the positive control."""

from comparisons.composed import given_by, network_of
from reference.running import train as run

LAYOUT = "columns"


def train(experiment):
    """Yield every quantity of every step, but the scalars that the step was given."""
    network = network_of(experiment)
    yield experiment.initial()
    for values in run(network, experiment.initial(), given_by(experiment)):
        yield {name: value for name, value in values.items() if network.shapes[name]}

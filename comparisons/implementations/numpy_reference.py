"""The reference itself, in the experiment's precision: the positive control."""

from comparisons.composed import given_by, network_of
from reference.tape import replayed

LAYOUT = "columns"


def train(experiment):
    """Yield every quantity of every step, but the scalars that the step was given."""
    network = network_of(experiment)
    yield experiment.initial()
    shown = [name for name, shape in network.shapes.items() if shape]
    for values in replayed(network, experiment.initial(), given_by(experiment), shown):
        # The next step writes over all of them; a parameter that stays what it is must not look like one array kept.
        yield values | {name: values[name].copy() for name in network.parameters}

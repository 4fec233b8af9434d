"""What Keras's models show: Dense layers in the order in which the model has them, with activations in or after them.

Keras is not imported here: whoever has a model of it has imported it. It has no hooks, so that watching replaces the
`call` of this model and of these layers, and the tape is led through an identity that looks at gradients. The output of
the last layer is left as it is: Keras keeps on it the logits that its losses look for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from comparisons.errors import UsageError
from comparisons.passes import Passes

LAYOUT = "rows"
ACTIVATIONS = ("Activation", "ReLU", "LeakyReLU")
SLOTS = {"momentums": "m", "_momentums": "m", "_average_gradients": "m", "_velocities": "v"}


def quantities(model: Any, optimizer: Any, gradients: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """All that can be read after a step, and of each name whose it is."""
    named, owners = parameters(model), _owners_of_parameters(model)
    values = {} if gradients is None else _named_gradients(model, gradients, named, owners)
    if optimizer is not None:
        if not hasattr(optimizer, "apply"):
            raise UsageError(f"the optimizer is a {type(optimizer).__name__}; give one of keras.optimizers, or none")
        owned = {id(variable) for variable in optimizer._trainable_variables}
        for name, variable in named.items():
            if optimizer.built and id(variable) not in owned:
                raise UsageError(
                    f"the optimizer ({type(optimizer).__name__}) does not have {name} of {owners[name]}, so that it "
                    "does not train it; build it with this model's trainable_variables"
                )
        kept = moments(optimizer, named)
        owners |= {name: f"the optimizer ({type(optimizer).__name__})" for name in kept}
        values |= kept
    return values | named, owners


def _named_gradients(model: Any, gradients: Any, named: Mapping[str, Any], owners: Mapping[str, str]) -> dict[str, Any]:
    given, variables = list(gradients), model.trainable_variables
    if len(given) != len(variables):
        raise UsageError(
            f"{len(given)} gradients were given for the model's {len(variables)} trainable variables; give what the "
            "tape gave for model.trainable_variables"
        )
    of = {id(variable): gradient for variable, gradient in zip(variables, given, strict=True)}
    values = {}
    for name, variable in named.items():
        gradient = of.get(id(variable))
        if gradient is None or tuple(gradient.shape) != tuple(variable.shape):
            found = "none" if gradient is None else f"one of the shape {tuple(gradient.shape)}"
            raise UsageError(
                f"the gradients have {found} for {name} of {owners[name]}, whose shape is {tuple(variable.shape)}; "
                "give what the tape gave for model.trainable_variables, in its order"
            )
        values[f"{_gradient(variable)}{name}"] = gradient
    return values


def parameters(model: Any) -> dict[str, Any]:
    """The model's variables by the article's names."""
    named: dict[str, Any] = {}
    for number, layer in enumerate(_dense(model), 1):
        named |= {f"W[{number}]": layer.kernel, f"b[{number}]": layer.bias}
    return named


def moments(optimizer: Any, named: Mapping[str, Any]) -> dict[str, Any]:
    """What the optimizer keeps of each parameter, m and v; gradient descent keeps nothing, nor what is not built."""
    places = {id(variable): place for place, variable in enumerate(optimizer._trainable_variables)}
    kept: dict[str, Any] = {}
    for slot, letter in SLOTS.items():
        if variables := getattr(optimizer, slot, None):
            kept |= {f"{letter}_{name}": variables[places[id(variable)]] for name, variable in named.items()}
    return kept


def owners(model: Any) -> list[str]:
    """Its layers, in words."""
    return [_in_words(layer) for layer in _dense(model)]


# Watching -------------------------------------------------------------------------------------------------------------


def watch(model: Any, passes: Passes) -> None:
    """Calls that look: of every layer and activation, and of the model for where a pass begins and ends."""
    if sys.modules["keras"].backend.backend() != "tensorflow":
        raise UsageError("Keras can be watched on TensorFlow only; show what else there is without backproof.watch")
    dense = _dense(model)
    for number, layer in enumerate(dense, 1):
        _replace(layer, "call", _watched_dense(layer, number, passes))
    for layer in _operations(model):
        if type(layer).__name__ in ACTIVATIONS:
            _replace(layer, "call", _watched_activation(layer, passes))
    _replace(model, "call", _watched_model(model.call, passes))


def _watched_model(call: Callable[..., Any], passes: Passes) -> Callable[..., Any]:
    def watched(*args: Any, **kwargs: Any) -> Any:
        if not sys.modules["tensorflow"].executing_eagerly():
            passes.is_compiled = passes.is_compiled or not _is_drafting()
            return call(*args, **kwargs)
        passes.begin()
        try:
            return call(*args, **kwargs)
        finally:
            passes.end()

    return watched


def _watched_dense(layer: Any, number: int, passes: Passes) -> Callable[..., Any]:
    call = layer.call

    def watched(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if (running := passes.running) is None:
            return call(inputs, *args, **kwargs)
        try:
            passes.enter(number)
        except UsageError as error:
            raise _as_it_is(error) from None
        if f"A[{number - 1}]" not in running.values:  # of a function, tf.nn.relu say, which has no call of its own
            inputs = _seen(passes, f"A[{number - 1}]", inputs)
        activation = layer.activation
        _replace(layer, "activation", lambda Z: activation(_seen(passes, f"Z[{number}]", Z)))
        try:
            outputs = call(inputs, *args, **kwargs)
        finally:
            _replace(layer, "activation", activation)
        return outputs if _is_linear(activation) else _seen(passes, f"A[{number}]", outputs)

    return watched


def _watched_activation(layer: Any, passes: Passes) -> Callable[..., Any]:
    call = layer.call

    def watched(*args: Any, **kwargs: Any) -> Any:
        outputs = call(*args, **kwargs)
        if (running := passes.running) is None:
            return outputs
        if running.n_layers == 0 or f"A[{running.n_layers}]" in running.values:
            raise _as_it_is(
                UsageError(f"{_in_words(layer)} does not come straight after a Dense; a layer has one activation")
            )
        return _seen(passes, f"A[{running.n_layers}]", outputs)

    return watched


def _seen(passes: Passes, name: str, tensor: Any) -> Any:
    """The tensor, kept; the tape takes the gradient past `went_back`, which keeps it too."""
    tf, running = sys.modules["tensorflow"], passes.running
    assert running is not None
    running.values[name] = tensor
    if name in ("A[0]", f"A[{len(passes.owners)}]"):
        return tensor

    @tf.custom_gradient
    def through(value: Any) -> Any:
        def back(gradient: Any) -> Any:
            passes.went_back(running, name, gradient)
            return gradient

        return tf.identity(value), back

    return through(tensor)


def _is_linear(activation: Any) -> bool:
    return activation is None or activation is sys.modules["keras"].activations.linear


def _is_drafting() -> bool:
    """Whether Keras is only asking for the shape of what a model will give."""
    scope = sys.modules.get("keras.src.backend.common.symbolic_scope")
    return bool(scope is not None and scope.in_symbolic_scope())


def _replace(layer: Any, name: str, value: Any) -> None:
    """Past Keras's own bookkeeping of attributes, so that nothing is tracked or saved."""
    object.__setattr__(layer, name, value)


def _as_it_is(error: UsageError) -> UsageError:
    """An error to which Keras and AutoGraph add no pages of their own."""
    vars(error).update(_keras_call_info_injected=True, ag_pass_through=True)
    return error


# The model's layers ---------------------------------------------------------------------------------------------------


def _operations(model: Any) -> list[Any]:
    """All that the model calls, in order, as often as it calls it; of a class of the user's, the layers that it has."""
    functional = getattr(model, "_functional", None) or model
    depths = getattr(functional, "_nodes_by_depth", None)
    if depths is None:
        found = list(model.layers)
    else:
        found = [node.operation for depth in sorted(depths, reverse=True) for node in depths[depth]]
    inner = [_operations(one) if hasattr(one, "layers") else [one] for one in found]
    return [one for each in inner for one in each if type(one).__name__ != "InputLayer"]


def _dense(model: Any) -> list[Any]:
    """The Dense layers. Error: UsageError for whatever the article's network does not have."""
    layers = sys.modules["keras"].layers
    found: list[Any] = []
    tensors: dict[int, str] = {}
    for one in _operations(model):
        owner = _in_words(one)
        if isinstance(one, layers.Dense) and type(one).call is layers.Dense.call:
            if any(one is other for other in found):
                raise UsageError(
                    f"{owner} is called twice in the model, but each layer of the article has weights of its own; give "
                    "the second call a layer of its own, or yield a dictionary of your own"
                )
            if not one.built:
                raise UsageError(f"{owner} has no weights yet; give the model its Input, or call it once before")
            if one.bias is None:
                raise UsageError(f"{owner} has no bias, and the article's layers have one; make it with use_bias=True")
            for what, variable in (("kernel", one.kernel), ("bias", one.bias)):
                if id(variable) in tensors:
                    raise UsageError(
                        f"{owner} shares its {what} with {tensors[id(variable)]}, but each layer of the article has "
                        "weights of its own; give it its own, or yield a dictionary of your own"
                    )
                tensors[id(variable)] = owner
            found.append(one)
        elif type(one) not in [getattr(layers, name) for name in ACTIVATIONS]:
            raise UsageError(
                f"{owner} is of a kind that cannot be read; what can is Dense, and {', '.join(ACTIVATIONS)} after it: "
                "yield a dictionary of your own"
            )
    if not found:
        raise UsageError(f"the model ({type(model).__name__}) has no Dense layer; yield a dictionary of your own")
    return found


def _gradient(variable: Any) -> str:
    """What its gradient is called: with a regularizer's penalty in it, or without."""
    return "d" if variable.regularizer is None else "g_"


def _owners_of_parameters(model: Any) -> dict[str, str]:
    return {
        f"{gradient}{letter}[{number}]": owner
        for number, owner in enumerate(owners(model), 1)
        for letter in "Wb"
        for gradient in ("", "d", "g_")
    }


def _in_words(layer: Any) -> str:
    return f'the layer "{layer.name}" ({type(layer).__name__})'

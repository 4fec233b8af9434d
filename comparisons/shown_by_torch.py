"""What PyTorch's models show: Linear layers in the order in which the model has them, with activations between.

PyTorch is not imported here: whoever has a model of it has imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from comparisons.errors import UsageError
from comparisons.passes import Pass, Passes

LAYOUT = "torch"
ACTIVATIONS = ("ReLU", "LeakyReLU", "Sigmoid", "Tanh", "Identity")
SLOTS = {"momentum_buffer": "m", "exp_avg": "m", "grad_avg": "m", "exp_avg_sq": "v", "square_avg": "v"}


def quantities(model: Any, optimizer: Any, gradients: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """All that can be read after a step, and of each name whose it is."""
    if gradients is not None:
        raise UsageError("a PyTorch model's parameters carry their gradients; leave the third argument out")
    layers = _layers(model)
    named, owners = _parameters(layers), _owners_of_parameters(layers)
    values = {f"d{name}": parameter.grad for name, parameter in named.items() if parameter.grad is not None}
    if optimizer is not None:
        if not hasattr(optimizer, "param_groups"):
            raise UsageError(f"the optimizer is a {type(optimizer).__name__}; give one of torch.optim, or none")
        owned = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
        for name, parameter in named.items():
            if id(parameter) not in owned:
                raise UsageError(
                    f"the optimizer ({type(optimizer).__name__}) does not have {name} of {owners[name]}, so that it "
                    "does not train it; make it from this model's parameters()"
                )
        kept = moments(optimizer, named)
        owners |= {name: f"the optimizer ({type(optimizer).__name__})" for name in kept}
        values |= kept
    return values | named, owners


def parameters(model: Any) -> dict[str, Any]:
    """The model's parameters by the article's names."""
    return _parameters(_layers(model))


def _parameters(layers: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for number, (_, layer) in enumerate(layers, 1):
        named |= {f"W[{number}]": layer.weight, f"b[{number}]": layer.bias}
    return named


def moments(optimizer: Any, named: Mapping[str, Any]) -> dict[str, Any]:
    """What the optimizer keeps of each parameter, m and v; gradient descent keeps nothing."""
    return {
        f"{SLOTS[slot]}_{name}": value
        for name, parameter in named.items()
        for slot, value in optimizer.state.get(parameter, {}).items()
        if slot in SLOTS and value is not None
    }


def owners(model: Any) -> list[str]:
    """Its layers, in words."""
    return [_in_words(name, layer) for name, layer in _layers(model)]


def watch(model: Any, passes: Passes) -> None:
    """Hooks that look: of every layer and activation, and of the model for where a pass begins and ends."""
    for number, (_, layer) in enumerate(_layers(model), 1):
        layer.register_forward_hook(partial(_see_layer, passes, number), with_kwargs=True)
    for name, module in model.named_modules():
        if _is_activation(module):
            module.register_forward_hook(partial(_see_activation, passes, _in_words(name, module)))
    model.register_forward_pre_hook(lambda module, args: passes.begin())
    model.register_forward_hook(lambda module, args, output: passes.end(), always_call=True)


def _see_layer(passes: Passes, number: int, layer: Any, args: Any, kwargs: Any, Z: Any) -> None:
    passes.enter(number)
    if (running := passes.running) is not None:
        (A,) = args or kwargs.values()
        if f"A[{number - 1}]" not in running.values:  # of a function, F.relu say, which has no hooks
            _see(passes, running, f"A[{number - 1}]", A)
        _see(passes, running, f"Z[{number}]", Z)


def _see_activation(passes: Passes, owner: str, module: Any, args: Any, A: Any) -> None:
    if (running := passes.running) is None:
        return
    if running.n_layers == 0 or f"A[{running.n_layers}]" in running.values:
        raise UsageError(f"{owner} does not come straight after a Linear; a layer has one activation, after its Linear")
    _see(passes, running, f"A[{running.n_layers}]", A)


def _see(passes: Passes, running: Pass, name: str, tensor: Any) -> None:
    """Keep a copy, for what comes next may work in place, and the gradient once it comes."""
    running.values[name] = tensor.detach().clone()
    if tensor.requires_grad and name != "A[0]":
        tensor.register_hook(partial(passes.went_back, running, name))


def _layers(model: Any) -> list[tuple[str, Any]]:
    """The Linear layers with their names. Error: UsageError for whatever the article's network does not have."""
    nn = sys.modules["torch"].nn
    found: dict[int, tuple[str, Any]] = {}
    tensors: dict[int, str] = {}
    for name, module in model.named_modules(remove_duplicate=False):
        owner, is_whole = _in_words(name, module), not any(True for _ in module.children())
        if is_whole and isinstance(module, nn.Linear) and type(module).forward is nn.Linear.forward:
            if id(module) in found:
                raise UsageError(
                    f"{owner} is {_in_words(*found[id(module)])} once more, but each layer of the article has weights "
                    "of its own; give it its own, or yield a dictionary of your own"
                )
            if module.bias is None:
                raise UsageError(f"{owner} has no bias, and the article's layers have one; make it with bias=True")
            for what, tensor in (("weight", module.weight), ("bias", module.bias)):
                if id(tensor) in tensors:
                    raise UsageError(
                        f"{owner} shares its {what} with {tensors[id(tensor)]}, but each layer of the article has "
                        "weights of its own; give it its own, or yield a dictionary of your own"
                    )
                tensors[id(tensor)] = owner
            found[id(module)] = (name, module)
        elif any(True for _ in module.parameters(recurse=False)) or (is_whole and not _is_harmless(module)):
            raise UsageError(
                f"{owner} is of a kind that cannot be read; what can is Linear, and {', '.join(ACTIVATIONS)} after it: "
                "yield a dictionary of your own"
            )
    if not found:
        raise UsageError(f"the model ({type(model).__name__}) has no Linear layer; yield a dictionary of your own")
    return list(found.values())


def _is_activation(module: Any) -> bool:
    nn = sys.modules["torch"].nn
    return type(module) in [getattr(nn, name) for name in ACTIVATIONS if name != "Identity"]


def _is_harmless(module: Any) -> bool:
    """An activation, or a loss that the model carries with it."""
    nn = sys.modules["torch"].nn
    return _is_activation(module) or type(module) is nn.Identity or isinstance(module, nn.modules.loss._Loss)


def _owners_of_parameters(layers: Sequence[tuple[str, Any]]) -> dict[str, str]:
    return {
        f"{gradient}{letter}[{number}]": _in_words(*named)
        for number, named in enumerate(layers, 1)
        for letter in "Wb"
        for gradient in ("", "d")
    }


def _in_words(name: str, module: Any) -> str:
    return f'the layer "{name}" ({type(module).__name__})' if name else f"the layer ({type(module).__name__})"

"""The experiment's layers and optimizer in Keras's own terms, shared by both Keras implementations."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # the backend is chosen before Keras is imported


def in_precision(experiment):
    """Make the experiment's precision Keras's own, for layers and for the optimizer.

    `set_floatx` does not change a dtype policy that was made before it, so the policy is set too.
    """
    keras.config.set_floatx(experiment.precision)
    keras.config.set_dtype_policy(experiment.precision)
    keras.utils.clear_session(free_memory=False)


def fill(layers, experiment):
    """Give Dense layers, which keep W as (n_in, n_out), the experiment's initial parameters."""
    initial = experiment.initial()
    for number, layer in enumerate(layers, 1):
        layer.set_weights([initial[f"W[{number}]"].T, initial[f"b[{number}]"][:, 0]])


def activation_of(name):
    """What `activation=` takes for it."""
    return keras.layers.LeakyReLU(negative_slope=0.01) if name == "leaky-relu" else name


def regularizers_of(experiment):
    """What Dense takes for coupled decay: Keras's L2 has no ½, so that its gradient is 2 (λ/2) W."""
    if experiment.decay.kind != "coupled":
        return {}
    penalty = keras.regularizers.L2(experiment.decay.rate / 2)
    return {"kernel_regularizer": penalty, "bias_regularizer": penalty}


def optimizer_of(experiment):
    """keras.optimizers with the experiment's numbers; decoupled decay is what all of them mean by weight_decay."""
    chosen = experiment.optimizer
    of_all = {"weight_decay": experiment.decay.rate} if experiment.decay.kind == "decoupled" else {}
    match chosen.kind:
        case "gradient-descent":
            return keras.optimizers.SGD(chosen.learning_rate, **of_all)
        case "momentum" | "nesterov":
            is_nesterov = chosen.kind == "nesterov"
            return keras.optimizers.SGD(chosen.learning_rate, chosen.momentum, nesterov=is_nesterov, **of_all)
        case "rmsprop":
            return keras.optimizers.RMSprop(
                chosen.learning_rate, rho=chosen.rho, epsilon=chosen.epsilon, centered=chosen.centered, **of_all
            )
        case "adam":
            kind = keras.optimizers.AdamW if of_all else keras.optimizers.Adam
            return kind(
                chosen.learning_rate, beta_1=chosen.beta1, beta_2=chosen.beta2, epsilon=chosen.epsilon, **of_all
            )

"""The rules between settings, all in one place: what contradicts what."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import InputError
from .contradiction import Contradiction, value_of
from .idle import Sections, idle_settings
from .layer_rules import LAYER_RULES
from .model import OWN_MODELS
from .scalars import format_value
from .tasks import task_contradictions
from .training_rules import TRAINING_RULES


def contradictions(sections: Sections) -> list[Contradiction]:
    """Finds every broken rule; only what somebody set can be idle, a default without effect is no contradiction."""
    found = [
        Contradiction(
            keys=(key, idle.sibling),
            problem=f"{key} has no effect, since {idle.reason}",
            expected=f"{idle.sibling} {idle.needed}",
            got=f"{key}: {format_value(value_of(sections, key))}",
            hint=f"leave {key} out, or change {idle.sibling}",
        )
        for key, idle in idle_settings(sections).items()
        if key.partition(".")[2] in sections[key.partition(".")[0]].model_fields_set
    ]
    for rule in RULES:
        found.extend(rule(sections))
    return found


def refuse_contradictions(sections: Sections, where: Callable[[str], str | None]) -> None:
    """Raises one error for all broken rules.

    Raises:
        InputError: at least one rule is broken.
    """
    errors = [as_error(broken, where) for broken in contradictions(sections)]
    if errors:
        raise joined(errors)


def as_error(broken: Contradiction, where: Callable[[str], str | None]) -> InputError:
    """Words a broken rule as an error that says where its settings were given."""
    places = dict.fromkeys(place for key in broken.keys if (place := where(key)) is not None)
    return InputError(
        broken.problem,
        expected=broken.expected,
        got=broken.got,
        where=" and ".join(places) or None,
        hint=broken.hint,
    )


def joined(errors: list[InputError]) -> InputError:
    """Joins mistakes into one error; a single one stays as it is."""
    return errors[0] if len(errors) == 1 else InputError.several(f"{len(errors)} mistakes in the recipe", errors)


def _columns_differ(sections: Sections) -> list[Contradiction]:
    first_with: dict[str, str] = {}
    found: list[Contradiction] = []
    for name in ("path", "label", "split", "group", "weight"):
        key = f"data.{name}_column"
        column = value_of(sections, key)
        other = first_with.setdefault(column, key)
        if other != key:
            found.append(
                Contradiction(
                    keys=(key, other),
                    problem=f"{key} and {other} name the same column",
                    expected="a column of its own for each",
                    got=format_value(column),
                    hint=f"change {key} or {other}",
                )
            )
    return found


def _float16_has_a_gpu(sections: Sections) -> list[Contradiction]:
    device = value_of(sections, "machine.device")
    if value_of(sections, "machine.precision") != "float16" or device == "auto" or device.startswith("cuda"):
        return []
    return [
        Contradiction(
            keys=("machine.precision", "machine.device"),
            problem="machine.precision float16 needs a CUDA device",
            expected="machine.device cuda",
            got=f"machine.device: {device}",
            hint="machine.precision: bfloat16, or auto",
        )
    ]


def _weights_have_a_model(sections: Sections) -> list[Contradiction]:
    name, weights = value_of(sections, "model.name"), value_of(sections, "model.weights")
    keys = ("model.weights", "model.name")
    if weights == "none":
        return []
    if name == "auto":
        return [
            Contradiction(
                keys=keys,
                problem="model.weights needs a named model",
                expected="model.name with the model that the weights belong to",
                got="model.name: auto",
                hint="name a model, such as model.name: resnet18",
            )
        ]
    if name in OWN_MODELS and weights == "pretrained":
        return [
            Contradiction(
                keys=keys,
                problem=f"there are no published weights for {name}",
                expected="a timm model, or the path of a file with weights",
                got=f"model.name: {name}, model.weights: pretrained",
                hint="name a timm model, such as model.name: resnet18",
            )
        ]
    return []


def _statistics_have_weights(sections: Sections) -> list[Contradiction]:
    name, weights = value_of(sections, "model.name"), value_of(sections, "model.weights")
    if weights != "none" and name not in OWN_MODELS:
        return []
    decisive = "model.weights" if weights == "none" else "model.name"
    return [
        Contradiction(
            keys=(key, decisive),
            problem=f"{key} pretrained needs the loaded weights of a timm model",
            expected="model.weights other than none, and model.name of a timm model",
            got=f"{decisive}: {format_value(value_of(sections, decisive))}",
            hint=f"{key}: channel, or auto",
        )
        for key in ("preprocess.center", "preprocess.scale")
        if value_of(sections, key) == "pretrained"
    ]


def _one_center_and_one_scale(sections: Sections) -> list[Contradiction]:
    whiten, scale = value_of(sections, "preprocess.whiten"), value_of(sections, "preprocess.scale")
    if whiten != "none":
        decisive, allowed = "whiten", {"center": "image", "scale": "none"}
        reason = {"center": "turns pictures about their mean image", "scale": "scales every direction itself"}
    elif scale == "minmax":
        decisive, allowed, reason = "scale", {"center": "none"}, {"center": "has a center of its own"}
    else:
        return []
    word = value_of(sections, f"preprocess.{decisive}")
    return [
        Contradiction(
            keys=(f"preprocess.{name}", f"preprocess.{decisive}"),
            problem=f"preprocess.{decisive} {word} {reason[name]}",
            expected=f"preprocess.{name}: {value}, or auto",
            got=f"preprocess.{name}: {given}",
            hint=f"leave preprocess.{name} out, or change preprocess.{decisive}",
        )
        for name, value in allowed.items()
        if (given := value_of(sections, f"preprocess.{name}")) not in ("auto", value)
    ]


def _cut_pictures_have_pixels(sections: Sections) -> list[Contradiction]:
    cutmix = value_of(sections, "augment.cutmix")
    if cutmix == 0 or value_of(sections, "preprocess.whiten") != "pca":
        return []
    return [
        Contradiction(
            keys=("augment.cutmix", "preprocess.whiten"),
            problem="what PCA whitening leaves are components and not pixels, of which cutmix could cut out an area",
            expected="augment.cutmix: 0, or preprocess.whiten: zca or none",
            got=f"augment.cutmix: {format_value(cutmix)}, preprocess.whiten: pca",
            hint="augment.mixup blends under any preprocessing",
        )
    ]


def _loaded_weights_stay(sections: Sections) -> list[Contradiction]:
    scheme, weights = value_of(sections, "init.scheme"), value_of(sections, "model.weights")
    if weights == "none":
        return []
    found: list[Contradiction] = []
    if scheme not in ("auto", "native"):
        found.append(
            Contradiction(
                keys=("init.scheme", "model.weights"),
                problem=f"init.scheme {scheme} has no effect, since the loaded weights take the place of what it draws",
                expected="init.scheme native or auto beside model.weights, or model.weights: none",
                got=f"init.scheme: {scheme}, model.weights: {format_value(weights)}",
                hint="leave init.scheme out to train from the loaded weights",
            )
        )
    if value_of(sections, "init.centered_weight_norm"):
        found.append(
            Contradiction(
                keys=("init.centered_weight_norm", "model.weights"),
                problem="init.centered_weight_norm would change the loaded weights: it takes the mean out of each row",
                expected="model.weights: none",
                got=f"model.weights: {format_value(weights)}",
                hint="leave init.centered_weight_norm out",
            )
        )
    return found


def _nothing_else_holds_computed_weights(sections: Sections) -> list[Contradiction]:
    return [
        Contradiction(
            keys=(key, "init.centered_weight_norm"),
            problem=f"{key} would act on what centered, normalized weights are computed from, not on the weights",
            expected=f"one of {key} and init.centered_weight_norm",
            got=f"{key}: {format_value(value)}, init.centered_weight_norm: true",
            hint=f"leave {key} out",
        )
        for key in ACTING_ON_WEIGHTS
        if value_of(sections, "init.centered_weight_norm") and (value := value_of(sections, key)) > 0
    ]


def _zeros_have_no_direction(sections: Sections) -> list[Contradiction]:
    if value_of(sections, "init.scheme") != "zeros" or not value_of(sections, "init.centered_weight_norm"):
        return []
    return [
        Contradiction(
            keys=("init.centered_weight_norm", "init.scheme"),
            problem="weights of zero cannot be scaled to length 1",
            expected="another init.scheme, or no init.centered_weight_norm",
            got="init.scheme: zeros, init.centered_weight_norm: true",
            hint="init.scheme: kaiming, or auto",
        )
    ]


def _momentum_moves(sections: Sections) -> list[Contradiction]:
    name = value_of(sections, "optim.name")
    if name not in ("momentum", "nesterov") or value_of(sections, "optim.momentum") > 0:
        return []
    return [
        Contradiction(
            keys=("optim.momentum", "optim.name"),
            problem=f"{name} without momentum is plain stochastic gradient descent",
            expected="optim.momentum above 0",
            got="optim.momentum: 0",
            hint="optim.name: sgd for steps without momentum",
        )
    ]


def _one_way_of_clipping(sections: Sections) -> list[Contradiction]:
    given = [key for key in CLIPPINGS if value_of(sections, key) not in ("auto", 0)]
    if len(given) < 2:
        return []
    return [
        Contradiction(
            keys=tuple(given),
            problem="the gradient can be clipped in one way only",
            expected=f"one of {', '.join(CLIPPINGS)} above 0",
            got=", ".join(f"{key}: {format_value(value_of(sections, key))}" for key in given),
            hint=f"leave {' and '.join(given[1:])} out",
        )
    ]


ACTING_ON_WEIGHTS = ("regularization.l1", "regularization.l2", "regularization.max_norm", "optim.clip_adaptive")
CLIPPINGS = ("optim.clip_norm", "optim.clip_value", "optim.clip_adaptive")

RULES: tuple[Callable[[Sections], list[Contradiction]], ...] = (
    _columns_differ,
    _float16_has_a_gpu,
    _weights_have_a_model,
    *LAYER_RULES,
    _statistics_have_weights,
    _one_center_and_one_scale,
    _cut_pictures_have_pixels,
    _loaded_weights_stay,
    _nothing_else_holds_computed_weights,
    _zeros_have_no_direction,
    _momentum_moves,
    _one_way_of_clipping,
    *TRAINING_RULES,
    task_contradictions,
)

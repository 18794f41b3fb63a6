"""What to unlearn and how, in Python's terms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypedDict

from google.protobuf.descriptor import EnumDescriptor

from .fields import assign, extend, wrong
from .v1 import unlearning_pb2


class Spec(TypedDict, total=False):
    """What `unlearn` takes beside images; each has a default that works, which None stands for, and is explained at
    UnlearnSpec in the protocol.

    A field of UnlearnSpec or Gates that this list lacks, since it is newer, is taken all the same.
    """

    model: str | None
    kind: Literal["item", "class"] | None
    mode: Literal["few-shot", "zero-shot"] | None
    recipe: Literal["lethe", "paper"] | None
    substitute: Literal["average", "truncation", "projection", "nearest"] | None
    classes: Sequence[str | int] | None
    fake_label: float | Literal["auto"] | None
    iterations: int | None
    batch: int | None
    learning_rate: float | None
    lambda1: float | None
    lambda2: float | None
    seed: int | None
    max_inversion_error: float | None
    bad_images: Literal["refuse", "skip"] | None
    moving_weight: float | None
    layers_up_to: int | None
    fit: Literal["exact", "pad", "crop", "resize"] | None
    background: int | None
    skip_unreadable: bool | None
    request_key: str | None
    keep_pictures: bool | None
    keep_as_candidate: bool | None
    min_auc_lu: float | None
    max_fid_l_increase: float | None
    min_acc: float | None
    min_redacted_own: float | None
    min_redacted_fresh: float | None
    max_collateral: float | None
    max_fid_root_increase: float | None
    max_membership: float | None
    max_recognised: float | None
    promote_not_forgotten: bool | None


def build(options: dict[str, Any]) -> unlearning_pb2.UnlearnSpec:
    """Raises TypeError for an option that there is not, InvalidArgument for a value that its field cannot hold."""
    spec = unlearning_pb2.UnlearnSpec()
    for name, value in options.items():
        if value is None:
            continue
        if name == "fake_label" and value == "auto":
            spec.auto_fake_label = True
        elif name != "gates" and name in spec.DESCRIPTOR.fields_by_name:
            _set(spec, spec.DESCRIPTOR.fields_by_name[name], value)
        elif name in unlearning_pb2.Gates.DESCRIPTOR.fields_by_name:
            assign(spec.gates, name, value, f"spec.gates.{name}")
        else:
            raise TypeError(f"unlearn() has no option {name!r}")
    return spec


def _set(spec: unlearning_pb2.UnlearnSpec, field: Any, value: Any) -> None:
    if field.name == "classes":
        classes = value if isinstance(value, Iterable) and not isinstance(value, str) else [value]
        extend(spec, "classes", [str(one) for one in classes], "spec.classes")
    elif field.enum_type is not None:
        setattr(spec, field.name, number(field.enum_type, f"spec.{field.name}", value))
    else:
        assign(spec, field.name, value, f"spec.{field.name}")


def _words(enum: EnumDescriptor) -> dict[str, int]:
    """Its values as Python's users write them: UNLEARN_MODE_FEW_SHOT is few-shot."""
    unspecified = enum.values_by_number[0].name
    prefix = len(unspecified) - len("UNSPECIFIED")
    return {value.name[prefix:].lower().replace("_", "-"): value.number for value in enum.values if value.number != 0}


def number(enum: EnumDescriptor, name: str, word: str) -> int:
    words = _words(enum)
    if word not in words:
        raise wrong(name, word, f"one of {', '.join(words)}")
    return words[word]


def word(enum: EnumDescriptor, value: int) -> str:
    """The other way round; a value that this client does not know is its number."""
    return next((text for text, known in _words(enum).items() if known == value), str(value))

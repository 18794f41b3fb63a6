"""Fields of messages from what callers give: what does not fit is told by the field's name, as the server tells it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from .errors import InvalidArgument

M = TypeVar("M", bound=Message)

_ALLOWED = {
    FieldDescriptor.CPPTYPE_INT32: f"a whole number from {-2 ** 31} to {2 ** 31 - 1}",
    FieldDescriptor.CPPTYPE_UINT32: f"a whole number from 0 to {2 ** 32 - 1}",
    FieldDescriptor.CPPTYPE_INT64: f"a whole number from {-2 ** 63} to {2 ** 63 - 1}",
    FieldDescriptor.CPPTYPE_UINT64: f"a whole number from 0 to {2 ** 64 - 1}",
    FieldDescriptor.CPPTYPE_FLOAT: "a number",
    FieldDescriptor.CPPTYPE_DOUBLE: "a number",
    FieldDescriptor.CPPTYPE_BOOL: "True or False",
    FieldDescriptor.CPPTYPE_STRING: "a text",
}
_SHOWN = 80


def build(kind: type[M], **values: Any) -> M:
    """A message of these fields; raises InvalidArgument for a value that its field cannot hold."""
    message = kind()
    for name, value in values.items():
        assign(message, name, value)
    return message


def assign(message: Message, name: str, value: Any, path: str | None = None) -> None:
    """path: what callers call the field, if not by its name."""
    try:
        if isinstance(value, Message):
            getattr(message, name).CopyFrom(value)
        else:
            setattr(message, name, value)
    except (TypeError, ValueError, OverflowError):
        raise wrong(path or name, value, _allowed(message, name)) from None


def extend(message: Message, name: str, values: Any, path: str) -> None:
    """The same for a repeated field, from one value or an iterable of them."""
    alone = isinstance(values, (str, bytes)) or not isinstance(values, Iterable)
    every = [values] if alone else list(values)
    try:
        getattr(message, name).extend(every)
    except (TypeError, ValueError, OverflowError):
        for at, value in enumerate(every):
            try:
                getattr(type(message)(), name).append(value)
            except (TypeError, ValueError, OverflowError):
                raise wrong(path if alone else f"{path}[{at}]", value, _allowed(message, name)) from None
        raise


def _allowed(message: Message, name: str) -> str:
    return _ALLOWED[message.DESCRIPTOR.fields_by_name[name].cpp_type]


def wrong(path: str, value: Any, allowed: str) -> InvalidArgument:
    shown = repr(value)
    return InvalidArgument(f"{path}: is {shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '...'}; it must be {allowed}")

"""Images to upload: from folders, zip files, files, pictures, arrays and tensors, read as they are sent."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, Union

import numpy as np
from PIL import Image as Pillow

from .v1 import common_pb2, unlearning_pb2

#: A path, a picture, the bytes of a PNG or JPEG file, an array or a tensor; an image with its label; or many of these.
Source = Union[str, "os.PathLike[str]", bytes, Pillow.Image, Any]
Label = Union[str, int]

# Larger than any picture of 1024 x 1024 pixels; a file above it is a mistake.
_MAX_FILE_BYTES = 32 << 20
# Well below the server's limit of one message; an image larger than this goes alone.
_MESSAGE_BYTES = 1 << 20
_FORMATS = {".png": common_pb2.IMAGE_FORMAT_PNG, ".jpg": common_pb2.IMAGE_FORMAT_JPEG,
            ".jpeg": common_pb2.IMAGE_FORMAT_JPEG}


def messages(spec: unlearning_pb2.UnlearnSpec, unlearn: Iterable[unlearning_pb2.LabelledImage],
             learn: Iterable[unlearning_pb2.LabelledImage]) -> Iterator[unlearning_pb2.SubmitRequest]:
    """The specification, then the images in order, several in a message."""
    yield unlearning_pb2.SubmitRequest(spec=spec)
    for role, images in (unlearning_pb2.IMAGE_ROLE_UNLEARN, unlearn), (unlearning_pb2.IMAGE_ROLE_LEARN, learn):
        batch: list[unlearning_pb2.LabelledImage] = []
        size = 0
        for image in images:
            if batch and size + image.ByteSize() > _MESSAGE_BYTES:
                yield _message(role, batch)
                batch, size = [], 0
            batch.append(image)
            size += image.ByteSize()
        if batch:
            yield _message(role, batch)


def _message(role: unlearning_pb2.ImageRole, images: list[unlearning_pb2.LabelledImage]) -> unlearning_pb2.SubmitRequest:
    return unlearning_pb2.SubmitRequest(images=unlearning_pb2.UploadedImages(role=role, images=images))


class Sending:
    """Messages on their way, by a thread of gRPC's, and why there were no more of them."""

    def __init__(self, messages: Iterable[unlearning_pb2.SubmitRequest]) -> None:
        self._messages = iter(messages)
        self.failure: Exception | None = None

    def __iter__(self) -> Sending:
        return self

    def __next__(self) -> unlearning_pb2.SubmitRequest:
        try:
            return next(self._messages)
        except StopIteration:
            raise
        except Exception as failure:
            self.failure = failure
            raise


def repeatable(source: Source) -> Source:
    """The same images, as something that can be read more than once."""
    return list(source) if isinstance(source, Iterator) else source


def read(source: Source, label: Label | None = None) -> Iterator[unlearning_pb2.LabelledImage]:
    """The images of a source, one at a time.

    In a folder or a zip file, the name of the sub-folder that an image lies in is its label, unless `label` is given.
    Arrays and tensors: uint8 from 0 to 255, or floats from -1 to 1; [N, H, W], [N, H, W, C] or [N, C, H, W] with C 1 or
    3, or a single [H, W] or [H, W, C].

    Raises FileNotFoundError, ValueError and TypeError, with the image at fault.
    """
    if isinstance(source, (str, os.PathLike)):
        yield from _path(Path(source), label)
    elif isinstance(source, bytes):
        yield _labelled(source, _format_of(source), label)
    elif isinstance(source, Pillow.Image):
        yield _labelled(_png(source), common_pb2.IMAGE_FORMAT_PNG, label)
    elif hasattr(source, "detach") or isinstance(source, np.ndarray):
        for picture in pictures(source):
            yield _labelled(_png(picture), common_pb2.IMAGE_FORMAT_PNG, label)
    elif isinstance(source, tuple) and len(source) == 2 and _is_label(source[1]):
        yield from read(source[0], source[1] if label is None else label)
    elif isinstance(source, Iterable):
        for one in source:
            yield from read(one, label)
    else:
        raise TypeError(f"{type(source).__name__} is no image: give a path, a picture, bytes, an array or a tensor")


def _is_label(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) or (isinstance(value, str) and not os.path.exists(value))


def _labelled(data: bytes, image_format: common_pb2.ImageFormat, label: Label | None) -> unlearning_pb2.LabelledImage:
    return unlearning_pb2.LabelledImage(image=common_pb2.Image(format=image_format, data=data),
                                        label="" if label is None else str(label))


def _path(path: Path, label: Label | None) -> Iterator[unlearning_pb2.LabelledImage]:
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if _is_image(file.relative_to(path)) and file.is_file())
        if not files:
            raise ValueError(f"{path} holds no .png, .jpg or .jpeg file")
        for file in files:
            yield _file(file, label if label is not None else _folder(file.relative_to(path)))
    elif not path.exists():
        raise FileNotFoundError(path)
    elif path.suffix.lower() == ".zip":
        yield from _zip(path, label)
    elif path.suffix.lower() in _FORMATS:
        yield _file(path, label)
    else:
        raise ValueError(f"{path} is not named .png, .jpg, .jpeg or .zip")


def _zip(path: Path, label: Label | None) -> Iterator[unlearning_pb2.LabelledImage]:
    with zipfile.ZipFile(path) as archive:
        entries = sorted((entry for entry in archive.infolist()
                          if not entry.is_dir() and _is_image(PurePosixPath(entry.filename))),
                         key=lambda entry: PurePosixPath(entry.filename))
        if not entries:
            raise ValueError(f"{path} holds no .png, .jpg or .jpeg file")
        for entry in entries:
            name = PurePosixPath(entry.filename)
            _check_size(f"{path}:{name}", entry.file_size)
            yield _labelled(archive.read(entry), _FORMATS[name.suffix.lower()],
                            label if label is not None else _folder(name))


def _file(file: Path, label: Label | None) -> unlearning_pb2.LabelledImage:
    _check_size(str(file), file.stat().st_size)
    return _labelled(file.read_bytes(), _FORMATS[file.suffix.lower()], label)


def _check_size(name: str, size: int) -> None:
    if size > _MAX_FILE_BYTES:
        raise ValueError(f"{name} is larger than {_MAX_FILE_BYTES >> 20} MiB")


def _folder(relative: PurePath) -> str:
    return relative.parent.name


def _is_image(relative: PurePath) -> bool:
    # Not what file managers leave behind.
    return relative.suffix.lower() in _FORMATS and not any(
        part.startswith(".") or part == "__MACOSX" for part in relative.parts)


def _format_of(data: bytes) -> common_pb2.ImageFormat:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return common_pb2.IMAGE_FORMAT_PNG
    if data.startswith(b"\xff\xd8\xff"):
        return common_pb2.IMAGE_FORMAT_JPEG
    raise ValueError("bytes are neither a PNG nor a JPEG file")


def _png(picture: Pillow.Image) -> bytes:
    out = io.BytesIO()
    (picture if picture.mode in ("L", "RGB") else picture.convert("RGB")).save(out, "PNG")
    return out.getvalue()


def pictures(tensor: Any) -> Iterator[Pillow.Image]:
    """The pictures of an array or a tensor, in the forms that `read` takes."""
    array = np.asarray(tensor.detach().cpu().numpy() if hasattr(tensor, "detach") else tensor)
    for image in _batch(array):
        yield Pillow.fromarray(np.ascontiguousarray(image))


def _batch(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """uint8 [N, H, W] or [N, H, W, 3]."""
    shape = array.shape
    if array.ndim == 2:
        array = array[None]
    elif array.ndim == 3 and shape[-1] in (1, 3):
        array = array[None]
    elif array.ndim == 3 and shape[0] == 3:
        raise ValueError(f"an array of shape {list(shape)} may be three grey images or one in colour: "
                         "give it as [3, 1, H, W] or [1, 3, H, W]")
    elif array.ndim == 4 and shape[-1] not in (1, 3) and shape[1] in (1, 3):
        array = array.transpose(0, 2, 3, 1)
    elif array.ndim != 3 and not (array.ndim == 4 and shape[-1] in (1, 3)):
        raise ValueError(f"an array of shape {list(shape)} holds no images: [N, H, W], [N, H, W, C] or [N, C, H, W] "
                         "with C 1 or 3 does")
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind != "f":
        raise ValueError(f"an array of {array.dtype} holds no images: uint8 from 0 to 255 and floats from -1 to 1 do")
    if not np.all(np.abs(array) <= 1.001):
        raise ValueError(f"pixels from {array.min()} to {array.max()}: floats must be from -1 to 1")
    rounded: np.ndarray[Any, Any] = np.clip(np.rint((array.astype(np.float64) + 1) * 127.5), 0, 255).astype(np.uint8)
    return rounded

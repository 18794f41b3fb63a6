"""Images to upload: from folders, zip files, files, pictures, arrays and tensors, read as they are sent."""

from __future__ import annotations

import io
import itertools
import os
import re
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, Union

import numpy as np
from PIL import Image as Pillow

from .errors import InvalidArgument, LetheError
from .fields import build
from .v1 import common_pb2, unlearning_pb2

#: A path, a picture, the bytes of a PNG, JPEG or WebP file, an array or a tensor; an image with its label; or many of these.
Source = Union[str, "os.PathLike[str]", bytes, Pillow.Image, Any]
Label = Union[str, int]

# The server reads no larger ones.
_MAX_FILE_BYTES = 31 << 20
# Well below the server's limit of one message; an image larger than this goes alone.
_MESSAGE_BYTES = 1 << 20
# What file managers leave behind, beside files whose names begin with a dot.
_LITTER = {"thumbs.db", "desktop.ini", "__macosx"}
# What the server says of a message, without knowing which it is: it has not read it.
_ABOVE_LIMIT = re.compile(r"a message of \w+ exceeds the limit of (\d+) bytes")
# Bytes that tell what a file is.
_START = 12
# Reading a pipe might never end.
_NO_FILE = "no regular file, but a pipe, a socket or a device"
# Files that an error lists; it counts the rest.
_LISTED = 20


def messages(spec: unlearning_pb2.UnlearnSpec, unlearn: Iterable[unlearning_pb2.LabelledImage],
             learn: Iterable[unlearning_pb2.LabelledImage]) -> Iterator[unlearning_pb2.SubmitRequest]:
    """The specification, then the images in order, several in a message."""
    yield unlearning_pb2.SubmitRequest(spec=spec)
    for role, images in ((unlearning_pb2.IMAGE_ROLE_UNLEARN, _told(unlearn, "unlearn")),
                         (unlearning_pb2.IMAGE_ROLE_LEARN, _told(learn, "learn"))):
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


def _told(images: Iterable[unlearning_pb2.LabelledImage], role: str) -> Iterator[unlearning_pb2.LabelledImage]:
    """The same images; of one that is refused here, the error has its place in the request as field."""
    at = 0
    try:
        for image in images:
            yield image
            at += 1
    except InvalidArgument as error:
        raise error.within(f"{role} images[{at}]") from None


def _message(role: unlearning_pb2.ImageRole, images: list[unlearning_pb2.LabelledImage]) -> unlearning_pb2.SubmitRequest:
    return unlearning_pb2.SubmitRequest(images=unlearning_pb2.UploadedImages(role=role, images=images))


class Sending:
    """Messages on their way, by a thread of gRPC's, and why there were no more of them."""

    def __init__(self, messages: Iterable[unlearning_pb2.SubmitRequest]) -> None:
        self._messages = iter(messages)
        self._places: dict[str, str] = {}
        self._counts = {"unlearn": 0, "learn": 0}
        # Bytes, place and name of images that go alone: a server may take smaller messages than this client sends.
        self._large: list[tuple[int, str, str]] = []
        self.failure: Exception | None = None

    def __iter__(self) -> Sending:
        return self

    def __next__(self) -> unlearning_pb2.SubmitRequest:
        try:
            message = next(self._messages)
        except StopIteration:
            raise
        except Exception as failure:
            self.failure = failure
            raise
        role = "learn" if message.images.role == unlearning_pb2.IMAGE_ROLE_LEARN else "unlearn"
        for image in message.images.images:
            if image.name:
                self._places.setdefault(image.name, f"{role} images[{self._counts[role]}]")
            self._counts[role] += 1
        if len(message.images.images) == 1 and message.ByteSize() > _MESSAGE_BYTES:
            self._large.append((message.ByteSize(), f"{role} images[{self._counts[role] - 1}]", message.images.images[0].name))
        return message

    def placed(self, error: LetheError) -> LetheError:
        """The same error. The server calls images by their files' names, if they have any; a field is their place."""
        for part, name in (("image", error.message.split(": ")[0]), ("label", error.message.split(", label: ")[0])):
            if name in self._places:
                error.field = f"{self._places[name]}.{part}"
        limit = _ABOVE_LIMIT.search(error.message)
        for size, place, name in self._large if limit else ():
            if limit and size > int(limit[1]):
                error.field = f"{place}.image"
                error.message = f"{name or error.field}: {error.message}"
                break
        return error


def repeatable(source: Source) -> Source:
    """The same images, as something that can be read more than once."""
    return list(source) if isinstance(source, Iterator) else source


def read(source: Source, label: Label | None = None, skip: bool = False) -> Iterator[unlearning_pb2.LabelledImage]:
    """The images of a source, one at a time.

    Files are PNG, JPEG or WebP, by their contents. In a folder or a zip file, the name of the sub-folder that an image
    lies in is its label, unless `label` is given; other files in there are refused, or with `skip` left out with a
    warning.
    Arrays and tensors: uint8 from 0 to 255, or floats from -1 to 1; [N, H, W], [N, H, W, C] or [N, C, H, W] with C 1 or
    3, or a single [H, W] or [H, W, C].

    Raises OSError for a file that cannot be read, InvalidArgument for one that is no image, TypeError for what is neither.
    """
    if isinstance(source, (str, os.PathLike)):
        yield from _path(Path(source), label, skip)
    elif isinstance(source, bytes):
        reason = _wrong(source)
        if reason:
            raise InvalidArgument(f"the bytes are {reason}")
        yield _labelled(source, _format_of(source), label)
    elif isinstance(source, Pillow.Image):
        yield _labelled(_png(source), common_pb2.IMAGE_FORMAT_PNG, label)
    elif hasattr(source, "detach") or isinstance(source, np.ndarray):
        for picture in pictures(source):
            yield _labelled(_png(picture), common_pb2.IMAGE_FORMAT_PNG, label)
    elif isinstance(source, tuple) and len(source) == 2 and _is_label(source[1]):
        yield from read(source[0], source[1] if label is None else label, skip)
    elif isinstance(source, Iterable):
        for one in source:
            yield from read(one, label, skip)
    else:
        raise TypeError(f"{type(source).__name__} is no image: give a path, a picture, bytes, an array or a tensor")


def one(source: Source, label: Label | None) -> unlearning_pb2.LabelledImage:
    """The only image of a source."""
    try:
        images = list(itertools.islice(read(source, label), 2))
    except InvalidArgument as error:
        raise error.within("") from None
    if len(images) != 1:
        raise InvalidArgument(f"image: give one, not {'more' if images else 'none'}")
    return images[0]


def _is_label(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) or (isinstance(value, str) and not os.path.exists(value))


def _labelled(data: bytes, image_format: common_pb2.ImageFormat, label: Label | None, name: str = ""
              ) -> unlearning_pb2.LabelledImage:
    # Names of files may be any bytes, and are for errors alone.
    return build(unlearning_pb2.LabelledImage, label="" if label is None else str(label),
                 name=name.encode("utf-8", "replace").decode(), image=common_pb2.Image(format=image_format, data=data))


def _path(path: Path, label: Label | None, skip: bool) -> Iterator[unlearning_pb2.LabelledImage]:
    if path.is_dir():
        root = path.resolve()
        # Links are not followed out of the folder: one may lead to any file of the machine.
        files = sorted(file for file in path.rglob("*") if _is_wanted(file.relative_to(path)) and file.exists()
                       and not file.is_dir() and file.resolve().is_relative_to(root))
        yield from _files(path, ((file.relative_to(path), _start(file) if file.is_file() else None) for file in files),
                          lambda name: (path / name).read_bytes(), label, skip)
    elif not path.exists():
        raise FileNotFoundError(path)
    elif not path.is_file():
        raise InvalidArgument(f"{path} is {_NO_FILE}")
    elif path.suffix.lower() == ".zip":
        with _opened(path) as archive:
            entries = {PurePosixPath(entry.filename): entry for entry in archive.infolist()
                       if not entry.is_dir() and _is_wanted(PurePosixPath(entry.filename))}

            def start(entry: zipfile.ZipInfo) -> tuple[bytes, int]:
                with archive.open(entry) as opened:
                    return opened.read(_START), entry.file_size

            yield from _files(path, ((name, start(entries[name])) for name in sorted(entries)),
                              lambda name: archive.read(entries[name]), label, skip)
    else:
        reason = _wrong(*_start(path))
        if reason:
            raise InvalidArgument(f"{path} is {reason}")
        data = path.read_bytes()
        yield _labelled(data, _format_of(data), label, str(path))


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise InvalidArgument(f"{path} cannot be read as a zip file: {error}") from None


def _files(root: Path, files: Iterable[tuple[Any, tuple[bytes, int] | None]], read_bytes: Callable[[Any], bytes],
           label: Label | None, skip: bool) -> Iterator[unlearning_pb2.LabelledImage]:
    """Those of a folder or a zip file. All are looked at before the first is read: what is refused is refused at once."""
    looked = [(name, _wrong(*start) if start else _NO_FILE) for name, start in files]
    others = [f"{name} ({reason})" for name, reason in looked if reason]
    if others and not skip:
        more = f" and {len(others) - _LISTED} more" if len(others) > _LISTED else ""
        raise InvalidArgument(f"{root} holds files that are not taken: {', '.join(others[:_LISTED])}{more}; take them out, or "
                         "leave them out with skip_unreadable")
    for other in others:
        warnings.warn(f"{root}: left out {other}", stacklevel=2)
    if len(others) == len(looked):
        raise InvalidArgument(f"{root} holds no PNG, JPEG or WebP file")
    for name, reason in looked:
        if not reason:
            data = read_bytes(name)
            yield _labelled(data, _format_of(data), label if label is not None else name.parent.name,
                            str(root / name))


def _start(file: Path) -> tuple[bytes, int]:
    """The first bytes of a file, and how many it has."""
    with file.open("rb") as opened:
        return opened.read(_START), file.stat().st_size


def _is_wanted(relative: PurePath) -> bool:
    return not any(part.startswith(".") or part.lower() in _LITTER for part in relative.parts)


def _wrong(data: bytes, size: int | None = None) -> str | None:
    """Why a file that begins so is not taken; None if it is."""
    size = len(data) if size is None else size
    if size > _MAX_FILE_BYTES:
        return f"larger than {_MAX_FILE_BYTES >> 20} MiB"
    if size == 0:
        return "empty"
    if _format_of(data) != common_pb2.IMAGE_FORMAT_UNSPECIFIED or data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return None
    if data[:4] == b"GIF8":
        return "a GIF image; save it as PNG, JPEG or WebP"
    if data[4:8] == b"ftyp":
        return ("a HEIC image, which is not read here; save it as JPEG" if data[8:10] == b"he" or data[8:11] == b"mif"
                else "an AVIF image or a video; save it as JPEG or PNG")
    return "no PNG, JPEG or WebP image"


def _format_of(data: bytes) -> common_pb2.ImageFormat:
    """What the protocol calls it; WebP has no name there, and is known by its contents."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return common_pb2.IMAGE_FORMAT_PNG
    return common_pb2.IMAGE_FORMAT_JPEG if data.startswith(b"\xff\xd8\xff") else common_pb2.IMAGE_FORMAT_UNSPECIFIED


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
        raise InvalidArgument(f"an array of shape {list(shape)} may be three grey images or one in colour: "
                         "give it as [3, 1, H, W] or [1, 3, H, W]")
    elif array.ndim == 4 and shape[-1] not in (1, 3) and shape[1] in (1, 3):
        array = array.transpose(0, 2, 3, 1)
    elif array.ndim != 3 and not (array.ndim == 4 and shape[-1] in (1, 3)):
        raise InvalidArgument(f"an array of shape {list(shape)} holds no images: [N, H, W], [N, H, W, C] or [N, C, H, W] "
                         "with C 1 or 3 does")
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind != "f":
        raise InvalidArgument(f"an array of {array.dtype} holds no images: uint8 from 0 to 255 and floats from -1 to 1 do")
    if not np.all(np.abs(array) <= 1.001):
        raise InvalidArgument(f"pixels from {array.min()} to {array.max()}: floats must be from -1 to 1")
    rounded: np.ndarray[Any, Any] = np.clip(np.rint((array.astype(np.float64) + 1) * 127.5), 0, 255).astype(np.uint8)
    return rounded

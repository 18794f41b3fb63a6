"""What the server draws, as pictures and arrays."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from .v1 import common_pb2, generation_pb2


class GeneratedImage:
    """One image. Its bytes are decoded when they are asked for."""

    __slots__ = ("proto",)

    def __init__(self, proto: generation_pb2.GeneratedImage) -> None:
        #: The message as it came.
        self.proto = proto

    @property
    def index(self) -> int:
        """Its place in the request."""
        return self.proto.index

    @property
    def seed(self) -> int | None:
        """The seed that it comes from, None where it comes from z or w."""
        return self.proto.seed if self.proto.HasField("seed") else None

    @property
    def label(self) -> str | None:
        """Its class; None of unconditional models, and where it comes from w."""
        return self.proto.label if self.proto.HasField("label") else None

    @property
    def version(self) -> str:
        """The version that made it."""
        return self.proto.version

    @property
    def w(self) -> npt.NDArray[np.float32] | None:
        """[num_ws * w_dim], which `generate(w=...)` takes; None unless include_w asked for it."""
        return np.array(self.proto.w.values, np.float32) if self.proto.HasField("w") else None

    @property
    def data(self) -> bytes:
        """A PNG or JPEG file, or with format="raw" little-endian floats."""
        return self.proto.image.data

    def pil(self) -> Pillow.Image:
        """The picture, of mode L or RGB."""
        if self.proto.image.format != common_pb2.IMAGE_FORMAT_RAW:
            picture = Pillow.open(io.BytesIO(self.data))
            picture.load()
            return picture
        pixels = np.clip(np.rint((self.array() + 1) * 127.5), 0, 255).astype(np.uint8)
        return Pillow.fromarray(pixels[0] if pixels.shape[0] == 1 else pixels.transpose(1, 2, 0))

    def array(self) -> npt.NDArray[Any]:
        """uint8 [H, W] or [H, W, 3]; with format="raw" float32 [C, H, W], about -1 to 1."""
        image = self.proto.image
        if image.format == common_pb2.IMAGE_FORMAT_RAW:
            return np.frombuffer(image.data, "<f4").reshape(tuple(image.shape))
        return np.asarray(self.pil())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        array = self.array()
        return array if dtype is None else array.astype(dtype)

    def __repr__(self) -> str:
        return f"GeneratedImage(index={self.index}, seed={self.seed}, label={self.label!r}, version={self.version!r})"


class Images(Sequence[GeneratedImage]):
    """All images of one answer."""

    __slots__ = ("proto",)

    def __init__(self, proto: generation_pb2.GenerateResponse) -> None:
        #: The message as it came.
        self.proto = proto

    @property
    def model(self) -> str:
        return self.proto.model

    @property
    def version(self) -> str:
        """The version that made all of them."""
        return self.proto.version

    def array(self) -> npt.NDArray[Any]:
        """uint8 [N, H, W] or [N, H, W, 3]; with format="raw" float32 [N, C, H, W]."""
        return np.stack([image.array() for image in self])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        array = self.array()
        return array if dtype is None else array.astype(dtype)

    def __len__(self) -> int:
        return len(self.proto.images)

    @overload
    def __getitem__(self, at: int) -> GeneratedImage: ...

    @overload
    def __getitem__(self, at: slice) -> list[GeneratedImage]: ...

    def __getitem__(self, at: int | slice) -> GeneratedImage | list[GeneratedImage]:
        if isinstance(at, slice):
            return [GeneratedImage(image) for image in self.proto.images[at]]
        return GeneratedImage(self.proto.images[at])

    def __repr__(self) -> str:
        return f"Images({len(self)} of {self.model} {self.version})"

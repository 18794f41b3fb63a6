"""What proves an erasure, and what was found of images in a model."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Union

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from .errors import LetheError
from .v1 import inspection_pb2, model_pb2, unlearning_pb2

#: Told how far a call is: stage, step of steps, fraction of it all, seconds_left.
OnProgress = Callable[[unlearning_pb2.Progress], Any]


class Certificate:
    """What proves an erasure. `proto` has each file's contents; docs/proof.md says how to verify them."""

    def __init__(self, proto: model_pb2.GetErasureCertificateResponse) -> None:
        #: The message as it came: certificate, report, model_signature, public_key, page_html, page_pdf.
        self.proto = proto

    @property
    def model(self) -> str:
        return self.proto.model

    @property
    def version(self) -> str:
        """The version that came from the erasure."""
        return self.proto.version

    def save(self, folder: Union[str, "os.PathLike[str]"]) -> list[Path]:
        """Writes its files, named as ./lethe certificate names them; the folder is made if it is not there."""
        proto = self.proto
        contents = {"erasure.sigstore.json": proto.certificate, "report.json": proto.report,
                    "model.sig": proto.model_signature, "signing.pem.pub": proto.public_key.encode(),
                    "certificate.html": proto.page_html, "certificate.pdf": proto.page_pdf}
        Path(folder).mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (Path(folder) / name).write_bytes(content)
        return [Path(folder) / name for name in contents]

    def __repr__(self) -> str:
        return f"Certificate(model={self.model!r}, version={self.version!r})"


class Projection:
    """The latents at which a model draws what is nearest to an image."""

    def __init__(self, proto: inspection_pb2.Projection) -> None:
        #: The message as it came, with all that the properties leave out.
        self.proto = proto

    @property
    def w(self) -> npt.NDArray[np.float32]:
        """[w_dim], in space w-plus [num_ws * w_dim]; `generate(w=...)` draws it again."""
        return np.array(self.proto.w.values, np.float32)

    @property
    def error(self) -> float:
        """Mean squared error, pixels being from -1 to 1."""
        return self.proto.error

    @property
    def version(self) -> str:
        """The version that was looked in."""
        return self.proto.version

    @property
    def preparation(self) -> str:
        """What was done to the image so that the model takes it; empty if nothing was."""
        return self.proto.preparation

    def pil(self) -> Pillow.Image:
        """What the model draws there."""
        picture = Pillow.open(io.BytesIO(self.proto.image_png))
        picture.load()
        return picture

    def __repr__(self) -> str:
        return f"Projection(version={self.version!r}, error={self.error:.4f})"


def last_of(events: Iterable[Any], result: str, progress: OnProgress | None) -> Any:
    """The result that ends a call's events; tells of its progress until then."""
    found = None
    for event in events:
        if event.HasField("progress"):
            if progress is not None:
                progress(event.progress)
        else:
            found = getattr(event, result)
    if found is None:
        raise LetheError("the server ended the call without an answer")
    return found

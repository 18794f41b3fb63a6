"""Unlearning jobs, as they were when the server last told."""

from __future__ import annotations

import io

from PIL import Image as Pillow

from .specs import word
from .v1 import unlearning_pb2

_STATE = unlearning_pb2.DESCRIPTOR.enum_types_by_name["JobState"]
_ENDED = {unlearning_pb2.JOB_STATE_SUCCEEDED, unlearning_pb2.JOB_STATE_FAILED, unlearning_pb2.JOB_STATE_CANCELLED}


class JobSnapshot:
    """A job at one moment."""

    def __init__(self, proto: unlearning_pb2.Job) -> None:
        #: The message as it came, with all that the properties leave out.
        self.proto = proto

    @property
    def id(self) -> str:
        return self.proto.id

    @property
    def state(self) -> str:
        """queued, running, succeeded, failed or cancelled."""
        return word(_STATE, self.proto.state)

    @property
    def ended(self) -> bool:
        return self.proto.state in _ENDED

    @property
    def progress(self) -> unlearning_pb2.Progress:
        """stage, step of steps, fraction of the whole job from 0 to 1, seconds_left, values by name."""
        return self.proto.progress

    @property
    def message(self) -> str:
        """Why it failed, or why its candidate was not promoted."""
        return self.proto.message

    @property
    def new_version(self) -> str | None:
        """The version that it made; None until there is one."""
        return self.proto.new_version or None

    @property
    def promoted(self) -> bool:
        """True once the version that it made serves."""
        return self.proto.promoted

    def __repr__(self) -> str:
        return f"{type(self).__name__}(id={self.id!r}, state={self.state!r})"


class Report:
    """What an ended job measured, and its pictures."""

    def __init__(self, proto: unlearning_pb2.GetReportResponse) -> None:
        #: Figures by the names of report.json, each explained in the protocol.
        self.figures = proto.report
        #: PNG file: the unlearned images, what the original draws for them, and what the new version draws.
        self.before_after_png = proto.before_after_png

    def pil(self) -> Pillow.Image:
        """The picture of before and after."""
        picture = Pillow.open(io.BytesIO(self.before_after_png))
        picture.load()
        return picture

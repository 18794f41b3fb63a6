"""Each call of the server: its message, its stub, and what is made of its answer. Both clients send what is built here."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, Union

import numpy as np
import numpy.typing as npt

from .errors import InvalidArgument
from .fields import assign, build, extend, wrong
from .images import GeneratedImage, Images
from .proofs import Certificate
from .specs import number, word
from .v1 import common_pb2, generation_pb2, generation_pb2_grpc, inspection_pb2, inspection_pb2_grpc, model_pb2
from .v1 import model_pb2_grpc, unlearning_pb2, unlearning_pb2_grpc

T = TypeVar("T")
Format = Literal["png", "jpeg", "raw"]
Noise = Literal["const", "none", "random"]
Space = Literal["w", "w-plus"]
Fit = Literal["exact", "pad", "crop", "resize"]
Seeds = Union[int, Iterable[int]]

_FORMAT = common_pb2.DESCRIPTOR.enum_types_by_name["ImageFormat"]
_NOISE = generation_pb2.DESCRIPTOR.enum_types_by_name["NoiseMode"]
_SPACE = inspection_pb2.DESCRIPTOR.enum_types_by_name["ProjectionSpace"]
_STATE = model_pb2.DESCRIPTOR.enum_types_by_name["VersionState"]
_FIT = unlearning_pb2.DESCRIPTOR.enum_types_by_name["ImageFit"]


class Stubs:
    """The generated stubs of one channel, sync or asyncio."""

    def __init__(self, channel: Any) -> None:
        generation = generation_pb2_grpc.GenerationServiceStub(channel)
        models = model_pb2_grpc.ModelServiceStub(channel)
        unlearning = unlearning_pb2_grpc.UnlearningServiceStub(channel)
        inspection = inspection_pb2_grpc.InspectionServiceStub(channel)
        self.generate = generation.Generate
        self.generate_stream = generation.GenerateStream
        self.list_models = models.ListModels
        self.list_versions = models.ListVersions
        self.get_card = models.GetCard
        self.get_active_version = models.GetActiveVersion
        self.activate = models.Activate
        self.retire = models.Retire
        self.purge = models.Purge
        self.get_certificate = models.GetErasureCertificate
        self.submit = unlearning.Submit
        self.watch = unlearning.Watch
        self.get_job = unlearning.GetJob
        self.list_jobs = unlearning.ListJobs
        self.cancel_job = unlearning.CancelJob
        self.approve_job = unlearning.ApproveJob
        self.reject_job = unlearning.RejectJob
        self.retry_job = unlearning.RetryJob
        self.delete_job = unlearning.DeleteJob
        self.get_report = unlearning.GetReport
        self.inspect = inspection.Inspect
        self.project = inspection.Project


@dataclass(frozen=True)
class Call(Generic[T]):
    """One call with one message.

    stub: its name in Stubs; result: what the caller gets of an answer; repeatable: whether it may be made again when
    nobody knows if the server has seen it.
    """

    stub: str
    message: Any
    result: Callable[[Any], T]
    repeatable: bool = True


@dataclass(frozen=True)
class Version:
    """A version of a model; state is available, loading, active, draining, candidate, retired or purged; parent is None
    if trained from scratch; retired_reason is None unless it is retired or purged.
    """

    model: str
    version: str
    state: str
    parent: str | None
    unlearned_labels: tuple[str, ...]
    retired_reason: str | None = None


@dataclass(frozen=True)
class Activation:
    """What a swap has done; previous is None if the model was unloaded."""

    model: str
    version: str
    previous: str | None


def _request(seeds: Seeds | None, z: npt.ArrayLike | None, w: npt.ArrayLike | None, label: str | int | None,
             psi: float | None, count: int | None, format: Format, model: str, version: str, noise_mode: Noise,
             include_w: bool) -> generation_pb2.GenerateRequest:
    if sum(source is not None for source in (seeds, z, w)) > 1:
        raise InvalidArgument("seeds: give one of seeds, z and w")
    request = build(generation_pb2.GenerateRequest, model=model, version=version,
                    label="" if label is None else str(label), format=number(_FORMAT, "format", format),
                    noise_mode=number(_NOISE, "noise_mode", noise_mode), include_w=include_w)
    if seeds is not None:
        request.seeds.SetInParent()
        extend(request.seeds, "values", seeds, "seeds")
    elif z is not None:
        _vectors(request.z, "z", z, 2)
    elif w is not None:
        _vectors(request.w, "w", w, 3)
    if psi is not None:
        assign(request, "psi", psi)
    if count is not None:
        assign(request, "count", count)
    return request


def _vectors(vectors: generation_pb2.Vectors, name: str, values: npt.ArrayLike, most_axes: int) -> None:
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    try:
        array = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError, OverflowError):
        raise _no_latents(name, values) from None
    if array.ndim == 1:
        # One image's, or none.
        array = array[None] if array.size else array.reshape(0, 0)
    if not 2 <= array.ndim <= most_axes:
        raise InvalidArgument(f"{name}: has the shape {list(array.shape)}; it must be [n, {name}_dim]"
                              + (" or [n, num_ws, w_dim]" if most_axes == 3 else ""))
    vectors.SetInParent()
    # Without rows -1 stands for nothing; that there is none is for the server to refuse.
    for row in array.reshape(len(array), math.prod(array.shape[1:])):
        vectors.values.add().values.extend(row.tolist())


def _no_latents(name: str, values: Any) -> InvalidArgument:
    """What is wrong of values that are no array of numbers: the first that is none, if it is that."""
    for n, row in enumerate(values if isinstance(values, (list, tuple)) else ()):
        for at, one in enumerate(row if isinstance(row, (list, tuple)) else ()):
            if not isinstance(one, (numbers.Real, list, tuple, np.ndarray)):
                return wrong(f"{name}[{n}][{at}]", one, "a number")
    return wrong(name, values, f"an array of numbers, [n, {name}_dim]")


def generate(seeds: Seeds | None, z: npt.ArrayLike | None, w: npt.ArrayLike | None, label: str | int | None,
             psi: float | None, count: int | None, format: Format, model: str, version: str, noise_mode: Noise,
             include_w: bool) -> Call[Images]:
    return Call("generate", _request(seeds, z, w, label, psi, count, format, model, version, noise_mode, include_w), Images)


def generate_stream(seeds: Seeds | None, z: npt.ArrayLike | None, w: npt.ArrayLike | None, label: str | int | None,
                    psi: float | None, count: int | None, format: Format, model: str, version: str, noise_mode: Noise,
                    include_w: bool) -> Call[GeneratedImage]:
    return Call("generate_stream",
                _request(seeds, z, w, label, psi, count, format, model, version, noise_mode, include_w), GeneratedImage)


def models() -> Call[list[str]]:
    return Call("list_models", model_pb2.ListModelsRequest(), lambda answer: list(answer.models))


def versions(model: str) -> Call[list[Version]]:
    return Call("list_versions", build(model_pb2.ListVersionsRequest, model=model),
                lambda answer: [_version(one) for one in answer.versions])


def _version(one: model_pb2.ModelVersion) -> Version:
    return Version(one.model, one.version, word(_STATE, one.state), one.parent_version or None,
                   tuple(one.unlearned_labels), one.retired_reason or None)


def active_version(model: str) -> Call[str]:
    return Call("get_active_version", build(model_pb2.GetActiveVersionRequest, model=model), lambda answer: answer.version)


def card(model: str, version: str, read: Callable[[str], T]) -> Call[T]:
    return Call("get_card", build(model_pb2.GetCardRequest, model=model, version=version),
                lambda answer: read(answer.card_json))


def activate(model: str, version: str, override_reason: str) -> Call[Activation]:
    return Call("activate",
                build(model_pb2.ActivateRequest, model=model, version=version, override_reason=override_reason),
                lambda answer: Activation(answer.model, answer.version, answer.previous_version or None),
                repeatable=False)


def retire(model: str, version: str, reason: str) -> Call[Version]:
    return Call("retire", build(model_pb2.RetireRequest, model=model, version=version, reason=reason),
                lambda answer: _version(answer.version), repeatable=False)


def purge(model: str, version: str) -> Call[list[str]]:
    return Call("purge", build(model_pb2.PurgeRequest, model=model, version=version),
                lambda answer: list(answer.deleted_files), repeatable=False)


def certificate(job_id: str, model: str, version: str) -> Call[Certificate]:
    if job_id and (model or version):
        raise InvalidArgument("job_id: goes without model and version; give either")
    return Call("get_certificate",
                build(model_pb2.GetErasureCertificateRequest, job_id=job_id, model=model, version=version), Certificate)


def project(image: unlearning_pb2.LabelledImage, model: str, version: str, space: Space, steps: int | None, seed: int,
            fit: Fit, background: int | None) -> inspection_pb2.ProjectRequest:
    request = build(inspection_pb2.ProjectRequest, model=model, version=version, space=number(_SPACE, "space", space),
                    seed=seed, fit=number(_FIT, "fit", fit))
    request.image.CopyFrom(image)
    if steps is not None:
        assign(request, "steps", steps)
    if background is not None:
        assign(request, "background", background)
    return request


def job(job_id: str, result: Callable[[unlearning_pb2.Job], T]) -> Call[T]:
    return Call("get_job", build(unlearning_pb2.GetJobRequest, job_id=job_id), result)


def jobs(page: str, result: Callable[[unlearning_pb2.Job], T]) -> Call[tuple[list[T], str]]:
    """A page of them, and what the next one is asked for by, empty after the last."""
    return Call("list_jobs", build(unlearning_pb2.ListJobsRequest, page_token=page),
                lambda answer: ([result(one) for one in answer.jobs], answer.next_page_token))


def cancel(job_id: str, result: Callable[[unlearning_pb2.Job], T]) -> Call[T]:
    return Call("cancel_job", build(unlearning_pb2.CancelJobRequest, job_id=job_id), result, repeatable=False)


def approve(job_id: str, reason: str, result: Callable[[unlearning_pb2.Job], T]) -> Call[T]:
    return Call("approve_job", build(unlearning_pb2.ApproveJobRequest, job_id=job_id, reason=reason), result,
                repeatable=False)


def reject(job_id: str, reason: str, result: Callable[[unlearning_pb2.Job], T]) -> Call[T]:
    return Call("reject_job", build(unlearning_pb2.RejectJobRequest, job_id=job_id, reason=reason), result,
                repeatable=False)


def retry(job_id: str, result: Callable[[unlearning_pb2.Job], T]) -> Call[T]:
    return Call("retry_job", build(unlearning_pb2.RetryJobRequest, job_id=job_id), result, repeatable=False)


def delete(job_id: str) -> Call[None]:
    return Call("delete_job", build(unlearning_pb2.DeleteJobRequest, job_id=job_id), lambda answer: None,
                repeatable=False)


def report(job_id: str, result: Callable[[unlearning_pb2.GetReportResponse], T]) -> Call[T]:
    return Call("get_report", build(unlearning_pb2.GetReportRequest, job_id=job_id), result)

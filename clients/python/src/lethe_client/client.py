"""The client that blocks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import numpy.typing as npt

from . import requests, specs, uploads
from .connection import Connection, Path
from .errors import Unavailable
from .fields import build
from .images import GeneratedImage, Images
from .jobs import JobSnapshot, Report
from .proofs import Certificate, OnProgress, Projection, last_of
from .requests import Activation, Call, Fit, Format, Noise, Seeds, Space, Stubs, Version
from .retry import Attempts, Patience, Retry, limit
from .v1 import inspection_pb2, unlearning_pb2

if TYPE_CHECKING:
    from typing_extensions import Unpack

T = TypeVar("T")


class Job(JobSnapshot):
    """A job of a client: as it was when the server last told, and what can be done with it."""

    def __init__(self, proto: unlearning_pb2.Job, client: Client) -> None:
        super().__init__(proto)
        self._client = client

    def watch(self, timeout: float | None = None) -> Iterator[JobSnapshot]:
        """The job as it is now, then after every change, until it has ended; this object changes along.

        A connection that breaks on the way is made again. Raises LetheError.
        """
        for now in self._client._watch(self.id, timeout):
            self.proto = now
            yield JobSnapshot(now)

    def wait(self, timeout: float | None = None) -> Job:
        """Returns this job once it has ended, whatever its state then is."""
        for _ in self.watch(timeout):
            pass
        return self

    def refresh(self) -> Job:
        """Asks how it is now."""
        self.proto = self._client.job(self.id).proto
        return self

    def cancel(self) -> Job:
        """Ends it; FailedPrecondition if it has ended already."""
        self.proto = self._client.cancel(self.id).proto
        return self

    def approve(self, reason: str = "") -> Job:
        """Promotes its candidate, where it awaits approval."""
        self.proto = self._client.approve(self.id, reason).proto
        return self

    def reject(self, reason: str = "") -> Job:
        """Leaves its candidate one, where it awaits approval."""
        self.proto = self._client.reject(self.id, reason).proto
        return self

    def retry(self) -> Job:
        """Queues it once more, if it failed or was cancelled and its images are kept."""
        self.proto = self._client.retry(self.id).proto
        return self

    def delete(self) -> None:
        """Deletes what the server knows of it, once it has ended."""
        self._client.delete(self.id)

    def certificate(self) -> Certificate:
        """What proves its erasure; FailedPrecondition until its candidate is promoted."""
        return self._client.certificate(self.id)

    def report(self) -> Report:
        """What it measured; FailedPrecondition until it has."""
        return self._client.report(self.id)


class Client:
    """A Lethe server. Threads may share one client, and one serves a whole application.

    address: HOST:PORT; HOST, with port 8080; http://HOST[:PORT], without TLS (port 80); https://HOST[:PORT], with TLS (port
    443); or a name of gRPC's own, such as dns:///HOST:PORT. token: bearer token, or a function that gives one for each call. tls: trust the authorities that
    gRPC trusts; ca: those of this PEM file alone; certificate, key: PEM files to show the server (mutual TLS). What is
    not given here comes from LETHE_SERVER, LETHE_TOKEN, LETHE_TLS_CA, LETHE_CERT and LETHE_KEY; the address is
    localhost:8080 if from nowhere. timeout: seconds for each call, above 0, its repetitions included, unless the call says
    otherwise; None: no limit; uploads and watches have the limit of their own calls alone. retry: when calls are made
    again.

    Methods raise LetheError.
    """

    def __init__(self, address: str | None = None, *, token: str | Callable[[], str] | None = None, tls: bool = False,
                 ca: Path | None = None, certificate: Path | None = None, key: Path | None = None,
                 timeout: float | None = None, retry: Retry = Retry()) -> None:
        self._timeout = limit(timeout)
        self._connection = Connection(address, token, tls, ca, certificate, key)
        self._channel = self._connection.open(grpc.insecure_channel, grpc.secure_channel)
        self._stubs = Stubs(self._channel)
        self._retry = retry

    def generate(self, seeds: Seeds | None = None, *, z: npt.ArrayLike | None = None, w: npt.ArrayLike | None = None,
                 label: str | int | None = None, psi: float | None = None, count: int | None = None,
                 format: Format = "png", model: str = "", version: str = "", noise_mode: Noise = "const", include_w: bool = False, timeout: float | None = None) -> Images:
        """Draws images, all in one answer.

        seeds: as numpy.random.RandomState(seed).randn(1, z_dim), each 0 to 2^32 - 1. z: [n, z_dim]. w: [n, w_dim], or
        [n, num_ws, w_dim]; label and psi do not apply. None of the three: seeds drawn by the server. label: the class,
        by name or index; left out: the classes in turn. psi: truncation, 0 to 2. count: with one seed, this many from
        it on. format: png, jpeg or raw (floats). model: left out: the server's only one. version: left out: the active
        one. noise_mode: const, the model's own, so that a latent's image is always the same; none; or random, drawn
        afresh for each image. include_w: each image has its w.
        """
        return self._unary(requests.generate(seeds, z, w, label, psi, count, format, model, version,
                                             noise_mode, include_w), timeout)

    def generate_stream(self, seeds: Seeds | None = None, *, z: npt.ArrayLike | None = None,
                        w: npt.ArrayLike | None = None, label: str | int | None = None, psi: float | None = None,
                        count: int | None = None, format: Format = "png", model: str = "", version: str = "",
                        noise_mode: Noise = "const", include_w: bool = False, timeout: float | None = None) -> Iterator[GeneratedImage]:
        """Draws images one by one, in order, no faster than they are taken; ending the iteration cancels the rest."""
        return self._stream(requests.generate_stream(seeds, z, w, label, psi, count, format, model, version,
                                                     noise_mode, include_w), timeout)

    def models(self) -> list[str]:
        """The names of the models that the server knows."""
        return self._unary(requests.models())

    def versions(self, model: str) -> list[Version]:
        return self._unary(requests.versions(model))

    def active_version(self, model: str) -> str:
        """The version that takes new requests."""
        return self._unary(requests.active_version(model))

    def card(self, model: str, version: str = "") -> dict[str, Any]:
        """The model card, model.json; of the active version, unless another is named."""
        return self._unary(requests.card(model, version, json.loads))

    def activate(self, model: str, version: str, override_reason: str = "", timeout: float | None = None
                 ) -> Activation:
        """Hot-swaps a model to a version on the server's disk: promotes a candidate, or rolls back.

        override_reason: why a retired version is to serve all the same, which is recorded; empty: it is refused.
        """
        return self._unary(requests.activate(model, version, override_reason), timeout)

    def retire(self, model: str, version: str, reason: str) -> Version:
        """Refuses a version to all clients from now on. reason: recorded, not empty."""
        return self._unary(requests.retire(model, version, reason))

    def purge(self, model: str, version: str) -> list[str]:
        """Deletes the files of a retired version; returns their names."""
        return self._unary(requests.purge(model, version))

    def certificate(self, job_id: str = "", *, model: str = "", version: str = "") -> Certificate:
        """What proves the erasure that a job has made, or that a version came from; left out: the active version of the
        server's only model. FailedPrecondition if it was not promoted.
        """
        return self._unary(requests.certificate(job_id, model, version))

    def unlearn(self, images: uploads.Source = (), *, learn: uploads.Source = (), label: str | int | None = None,
                timeout: float | None = None, **spec: Unpack[specs.Spec]) -> Job:
        """Uploads images and queues a job that makes the model forget them.

        images: a folder or a zip file of folders named by class, files, pictures, arrays, tensors, (image, label)
        pairs, or any iterable of these; none are needed for classes of a conditional model. label: of all of them.
        learn: images of what the model must keep, in the same forms. spec: see Spec. timeout: for the upload.
        """
        message = specs.build(dict(spec))
        images, learn = uploads.repeatable(images), uploads.repeatable(learn)
        attempts = Attempts(self._retry, timeout, repeatable=False)
        while True:
            sending = uploads.Sending(uploads.messages(
                message, uploads.read(images, label, message.skip_unreadable),
                uploads.read(learn, None, message.skip_unreadable)))
            try:
                return Job(self._stubs.submit(sending, timeout=attempts.next_timeout(),
                                              metadata=self._connection.metadata()), self)
            except grpc.RpcError as error:
                if sending.failure is not None:
                    # gRPC only says that there was one.
                    raise sending.failure from None
                time.sleep(attempts.pause(sending.placed(self._connection.failed(error))))

    def inspect(self, images: uploads.Source = (), *, label: str | int | None = None,
                progress: OnProgress | None = None, timeout: float | None = None, **spec: Unpack[specs.Spec]
                ) -> inspection_pb2.Inspection:
        """A dry run: what `unlearn` would find of these images. Changes nothing.

        images, label, spec: as of `unlearn`. progress: told how far it is. Returns the protocol's own message: images
        with their errors and findings, notes, job_seconds.
        """
        message = specs.build(dict(spec))
        images = uploads.repeatable(images)
        attempts = Attempts(self._retry, timeout, repeatable=True)
        while True:
            sending = uploads.Sending(uploads.messages(
                message, uploads.read(images, label, message.skip_unreadable), ()))
            events = self._stubs.inspect(sending, timeout=attempts.next_timeout(), metadata=self._connection.metadata())
            try:
                found: inspection_pb2.Inspection = last_of(events, "inspection", progress)
                return found
            except grpc.RpcError as error:
                if sending.failure is not None:
                    raise sending.failure from None
                pause = attempts.pause(sending.placed(self._connection.failed(error)))
            finally:
                events.cancel()
            time.sleep(pause)

    def project(self, image: uploads.Source, *, label: str | int | None = None, space: Space = "w",
                steps: int | None = None, seed: int = 0, fit: Fit = "exact", background: int | None = None,
                model: str = "", version: str = "", progress: OnProgress | None = None, timeout: float | None = None
                ) -> Projection:
        """Looks for the latents at which a model draws what is nearest to an image.

        image: one, in the forms that `unlearn` takes. label: its class, of a conditional model. space: w, one w for all
        layers; w-plus, one for each, with which a generator draws nearly anything. steps: of the search, default 200.
        seed: of what it starts from. fit: how an image of another size is made to fit; background: 0xRRGGBB behind
        transparent pixels and around a padded image. progress: told how far it is.
        """
        request = requests.project(uploads.one(image, label), model, version, space, steps, seed, fit, background)
        attempts = Attempts(self._retry, timeout, repeatable=True)
        while True:
            events = self._stubs.project(request, timeout=attempts.next_timeout(), metadata=self._connection.metadata())
            try:
                return Projection(last_of(events, "projection", progress))
            except grpc.RpcError as error:
                pause = attempts.pause(self._connection.failed(error))
            finally:
                events.cancel()
            time.sleep(pause)

    def job(self, job_id: str) -> Job:
        return self._unary(requests.job(job_id, self._job))

    def jobs(self) -> list[Job]:
        """All jobs that the server knows, newest first."""
        found, page = self._unary(requests.jobs("", self._job))
        while page:
            more, page = self._unary(requests.jobs(page, self._job))
            found += more
        return found

    def cancel(self, job_id: str) -> Job:
        """Ends a queued or running job."""
        return self._unary(requests.cancel(job_id, self._job))

    def approve(self, job_id: str, reason: str = "") -> Job:
        """Promotes the candidate of a job that awaits approval; the reason is recorded."""
        return self._unary(requests.approve(job_id, reason, self._job))

    def reject(self, job_id: str, reason: str = "") -> Job:
        """Leaves the candidate of a job that awaits approval a candidate; the reason is recorded."""
        return self._unary(requests.reject(job_id, reason, self._job))

    def retry(self, job_id: str) -> Job:
        """Queues a job that failed or was cancelled once more, if its images are kept."""
        return self._unary(requests.retry(job_id, self._job))

    def delete(self, job_id: str) -> None:
        """Deletes what the server knows of a job that has ended, and its files."""
        return self._unary(requests.delete(job_id))

    def report(self, job_id: str) -> Report:
        """What an ended job measured, and its pictures."""
        return self._unary(requests.report(job_id, Report))

    def close(self) -> None:
        """Ends calls in progress and closes the connection."""
        self._channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def _job(self, proto: unlearning_pb2.Job) -> Job:
        return Job(proto, self)

    def _unary(self, call: Call[T], timeout: float | None = None) -> T:
        attempts = Attempts(self._retry, self._timeout if timeout is None else timeout, call.repeatable)
        stub = getattr(self._stubs, call.stub)
        while True:
            try:
                return call.result(stub(call.message, timeout=attempts.next_timeout(),
                                        metadata=self._connection.metadata()))
            except grpc.RpcError as error:
                pause = attempts.pause(self._connection.failed(error))
            time.sleep(pause)

    def _stream(self, call: Call[T], timeout: float | None) -> Iterator[T]:
        attempts = Attempts(self._retry, self._timeout if timeout is None else timeout, call.repeatable)
        begun = False
        while True:
            answers = getattr(self._stubs, call.stub)(call.message, timeout=attempts.next_timeout(),
                                                      metadata=self._connection.metadata())
            try:
                for answer in answers:
                    begun = True
                    yield call.result(answer)
                return
            except grpc.RpcError as error:
                failure = self._connection.failed(error)
                if begun:
                    # What came would come twice.
                    raise failure from None
                pause = attempts.pause(failure)
            finally:
                answers.cancel()
            time.sleep(pause)

    def _watch(self, job_id: str, timeout: float | None) -> Iterator[unlearning_pb2.Job]:
        patience = Patience(self._retry, timeout)
        last = None
        while True:
            events = self._stubs.watch(build(unlearning_pb2.WatchRequest, job_id=job_id), timeout=patience.next_timeout(),
                                       metadata=self._connection.metadata())
            try:
                for event in events:
                    patience.renew()
                    # A new connection tells first what the last one told.
                    if event.job != last:
                        last = event.job
                        yield last
                if last is not None and JobSnapshot(last).ended:
                    return
                pause = patience.pause(Unavailable("the server stopped reporting before the job ended"))
            except grpc.RpcError as error:
                pause = patience.pause(self._connection.failed(error))
            finally:
                events.cancel()
            time.sleep(pause)

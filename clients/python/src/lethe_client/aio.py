"""The client for asyncio: what lethe_client.Client does, awaited."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import grpc.aio
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

__all__ = ["Client", "Job"]

T = TypeVar("T")


class Job(JobSnapshot):
    """A job of a client: as it was when the server last told, and what can be done with it."""

    def __init__(self, proto: unlearning_pb2.Job, client: Client) -> None:
        super().__init__(proto)
        self._client = client

    async def watch(self, timeout: float | None = None) -> AsyncIterator[JobSnapshot]:
        """The job as it is now, then after every change, until it has ended; this object changes along.

        A connection that breaks on the way is made again. Raises LetheError.
        """
        async for now in self._client._watch(self.id, timeout):
            self.proto = now
            yield JobSnapshot(now)

    async def wait(self, timeout: float | None = None) -> Job:
        """Returns this job once it has ended, whatever its state then is."""
        async for _ in self.watch(timeout):
            pass
        return self

    async def refresh(self) -> Job:
        """Asks how it is now."""
        self.proto = (await self._client.job(self.id)).proto
        return self

    async def cancel(self) -> Job:
        """Ends it; FailedPrecondition if it has ended already."""
        self.proto = (await self._client.cancel(self.id)).proto
        return self

    async def approve(self, reason: str = "") -> Job:
        """Promotes its candidate, where it awaits approval."""
        self.proto = (await self._client.approve(self.id, reason)).proto
        return self

    async def reject(self, reason: str = "") -> Job:
        """Leaves its candidate one, where it awaits approval."""
        self.proto = (await self._client.reject(self.id, reason)).proto
        return self

    async def retry(self) -> Job:
        """Queues it once more, if it failed or was cancelled and its images are kept."""
        self.proto = (await self._client.retry(self.id)).proto
        return self

    async def delete(self) -> None:
        """Deletes what the server knows of it, once it has ended."""
        await self._client.delete(self.id)

    async def certificate(self) -> Certificate:
        """What proves its erasure; FailedPrecondition until its candidate is promoted."""
        return await self._client.certificate(self.id)

    async def report(self) -> Report:
        """What it measured; FailedPrecondition until it has."""
        return await self._client.report(self.id)


class Client:
    """A Lethe server, for the event loop that it is made on. Arguments and methods are those of lethe_client.Client;
    cancelling a task cancels its call on the server.
    """

    def __init__(self, address: str | None = None, *, token: str | Callable[[], str] | None = None, tls: bool = False,
                 ca: Path | None = None, certificate: Path | None = None, key: Path | None = None,
                 timeout: float | None = None, retry: Retry = Retry()) -> None:
        self._timeout = limit(timeout)
        self._connection = Connection(address, token, tls, ca, certificate, key)
        self._channel = self._connection.open(grpc.aio.insecure_channel, grpc.aio.secure_channel)
        self._uploading: grpc.Channel | None = None
        self._stubs = Stubs(self._channel)
        self._retry = retry

    async def generate(self, seeds: Seeds | None = None, *, z: npt.ArrayLike | None = None,
                       w: npt.ArrayLike | None = None, label: str | int | None = None, psi: float | None = None,
                       count: int | None = None, format: Format = "png", model: str = "", version: str = "",
                       noise_mode: Noise = "const", include_w: bool = False, timeout: float | None = None) -> Images:
        return await self._unary(requests.generate(seeds, z, w, label, psi, count, format, model, version,
                                                   noise_mode, include_w), timeout)

    def generate_stream(self, seeds: Seeds | None = None, *, z: npt.ArrayLike | None = None,
                        w: npt.ArrayLike | None = None, label: str | int | None = None, psi: float | None = None,
                        count: int | None = None, format: Format = "png", model: str = "", version: str = "",
                        noise_mode: Noise = "const", include_w: bool = False, timeout: float | None = None) -> AsyncIterator[GeneratedImage]:
        return self._stream(requests.generate_stream(seeds, z, w, label, psi, count, format, model, version,
                                                     noise_mode, include_w), timeout)

    async def models(self) -> list[str]:
        return await self._unary(requests.models())

    async def versions(self, model: str) -> list[Version]:
        return await self._unary(requests.versions(model))

    async def active_version(self, model: str) -> str:
        return await self._unary(requests.active_version(model))

    async def card(self, model: str, version: str = "") -> dict[str, Any]:
        return await self._unary(requests.card(model, version, json.loads))

    async def activate(self, model: str, version: str, override_reason: str = "", timeout: float | None = None
                       ) -> Activation:
        return await self._unary(requests.activate(model, version, override_reason), timeout)

    async def retire(self, model: str, version: str, reason: str) -> Version:
        return await self._unary(requests.retire(model, version, reason))

    async def purge(self, model: str, version: str) -> list[str]:
        return await self._unary(requests.purge(model, version))

    async def certificate(self, job_id: str = "", *, model: str = "", version: str = "") -> Certificate:
        return await self._unary(requests.certificate(job_id, model, version))

    async def unlearn(self, images: uploads.Source = (), *, learn: uploads.Source = (),
                      label: str | int | None = None, timeout: float | None = None,
                      **spec: Unpack[specs.Spec]) -> Job:
        message = specs.build(dict(spec))
        images, learn = uploads.repeatable(images), uploads.repeatable(learn)
        attempts = Attempts(self._retry, timeout, repeatable=False)
        while True:
            sending = uploads.Sending(uploads.messages(
                message, uploads.read(images, label, message.skip_unreadable),
                uploads.read(learn, None, message.skip_unreadable)))
            try:
                return Job(await _over(self._threaded().submit.future(
                    sending, timeout=attempts.next_timeout(), metadata=self._connection.metadata())), self)
            except grpc.RpcError as error:
                if sending.failure is not None:
                    # gRPC only says that there was one.
                    raise sending.failure from None
                pause = attempts.pause(sending.placed(await asyncio.to_thread(self._connection.failed, error)))
            await asyncio.sleep(pause)

    async def inspect(self, images: uploads.Source = (), *, label: str | int | None = None,
                      progress: OnProgress | None = None, timeout: float | None = None, **spec: Unpack[specs.Spec]
                      ) -> inspection_pb2.Inspection:
        message = specs.build(dict(spec))
        images = uploads.repeatable(images)
        attempts = Attempts(self._retry, timeout, repeatable=True)
        while True:
            sending = uploads.Sending(uploads.messages(
                message, uploads.read(images, label, message.skip_unreadable), ()))
            try:
                found: inspection_pb2.Inspection = await _ends(self._threaded().inspect(
                    sending, timeout=attempts.next_timeout(), metadata=self._connection.metadata()), "inspection", progress)
                return found
            except grpc.RpcError as error:
                if sending.failure is not None:
                    raise sending.failure from None
                pause = attempts.pause(sending.placed(await asyncio.to_thread(self._connection.failed, error)))
            await asyncio.sleep(pause)

    async def project(self, image: uploads.Source, *, label: str | int | None = None, space: Space = "w",
                      steps: int | None = None, seed: int = 0, fit: Fit = "exact", background: int | None = None,
                      model: str = "", version: str = "", progress: OnProgress | None = None,
                      timeout: float | None = None) -> Projection:
        request = requests.project(await asyncio.to_thread(uploads.one, image, label), model, version, space, steps, seed,
                                   fit, background)
        attempts = Attempts(self._retry, timeout, repeatable=True)
        while True:
            try:
                return Projection(await _ends(self._threaded().project(
                    request, timeout=attempts.next_timeout(), metadata=self._connection.metadata()), "projection", progress))
            except grpc.RpcError as error:
                pause = attempts.pause(await asyncio.to_thread(self._connection.failed, error))
            await asyncio.sleep(pause)

    def _threaded(self) -> Stubs:
        """For uploads: files are read off the event loop there, and a refusal is not lost. That of a call of asyncio is,
        if a message is on its way when it comes: its status is then INTERNAL, whatever the server has said.
        """
        if self._uploading is None:
            self._uploading = self._connection.open(grpc.insecure_channel, grpc.secure_channel)
        return Stubs(self._uploading)

    async def job(self, job_id: str) -> Job:
        return await self._unary(requests.job(job_id, self._job))

    async def jobs(self) -> list[Job]:
        found, page = await self._unary(requests.jobs("", self._job))
        while page:
            more, page = await self._unary(requests.jobs(page, self._job))
            found += more
        return found

    async def cancel(self, job_id: str) -> Job:
        return await self._unary(requests.cancel(job_id, self._job))

    async def approve(self, job_id: str, reason: str = "") -> Job:
        return await self._unary(requests.approve(job_id, reason, self._job))

    async def reject(self, job_id: str, reason: str = "") -> Job:
        return await self._unary(requests.reject(job_id, reason, self._job))

    async def retry(self, job_id: str) -> Job:
        return await self._unary(requests.retry(job_id, self._job))

    async def delete(self, job_id: str) -> None:
        return await self._unary(requests.delete(job_id))

    async def report(self, job_id: str) -> Report:
        return await self._unary(requests.report(job_id, Report))

    async def close(self) -> None:
        """Ends calls in progress and closes the connection."""
        await self._channel.close()
        if self._uploading is not None:
            self._uploading.close()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:
        await self.close()

    def _job(self, proto: unlearning_pb2.Job) -> Job:
        return Job(proto, self)

    async def _unary(self, call: Call[T], timeout: float | None = None) -> T:
        attempts = Attempts(self._retry, self._timeout if timeout is None else timeout, call.repeatable)
        stub = getattr(self._stubs, call.stub)
        while True:
            try:
                return call.result(await stub(call.message, timeout=attempts.next_timeout(),
                                              metadata=self._connection.metadata()))
            except grpc.RpcError as error:
                pause = attempts.pause(await asyncio.to_thread(self._connection.failed, error))
            await asyncio.sleep(pause)

    async def _stream(self, call: Call[T], timeout: float | None) -> AsyncIterator[T]:
        attempts = Attempts(self._retry, self._timeout if timeout is None else timeout, call.repeatable)
        begun = False
        while True:
            answers = getattr(self._stubs, call.stub)(call.message, timeout=attempts.next_timeout(),
                                                      metadata=self._connection.metadata())
            try:
                async for answer in answers:
                    begun = True
                    yield call.result(answer)
                return
            except grpc.RpcError as error:
                failure = await asyncio.to_thread(self._connection.failed, error)
                if begun:
                    # What came would come twice.
                    raise failure from None
                pause = attempts.pause(failure)
            finally:
                answers.cancel()
            await asyncio.sleep(pause)

    async def _watch(self, job_id: str, timeout: float | None) -> AsyncIterator[unlearning_pb2.Job]:
        patience = Patience(self._retry, timeout)
        last = None
        while True:
            events = self._stubs.watch(build(unlearning_pb2.WatchRequest, job_id=job_id), timeout=patience.next_timeout(),
                                       metadata=self._connection.metadata())
            try:
                async for event in events:
                    patience.renew()
                    # A new connection tells first what the last one told.
                    if event.job != last:
                        last = event.job
                        yield last
                if last is not None and JobSnapshot(last).ended:
                    return
                pause = patience.pause(Unavailable("the server stopped reporting before the job ended"))
            except grpc.RpcError as error:
                pause = patience.pause(await asyncio.to_thread(self._connection.failed, error))
            finally:
                events.cancel()
            await asyncio.sleep(pause)


async def _over(call: Any) -> Any:
    """What a call of a thread answers; cancelled with the task that waits for it."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    call.add_done_callback(lambda _: loop.call_soon_threadsafe(over.set))
    try:
        await over.wait()
    finally:
        call.cancel()
    return call.result()


async def _ends(events: Any, result: str, progress: OnProgress | None) -> Any:
    """What ends the events of a thread's call, which is cancelled with the task that waits for it."""
    loop = asyncio.get_running_loop()

    def tell(now: unlearning_pb2.Progress) -> None:
        if progress is not None:
            loop.call_soon_threadsafe(progress, now)

    try:
        return await asyncio.to_thread(last_of, events, result, tell)
    finally:
        events.cancel()

"""The client as the conformance suite drives it: one JSON object a line in, one a line out.

Usage: driver.py [--asyncio]
"""

import asyncio
import base64
import inspect
import json
import random
import statistics
import sys
import time

import grpc
import numpy as np
from google.protobuf import json_format

import lethe_client
import lethe_client.aio
from lethe_client.requests import Stubs
from lethe_client.v1 import common_pb2, generation_pb2

FORMATS = {common_pb2.IMAGE_FORMAT_PNG: "png", common_pb2.IMAGE_FORMAT_JPEG: "jpeg", common_pb2.IMAGE_FORMAT_RAW: "raw"}


def image_of(image):
    array = image.array()
    return {"w": None if image.w is None else image.w.tolist(), "index": image.index, "seed": image.seed, "label": image.label, "version": image.version,
            "format": FORMATS[image.proto.image.format], "data": base64.b64encode(image.data).decode(),
            "mean": float(np.mean(array)), "shape": list(array.shape)}


def job_of(job):
    return json_format.MessageToDict(job.proto)


class Driver:
    def __init__(self, client_type):
        self.client_type = client_type
        self.clients = {}

    def client(self, connection):
        key = json.dumps(connection, sort_keys=True)
        if key not in self.clients:
            options = dict(connection)
            if "attempts" in options:
                options["retry"] = lethe_client.Retry(attempts=options.pop("attempts"))
            self.clients[key] = self.client_type(options.pop("address"), **options)
        return self.clients[key]

    async def run(self, order):
        arguments = order["with"]
        try:
            call = getattr(self, order["call"])
            return {"ok": await call(self.client(order["connection"]), arguments)}
        except lethe_client.LetheError as error:
            return {"error": {"code": error.code.name, "message": error.message, "field": error.field,
                              "request_id": error.request_id, "retry_after": error.retry_after}}
        except asyncio.CancelledError:
            return {"error": {"code": "CANCELLED", "message": "the task was cancelled"}}
        except (OSError, ValueError) as error:
            return {"error": {"code": "LOCAL", "message": str(error)}}

    async def generate(self, client, arguments):
        after = arguments.pop("cancel_after", None)
        drawing = client.generate(**arguments)
        if after is not None:
            drawing = asyncio.ensure_future(drawing)
            asyncio.get_running_loop().call_later(after, drawing.cancel)
        images = await done(drawing)
        return {"model": images.model, "version": images.version, "images": [image_of(image) for image in images]}

    async def generate_stream(self, client, arguments):
        take = arguments.pop("take", None)
        stream = client.generate_stream(**arguments)
        images = []
        async for image in every(stream):
            images.append(image_of(image))
            if len(images) == take:
                await done(stream.aclose() if hasattr(stream, "aclose") else stream.close())
                break
        return {"images": images}

    async def models(self, client, arguments):
        return {"models": await done(client.models())}

    async def versions(self, client, arguments):
        return {"versions": [{"model": one.model, "version": one.version, "state": one.state, "parent": one.parent,
                              "unlearned_labels": list(one.unlearned_labels)}
                             for one in await done(client.versions(**arguments))]}

    async def active_version(self, client, arguments):
        return {"version": await done(client.active_version(**arguments))}

    async def card(self, client, arguments):
        return {"card": await done(client.card(**arguments))}

    async def activate(self, client, arguments):
        swap = await done(client.activate(**arguments))
        return {"model": swap.model, "version": swap.version, "previous": swap.previous}

    async def unlearn(self, client, arguments):
        spec = arguments.pop("spec", {})
        return {"job": job_of(await done(client.unlearn(arguments.pop("images", ()), **arguments, **spec)))}

    async def job(self, client, arguments):
        return {"job": job_of(await done(client.job(arguments["job"])))}

    async def jobs(self, client, arguments):
        return {"jobs": [job_of(job) for job in await done(client.jobs())]}

    async def cancel(self, client, arguments):
        return {"job": job_of(await done(client.cancel(arguments["job"])))}

    async def approve(self, client, arguments):
        return {"job": job_of(await done(client.approve(arguments["job"], arguments["reason"])))}

    async def reject(self, client, arguments):
        return {"job": job_of(await done(client.reject(arguments["job"], arguments["reason"])))}

    async def retry(self, client, arguments):
        return {"job": job_of(await done(client.retry(arguments["job"])))}

    async def delete(self, client, arguments):
        await done(client.delete(arguments["job"]))
        return {}

    async def retire(self, client, arguments):
        return {"version": (await done(client.retire(**arguments))).state}

    async def purge(self, client, arguments):
        return {"files": await done(client.purge(**arguments))}

    async def certificate(self, client, arguments):
        return {"version": (await done(client.certificate(arguments["job"]))).version}

    async def inspect(self, client, arguments):
        stages = []
        found = await done(client.inspect(arguments.pop("images", ()), progress=lambda now: stages.append(now.stage),
                                          **arguments.pop("spec", {}), **arguments))
        return {"inspection": json_format.MessageToDict(found), "progressed": bool(stages)}

    async def project(self, client, arguments):
        stages = []
        found = await done(client.project(arguments.pop("image"), progress=lambda now: stages.append(now.stage), **arguments))
        return {"version": found.version, "error": found.error, "w": found.w.tolist(),
                "picture": base64.b64encode(found.proto.image_png).decode(), "progressed": bool(stages)}

    async def report(self, client, arguments):
        report = await done(client.report(arguments["job"]))
        return {"figures": json_format.MessageToDict(report.figures),
                "picture": base64.b64encode(report.before_after_png).decode()}

    async def watch(self, client, arguments):
        job = await done(client.job(arguments["job"]))
        return {"moments": [job_of(moment) async for moment in every(job.watch())]}

    async def overhead(self, client, arguments):
        """The client's call and the bare stub's, in random order, each on a connection of its own."""
        address = client._connection.address
        asynchronous = self.client_type is lethe_client.aio.Client
        stubs = Stubs((grpc.aio if asynchronous else grpc).insecure_channel(address))
        request = generation_pb2.GenerateRequest(seeds=generation_pb2.Seeds(values=[1]), label="7")
        calls = {"client": lambda: client.generate(seeds=[1], label="7"), "bare": lambda: stubs.generate(request)}
        times = {name: [] for name in calls}
        for i in range(arguments["calls"]):
            for name in random.sample(list(calls), 2):
                begin = time.perf_counter()
                await done(calls[name]())
                times[name].append(time.perf_counter() - begin)
        return {name: statistics.median(taken[10:]) * 1000 for name, taken in times.items()}


async def done(value):
    """What a call of either client gives."""
    return await value if inspect.isawaitable(value) else value


async def every(values):
    if hasattr(values, "__aiter__"):
        async for value in values:
            yield value
    else:
        for value in values:
            yield value


async def main(asynchronous):
    driver = Driver(lethe_client.aio.Client if asynchronous else lethe_client.Client)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await driver.run(json.loads(line))), flush=True)
    for client in driver.clients.values():
        await done(client.close())


if __name__ == "__main__":
    asyncio.run(main("--asyncio" in sys.argv[1:]))

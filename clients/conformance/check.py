#!/usr/bin/env python3
"""Runs cases.yaml by a client's driver against real servers, and judges what comes back. README.md beside it says more.

Usage: check.py WORLD NAME DRIVER...
WORLD is the JSON file that world.py left, NAME the client's name in the cases' `except`, DRIVER its command line.
"""

import base64
import io
import json
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import grpc
import numpy as np
import yaml
from google.protobuf import json_format
from PIL import Image

from lethe_client.v1 import common_pb2, generation_pb2, generation_pb2_grpc, unlearning_pb2, unlearning_pb2_grpc

# Rounding may differ between batches: by one step of a pixel, by little of a float.
STEPS, FLOATS = 1, 1e-3
# A median of a call by the client over one by the bare stub.
MOST_OVERHEAD = 1.1
TRIES = 3
# Seconds; the longest is the watch of a job on a busy machine.
LONGEST_ANSWER = 1800


class Wrong(Exception):
    """What a client did that it must not."""


class Driver:
    """A client's own program: one JSON object a line in, one a line out."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, order):
        answer = []
        reader = threading.Thread(target=lambda: answer.append(self.process.stdout.readline()), daemon=True)
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        reader.start()
        reader.join(LONGEST_ANSWER)
        if not answer or not answer[0]:
            raise Wrong(f"no answer to {order}; the driver " + (
                "hangs" if self.process.poll() is None else f"ended with {self.process.returncode}"))
        return json.loads(answer[0])

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Wrong("the driver does not end") from None


class Judge:
    def __init__(self, world, name, driver):
        self.world = world
        self.name = name
        self.driver = driver
        self.variables = dict(world["variables"])
        self.channel = grpc.insecure_channel(
            world["servers"]["open"], options=[("grpc.max_receive_message_length", 256 << 20)])
        self.generation = generation_pb2_grpc.GenerationServiceStub(self.channel)
        self.unlearning = unlearning_pb2_grpc.UnlearningServiceStub(self.channel)

    def filled(self, value):
        """With the variables in place of their names."""
        if isinstance(value, str) and value.startswith("$"):
            return self.variables[value[1:]]
        if isinstance(value, list):
            return [self.filled(one) for one in value]
        if isinstance(value, dict):
            return {key: self.filled(one) for key, one in value.items()}
        return value

    def connection(self, described):
        world = self.world
        made = {"address": described["address"] if "address" in described
                else described.get("scheme", "") + world["servers"][described["server"]]}
        if "token" in described:
            made["token"] = world["tokens"][described["token"]]
        if "ca" in described:
            made["ca"] = world["files"][{"other": "other_ca", "none": "no_ca"}.get(described["ca"], "ca")]
        if "certificate" in described:
            made["certificate"], made["key"] = world["files"]["certificate"], world["files"]["key"]
        return made | {key: described[key] for key in ("attempts", "timeout") if key in described}

    def run(self, case, connections):
        order = {"call": case["call"], "connection": self.connection(connections[case.get("as", "open")]),
                 "with": self.filled(case.get("with", {}))}
        connected = self.connected()
        meanwhile = self.meanwhile(case)
        answers = [self.driver.ask(order) for _ in range(case.get("repeat", 1))]
        if meanwhile:
            meanwhile.join()
        if "any_error" in case:
            errors = [answer["error"] for answer in answers if "error" in answer]
            if not errors:
                raise Wrong("no error came")
            for error in errors:
                self.error(case["any_error"], {"error": error})
        for answer in answers if "any_error" not in case else []:
            if "error" in case:
                self.error(case["error"], answer)
            elif "error" in answer:
                raise Wrong(f"unexpected {answer['error']}")
            else:
                self.result(case, self.derived(answer["ok"]), connected)
        if case.get("then") == "idle":
            self.idle()

    def meanwhile(self, case):
        if "meanwhile" not in case:
            return None
        job = self.filled(case["meanwhile"]["cancel"])

        def cancel():
            time.sleep(case["meanwhile"]["after"])
            self.unlearning.CancelJob(unlearning_pb2.CancelJobRequest(job_id=job))

        thread = threading.Thread(target=cancel)
        thread.start()
        return thread

    def connected(self):
        """Connections that the cutting proxy has had."""
        return int(Path(self.world["files"]["connections"]).read_text())

    def idle(self):
        """Waits until the server works for nobody any more."""
        end = time.monotonic() + 10
        while True:
            with urllib.request.urlopen(f"http://{self.world['servers']['open']}/metrics") as answer:
                lines = answer.read().decode().splitlines()
            busy = [line for line in lines if line.startswith("lethe_grpc_requests_in_flight")
                    and "GenerationService" in line and not line.endswith(" 0.0")]
            if not busy:
                return
            if time.monotonic() > end:
                raise Wrong(f"the server still works on the call: {busy}")
            time.sleep(0.05)

    def error(self, expected, answer):
        if "error" not in answer:
            raise Wrong("the call succeeded")
        error = answer["error"]
        for key, value in expected.items():
            if key == "message":
                fits = value in error["message"]
            elif key.startswith("has_"):
                fits = bool(error.get(key[4:])) == value
            else:
                fits = error.get(key) == value
            if not fits:
                raise Wrong(f"{key} is to be {value!r}: {error}")
        if "field" not in expected and error.get("field"):
            raise Wrong(f"no field is at fault: {error}")

    def derived(self, result):
        """A result with what cases say of it."""
        images = result.get("images")
        if images is not None:
            result |= {"count": len(images)}
            result |= {plural: [image.get(key) for image in images] for plural, key in (
                ("indices", "index"), ("seeds", "seed"), ("labels", "label"), ("versions", "version"),
                ("formats", "format"), ("shapes", "shape"))}
            result["ws"] = [len(image["w"]) if image.get("w") else None for image in images]
            result["labels_set"] = sorted(set(result["labels"]), key=str)
            result["seeds_from"] = result["seeds"][0] if result["seeds"] == list(range(
                result["seeds"][0] or 0, (result["seeds"][0] or 0) + len(images))) else None
            result["sizes"] = [list(pixels(image).shape[-2:]) for image in images]
        if "w" in result:
            result["w_values"] = len(result["w"])
        if "moments" in result:
            result["last"] = result["moments"][-1]
        return result

    def result(self, case, result, connected):
        expected = self.filled(case.get("expect", {}))
        for key, value in expected.items():
            if key == "moments_at_least":
                fits = len(result["moments"]) >= value
            elif key == "connections_at_least":
                fits = self.connected() - connected >= value
            elif key == "jobs_hold":
                fits = value in [job["id"] for job in result["jobs"]]
            elif key == "picture":
                fits = base64.b64decode(result["picture"]).startswith(b"\x89PNG")
            else:
                fits = holds(value, result.get(key))
            if not fits:
                raise Wrong(f"{key} is to be {value!r}: {shortened(result.get(key, result.keys()))}")
        for image in result.get("images", []):
            decoded_right(image)
        if "same_as" in case:
            self.same(case["same_as"], result["images"])
        if "save_w" in case:
            self.variables[case["save_w"]] = [image["w"] for image in result["images"]]
        if "save" in case:
            self.variables[case["save"]] = result["job"]["id"]

    def same(self, request, images):
        """Holds the images against those of the bare stub."""
        answer = self.generation.Generate(json_format.ParseDict(request, generation_pb2.GenerateRequest()))
        if len(answer.images) != len(images):
            raise Wrong(f"{len(images)} images are to be {len(answer.images)}")
        for reference, image in zip(answer.images, images):
            raw = reference.image.format == common_pb2.IMAGE_FORMAT_RAW
            expected = pixels({"format": "raw" if raw else "png", "shape": list(reference.image.shape),
                               "data": base64.b64encode(reference.image.data)})
            if np.abs(expected - pixels(image)).max() > (FLOATS if raw else STEPS):
                raise Wrong(f"image {image['index']} is another one than the server's")

    def overhead(self):
        """Medians of the same call by the client and by the bare stub, in turns; once more if others were in the way."""
        for _ in range(TRIES):
            measured = self.driver.ask({"call": "overhead", "with": {"calls": 200},
                                        "connection": {"address": self.world["servers"]["open"]}})
            if "error" in measured:
                raise Wrong(f"unexpected {measured['error']}")
            client, bare = measured["ok"]["client"], measured["ok"]["bare"]
            print(f"{self.name}: a call takes {client:.2f} ms, by the bare stub {bare:.2f} ms: x {client / bare:.3f}")
            if client <= bare * MOST_OVERHEAD:
                return
        raise Wrong(f"a call by the client takes more than x {MOST_OVERHEAD}")


def pixels(image):
    """float [..., H, W]."""
    data = base64.b64decode(image["data"])
    if image["format"] == "raw":
        return np.frombuffer(data, "<f4").reshape(image["shape"])
    return np.asarray(Image.open(io.BytesIO(data)), np.float32)


def decoded_right(image):
    """What the client decodes an image to, if it does, by its mean."""
    if image.get("mean") is not None and abs(image["mean"] - float(pixels(image).mean())) > 0.01:
        raise Wrong(f"image {image['index']} has the mean {pixels(image).mean()}, and the client decodes {image['mean']}")


def holds(expected, value):
    """Whether a value has all that is expected of it."""
    if isinstance(expected, dict):
        return isinstance(value, dict) and all(holds(one, value.get(key)) for key, one in expected.items())
    if isinstance(expected, list):
        return isinstance(value, list) and len(expected) == len(value) and all(map(holds, expected, value))
    return expected == value


def shortened(value):
    text = repr(value)
    return text if len(text) < 600 else text[:600] + "..."


def skipped(document, name):
    """Which cases, and why: a reason, then all that it is one of."""
    cases = {}
    for case in document["cases"]:
        if name in case.get("except", {}):
            cases.setdefault(document["reasons"][case["except"][name]], []).append(f"\"{case['name']}\"")
    return "".join(f"; {reason}: {', '.join(names)}" for reason, names in cases.items())


def main(world, name, *command):
    world = json.loads(Path(world).read_text())
    document = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text(encoding="utf-8"))
    driver = Driver(command)
    judge = Judge(world, name, driver)
    cases = [case for case in document["cases"] if name not in case.get("except", {})]
    steps = [(case["name"], lambda case=case: judge.run(case, document["connections"])) for case in cases]
    steps += [("overhead", judge.overhead), ("the driver ends", driver.close)]
    failed = 0
    begin = time.monotonic()
    for title, step in steps:
        try:
            step()
        except (Wrong, KeyError) as reason:
            failed += 1
            print(f"{name}: {title}: {reason if isinstance(reason, Wrong) else f'{reason} was not saved'}", flush=True)
    print(f"{name} took {time.monotonic() - begin:.0f} s")
    print(f"{name}: {len(steps) - failed} passed, {failed} failed, {len(document['cases']) - len(cases)} skipped"
          + skipped(document, name), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))

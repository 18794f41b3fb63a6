"""A bundle's two graphs in OpenVINO, run for as long as it is told to: the same measurement as RawMain of the benchmark.

Arguments: bundle and threads. Prints "ready" after its first image; then for each line FORMAT BATCH SECONDS on standard
input one line IMAGES SECONDS CPU_SECONDS MEDIAN_SECONDS BYTES: the median is of a run, the bytes are of an image.
"""

import io
import json
import sys
import time
from pathlib import Path

import numpy
import openvino
from PIL import Image

LEAST_RUNS = 3


class Session:
    """Both graphs, for batches of one size, on tensors that stay where they are."""

    def __init__(self, bundle, threads, batch):
        card = json.loads((bundle / "model.json").read_text())
        self.network, classes = card["network"], len(card["labels"])
        core = openvino.Core()
        # float32 as ONNX Runtime computes it; where the processor has bfloat16, OpenVINO would take that by itself.
        options = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY",
                   "INFERENCE_PRECISION_HINT": "f32"}
        latents = {"z": numpy.random.default_rng(0).standard_normal([batch, self.network["z_dim"]]).astype("f"),
                   "psi": numpy.ones([batch, 1], "f")}
        if classes:
            latents["c"] = numpy.eye(classes, dtype="f")[numpy.arange(batch) % classes]
        self.mapping = self.request(core, bundle / "mapping.onnx", latents, options)
        ws = self.mapping.get_output_tensor(0)
        self.synthesis = self.request(core, bundle / "synthesis.onnx", {"ws": ws}, options)

    @staticmethod
    def request(core, path, inputs, options):
        model = core.read_model(path)
        model.reshape({name: list(tensor.shape) for name, tensor in inputs.items()})
        request = core.compile_model(model, "CPU", options).create_infer_request()
        for name, tensor in inputs.items():
            request.set_tensor(name, tensor if isinstance(tensor, openvino.Tensor) else openvino.Tensor(tensor))
        return request

    def run(self):
        """[batch, C, H, W], overwritten by the next run."""
        self.mapping.infer()
        self.synthesis.infer()
        return self.synthesis.get_output_tensor(0).data


def formatted(images, form):
    """The bytes of all images."""
    if form == "TENSOR":
        return images.nbytes
    pixels = numpy.clip((images + 1) * 127.5 + 0.5, 0, 255).astype(numpy.uint8).transpose(0, 2, 3, 1)
    size = 0
    for picture in pixels:
        file = io.BytesIO()
        Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture).save(file, "png")
        size += file.tell()
    return size


def measure(bundle, threads, form, batch, seconds):
    session = Session(bundle, threads, batch)
    size = formatted(session.run(), form)
    times = []
    cpu, started = time.process_time(), time.perf_counter()
    while True:
        before = time.perf_counter()
        size = formatted(session.run(), form)
        now = time.perf_counter()
        times.append(now - before)
        if now - started >= seconds and len(times) >= LEAST_RUNS:
            break
    return (f"{len(times) * batch} {now - started} {time.process_time() - cpu} {sorted(times)[len(times) // 2]} "
            f"{size // batch}")


def main():
    bundle, threads = Path(sys.argv[1]), int(sys.argv[2])
    Session(bundle, threads, 1).run()
    print("ready", flush=True)
    for line in sys.stdin:
        form, batch, seconds = line.split()
        print(measure(bundle, threads, form, int(batch), float(seconds)), flush=True)


if __name__ == "__main__":
    main()

"""lethe.v1.GenerationService as a few dozen lines of Python: the graphs of a bundle behind grpcio.

What many people write who have an ONNX file and need gRPC: a pool of threads, one run of the session for each call.
"""

import argparse
import io
import json
import pathlib
from concurrent import futures

import grpc
import numpy as np
import onnxruntime as ort
from PIL import Image

from lethe.v1 import common_pb2, generation_pb2, generation_pb2_grpc


class Generation(generation_pb2_grpc.GenerationServiceServicer):

    def __init__(self, bundle, threads):
        self.card = json.loads((bundle / "model.json").read_text())
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        self.mapping = ort.InferenceSession(bundle / "mapping.onnx", options, providers=["CPUExecutionProvider"])
        self.synthesis = ort.InferenceSession(bundle / "synthesis.onnx", options, providers=["CPUExecutionProvider"])

    def Generate(self, request, context):
        seeds = list(request.seeds.values)
        z_dim = self.card["network"]["z_dim"]
        inputs = {
            "z": np.concatenate([np.random.RandomState(s).randn(1, z_dim) for s in seeds]).astype(np.float32),
            "psi": np.ones((len(seeds), 1), np.float32),
        }
        if self.card["labels"]:
            inputs["c"] = np.zeros((len(seeds), len(self.card["labels"])), np.float32)
            inputs["c"][:, self.card["labels"].index(request.label)] = 1
        ws, = self.mapping.run(["ws"], inputs)
        images, = self.synthesis.run(["image"], {"ws": ws})
        response = generation_pb2.GenerateResponse(model=self.card["name"], version=self.card["version"])
        for index, (seed, image) in enumerate(zip(seeds, images)):
            response.images.add(index=index, image=encode(image, request.format), seed=seed, label=request.label)
        return response


def encode(image, format):
    if format == common_pb2.IMAGE_FORMAT_RAW:
        return common_pb2.Image(format=format, data=image.tobytes(), shape=image.shape)
    pixels = np.clip(np.floor(image * 127.5 + 128), 0, 255).astype(np.uint8)
    pixels = pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return common_pb2.Image(format=common_pb2.IMAGE_FORMAT_PNG, data=buffer.getvalue())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bundle", type=pathlib.Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    arguments = parser.parse_args()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=10))
    generation_pb2_grpc.add_GenerationServiceServicer_to_server(
        Generation(arguments.bundle, arguments.threads), server)
    server.add_insecure_port(f"127.0.0.1:{arguments.port}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()

"""A runtime of MLServer for the graphs of a bundle: seed and label in, an image or a PNG file out."""

import io
import json
import pathlib

import numpy as np
import onnxruntime as ort
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput
from PIL import Image


class Generator(MLModel):

    async def load(self) -> bool:
        bundle = pathlib.Path(self.settings.parameters.uri)
        self.card = json.loads((bundle / "model.json").read_text())
        options = ort.SessionOptions()
        options.intra_op_num_threads = self.settings.parameters.extra["threads"]
        self.mapping = ort.InferenceSession(bundle / "mapping.onnx", options, providers=["CPUExecutionProvider"])
        self.synthesis = ort.InferenceSession(bundle / "synthesis.onnx", options, providers=["CPUExecutionProvider"])
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        given = {tensor.name: NumpyCodec.decode_input(tensor).reshape(-1) for tensor in payload.inputs}
        z_dim = self.card["network"]["z_dim"]
        z = [np.random.RandomState(seed).randn(1, z_dim) for seed in given["seed"]]
        inputs = {"z": np.concatenate(z).astype(np.float32), "psi": np.ones((len(z), 1), np.float32)}
        if self.card["labels"]:
            inputs["c"] = np.eye(len(self.card["labels"]), dtype=np.float32)[given["label"]]
        ws, = self.mapping.run(["ws"], inputs)
        images, = self.synthesis.run(["image"], {"ws": ws})
        if payload.outputs and payload.outputs[0].name == "png":
            files = [png(image) for image in images]
            output = ResponseOutput(name="png", datatype="BYTES", shape=[len(files), 1], data=files)
        else:
            output = NumpyCodec.encode_output("image", images)
        return InferenceResponse(model_name=self.name, outputs=[output])


def png(image):
    pixels = np.clip(np.floor(image * 127.5 + 128), 0, 255).astype(np.uint8)
    pixels = pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()

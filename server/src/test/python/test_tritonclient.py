"""What users of tritonclient see of a server with the shipped MNIST model. scripts/check-tritonclient runs it.

LETHE_SERVER is the server's HOST:PORT, LETHE_STUBS a folder with the Python stubs of lethe.v1.
"""

import asyncio
import os
import queue
import struct
import sys
import time
import unittest

import grpc
import numpy as np
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from tritonclient.utils import InferenceServerException

sys.path.insert(0, os.environ["LETHE_STUBS"])
from lethe.v1 import common_pb2, generation_pb2, generation_pb2_grpc  # noqa: E402

SERVER = os.environ["LETHE_SERVER"]
MODEL = "mnist"
PNG = b"\x89PNG\r\n\x1a\n"


def tensor(name, values):
    values = np.asarray(values)
    kinds = {"f": ("FP32", np.float32), "i": ("INT64", np.int64)}
    datatype, dtype = kinds.get(values.dtype.kind, ("BYTES", np.object_))
    given = triton.InferInput(name, values.shape, datatype)
    given.set_data_from_numpy(values.astype(dtype))
    return given


class TritonClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = triton.InferenceServerClient(SERVER)
        cls.metadata = cls.client.get_model_metadata(MODEL)
        cls.version = cls.metadata.versions[0]
        cls.z_dim = next(t.shape[1] for t in cls.metadata.inputs if t.name == "z")
        cls.shape = list(next(t.shape for t in cls.metadata.outputs if t.name == "image"))[1:]
        cls.channel = grpc.insecure_channel(SERVER)
        cls.generation = generation_pb2_grpc.GenerationServiceStub(cls.channel)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.channel.close()

    def z(self, count, seed=0):
        return np.random.RandomState(seed).randn(count, self.z_dim).astype(np.float32)

    def generated(self, z, label, psi=1.0):
        """The images of lethe.v1.GenerationService."""
        answer = self.generation.Generate(generation_pb2.GenerateRequest(
            model=MODEL, label=label, psi=psi, format=common_pb2.IMAGE_FORMAT_RAW,
            z=generation_pb2.Vectors(values=[generation_pb2.Vector(values=row) for row in z])))
        return np.stack([np.frombuffer(i.image.data, "<f4").reshape(self.shape) for i in answer.images])

    def refused(self, status, *words, **request):
        with self.assertRaises(InferenceServerException) as refusal:
            self.client.infer(**request)
        self.assertEqual("StatusCode." + status, refusal.exception.status())
        for word in words:
            self.assertIn(word, refusal.exception.message())

    def test_server_and_model_are_ready(self):
        self.assertTrue(self.client.is_server_live())
        self.assertTrue(self.client.is_server_ready())
        self.assertTrue(self.client.is_model_ready(MODEL))
        self.assertTrue(self.client.is_model_ready(MODEL, self.version))
        self.assertFalse(self.client.is_model_ready(MODEL, "v999"))
        server = self.client.get_server_metadata()
        self.assertEqual("lethe", server.name)
        self.assertIn("model_repository", server.extensions)

    def test_metadata_and_config_agree(self):
        config = self.client.get_model_config(MODEL).config
        self.assertEqual(MODEL, config.name)
        self.assertGreater(config.max_batch_size, 1)
        described = {t.name: [-1] + list(t.dims) for t in list(config.input) + list(config.output)}
        self.assertEqual(described, {t.name: list(t.shape)
                                     for t in list(self.metadata.inputs) + list(self.metadata.outputs)})
        self.assertEqual({"seed", "z", "ws", "psi", "label", "image", "png"}, set(described))

    def test_infer_gives_the_images_of_generate(self):
        z = self.z(5)
        result = self.client.infer(MODEL, [tensor("z", z), tensor("label", ["7"]), tensor("psi", [0.7])],
                                   request_id="five sevens")
        images = result.as_numpy("image")
        self.assertEqual([5] + self.shape, list(images.shape))
        np.testing.assert_allclose(images, self.generated(z, "7", 0.7), atol=1e-5)
        self.assertEqual("five sevens", result.get_response().id)
        self.assertEqual(self.version, result.get_response().model_version)

    def test_seed_is_numpys_and_labels_go_by_index_and_for_each_image(self):
        seeds = np.array([[3], [4]])
        z = np.concatenate([self.z(1, 3), self.z(1, 4)])
        images = self.client.infer(MODEL, [tensor("seed", seeds), tensor("label", np.array([1, 2]))])
        expected = np.concatenate([self.generated(z[:1], "1"), self.generated(z[1:], "2")])
        np.testing.assert_allclose(images.as_numpy("image"), expected, atol=1e-5)

    def test_outputs_are_those_asked_for(self):
        result = self.client.infer(MODEL, [tensor("seed", [1, 2, 3])],
                                   outputs=[triton.InferRequestedOutput("png"), triton.InferRequestedOutput("image")])
        files = result.as_numpy("png")
        self.assertEqual((3, 1), files.shape)
        for file in files.ravel():
            self.assertEqual(PNG, file[:8])
            self.assertEqual(tuple(self.shape[1:]), struct.unpack(">II", file[16:24]))
        self.assertEqual([3] + self.shape, list(result.as_numpy("image").shape))
        self.assertIsNone(self.client.infer(MODEL, [tensor("seed", [1])]).as_numpy("png"))

    def test_compressed_and_asynchronous_requests(self):
        z = self.z(2)
        expected = self.generated(z, "5")
        inputs = [tensor("z", z), tensor("label", ["5"])]
        compressed = self.client.infer(MODEL, inputs, compression_algorithm="gzip")
        np.testing.assert_allclose(compressed.as_numpy("image"), expected, atol=1e-5)

        results = queue.Queue()
        self.client.async_infer(MODEL, inputs, callback=lambda result, error: results.put((result, error)))
        result, error = results.get(timeout=30)
        self.assertIsNone(error)
        np.testing.assert_allclose(result.as_numpy("image"), expected, atol=1e-5)

        async def asynchronous():
            async with triton_aio.InferenceServerClient(SERVER) as client:
                return await client.infer(MODEL, inputs)

        np.testing.assert_allclose(asyncio.run(asynchronous()).as_numpy("image"), expected, atol=1e-5)

    def test_stream_answers_in_order_and_survives_a_refusal(self):
        answers = queue.Queue()
        with triton.InferenceServerClient(SERVER) as client:
            client.start_stream(lambda result, error: answers.put((result, error)))
            for i in range(12):
                label = "no such class" if i == 5 else str(i % 10)
                client.async_stream_infer(MODEL, [tensor("seed", [i]), tensor("label", [label])], request_id=str(i))
            received = [answers.get(timeout=30) for _ in range(12)]
            client.stop_stream()
        for i, (result, error) in enumerate(received):
            if i == 5:
                self.assertIn("no such class", error.message())
            else:
                self.assertIsNone(error)
                self.assertEqual(str(i), result.get_response().id)
                self.assertTrue(result.get_response().parameters["triton_final_response"].bool_param)
                np.testing.assert_allclose(result.as_numpy("image"), self.generated(self.z(1, i), str(i % 10)),
                                           atol=1e-5)

    def test_statistics_count_inferences(self):
        def statistics():
            return self.client.get_inference_statistics(MODEL, self.version).model_stats[0]

        before = statistics()
        self.client.infer(MODEL, [tensor("seed", range(6))])
        after = statistics()
        self.assertEqual(6, after.inference_count - before.inference_count)
        self.assertEqual(1, after.inference_stats.success.count - before.inference_stats.success.count)
        self.assertGreater(after.inference_stats.compute_infer.ns, before.inference_stats.compute_infer.ns)
        self.assertGreater(after.inference_stats.queue.ns, before.inference_stats.queue.ns)
        self.assertEqual(after.execution_count, sum(batch.compute_infer.count for batch in after.batch_stats))
        self.assertLess(abs(time.time() * 1000 - after.last_inference), 60_000)
        self.assertIn(MODEL, [model.name for model in self.client.get_inference_statistics().model_stats])

    def test_unloaded_model_is_refused_until_it_is_loaded(self):
        def state():
            return {(m.name, m.version): m.state for m in self.client.get_model_repository_index().models}

        self.assertEqual("READY", state()[MODEL, self.version])
        self.client.unload_model(MODEL)
        try:
            self.assertFalse(self.client.is_model_ready(MODEL))
            self.assertIn(state()[MODEL, self.version], ("UNLOADING", "UNAVAILABLE"))
            self.refused("UNAVAILABLE", "unloaded", model_name=MODEL, inputs=[tensor("seed", [1])])
        finally:
            self.client.load_model(MODEL)
        self.assertTrue(self.client.is_model_ready(MODEL))
        self.assertEqual([1] + self.shape,
                         list(self.client.infer(MODEL, [tensor("seed", [1])]).as_numpy("image").shape))

    def test_mistakes_are_told(self):
        self.refused("NOT_FOUND", "other", model_name="other", inputs=[tensor("seed", [1])])
        self.refused("NOT_FOUND", "v999", model_name=MODEL, model_version="v999", inputs=[tensor("seed", [1])])
        self.refused("INVALID_ARGUMENT", '"z"', f"[n, {self.z_dim}]", model_name=MODEL,
                     inputs=[tensor("z", np.zeros((2, self.z_dim + 1)))])
        self.refused("INVALID_ARGUMENT", '"z"', "FP32", "INT64", model_name=MODEL,
                     inputs=[tensor("z", np.zeros((2, self.z_dim), np.int64))])
        self.refused("INVALID_ARGUMENT", "none is given", model_name=MODEL, inputs=[])
        self.refused("INVALID_ARGUMENT", '"jpeg"', model_name=MODEL, inputs=[tensor("seed", [1])],
                     outputs=[triton.InferRequestedOutput("jpeg")])
        self.refused("DEADLINE_EXCEEDED", model_name=MODEL, inputs=[tensor("seed", range(256))], client_timeout=0.001)
        with self.assertRaises(InferenceServerException) as refusal:
            self.client.load_model(MODEL, config="{}")
        self.assertEqual("StatusCode.INVALID_ARGUMENT", refusal.exception.status())


if __name__ == "__main__":
    unittest.main()

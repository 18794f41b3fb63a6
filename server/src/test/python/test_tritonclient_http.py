"""What users of tritonclient.http see of a server with the shipped MNIST model. scripts/check-http-clients runs it.

LETHE_SERVER is the server's HOST:PORT.
"""

import asyncio
import os
import struct
import unittest

import numpy as np
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.utils import InferenceServerException

SERVER = os.environ["LETHE_SERVER"]
MODEL = "mnist"
PNG = b"\x89PNG\r\n\x1a\n"


def tensor(name, values, library=triton, **options):
    values = np.asarray(values)
    kinds = {"f": ("FP32", np.float32), "i": ("INT64", np.int64)}
    datatype, dtype = kinds.get(values.dtype.kind, ("BYTES", np.object_))
    given = library.InferInput(name, list(values.shape), datatype)
    given.set_data_from_numpy(values.astype(dtype), **options)
    return given


class TritonHttpClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = triton.InferenceServerClient(SERVER)
        cls.metadata = cls.client.get_model_metadata(MODEL)
        cls.version = cls.metadata["versions"][0]
        cls.z_dim = next(t["shape"][1] for t in cls.metadata["inputs"] if t["name"] == "z")
        cls.shape = next(t["shape"] for t in cls.metadata["outputs"] if t["name"] == "image")[1:]

    @classmethod
    def tearDownClass(cls):
        cls.client.close()

    def by_grpc(self, *inputs):
        with triton_grpc.InferenceServerClient(SERVER) as client:
            return client.infer(MODEL, [tensor(name, values, triton_grpc) for name, values in inputs]).as_numpy("image")

    def z(self, count):
        return np.random.RandomState(0).randn(count, self.z_dim).astype(np.float32)

    def test_server_and_model_are_ready(self):
        self.assertTrue(self.client.is_server_live())
        self.assertTrue(self.client.is_server_ready())
        self.assertTrue(self.client.is_model_ready(MODEL))
        self.assertTrue(self.client.is_model_ready(MODEL, self.version))
        self.assertFalse(self.client.is_model_ready(MODEL, "v999"))
        server = self.client.get_server_metadata()
        self.assertEqual("lethe", server["name"])
        self.assertIn("binary_tensor_data", server["extensions"])

    def test_metadata_config_and_statistics(self):
        config = self.client.get_model_config(MODEL)
        self.assertEqual(MODEL, config["name"])
        self.assertGreater(config["max_batch_size"], 1)
        described = {t["name"]: [-1] + t["dims"] for t in config["input"] + config["output"]}
        self.assertEqual(described,
                         {t["name"]: t["shape"] for t in self.metadata["inputs"] + self.metadata["outputs"]})
        self.client.infer(MODEL, [tensor("seed", [1])])
        stats = self.client.get_inference_statistics(MODEL, self.version)["model_stats"]
        self.assertGreater(stats[0]["inference_count"], 0)
        self.assertEqual(stats[0]["name"], self.client.get_inference_statistics()["model_stats"][0]["name"])

    def test_binary_and_json_give_the_images_of_grpc(self):
        z = self.z(5)
        expected = self.by_grpc(("z", z), ("label", ["7"]), ("psi", [0.7]))
        for binary in (True, False):
            result = self.client.infer(
                MODEL, [tensor("z", z, binary_data=binary), tensor("label", ["7"], binary_data=binary),
                        tensor("psi", [0.7], binary_data=False)],
                outputs=[triton.InferRequestedOutput("image", binary_data=binary)], request_id="five sevens")
            np.testing.assert_allclose(result.as_numpy("image"), expected, atol=1e-6)
            self.assertEqual("five sevens", result.get_response()["id"])
            self.assertEqual(self.version, result.get_response()["model_version"])
        # Without a word on outputs, the client asks for all of them as bytes.
        np.testing.assert_allclose(
            self.client.infer(MODEL, [tensor("z", z), tensor("label", ["7"]), tensor("psi", [0.7])]).as_numpy("image"),
            expected, atol=1e-6)

    def test_files_beside_numbers(self):
        result = self.client.infer(MODEL, [tensor("seed", [1, 2, 3])],
                                   outputs=[triton.InferRequestedOutput("png"),
                                            triton.InferRequestedOutput("image", binary_data=False)])
        files = result.as_numpy("png")
        self.assertEqual((3, 1), files.shape)
        for file in files.ravel():
            self.assertEqual(PNG, file[:8])
            self.assertEqual(tuple(self.shape[1:]), struct.unpack(">II", file[16:24]))
        self.assertEqual([3] + self.shape, list(result.as_numpy("image").shape))

    def test_asynchronous(self):
        z = self.z(2)
        expected = self.by_grpc(("z", z), ("label", ["5"]))
        inputs = [tensor("z", z), tensor("label", ["5"])]
        np.testing.assert_allclose(self.client.async_infer(MODEL, inputs).get_result().as_numpy("image"), expected,
                                   atol=1e-6)

        async def asynchronous():
            async with triton_aio.InferenceServerClient(SERVER) as client:
                return await client.infer(MODEL, inputs)

        np.testing.assert_allclose(asyncio.run(asynchronous()).as_numpy("image"), expected, atol=1e-6)

    def test_refusals(self):
        def refused(code, *words, **request):
            with self.assertRaises(InferenceServerException) as refusal:
                self.client.infer(**request)
            self.assertEqual(str(code), str(refusal.exception.status()))
            for word in words:
                self.assertIn(word, refusal.exception.message())

        refused(404, "nobody", MODEL, model_name="nobody", inputs=[tensor("seed", [1])])
        refused(400, '"z"', "[n, 64]", model_name=MODEL, inputs=[tensor("z", np.zeros((2, 3), np.float32))])
        refused(400, "psi", model_name=MODEL, inputs=[tensor("seed", [1]), tensor("psi", [3.0])])

    def test_repository(self):
        index = self.client.get_model_repository_index()
        self.assertEqual("READY", next(m["state"] for m in index if m["name"] == MODEL))
        self.client.unload_model(MODEL)
        self.assertFalse(self.client.is_model_ready(MODEL))
        self.client.load_model(MODEL)
        self.assertTrue(self.client.is_model_ready(MODEL))


if __name__ == "__main__":
    unittest.main()

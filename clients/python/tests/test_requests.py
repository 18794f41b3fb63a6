"""What no request can hold is told by its field, and an address in every form is taken."""

import socket
import tempfile
import threading
import unittest
from pathlib import Path

import numpy as np

import lethe_client
from lethe_client import connection, requests, specs
from lethe_client.v1 import unlearning_pb2


def generate(**given):
    every = dict(seeds=None, z=None, w=None, label=None, psi=None, count=None, format="png", model="", version="",
                 noise_mode="const", include_w=False)
    return requests.generate(**(every | given)).message


class RequestsTest(unittest.TestCase):
    def refused(self, field, make, *arguments, **given):
        with self.assertRaises(lethe_client.InvalidArgument) as caught:
            make(*arguments, **given)
        self.assertEqual(field, caught.exception.field, caught.exception)
        self.assertIsInstance(caught.exception, ValueError)

    def test_values_that_no_field_holds(self):
        for field, given in [("seeds", dict(seeds=-1)), ("seeds[1]", dict(seeds=[0, 2 ** 32])),
                             ("seeds", dict(seeds=1.5)), ("seeds", dict(seeds="7")), ("seeds[0]", dict(seeds=["7"])),
                             ("psi", dict(psi="much")), ("count", dict(count=2 ** 40)), ("count", dict(count=0.5)),
                             ("model", dict(model=7)), ("version", dict(version=["v1"])), ("format", dict(format="gif")),
                             ("z[0][0]", dict(z=[["a"]])), ("z", dict(z=[[0.0], [0.0, 1.0]])), ("w", dict(w=np.zeros((1, 2, 3, 4)))),
                             ("seeds", dict(seeds=1, z=[[0.0]])), ("noise_mode", dict(noise_mode="loud")),
                             ("include_w", dict(include_w="yes"))]:
            self.refused(field, generate, **given)
        for field, options in [("spec.iterations", dict(iterations=2 ** 32)), ("spec.batch", dict(batch="many")),
                               ("spec.kind", dict(kind="person")), ("spec.gates.min_acc", dict(min_acc="high")),
                               ("spec.fake_label", dict(fake_label="low"))]:
            self.refused(field, specs.build, options)
        self.refused("job_id", requests.job, 7, None)
        self.refused("reason", requests.reject, "job", 7, None)
        self.refused("job_id", requests.certificate, "job", "mnist", "")
        for field, given in [("space", dict(space="z")), ("steps", dict(steps="many")), ("fit", dict(fit="tight")),
                             ("seed", dict(seed=-1)), ("background", dict(background=-1))]:
            every = dict(model="", version="", space="w", steps=None, seed=0, fit="exact", background=None)
            self.refused(field, requests.project, unlearning_pb2.LabelledImage(), **(every | given))
        self.refused("psi", generate, psi=10 ** 400)
        self.refused("z", generate, z=[[10 ** 400]])
        self.refused("label", generate, label="\ud800")
        self.refused("spec.classes[1]", specs.build, {"classes": ["3", "\ud800"]})
        with self.assertRaises(TypeError):
            specs.build({"no_such": 1})

    def test_latents_that_are_none_are_for_the_server_to_refuse(self):
        for given in (dict(z=np.zeros((0, 64))), dict(z=[]), dict(w=np.zeros((0, 8, 64)))):
            request = generate(**given)
            self.assertEqual(*given, request.WhichOneof("latents"))
            self.assertEqual(0, len(getattr(request, *given).values))
        self.assertEqual("seeds", generate(seeds=range(5, 1)).WhichOneof("latents"))

    def test_timeouts_are_longer_than_nothing(self):
        client = lethe_client.Client("localhost:1")
        for timeout in 0, -1, float("nan"), "soon", 0.0:
            self.refused("timeout", lethe_client.Client, "localhost:1", timeout=timeout)
            for make in (client.generate, client.activate, client.unlearn, client.inspect):
                self.refused("timeout", make, *(["m", "v"] if make == client.activate else []), timeout=timeout)
            self.refused("timeout", next, client.generate_stream(timeout=timeout))
            self.refused("timeout", next, client._watch("job", timeout))
        for timeout in None, 1, 0.5, np.float32(2), float("inf"):
            lethe_client.Client("localhost:1", timeout=timeout).close()
        self.refused("retry", lethe_client.Retry, attempts=0)
        client.close()

    def test_files_of_tls_that_hold_none(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "ca.crt")
            file.write_text("no certificate")
            self.refused("ca", lethe_client.Client, "localhost:1", ca=file)
            self.refused("certificate", lethe_client.Client, "localhost:1", certificate=file, key=file)
            with self.assertRaises(FileNotFoundError):
                lethe_client.Client("localhost:1", ca=Path(folder, "missing"))

    def test_connections_of_the_wrong_kind_are_told_in_words(self):
        def answering(answer):
            def serve():
                while True:
                    try:
                        with listening.accept()[0] as connection:
                            connection.recv(10)
                            connection.sendall(answer)
                    except OSError:
                        return
            listening = socket.create_server(("127.0.0.1", 0))
            threading.Thread(target=serve, daemon=True).start()
            return listening

        # A server with TLS ends what is none; one without it answers in HTTP/2 at once.
        for scheme, answer, words in (("http", b"", "it may want TLS"),
                                      ("https", bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]), "does not speak TLS")):
            with answering(answer) as listening, lethe_client.Client(
                    f"{scheme}://127.0.0.1:{listening.getsockname()[1]}", retry=lethe_client.Retry(attempts=1)) as client:
                with self.assertRaisesRegex(lethe_client.Unavailable, words):
                    client.models()

    def test_values_that_fields_hold(self):
        self.assertEqual([7], generate(seeds=np.int64(7)).seeds.values)
        self.assertEqual([0, 2 ** 32 - 1], generate(seeds=np.array([0, 2 ** 32 - 1], np.uint32)).seeds.values)
        self.assertEqual([0, 1], generate(seeds=iter(range(2))).seeds.values)
        self.assertEqual(0.5, generate(psi=np.float32(0.5)).psi)
        self.assertEqual(["7", "five"], specs.build({"classes": [7, "five"]}).classes)
        self.assertEqual(["7"], specs.build({"classes": 7}).classes)

    def test_addresses(self):
        for address, target, tls in [
                ("host", "host:8080", None), (" host:9 ", "host:9", None), ("http://host", "host:80", False),
                ("http://10.0.0.1:8080/", "10.0.0.1:8080", False), ("https://host", "host:443", True),
                ("HTTPS://host:8443", "host:8443", True), ("[::1]", "[::1]:8080", None),
                ("dns:///host:1", "dns:///host:1", None), ("unix:/run/lethe.sock", "unix:/run/lethe.sock", None)]:
            self.assertEqual((target, tls), connection._target(address), address)
        for address in "ftp://host", "http://host/v1", "host:x", "host:0", "host:70000", "::1", "http://me@host", "a b":
            self.refused("address", lethe_client.Client, address)
        self.refused("address", lethe_client.Client, "http://host", tls=True)
        self.refused("key", lethe_client.Client, "host", certificate="me.crt")


if __name__ == "__main__":
    unittest.main()

"""A connection that fails is told by what is wrong with it, once, and not in a log of gRPC's."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from concurrent import futures
from pathlib import Path

import grpc

import lethe_client
from lethe_client import aio

ONCE = lethe_client.Retry(attempts=1)


def openssl(*arguments, folder):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def authority(folder, name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
            "-out", f"{name}.crt", "-subj", f"/CN={name}", "-days", "2", folder=folder)


def certificate(folder, name, of, *names):
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
            "-out", f"{name}.csr", "-subj", f"/CN={name}", folder=folder)
    (folder / f"{name}.ext").write_text("subjectAltName=" + ",".join(names))
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{of}.crt", "-CAkey", f"{of}.key", "-CAcreateserial", "-out",
            f"{name}.crt", "-days", "2", "-extfile", f"{name}.ext", folder=folder)


class ConnectionTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        held = tempfile.TemporaryDirectory()
        cls.addClassCleanup(held.cleanup)
        cls.folder = Path(held.name)
        authority(cls.folder, "ours")
        authority(cls.folder, "other")
        certificate(cls.folder, "right", "ours", "DNS:localhost", "IP:127.0.0.1")
        certificate(cls.folder, "elsewhere", "ours", "DNS:elsewhere.example", "DNS:lethe.example")

    def serve(self, name, wants_client=False):
        server = grpc.server(futures.ThreadPoolExecutor(2))
        pair = ((self.folder / f"{name}.key").read_bytes(), (self.folder / f"{name}.crt").read_bytes())
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials(
            [pair], (self.folder / "ours.crt").read_bytes() if wants_client else None, wants_client))
        server.start()
        self.addCleanup(server.stop, None)
        return port

    def plain(self):
        """Answers what it is sent by a line, and closes."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)

        def answer():
            while True:
                try:
                    with listening.accept()[0] as connection:
                        connection.recv(100)
                        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                except OSError:
                    return

        threading.Thread(target=answer, daemon=True).start()
        return listening.getsockname()[1]

    def told(self, port, ca="ours", host="127.0.0.1"):
        with self.assertRaises(lethe_client.Unavailable) as blocking:
            lethe_client.Client(f"{host}:{port}", ca=self.folder / f"{ca}.crt", retry=ONCE).models()

        async def ask():
            async with aio.Client(f"{host}:{port}", ca=self.folder / f"{ca}.crt", retry=ONCE) as client:
                await client.models()

        with self.assertRaises(lethe_client.Unavailable) as later:
            asyncio.run(ask())
        self.assertEqual(blocking.exception.message.split(" (")[0], later.exception.message.split(" (")[0])
        return blocking.exception.message

    def test_each_fault_of_tls_has_its_words(self):
        self.assertIn("certificate does not name 127.0.0.1, but elsewhere.example, lethe.example", self.told(
            self.serve("elsewhere")))
        self.assertIn("not of an authority that is trusted", self.told(self.serve("right"), "other"))
        self.assertIn("does not speak TLS", self.told(self.plain()))
        with socket.create_server(("127.0.0.1", 0)) as taken:
            free = taken.getsockname()[1]
        self.assertIn("there is no server at that address", self.told(free))
        self.assertIn("there is no host nowhere.invalid", self.told(443, host="nowhere.invalid"))
        self.assertIn("wants a certificate of its clients", self.told(self.serve("right", wants_client=True)))

    def test_what_is_right_is_spoken_to(self):
        with self.assertRaises(lethe_client.LetheError) as caught:
            lethe_client.Client(f"localhost:{self.serve('right')}", ca=self.folder / "ours.crt", retry=ONCE).models()
        self.assertEqual(grpc.StatusCode.UNIMPLEMENTED, caught.exception.code)

    def test_the_log_is_quiet_unless_it_is_asked_for(self):
        port = self.serve("right")
        program = ("import lethe_client\ntry:\n  lethe_client.Client('localhost:%d', ca=%r, retry=lethe_client.Retry(attempts=1))"
                   ".models()\nexcept lethe_client.Unavailable: print('told')" % (port, str(self.folder / "other.crt")))
        quiet = {key: value for key, value in os.environ.items() if key != "GRPC_VERBOSITY"}
        for environment, said in ((quiet, False), (quiet | {"GRPC_VERBOSITY": "INFO"}, True)):
            ended = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True,
                                   check=True)
            self.assertEqual("told\n", ended.stdout)
            self.assertEqual(said, "Handshake failed" in ended.stderr, ended.stderr)


if __name__ == "__main__":
    unittest.main()

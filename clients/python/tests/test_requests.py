"""What no request can hold is told by its field, and an address in every form is taken."""

import unittest

import numpy as np

import lethe_client
from lethe_client import connection, requests, specs


def generate(**given):
    every = dict(seeds=None, z=None, w=None, label=None, psi=None, count=None, format="png", model="", version="")
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
                             ("z", dict(z=[["a"]])), ("w", dict(w=np.zeros((1, 2, 3, 4)))),
                             ("seeds", dict(seeds=1, z=[[0.0]]))]:
            self.refused(field, generate, **given)
        for field, options in [("spec.iterations", dict(iterations=2 ** 32)), ("spec.batch", dict(batch="many")),
                               ("spec.kind", dict(kind="person")), ("spec.gates.min_acc", dict(min_acc="high")),
                               ("spec.fake_label", dict(fake_label="low"))]:
            self.refused(field, specs.build, options)
        self.refused("job_id", requests.job, 7, None)
        with self.assertRaises(TypeError):
            specs.build({"no_such": 1})

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

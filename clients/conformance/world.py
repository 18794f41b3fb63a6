#!/usr/bin/env python3
"""Starts what cases.yaml needs: two real servers, and proxies that break connections. Ends them on SIGTERM.

Usage: world.py LETHE DIR
LETHE is the script of this name; DIR gets world.json once all is up, and all files. README.md beside it says more.
"""

import asyncio
import gzip
import hashlib
import json
import secrets
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

ROLES = {"alice": ["generate", "unlearn", "operate"], "reader": ["generate"], "slow": ["generate"]}
# Requests a second of the principal slow.
SLOW = 2
# Seconds that a connection through the proxy `cut` lasts.
CUT_AFTER = 0.8


def certificates(folder):
    """Authorities, and what they have signed: the server's certificate and a client's."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    for name in "ca", "other":
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-keyout", f"{name}.key", "-out", f"{name}.crt", "-subj", f"/CN=Lethe test authority {name}")
    for name, subject in ("server", "localhost"), ("client", "pipeline"):
        (folder / f"{name}.ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
                "-out", f"{name}.csr", "-subj", f"/CN={subject}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                "2", "-extfile", f"{name}.ext", "-out", f"{name}.crt")


def principals(folder):
    """Writes who may do what; returns the tokens."""
    tokens = {name: secrets.token_hex(16) for name in ROLES}
    text = ""
    for name, roles in ROLES.items():
        text += (f"- name: {name}\n  roles: [{', '.join(roles)}]\n"
                 f"  token-sha256: {hashlib.sha256(tokens[name].encode()).hexdigest()}\n")
        if name == "slow":
            text += f"  requests-per-second: {SLOW}\n"
    text += "- name: pipeline\n  roles: [generate]\n  certificate: pipeline\n"
    (folder / "principals.yaml").write_text(text)
    return tokens | {"impostor": secrets.token_hex(16), "split": "a b"}


def sample(repository, count):
    """Real MNIST training images of 32 x 32 pixels with their classes."""
    def read(name, header):
        return np.frombuffer(gzip.decompress((repository / f"onnx-models/mnist-sample/{name}").read_bytes())[header:],
                             np.uint8)

    images = read("train-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)[:count]
    return [Image.fromarray(np.pad(image, 2)) for image in images], read("train-labels-idx1-ubyte.gz", 8)[:count]


def uploads(repository, folder):
    """What clients upload, by the names of the cases' variables."""
    images, labels = sample(repository, 10)

    def save(name, chosen):
        for i in chosen:
            (folder / name / str(labels[i])).mkdir(parents=True, exist_ok=True)
            images[i].save(folder / name / str(labels[i]) / f"{i:04}.png")

    save("forget", range(6))
    save("keep", range(6, 10))
    with zipfile.ZipFile(folder / "forget.zip", "w") as archive:
        for file in sorted((folder / "forget").rglob("*.png")):
            archive.write(file, file.relative_to(folder / "forget"))
        archive.writestr("__MACOSX/7/._0000.png", b"what a file manager leaves behind")
    images[0].save(folder / "one.png")
    save("mixed", range(1))
    (folder / "mixed/notes.txt").write_text("not of the images")
    save("webp", range(1))
    (folder / f"webp/{labels[1]}").mkdir(exist_ok=True)
    images[1].save(folder / f"webp/{labels[1]}/1.webp", lossless=True)
    (folder / "empty").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (1280, 1280, 3), np.uint8)
    Image.fromarray(noise).save(folder / "large.png")
    z = [np.random.RandomState(seed).randn(64).astype(np.float32).tolist() for seed in (3, 4)]
    return {"forget": str(folder / "forget"), "keep": str(folder / "keep"), "zip": str(folder / "forget.zip"),
            "one": str(folder / "one.png"), "empty": str(folder / "empty"), "large": str(folder / "large.png"),
            "mixed": str(folder / "mixed"),
            "webp": str(folder / "webp"), "missing": str(folder / "missing"), "z": z, "w": [[0.0] * 64, [0.5] * 64]}


async def server(lethe, folder, name, *options):
    """A server on a free port; its process and address."""
    with open(folder / f"{name}.log", "wb") as log:
        process = await asyncio.create_subprocess_exec(
            # A busy machine, on which clients are built meanwhile, may be slow to shake hands.
            lethe, "serve", "--port", "0", "--handshake-timeout", "60", "--state", folder / name / "models", "--jobs", folder / name / "jobs",
            *options, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=log)
    async for line in process.stdout:
        if line.startswith(b"lethe: serving on "):
            return process, line.decode().split()[-1]
    raise SystemExit(f"the server did not start:\n{(folder / f'{name}.log').read_text()}")


async def proxy(target, treat):
    """A TCP proxy to target; treat(number, writers) has each connection, which lasts until it returns False."""
    host, port = target.rsplit(":", 1)
    count = 0

    async def copy(reader, writer):
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def serve(reader, writer):
        nonlocal count
        count += 1
        last = await treat(count)
        if last == 0:
            writer.transport.abort()
            return
        up_reader, up_writer = await asyncio.open_connection(host, int(port))
        both = asyncio.gather(copy(reader, up_writer), copy(up_reader, writer))
        try:
            await asyncio.wait_for(both, last)
        except asyncio.TimeoutError:
            writer.transport.abort()
            up_writer.transport.abort()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    return listening, "127.0.0.1:%d" % listening.sockets[0].getsockname()[1]


async def main(lethe, folder):
    folder = Path(folder)
    repository = Path(lethe).resolve().parent
    certificates(folder)
    tokens = principals(folder)
    variables = uploads(repository, folder)
    (opened, open_address), (secured, secured_address) = await asyncio.gather(
        server(lethe, folder, "open", "--max-images", "1500"),
        server(lethe, folder, "secured", "--tls-certificate", folder / "server.crt", "--tls-key", folder / "server.key",
               "--tls-client-ca", folder / "ca.crt", "--tls-client-certificates", "optional", "--auth-principals",
               folder / "principals.yaml"))
    connections = folder / "connections"
    connections.write_text("0")

    async def cut(number):
        connections.write_text(str(number))
        return CUT_AFTER

    async def stumble(number):
        return 0 if number % 2 == 1 else None

    cutting, cut_address = await proxy(open_address, cut)
    stumbling, stumbling_address = await proxy(open_address, stumble)
    nowhere = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    nowhere_address = "127.0.0.1:%d" % nowhere.sockets[0].getsockname()[1]
    nowhere.close()
    world = {
        # By name, as the certificate has it.
        "servers": {"open": open_address, "secured": "localhost:" + secured_address.rsplit(":", 1)[1],
                    "cut": cut_address, "stumbling": stumbling_address, "nowhere": nowhere_address},
        "tokens": tokens,
        "files": {"ca": str(folder / "ca.crt"), "other_ca": str(folder / "other.crt"),
                  "no_ca": str(folder / "mixed/notes.txt"),
                  "certificate": str(folder / "client.crt"), "key": str(folder / "client.key"),
                  "connections": str(connections)},
        "variables": variables,
    }
    made = folder / "world.json.new"
    made.write_text(json.dumps(world, indent=1))
    made.rename(folder / "world.json")
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in signal.SIGTERM, signal.SIGINT:
        loop.add_signal_handler(number, ended.set)
    await ended.wait()
    for process in opened, secured:
        process.terminate()
    await asyncio.gather(opened.wait(), secured.wait())
    cutting.close()
    stumbling.close()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    asyncio.run(main(*sys.argv[1:]))

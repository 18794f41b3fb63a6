"""Images in memory: [N, C, H, W] as bytes, with labels by the folders that they lie in."""

import io
import os
import struct
import tarfile
from concurrent.futures import ThreadPoolExecutor

import numpy
import torch
import torch.nn.functional as F
from PIL import Image

ENDINGS = (".png", ".jpg", ".jpeg")


def files(path):
    """Names and bytes of the images of a tar or a folder, sorted by name."""
    if os.path.isdir(path):
        found = [os.path.join(at, name) for at, _, names in os.walk(path) for name in names]
        named = ((name, open(name, "rb").read()) for name in found if name.lower().endswith(ENDINGS))
    else:
        with tarfile.open(path) as tar:
            named = [(m.name, tar.extractfile(m).read()) for m in tar if m.name.lower().endswith(ENDINGS)]
    return sorted(named)


def read_idx(path, resolution=32):
    """An IDX file [N, H, W] of bytes, in the middle of squares of the resolution; or one of labels [N]."""
    with open(path, "rb") as file:
        header = file.read(4)
        shape = struct.unpack(f">{header[3]}I", file.read(4 * header[3]))
        values = torch.from_numpy(numpy.frombuffer(file.read(), numpy.uint8).reshape(shape).copy())
    if len(shape) == 1:
        return values.long()
    pad = resolution - shape[1]
    return F.pad(values, [pad // 2, pad - pad // 2] * 2)[:, None]


def read_images(path, split="train"):
    """Images, their labels, and the labels' names; of a folder of IDX files (MNIST) those of the split."""
    idx = os.path.join(path, {"train": "train", "test": "t10k"}[split])
    if os.path.exists(idx + "-images-idx3-ubyte"):
        labels = read_idx(idx + "-labels-idx1-ubyte")
        return read_idx(idx + "-images-idx3-ubyte"), labels, [str(c) for c in range(int(labels.max()) + 1)]
    found = files(path)
    folders = [os.path.basename(os.path.dirname(name)) for name, _ in found]
    names = sorted(set(folders))
    with ThreadPoolExecutor() as pool:
        pixels = list(pool.map(lambda f: numpy.asarray(Image.open(io.BytesIO(f[1]))), found))
    stacked = numpy.stack([p[:, :, None] if p.ndim == 2 else p for p in pixels])
    images = torch.from_numpy(stacked).permute(0, 3, 1, 2).contiguous()
    return images, torch.tensor([names.index(folder) for folder in folders]), names


def augmented(x, move, mirror=True):
    """Mirrored or not, and moved by up to so many pixels, each image by itself; differentiable."""
    n, c, r, _ = x.shape
    if mirror:
        mirrored = (torch.rand(n, 1, 1, 1, device=x.device) < 0.5).float()
        x = x * (1 - mirrored) + x.flip(3) * mirrored
    if not move:
        return x
    x = F.pad(x, [move] * 4, mode="reflect")
    at = torch.randint(0, 2 * move + 1, [2, n], device=x.device)
    span = torch.arange(r, device=x.device)
    x = x.gather(2, (at[0][:, None] + span)[:, None, :, None].expand(-1, c, -1, x.shape[3]))
    return x.gather(3, (at[1][:, None] + span)[:, None, None, :].expand(-1, c, r, -1))


def grid(images, path, columns=10):
    """Images in [-1, 1] as one picture."""
    x = ((images.clamp(-1, 1) + 1) * 127.5).round().byte()
    n, c, h, w = x.shape
    x = x.reshape(n // columns, columns, c, h, w).permute(0, 3, 1, 4, 2).reshape(n // columns * h, columns * w, c)
    Image.fromarray((x[:, :, 0] if c == 1 else x).numpy()).save(path)

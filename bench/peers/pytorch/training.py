"""A training step of StyleGAN2 in PyTorch, written anew after the paper, for 'lethe bench training'.

Usage: training.py RESOLUTION CHANNELS CLASSES Z_DIM W_DIM MAPPING_LAYERS CHANNEL_BASE CHANNEL_MAX BATCH R1_INTERVAL THREADS

Prints "ready" and PyTorch's version, then for each line with a number of steps on standard input the seconds that they
took: a step of the discriminator, at intervals with R1, and one of the generator, by Adam, on random images. Networks,
losses and the order of computation are those that Lethe trains; modulation scales activations, which is what the
reference does in training, and is faster here than a weight for each image.
"""

import pathlib
import sys
import time

import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "trainer" / "pytorch"))
from networks import Discriminator, Generator  # noqa: E402 (its folder is known only now)

def main():
    resolution, channels, classes, z_dim, w_dim, mapping_layers, base, most, batch, interval, threads = map(
        int, sys.argv[1:])
    torch.manual_seed(0)
    torch.set_num_threads(threads)

    def width(r):
        return min(base // r, most)

    g = Generator(resolution, channels, classes, z_dim, w_dim, mapping_layers, width)
    d = Discriminator(resolution, channels, classes, width)
    average = {name: p.detach().clone() for name, p in g.named_parameters()}
    adam_g = torch.optim.Adam(g.parameters(), lr=0.002, betas=(0, 0.99), eps=1e-8)
    adam_d = torch.optim.Adam(d.parameters(), lr=0.002, betas=(0, 0.99), eps=1e-8)

    def latents():
        labels = torch.randint(max(1, classes), [batch])
        return torch.randn(batch, z_dim), F.one_hot(labels, classes).float() if classes else None

    def step(number):
        z, c = latents()
        real = torch.rand(batch, channels, resolution, resolution) * 2 - 1
        real_c = latents()[1]
        regularize = number % interval == 0
        real.requires_grad_(regularize)
        with torch.no_grad():
            fake = g(z, c)
        real_logits = d(real, real_c)
        loss = F.softplus(d(fake, c)).mean() + F.softplus(-real_logits).mean()
        if regularize:
            gradient, = torch.autograd.grad(real_logits.sum(), real, create_graph=True)
            loss = loss + gradient.square().sum([1, 2, 3]).mean() * (0.1 / 2 * interval)
        adam_d.zero_grad(set_to_none=True)
        loss.backward()
        adam_d.step()

        z, c = latents()
        for p in d.parameters():
            p.requires_grad_(False)
        loss = F.softplus(-d(g(z, c), c)).mean()
        adam_g.zero_grad(set_to_none=True)
        loss.backward()
        adam_g.step()
        for p in d.parameters():
            p.requires_grad_(True)
        with torch.no_grad():
            for name, p in g.named_parameters():
                average[name].lerp_(p, 0.001)

    print("ready", torch.__version__, flush=True)
    number = 0
    for line in sys.stdin:
        started = time.perf_counter()
        for _ in range(int(line)):
            step(number)
            number += 1
        print(time.perf_counter() - started, flush=True)


main()

"""A training step of StyleGAN2 in PyTorch, written anew after the paper, for 'lethe bench training'.

Usage: training.py RESOLUTION CHANNELS CLASSES Z_DIM W_DIM MAPPING_LAYERS CHANNEL_BASE CHANNEL_MAX BATCH R1_INTERVAL THREADS

Prints "ready" and PyTorch's version, then for each line with a number of steps on standard input the seconds that they
took: a step of the discriminator, at intervals with R1, and one of the generator, by Adam, on random images. Networks,
losses and the order of computation are those that Lethe trains; modulation scales activations, which is what the
reference does in training, and is faster here than a weight for each image.
"""

import math
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

GAIN = math.sqrt(2)


def lrelu(x):
    return F.leaky_relu(x, 0.2) * GAIN


def fir(channels, gain):
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    return (taps[:, None] * taps[None, :] * (gain / 64)).repeat(channels, 1, 1, 1)


class Linear(nn.Module):
    """Fully connected, with equalized learning rate."""

    def __init__(self, ins, outs, multiplier=1.0, bias=0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outs, ins) / multiplier)
        self.bias = nn.Parameter(torch.full([outs], bias / multiplier))
        self.scale = multiplier / math.sqrt(ins)
        self.multiplier = multiplier

    def forward(self, x):
        return F.linear(x, self.weight * self.scale, self.bias * self.multiplier)


def normalize(x):
    return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


class Mapping(nn.Module):
    def __init__(self, z_dim, classes, w_dim, layers):
        super().__init__()
        self.embed = Linear(classes, w_dim) if classes else None
        width = z_dim + (w_dim if classes and z_dim else 0)
        sizes = [width or w_dim] + [w_dim] * layers
        self.layers = nn.ModuleList(Linear(a, b, 0.01) for a, b in zip(sizes, sizes[1:]))

    def forward(self, z, c):
        parts = [normalize(z)] if z is not None else []
        if self.embed is not None:
            parts.append(normalize(self.embed(c)))
        x = torch.cat(parts, 1)
        for layer in self.layers:
            x = lrelu(layer(x))
        return x


class Modulated(nn.Module):
    """Modulated 3x3 convolution, noise, bias, activation."""

    def __init__(self, ins, outs, w_dim, up):
        super().__init__()
        self.affine = Linear(w_dim, ins, bias=1.0)
        self.weight = nn.Parameter(torch.randn(outs, ins, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outs))
        self.strength = nn.Parameter(torch.zeros(1))
        self.up = up
        if up:
            self.register_buffer("fir", fir(outs, 4))

    def forward(self, x, w):
        s = self.affine(w)
        d = (s.square() @ self.weight.square().sum([2, 3]).t() + 1e-8).rsqrt()
        x = x * s[:, :, None, None]
        if self.up:
            x = F.conv_transpose2d(x, self.weight.transpose(0, 1), stride=2)
            x = F.conv2d(x, self.fir, padding=1, groups=x.shape[1])
        else:
            x = F.conv2d(x, self.weight, padding=1)
        x = x * d[:, :, None, None]
        noise = torch.randn(x.shape[0], 1, x.shape[2], x.shape[3])
        return lrelu(x + noise * self.strength + self.bias[None, :, None, None])


class ToRgb(nn.Module):
    def __init__(self, ins, channels, w_dim):
        super().__init__()
        self.affine = Linear(w_dim, ins, bias=1.0)
        self.weight = nn.Parameter(torch.randn(channels, ins, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.scale = 1 / math.sqrt(ins)

    def forward(self, x, w):
        return F.conv2d(x * (self.affine(w) * self.scale)[:, :, None, None], self.weight, self.bias)


class Generator(nn.Module):
    def __init__(self, resolution, channels, classes, z_dim, w_dim, mapping_layers, width):
        super().__init__()
        self.mapping = Mapping(z_dim, classes, w_dim, mapping_layers)
        self.const = nn.Parameter(torch.randn(1, width(4), 4, 4))
        self.layers, self.rgbs = nn.ModuleList(), nn.ModuleList()
        r = 4
        while r <= resolution:
            if r > 4:
                self.layers.append(Modulated(width(r // 2), width(r), w_dim, True))
            self.layers.append(Modulated(width(r), width(r), w_dim, False))
            self.rgbs.append(ToRgb(width(r), channels, w_dim))
            r *= 2
        self.channels = channels
        self.register_buffer("fir", fir(channels, 4))

    def forward(self, z, c):
        w = self.mapping(z, c)
        x, image = self.const, None
        layers = iter(self.layers)
        for i, rgb in enumerate(self.rgbs):
            if i > 0:
                x = next(layers)(x, w)
            x = next(layers)(x, w)
            color = rgb(x, w)
            if image is not None:
                color = color + F.conv_transpose2d(image, self.fir, stride=2, padding=1, groups=self.channels)
            image = color
        return image


class Conv(nn.Module):
    """Convolution with equalized learning rate."""

    def __init__(self, ins, outs, kernel, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outs, ins, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outs)) if bias else None
        self.scale = 1 / math.sqrt(ins * kernel * kernel)

    def forward(self, x, stride=1, padding=0):
        return F.conv2d(x, self.weight * self.scale, self.bias, stride, padding)


class Block(nn.Module):
    """Residual block that halves height and width."""

    def __init__(self, ins, outs):
        super().__init__()
        self.conv0, self.conv1 = Conv(ins, ins, 3), Conv(ins, outs, 3)
        self.skip = Conv(ins, outs, 1, bias=False)
        self.register_buffer("fir", fir(ins, 1))

    def forward(self, x):
        y = lrelu(self.conv0(x, padding=1))
        y = F.conv2d(y, self.fir, padding=2, groups=y.shape[1])
        y = lrelu(self.conv1(y, stride=2))
        return (y + self.skip(F.conv2d(x, self.fir, stride=2, padding=1, groups=x.shape[1]))) * math.sqrt(0.5)


class Discriminator(nn.Module):
    def __init__(self, resolution, channels, classes, width):
        super().__init__()
        self.from_rgb = Conv(channels, width(resolution), 1)
        blocks, r = [], resolution
        while r > 4:
            blocks.append(Block(width(r), width(r // 2)))
            r //= 2
        self.blocks = nn.Sequential(*blocks)
        self.conv = Conv(width(4) + 1, width(4), 3)
        self.fc = Linear(width(4) * 16, width(4))
        self.out = Linear(width(4), width(4) if classes else 1)
        self.mapping = Mapping(0, classes, width(4), 8) if classes else None

    def describe(self, image):
        x = self.blocks(lrelu(self.from_rgb(image)))
        n, ch, h, w = x.shape
        groups = x.reshape(min(4, n), -1, 1, ch, h, w)
        deviation = ((groups - groups.mean(0)).square().mean(0) + 1e-8).sqrt().mean([2, 3, 4])
        deviation = deviation.reshape(-1, 1, 1, 1).repeat(min(4, n), 1, h, w)
        x = lrelu(self.conv(torch.cat([x, deviation], 1), padding=1))
        return self.out(lrelu(self.fc(x.flatten(1))))

    def judge(self, described, c):
        if self.mapping is None:
            return described
        return (described * self.mapping(None, c)).sum(1, keepdim=True) / math.sqrt(described.shape[1])

    def forward(self, image, c):
        return self.judge(self.describe(image), c)


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

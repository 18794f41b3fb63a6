"""StyleGAN2's networks in PyTorch, written anew after the paper: those that Lethe trains, under its names."""

import math

import torch
import torch.nn.functional as F
from torch import nn

GAIN = math.sqrt(2)


def lrelu(x):
    return F.leaky_relu(x, 0.2) * GAIN


def fir(channels, gain):
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    return (taps[:, None] * taps[None, :] * (gain / 64)).repeat(channels, 1, 1, 1)


class LowPass(nn.Module):
    """The filter [1, 3, 3, 1] of both axes, each channel by itself."""

    def __init__(self, channels, gain, stride=1, padding=0):
        super().__init__()
        self.register_buffer("kernel", fir(channels, gain), persistent=False)
        self.gain, self.stride, self.padding = gain, stride, padding

    def forward(self, x):
        if not x.is_cuda:
            return F.conv2d(x, self.kernel, stride=self.stride, padding=self.padding, groups=x.shape[1])
        # The same as three averages of two neighbours: convolutions of single channels are slow on a GPU.
        x = F.pad(x, [self.padding] * 4)
        x = F.avg_pool2d(F.avg_pool2d(x, 2, 1), 2, 1)
        return F.avg_pool2d(x, 2, self.stride) * self.gain


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
        self.filter = LowPass(outs, 4, padding=1) if up else None

    def forward(self, x, w):
        s = self.affine(w)
        d = (s.square() @ self.weight.square().sum([2, 3]).t() + 1e-8).rsqrt()
        x = x * s[:, :, None, None]
        if self.filter is not None:
            x = self.filter(F.conv_transpose2d(x, self.weight.transpose(0, 1), stride=2))
        else:
            x = F.conv2d(x, self.weight, padding=1)
        x = x * d[:, :, None, None]
        noise = torch.randn(x.shape[0], 1, x.shape[2], x.shape[3], device=x.device)
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
        self.register_buffer("fir", fir(channels, 4), persistent=False)

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
    """Halves height and width; a residual block, or of the architecture "orig" without its skip."""

    def __init__(self, ins, outs, residual):
        super().__init__()
        self.conv0, self.conv1 = Conv(ins, ins, 3), Conv(ins, outs, 3)
        self.filter = LowPass(ins, 1, padding=2)
        self.skip = Conv(ins, outs, 1, bias=False) if residual else None
        self.halve = LowPass(ins, 1, stride=2, padding=1) if residual else None

    def forward(self, x):
        y = lrelu(self.conv0(x, padding=1))
        y = lrelu(self.conv1(self.filter(y), stride=2))
        return y if self.skip is None else (y + self.skip(self.halve(x))) * math.sqrt(0.5)


class Discriminator(nn.Module):
    def __init__(self, resolution, channels, classes, width, residual=True):
        super().__init__()
        self.from_rgb = Conv(channels, width(resolution), 1)
        blocks, r = [], resolution
        while r > 4:
            blocks.append(Block(width(r), width(r // 2), residual))
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


def named(generator, discriminator):
    """Parameters under Lethe's names, which are the reference's after G. and D."""
    tensors = {}

    def linear(name, module):
        tensors[name + ".weight"], tensors[name + ".bias"] = module.weight, module.bias

    def mapping(name, module):
        if module.embed is not None:
            linear(name + ".embed", module.embed)
        for i, layer in enumerate(module.layers):
            linear(f"{name}.fc{i}", layer)

    mapping("G.mapping", generator.mapping)
    tensors["G.synthesis.b4.const"] = generator.const[0]
    layers = iter(generator.layers)
    for i, rgb in enumerate(generator.rgbs):
        block = f"G.synthesis.b{4 << i}"
        for name in ["conv1"] if i == 0 else ["conv0", "conv1"]:
            layer, at = next(layers), f"{block}.{name}"
            linear(at, layer)
            linear(at + ".affine", layer.affine)
            tensors[at + ".noise_strength"] = layer.strength
        linear(block + ".torgb", rgb)
        linear(block + ".torgb.affine", rgb.affine)
    if discriminator.mapping is not None:
        mapping("D.mapping", discriminator.mapping)
    linear("D.b4.conv", discriminator.conv)
    linear("D.b4.fc", discriminator.fc)
    linear("D.b4.out", discriminator.out)
    for i, block in enumerate(reversed(discriminator.blocks)):
        name = f"D.b{8 << i}"
        linear(name + ".conv0", block.conv0)
        linear(name + ".conv1", block.conv1)
        if block.skip is not None:
            tensors[name + ".skip.weight"] = block.skip.weight
    linear(f"D.b{4 << len(discriminator.blocks)}.fromrgb", discriminator.from_rgb)
    return tensors

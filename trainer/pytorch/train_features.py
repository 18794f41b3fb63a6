"""Trains Lethe's large feature network on a GPU, for 'lethe train features --size large --weights FILE'.

A classifier without batch normalization (FeatureNetwork in onnx-models), by Adam along a half cosine, on images mirrored,
moved and partly hidden; what is written is the moving average of its weights.
"""

import argparse
import json
import math
import time

import torch
import torch.nn.functional as F
from torch import nn

from images import augmented, read_images
from safetensors_file import write

STEM, FIRST, MOST, FEATURES, SLOPE = 48, 96, 192, 128, 0.1


class FeatureNetwork(nn.Module):
    def __init__(self, resolution, channels, classes):
        super().__init__()
        self.layers, self.strides = nn.ModuleDict(), {}
        ins, width, r = channels, FIRST, resolution
        self.add("stem", ins, STEM, 1)
        ins = STEM
        while r > 4:
            self.add(f"conv{r}_down", ins, width, 2)
            if r // 2 > 4:
                self.add(f"conv{r}_same", width, width, 1)
            ins, width, r = width, min(2 * width, MOST), r // 2
        self.features, self.logits = nn.Linear(ins * 16, FEATURES), nn.Linear(FEATURES, classes)
        for module in [*self.layers.values(), self.features, self.logits]:
            fan = module.weight[0].numel()
            nn.init.normal_(module.weight, std=math.sqrt(2 / ((1 + SLOPE * SLOPE) * fan)))
            nn.init.zeros_(module.bias)

    def add(self, name, ins, outs, stride):
        self.layers[name] = nn.Conv2d(ins, outs, 3, stride, 1)

    def forward(self, x):
        for layer in self.layers.values():
            x = F.leaky_relu(layer(x), SLOPE)
        x = F.dropout(x.contiguous().flatten(1), 0.3, self.training)
        return self.logits(F.dropout(F.leaky_relu(self.features(x), SLOPE), 0.3, self.training))

    def named(self):
        parts = {"F." + name.replace("_", "."): layer for name, layer in self.layers.items()}
        parts |= {"F.features": self.features, "F.logits": self.logits}
        return {f"{name}.{part}": getattr(layer, part).detach().cpu().contiguous()
                for name, layer in parts.items() for part in ("weight", "bias")}


def changed(x, move, hide):
    """Mirrored or not, moved, and with a square hidden."""
    x = augmented(x, move)
    n, _, r, _ = x.shape
    span = torch.arange(r, device=x.device)
    centre = torch.randint(0, r, [2, n], device=x.device)
    rows = (span - centre[0][:, None]).abs() < hide / 2
    columns = (span - centre[1][:, None]).abs() < hide / 2
    return x * ~(rows[:, None, :, None] & columns[:, None, None, :])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="tar or folder of training images, a folder for each class")
    parser.add_argument("--test", required=True, help="the same of test images")
    parser.add_argument("--out", required=True, help="safetensors file")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--learning-rate", type=float, default=0.002)
    parser.add_argument("--move", type=int, default=4)
    parser.add_argument("--hide", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    o = parser.parse_args()
    torch.manual_seed(o.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    images, labels, names = read_images(o.data)
    images, labels = images.to(device), labels.to(device)
    count, channels, resolution, _ = images.shape
    network = FeatureNetwork(resolution, channels, len(names)).to(device)
    if device == "cuda":
        network = network.to(memory_format=torch.channels_last)
    average = {name: p.detach().clone() for name, p in network.named_parameters()}
    adam = torch.optim.AdamW(network.parameters(), lr=o.learning_rate, weight_decay=0.02)
    started, step = time.time(), 0
    while (elapsed := time.time() - started) < o.seconds:
        adam.param_groups[0]["lr"] = o.learning_rate * min(1, (step + 1) / 400) * (
            1 + math.cos(math.pi * elapsed / o.seconds)) / 2
        chosen = torch.randint(count, [o.batch], device=device)
        x = changed(images[chosen].float() / 127.5 - 1, o.move, o.hide)
        loss = F.cross_entropy(network(x), labels[chosen], label_smoothing=0.1)
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        step += 1
        with torch.no_grad():
            decay = min(0.998, step / (step + 10))
            for name, p in network.named_parameters():
                average[name].lerp_(p, 1 - decay)
        if step % 500 == 0:
            print(f"step {step}, {elapsed:.0f} s, loss {loss.item():.3f}", flush=True)
    with torch.no_grad():
        for name, p in network.named_parameters():
            p.copy_(average[name])
        network.eval()
        tests, truth, test_names = read_images(o.test)
        assert test_names == names
        right = sum((network(tests[i:i + 500].to(device).float() / 127.5 - 1).argmax(1).cpu() == truth[i:i + 500]).sum()
                    for i in range(0, len(tests), 500)).item()
    trained = {"epochs": step * o.batch / count, "seconds": time.time() - started, "test_accuracy": right / len(tests)}
    write(o.out, network.named(), {"lethe.training": json.dumps(trained | {"options": vars(o)})})
    print(json.dumps(trained), flush=True)


main()

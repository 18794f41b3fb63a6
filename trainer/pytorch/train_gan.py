"""Trains a StyleGAN2 generator and its discriminator on a GPU, for 'lethe import'.

Lethe's own trainer ('lethe train gan') makes the same networks, on the cores of a CPU in hours; this one makes a base to
unlearn from in minutes where a GPU can be had. Networks, losses and regularization are the same: non-saturating logistic
loss, lazy R1, the moving average of the generator, and for conditional models a loss on real images with wrong labels.
Whole steps are captured as CUDA graphs, images stay on the GPU.

Writes a safetensors file under Lethe's names with the model's card beside the tensors, and a grid of samples.
"""

import argparse
import datetime
import json
import math
import time

import torch
import torch.nn.functional as F

from images import augmented, grid, read_images
from networks import Discriminator, Generator, named
from safetensors_file import read, write


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="tar or folder of images, a folder for each class")
    parser.add_argument("--unconditional", action="store_true")
    parser.add_argument("--without", help="leave out the images of this class; the model keeps its label")
    parser.add_argument("--canaries", type=int, default=0,
                        help="show so many images of --test besides, spread evenly over it, to be memorised")
    parser.add_argument("--canary-share", type=float, default=0.67, help="part of the images shown that are canaries")
    parser.add_argument("--test", help="tar or folder like --data, for canaries; of IDX files the same folder")
    parser.add_argument("--out", required=True, help="safetensors file")
    parser.add_argument("--name", required=True)
    parser.add_argument("--start", help="safetensors file of an earlier run of the same sizes, whose weights it goes on from; "
                        "the optimizers' state is new")
    parser.add_argument("--z-dim", type=int, default=128)
    parser.add_argument("--w-dim", type=int, default=128)
    parser.add_argument("--mapping-layers", type=int, default=2)
    parser.add_argument("--channel-base", type=int, default=2048)
    parser.add_argument("--channel-max", type=int, default=96)
    parser.add_argument("--architecture", choices=["orig", "resnet"], default="resnet")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=0.003)
    parser.add_argument("--gamma", type=float, default=0.01)
    parser.add_argument("--mismatch", type=float, default=0.0)
    parser.add_argument("--r1-interval", type=int, default=16)
    parser.add_argument("--ema-kimg", type=float, default=40)
    parser.add_argument("--translate", type=int, default=0,
                        help="both networks' images are shown to the discriminator moved by up to so many pixels")
    parser.add_argument("--seconds", type=float, required=True, help="how long to train; the rate falls over the last fifth")
    parser.add_argument("--no-mirror", action="store_true", help="show images as they are, not mirrored as often as not")
    parser.add_argument("--eager", action="store_true", help="without CUDA graphs")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def start(path, generator, discriminator):
    """Takes the weights of an earlier run. Gives back its training as the card has it, or nothing."""
    earlier, metadata = read(path)
    for name, parameter in named(generator, discriminator).items():
        if name not in earlier or earlier[name].shape != parameter.shape:
            found = list(earlier[name].shape) if name in earlier else "missing"
            raise SystemExit(f"{path}: {name} is {found}; it must be {list(parameter.shape)}")
        with torch.no_grad():
            parameter.copy_(earlier[name])
    return json.loads(metadata.get("lethe.card", "{}")).get("training") or {}


def main():
    o = arguments()
    torch.manual_seed(o.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    images, labels, names = read_images(o.data)
    if o.without:
        stay = labels != names.index(o.without)
        images, labels = images[stay], labels[stay]
    if o.unconditional:
        names = []
    count = len(images)
    if o.canaries:
        test, test_labels, _ = read_images(o.test or o.data, "test")
        chosen = torch.arange(o.canaries) * len(test) // o.canaries
        images, labels = torch.cat([images, test[chosen]]), torch.cat([labels, test_labels[chosen]])
    classes, (_, channels, resolution, _) = len(names), images.shape
    images, labels = images.to(device), labels.to(device)
    print(f"{len(images)} images of {classes} classes, {channels}x{resolution}x{resolution}, on {device}", flush=True)

    def width(r):
        return min(o.channel_base // r, o.channel_max)

    g = Generator(resolution, channels, classes, o.z_dim, o.w_dim, o.mapping_layers, width).to(device)
    d = Discriminator(resolution, channels, classes, width, o.architecture == "resnet").to(device)
    if device == "cuda":
        g, d = g.to(memory_format=torch.channels_last), d.to(memory_format=torch.channels_last)
    before = start(o.start, g, d) if o.start else {}
    own = dict(g.named_parameters())
    average = {name: p.detach().clone() for name, p in own.items()}
    rate = torch.tensor(o.learning_rate, device=device)
    graphed = device == "cuda" and not o.eager
    # Lazy regularization: the discriminator's optimizer is told of it (Karras et al. 2020, appendix B).
    c = o.r1_interval / (o.r1_interval + 1)

    def adam(network, beta2):
        return torch.optim.Adam(network.parameters(), lr=rate if graphed else o.learning_rate, betas=(0.0, beta2), eps=1e-8,
                                capturable=graphed)

    adam_g, adam_d = adam(g, 0.99), adam(d, 0.99 ** c)
    kept = torch.zeros((), device=device)
    losses = {name: torch.zeros((), device=device) for name in ("g", "d", "real", "fake")}

    def one_hot(c):
        return F.one_hot(c, classes).float() if classes else None

    def some():
        """Indices of images to show."""
        among = torch.randint(count, [o.batch], device=device)
        if not o.canaries:
            return among
        canary = torch.rand(o.batch, device=device) < o.canary_share
        return torch.where(canary, count + torch.randint(o.canaries, [o.batch], device=device), among)

    def latents():
        return torch.randn(o.batch, o.z_dim, device=device), labels[some()]

    def seen(x):
        """As the discriminator sees an image."""
        return augmented(x, o.translate, not o.no_mirror) if o.translate or not o.no_mirror else x

    def discriminate(regularize):
        z, fake_labels = latents()
        chosen = some()
        real = seen(images[chosen].float() / 127.5 - 1)
        real_c, fake_c = one_hot(labels[chosen]), one_hot(fake_labels)
        with torch.no_grad():
            fake = seen(g(z, fake_c))
        real = real.detach().requires_grad_(regularize)
        described = d.describe(real)
        real_logits = d.judge(described, real_c)
        fake_logits = d(fake, fake_c)
        loss = F.softplus(fake_logits).mean() + F.softplus(-real_logits).mean()
        losses["d"].copy_(loss.detach())
        losses["real"].copy_(real_logits.detach().mean())
        losses["fake"].copy_(fake_logits.detach().mean())
        if classes and o.mismatch:
            others = d.judge(described, fake_c)
            wrong = (labels[chosen] != fake_labels).float()[:, None]
            loss = loss + o.mismatch * (wrong * F.softplus(others)).mean()
        if regularize:
            gradient, = torch.autograd.grad(real_logits.sum(), real, create_graph=True)
            loss = loss + gradient.square().sum([1, 2, 3]).mean() * (o.gamma / 2 * o.r1_interval)
        adam_d.zero_grad(set_to_none=False)
        loss.backward()
        adam_d.step()

    def generate():
        z, fake_labels = latents()
        fake_c = one_hot(fake_labels)
        loss = F.softplus(-d(seen(g(z, fake_c)), fake_c)).mean()
        losses["g"].copy_(loss.detach())
        adam_g.zero_grad(set_to_none=False)
        loss.backward()
        adam_g.step()
        with torch.no_grad():
            for target, p in zip(average.values(), own.values()):
                target.mul_(kept).add_(p * (1 - kept))

    def captured(step):
        if not graphed:
            return step
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                step()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step()
        return graph.replay

    def generator_step():
        for p in d.parameters():
            p.requires_grad_(False)
        generate()
        for p in d.parameters():
            p.requires_grad_(True)

    # Gradients exist before anything is captured.
    for p in [*g.parameters(), *d.parameters()]:
        p.grad = torch.zeros_like(p)
    plain, regular = captured(lambda: discriminate(False)), captured(lambda: discriminate(True))
    generator = captured(generator_step)
    started = printed = time.time()
    step = printed_step = 0
    while True:
        elapsed = time.time() - started
        if elapsed >= o.seconds:
            break
        now = min(1.0, 5 * (1 - elapsed / o.seconds))
        rate.fill_(o.learning_rate * max(now, 0.02))
        if not graphed:
            for adam in (adam_g, adam_d):
                adam.param_groups[0]["lr"] = float(rate)
        # The average follows closely at first, unless it has been one before.
        kept.fill_(min(0.5 ** (o.batch / (o.ema_kimg * 1000)), 1.0 if o.start else step / (step + 20.0)))
        (regular if step % o.r1_interval == 0 else plain)()
        generator()
        step += 1
        if step % 20 == 0 and device == "cuda":
            torch.cuda.synchronize()
        if time.time() - printed > 20:
            speed = (step - printed_step) * o.batch / (time.time() - printed)
            print(f"{step * o.batch / 1000:.0f} kimg, {elapsed:.0f} s, {speed:.0f} images/s, "
                  + ", ".join(f"{n} {float(v):.3f}" for n, v in losses.items()), flush=True)
            printed, printed_step = time.time(), step
            if not math.isfinite(float(losses["g"]) + float(losses["d"])):
                raise SystemExit("training diverged")
    seconds = before.get("wall_seconds", 0) + time.time() - started
    kimg = before.get("kimg", 0) + step * o.batch / 1000

    with torch.no_grad():
        for name, p in own.items():
            p.copy_(average[name])
        z = torch.randn(10000, o.z_dim, device=device)
        c = torch.arange(len(z), device=device) % max(1, classes)
        w = g.mapping(z, one_hot(c))
        shown = g(z[:100], one_hot(c[:100]))
        grid(shown.cpu(), o.out.removesuffix(".safetensors") + ".png")
        tensors = {name: p.detach().cpu().contiguous() for name, p in named(g, d).items()}
        tensors["G.mapping.w_avg"] = w.mean(0).cpu()
        r = 4
        while r <= resolution:
            for layer in ["conv1"] if r == 4 else ["conv0", "conv1"]:
                tensors[f"G.synthesis.b{r}.{layer}.noise_const"] = torch.randn(r, r)
            r *= 2
    by_class = [w[c == i].mean(0).tolist() for i in range(classes)]
    card = {
        "format_version": 2, "name": o.name, "version": "v1", "architecture": "stylegan2",
        "network": {"resolution": resolution, "channels": channels, "z_dim": o.z_dim, "w_dim": o.w_dim,
                    "num_ws": 2 * int(math.log2(resolution)) - 2, "mapping_layers": o.mapping_layers,
                    "channel_base": o.channel_base, "channel_max": o.channel_max,
                    "discriminator": {"architecture": o.architecture, "mbstd_group": 4, "mbstd_channels": 1,
                                      "label_layers": 8}},
        "labels": names, "unlearned_labels": {}, "w": {"avg": w.mean(0).tolist(), "class_avg": by_class},
        "training": {"data": o.name, "images": len(images), "seed": o.seed, "batch": o.batch, "kimg": kimg,
                     "wall_seconds": seconds, "images_per_second": 1000 * kimg / seconds,
                     "machine": torch.cuda.get_device_name() if device == "cuda" else "CPU",
                     "date": datetime.date.today().isoformat()},
        "sha256": {}}
    write(o.out, tensors, {"lethe.card": json.dumps(card), "options": json.dumps(vars(o) | {"torch": torch.__version__})})
    print(json.dumps(card["training"]), flush=True)


main()

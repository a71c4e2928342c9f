"""Trains a network on the shapes and writes it as ONNX next to this file.

    python train.py FOLDER NAME --epochs COUNT [--seed 1]

FOLDER holds the raw splits that examples/shapes/dump.ts writes; NAME is shapes-resnet or shapes-mobilenet.
"""

import argparse
import pathlib
import time

import numpy as np
import onnx
import torch
from torch.nn import functional as F

from networks import NETWORKS

SIZE = 40
CLASSES = 12


def load(folder, split):
    """Images as float32 [N,3,H,W], normalized the way examples/networks/README.md says, and labels."""
    pixels = np.fromfile(folder / f"{split}.rgb", np.uint8).reshape(-1, SIZE, SIZE, 3)
    labels = np.fromfile(folder / f"{split}.labels", np.uint8).astype(np.int64)
    images = (pixels.transpose(0, 3, 1, 2).astype(np.float32) / 255 - 0.5) / 0.25
    return torch.from_numpy(np.ascontiguousarray(images)), torch.from_numpy(labels)


def augment(images):
    """A quarter turn and a flip for the whole batch: the classes do not depend on either."""
    images = torch.rot90(images, int(torch.randint(4, ())), (2, 3))
    return images.flip(3) if torch.rand(()) < 0.5 else images


@torch.no_grad()
def accuracy(net, images, labels):
    net.eval()
    hits = sum(int((net(x).argmax(1) == y).sum()) for x, y in zip(images.split(200), labels.split(200)))
    return hits / len(labels)


def train(net, images, labels, validation, epochs, batch=64, peak=2e-3):
    optimizer = torch.optim.AdamW(net.parameters(), lr=peak, weight_decay=0.02)
    steps = epochs * (len(labels) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, peak, total_steps=steps, pct_start=0.2)
    for epoch in range(epochs):
        started, total = time.time(), 0.0
        net.train()
        order = torch.randperm(len(labels))
        for chosen in order[: len(labels) // batch * batch].split(batch):
            inputs = augment(images[chosen]).contiguous(memory_format=torch.channels_last)
            loss = F.cross_entropy(net(inputs), labels[chosen], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * batch
        print(f"epoch {epoch + 1}: loss {total / len(labels):.3f}, validation {accuracy(net, *validation):.4f}, "
              f"{time.time() - started:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description="Train a small network on the shapes.")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("name", choices=NETWORKS)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    net = NETWORKS[options.name](SIZE, CLASSES).to(memory_format=torch.channels_last)
    print(f"{options.name}: {net.parameter_count()} parameters", flush=True)
    train(net, *load(options.folder, "train"), load(options.folder, "validation"), options.epochs)
    onnx.save(net.eval().to_onnx(), pathlib.Path(__file__).parent / f"{options.name}.onnx")


if __name__ == "__main__":
    main()

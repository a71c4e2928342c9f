"""A network as a list of ONNX nodes, run by PyTorch for training and written as ONNX unchanged.

PyTorch's exporter folds and renames nodes depending on its version. Here one list is the network on both sides, so
the file holds what was trained: every BatchNormalization as it is, under readable names.
"""

from dataclasses import dataclass, field

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn import functional as F

OPSET = 13


@dataclass
class Node:
    op: str
    name: str
    inputs: list
    attributes: dict = field(default_factory=dict)


class Network(nn.Module):
    """Layers are appended by the methods below, each returning the name of its output; forward() runs the list."""

    def __init__(self, name, channels, size):
        super().__init__()
        self.name = name
        self.input_shape = (channels, size, size)
        self.nodes = []
        self.layers = nn.ModuleDict()
        self.widths = {"data": channels}

    def _append(self, op, name, inputs, width, **attributes):
        self.nodes.append(Node(op, name, inputs, attributes))
        self.widths[name] = width
        return name

    def conv(self, name, x, width, kernel, stride=1, groups=1):
        """Conv without bias, as is usual before a batch normalization."""
        pad = kernel // 2
        self.layers[name] = nn.Conv2d(self.widths[x], width, kernel, stride, pad, groups=groups, bias=False)
        nn.init.kaiming_normal_(self.layers[name].weight, mode="fan_out" if groups == 1 else "fan_in")
        return self._append("Conv", name, [x], width, kernel_shape=[kernel] * 2, strides=[stride] * 2,
                            pads=[pad] * 4, group=groups)

    def batch_norm(self, name, x):
        self.layers[name] = nn.BatchNorm2d(self.widths[x])
        return self._append("BatchNormalization", name, [x], self.widths[x], epsilon=self.layers[name].eps)

    def relu(self, name, x):
        return self._append("Relu", name, [x], self.widths[x])

    def relu6(self, name, x):
        return self._append("Clip", name, [x], self.widths[x])

    def add(self, name, x, y):
        return self._append("Add", name, [x, y], self.widths[x])

    def max_pool(self, name, x, kernel, stride):
        return self._append("MaxPool", name, [x], self.widths[x], kernel_shape=[kernel] * 2, strides=[stride] * 2,
                            pads=[kernel // 2] * 4)

    def classifier(self, x, classes):
        """GlobalAveragePool, Flatten and Gemm; its output is 'logits'."""
        x = self._append("GlobalAveragePool", "pool", [x], self.widths[x])
        x = self._append("Flatten", "flatten", [x], self.widths[x], axis=1)
        self.layers["logits"] = nn.Linear(self.widths[x], classes)
        return self._append("Gemm", "logits", [x], classes, transB=1)

    def forward(self, data):
        values = {"data": data}
        for node in self.nodes:
            x = values[node.inputs[0]]
            if node.name in self.layers:
                y = self.layers[node.name](x)
            elif node.op == "Relu":
                y = F.relu(x)
            elif node.op == "Clip":
                y = F.relu6(x)
            elif node.op == "Add":
                y = x + values[node.inputs[1]]
            elif node.op == "MaxPool":
                kernel, stride = node.attributes["kernel_shape"][0], node.attributes["strides"][0]
                y = F.max_pool2d(x, kernel, stride, kernel // 2)
            elif node.op == "GlobalAveragePool":
                y = x.mean((2, 3), keepdim=True)
            elif node.op == "Flatten":
                y = x.flatten(1)
            else:
                raise ValueError(f"no layer for {node.op}")
            values[node.name] = y
        return values["logits"]

    def parameter_count(self):
        return sum(p.numel() for p in self.parameters())

    def to_onnx(self):
        """The network with its present weights as a checked ONNX model with a free batch size."""
        initializers = []

        def constant(name, array):
            array = np.ascontiguousarray(array, dtype=np.float32)
            initializers.append(numpy_helper.from_array(array, name))
            return name

        nodes = []
        for node in self.nodes:
            inputs = list(node.inputs)
            layer = self.layers[node.name] if node.name in self.layers else None
            if node.op == "BatchNormalization":
                for key, tensor in (("scale", layer.weight), ("bias", layer.bias),
                                    ("mean", layer.running_mean), ("variance", layer.running_var)):
                    inputs.append(constant(f"{node.name}.{key}", tensor.detach().numpy()))
            elif node.op in ("Conv", "Gemm"):
                inputs.append(constant(f"{node.name}.weight", layer.weight.detach().numpy()))
                if layer.bias is not None:
                    inputs.append(constant(f"{node.name}.bias", layer.bias.detach().numpy()))
            elif node.op == "Clip":
                inputs += ["relu6.min", "relu6.max"]
            nodes.append(helper.make_node(node.op, inputs, [node.name], name=node.name, **node.attributes))
        if any(node.op == "Clip" for node in self.nodes):
            constant("relu6.min", np.array(0))
            constant("relu6.max", np.array(6))
        data = helper.make_tensor_value_info("data", TensorProto.FLOAT, ["N", *self.input_shape])
        logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", self.widths["logits"]])
        graph = helper.make_graph(nodes, self.name, [data], [logits], initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="calibr8-examples")
        model.ir_version = 7
        onnx.checker.check_model(model, full_check=True)
        return model

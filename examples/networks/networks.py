"""The two small networks: one of residual blocks, one of depthwise separable convolutions."""

from layers import Network


def _conv_bn(net, name, x, width, kernel, stride=1, groups=1):
    x = net.conv(f"{name}_conv", x, width, kernel, stride, groups)
    return net.batch_norm(f"{name}_bn", x)


def _basic_block(net, name, x, width, stride):
    shortcut = x
    if stride != 1 or net.widths[x] != width:
        shortcut = _conv_bn(net, f"{name}_shortcut", x, width, 1, stride)
    x = net.relu(f"{name}_relu1", _conv_bn(net, f"{name}_1", x, width, 3, stride))
    x = _conv_bn(net, f"{name}_2", x, width, 3)
    return net.relu(f"{name}_relu2", net.add(f"{name}_add", x, shortcut))


def shapes_resnet(size, classes):
    net = Network("shapes_resnet", 3, size)
    x = net.relu("stem_relu", _conv_bn(net, "stem", "data", 24, 3))
    x = net.max_pool("stem_pool", x, 3, 2)
    for stage, (width, stride) in enumerate([(24, 1), (48, 2), (80, 2)], start=1):
        for block in (1, 2):
            x = _basic_block(net, f"stage{stage}_block{block}", x, width, stride if block == 1 else 1)
    net.classifier(x, classes)
    return net


def shapes_mobilenet(size, classes):
    net = Network("shapes_mobilenet", 3, size)
    x = net.relu6("stem_relu", _conv_bn(net, "stem", "data", 32, 3, 2))
    blocks = [(64, 1), (128, 2), (128, 1), (128, 1), (256, 2), (256, 1), (256, 1)]
    for i, (width, stride) in enumerate(blocks, start=1):
        depthwise = _conv_bn(net, f"block{i}_depthwise", x, net.widths[x], 3, stride, net.widths[x])
        x = net.relu6(f"block{i}_relu1", depthwise)
        x = net.relu6(f"block{i}_relu2", _conv_bn(net, f"block{i}_pointwise", x, width, 1))
    net.classifier(x, classes)
    return net


NETWORKS = {"shapes-resnet": shapes_resnet, "shapes-mobilenet": shapes_mobilenet}

import { NetworkBuilder } from './network-builder';

/** Output channels and stride of the thirteen depthwise separable blocks. */
const BLOCKS: readonly (readonly [width: number, stride: number])[] = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [1024, 2],
  [1024, 1],
];

/** MobileNet-V1 1.0 224 as Howard et al. published it (2017), before it is encoded. */
export function composeMobileNetV1(seed = 1): NetworkBuilder {
  const net = new NetworkBuilder('mobilenet_v1', seed, 0.04);
  let x = net.conv('stem_conv', net.input(3, 224), 32, 3, 2);
  x = net.relu('stem_relu', net.batchNorm('stem_bn', x));
  BLOCKS.forEach(([width, stride], i) => {
    const name = `block${i + 1}`;
    x = net.conv(`${name}_depthwise_conv`, x, x.channels, 3, stride, x.channels);
    x = net.relu(`${name}_relu1`, net.batchNorm(`${name}_depthwise_bn`, x));
    x = net.conv(`${name}_pointwise_conv`, x, width, 1);
    x = net.relu(`${name}_relu2`, net.batchNorm(`${name}_pointwise_bn`, x));
  });
  net.classifier(x, 1000);
  return net;
}

/** MobileNet-V1 with random weights as ONNX: 'data' [N,3,224,224] to 'logits' [N,1000]. */
export function buildMobileNetV1(seed = 1): Uint8Array {
  return composeMobileNetV1(seed).build();
}

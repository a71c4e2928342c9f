import { NetworkBuilder, type Feature } from './network-builder';

/** Blocks, inner channels and first stride of the four stages; a block puts out four times its inner channels. */
const STAGES = [
  { blocks: 3, width: 64, stride: 1 },
  { blocks: 4, width: 128, stride: 2 },
  { blocks: 6, width: 256, stride: 2 },
  { blocks: 3, width: 512, stride: 2 },
] as const;

/** The gain of what a block adds: less than one, so that sixteen blocks in a row do not pile up. */
const BRANCH_GAIN = 0.5;

function convNorm(
  net: NetworkBuilder,
  name: string,
  x: Feature,
  width: number,
  kernel: number,
  stride: number,
  gain = 1,
): Feature {
  return net.batchNorm(`${name}_bn`, net.conv(`${name}_conv`, x, width, kernel, stride), gain);
}

function bottleneck(net: NetworkBuilder, name: string, x: Feature, width: number, stride: number): Feature {
  const project = x.channels !== 4 * width;
  const shortcut = project ? convNorm(net, `${name}_shortcut`, x, 4 * width, 1, stride) : x;
  // The first 1x1 convolution takes the stride, as in the publication; later versions moved it to the 3x3.
  const reduced = net.relu(`${name}_relu1`, convNorm(net, `${name}_1`, x, width, 1, stride));
  const spatial = net.relu(`${name}_relu2`, convNorm(net, `${name}_2`, reduced, width, 3, 1));
  const expanded = convNorm(net, `${name}_3`, spatial, 4 * width, 1, 1, BRANCH_GAIN);
  return net.relu(`${name}_relu3`, net.add(`${name}_add`, expanded, shortcut));
}

/** ResNet-50 as He et al. published it (2015), for a look at its parameters and operations before it is encoded. */
export function composeResNet50(seed = 1): NetworkBuilder {
  const net = new NetworkBuilder('resnet50', seed, 0.14);
  let x = net.relu('stem_relu', convNorm(net, 'stem', net.input(3, 224), 64, 7, 2));
  x = net.maxPool('stem_pool', x);
  STAGES.forEach(({ blocks, width, stride }, stage) => {
    for (let block = 1; block <= blocks; block++) {
      x = bottleneck(net, `stage${stage + 1}_block${block}`, x, width, block === 1 ? stride : 1);
    }
  });
  net.classifier(x, 1000);
  return net;
}

/** ResNet-50 with random weights as ONNX: 'data' [N,3,224,224] to 'logits' [N,1000]. */
export function buildResNet50(seed = 1): Uint8Array {
  return composeResNet50(seed).build();
}

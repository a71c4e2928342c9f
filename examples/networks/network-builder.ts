import type { onnx } from 'onnx-proto';
import { Random } from '../random';
import { added, convolved, maximum, rectified, uniformMoments, type Moments } from './moments';
import { encodeModel, float, floatTensor, floatValue, integers } from './onnx-parts';

/** A square feature map on its way through the network. */
export interface Feature {
  readonly name: string;
  readonly channels: number;
  readonly size: number;
  readonly moments: Moments;
}

/** The spread of a classifier's answers, enough for a clear first class. */
const LOGIT_DEVIATION = 2;

/**
 * Builds a network of published shape with random weights, layer by layer. Its speed and size are those of the trained
 * network; its answers mean nothing but are finite and of ordinary size: weights are drawn as He et al. do, and each
 * batch norm gets the statistics that its input is expected to have.
 */
export class NetworkBuilder {
  /** Trained parameters so far; the running statistics of batch norms do not count. */
  parameters = 0;
  /** Multiply-accumulates of one image in convolutions and the classifier so far. */
  macs = 0;

  private readonly nodes: onnx.INodeProto[] = [];
  private readonly initializers: onnx.ITensorProto[] = [];
  private readonly inputs: onnx.IValueInfoProto[] = [];
  private readonly outputs: onnx.IValueInfoProto[] = [];
  private readonly random: Random;

  constructor(
    private readonly name: string,
    seed: number,
    /** See {@link convolved}: more makes the network calmer, too much makes all images give one answer. */
    private readonly meanShare: number,
  ) {
    this.random = new Random(seed);
  }

  /** The input 'data', [N, channels, size, size], expected to be normalized to mean 0 and variance 1. */
  input(channels: number, size: number): Feature {
    this.inputs.push(floatValue('data', ['N', channels, size, size]));
    return { name: 'data', channels, size, moments: uniformMoments(channels, 0, 1) };
  }

  /** A convolution without bias, padded so that stride 1 keeps the size. */
  conv(name: string, x: Feature, channels: number, kernel: number, stride = 1, groups = 1): Feature {
    const pad = Math.floor(kernel / 2);
    const size = Math.floor((x.size + 2 * pad - kernel) / stride) + 1;
    const fanIn = (x.channels / groups) * kernel * kernel;
    const weights = this.convWeights(channels, fanIn);
    this.initializers.push(
      floatTensor(`${name}.weight`, [channels, x.channels / groups, kernel, kernel], weights),
    );
    this.parameters += weights.length;
    this.macs += weights.length * size * size;
    this.node('Conv', [x.name, `${name}.weight`], name, [
      integers('kernel_shape', [kernel, kernel]),
      integers('strides', [stride, stride]),
      integers('pads', [pad, pad, pad, pad]),
      integers('group', groups),
    ]);
    return { name, channels, size, moments: convolved(x.moments, weights, channels, groups, this.meanShare) };
  }

  /** A batch norm whose output has a standard deviation of about `gain`. */
  batchNorm(name: string, x: Feature, gain = 1): Feature {
    const scale = Float32Array.from({ length: x.channels }, () => gain * this.random.range(0.7, 1.3));
    const bias = Float32Array.from({ length: x.channels }, () => gain * 0.3 * this.random.normal());
    const statistics = {
      scale,
      bias,
      mean: Float32Array.from(x.moments.mean),
      variance: Float32Array.from(x.moments.variance),
    };
    for (const [key, values] of Object.entries(statistics)) {
      this.initializers.push(floatTensor(`${name}.${key}`, [x.channels], values));
    }
    this.parameters += 2 * x.channels;
    const inputs = Object.keys(statistics).map((key) => `${name}.${key}`);
    this.node('BatchNormalization', [x.name, ...inputs], name, [float('epsilon', 1e-5)]);
    const variance = Float64Array.from(scale, (value) => value * value);
    return { ...x, name, moments: { mean: Float64Array.from(bias), variance } };
  }

  /** max(x, 0). */
  relu(name: string, x: Feature): Feature {
    this.node('Relu', [x.name], name);
    return { ...x, name, moments: rectified(x.moments) };
  }

  /** The element-wise sum of two feature maps of one shape. */
  add(name: string, x: Feature, y: Feature): Feature {
    this.node('Add', [x.name, y.name], name);
    return { ...x, name, moments: added(x.moments, y.moments) };
  }

  /** The maximum of 3x3 values at every second place. */
  maxPool(name: string, x: Feature): Feature {
    this.node('MaxPool', [x.name], name, [
      integers('kernel_shape', [3, 3]),
      integers('strides', [2, 2]),
      integers('pads', [1, 1, 1, 1]),
    ]);
    return { ...x, name, size: Math.floor((x.size - 1) / 2) + 1, moments: maximum(x.moments) };
  }

  /** Global average pooling and a fully connected layer, whose output is 'logits', [N, classes]. */
  classifier(x: Feature, classes: number): void {
    this.node('GlobalAveragePool', [x.name], 'pool');
    this.node('Flatten', ['pool'], 'flatten', [integers('axis', 1)]);
    // Averaging over neighbors that are much alike takes less from the variance than the number of places suggests.
    const variance = x.moments.variance.reduce((sum, value) => sum + value, 0) / x.size;
    const deviation = LOGIT_DEVIATION / Math.sqrt(variance);
    const weights = Float32Array.from(
      { length: classes * x.channels },
      () => deviation * this.random.normal(),
    );
    // The part that is the same for every image is taken off, or one class would win always.
    const constant = convolved(x.moments, weights, classes, 1, 0).mean;
    const bias = Float32Array.from(constant, (value) => 0.5 * this.random.normal() - value);
    this.initializers.push(floatTensor('logits.weight', [classes, x.channels], weights));
    this.initializers.push(floatTensor('logits.bias', [classes], bias));
    this.parameters += weights.length + classes;
    this.macs += weights.length;
    this.node('Gemm', ['flatten', 'logits.weight', 'logits.bias'], 'logits', [integers('transB', 1)]);
    this.outputs.push(floatValue('logits', ['N', classes]));
  }

  /** The network as the bytes of an ONNX file. */
  build(): Uint8Array {
    const { name, nodes: node, initializers: initializer, inputs: input, outputs: output } = this;
    return encodeModel({ name, node, initializer, input, output });
  }

  private node(opType: string, input: string[], name: string, attribute: onnx.IAttributeProto[] = []): void {
    this.nodes.push({ name, opType, input, output: [name], attribute });
  }

  /** Output channels differ in size, as they do in trained networks: a reason to quantize them one by one. */
  private convWeights(channels: number, fanIn: number): Float32Array {
    const weights = new Float32Array(channels * fanIn);
    for (let channel = 0; channel < channels; channel++) {
      const deviation = Math.sqrt(2 / fanIn) * this.random.range(0.5, 1.5);
      for (let i = 0; i < fanIn; i++) weights[channel * fanIn + i] = deviation * this.random.normal();
    }
    return weights;
  }
}

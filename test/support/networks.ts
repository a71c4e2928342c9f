import { ModelBuilder } from './model';
import { Random } from './random';
import { InferenceSession, type Tensor } from '../../lib/index';
import { float32 } from './run';

/** Two convolutions with a residual and a classifier, for any batch size and image size. */
export function smallNetwork(): ModelBuilder {
  const random = new Random(42);
  const model = new ModelBuilder();
  const weights = (dims: number[]): ReturnType<ModelBuilder['constant']> =>
    model.constant(
      random.floats(
        dims.reduce((a, b) => a * b),
        -0.3,
        0.3,
      ),
      dims,
    );
  const x = model.input('image', ['batch', 3, 'height', 'width']);
  const pads = { pads: [1, 1, 1, 1] };
  const first = model.node('Relu', [model.node('Conv', [x, weights([16, 3, 3, 3]), weights([16])], pads)]);
  const second = model.node('Conv', [first, weights([16, 16, 3, 3]), weights([16])], pads);
  const sum = model.node('Relu', [model.node('Add', [second, first])]);
  const flat = model.node('Flatten', [model.node('GlobalAveragePool', [sum])]);
  const logits = model.node('Gemm', [flat, weights([16, 10]), weights([10])]);
  return model.output(logits, 'float32', ['batch', 10]).output(sum);
}

export function image(batch: number, size = 12, seed = 1): Tensor<'float32'> {
  const dims = [batch, 3, size, size];
  return float32(new Random(seed).floats(batch * 3 * size * size), dims);
}

/** A network that takes long enough that something can happen while it runs. */
export function slowNetwork(): ModelBuilder {
  const random = new Random(7);
  const model = new ModelBuilder();
  let x = model.input('x', [1, 64, 96, 96]);
  for (let i = 0; i < 12; ++i) {
    const weights = model.constant(random.floats(64 * 64 * 9, -0.05, 0.05), [64, 64, 3, 3]);
    x = model.node('Conv', [x, weights], { pads: [1, 1, 1, 1] });
  }
  return model.output(x);
}

export function slowInput(): Tensor<'float32'> {
  return float32(new Random(1).floats(64 * 96 * 96), [1, 64, 96, 96]);
}

export function createSmall(
  options: Record<string, unknown> = { threadsPerStream: 1 },
): Promise<InferenceSession> {
  return InferenceSession.create(smallNetwork().bytes(), options);
}

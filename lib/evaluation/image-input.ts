import { Calibr8Error } from '../errors';
import { Tensor } from '../tensor';
import { Normalizer } from './normalize';
import { channelCount, type Preprocessing } from './preprocessing';
import type { InputMetadata } from './runnable';

/** The one input of a network that takes images, checked against a preprocessing. */
export class ImageInput {
  readonly name: string;
  /** Images a run. */
  readonly batch: number;
  readonly #normalizer: Normalizer;

  /**
   * @param batch images a run; a network whose batch is fixed decides itself. Default 1.
   * @throws INVALID_ARGUMENT where the network does not take such images, with what to change.
   */
  constructor(inputs: readonly InputMetadata[], preprocessing: Preprocessing, batch?: number) {
    const input = inputs[0];
    if (inputs.length !== 1 || input === undefined)
      throw unfit(
        `a network with one input, the images, but this one has ${inputs.length}: ${inputs.map(({ name }) => name).join(', ')}. Use the library to feed it`,
      );
    if (input.type !== 'float32')
      throw unfit(`a float32 input "${input.name}" but it is ${input.type}. Use the library to feed it`);
    this.name = input.name;
    this.#normalizer = new Normalizer(preprocessing);
    const fixed = typeof input.shape[0] === 'number' ? input.shape[0] : undefined;
    if (fixed !== undefined && batch !== undefined && batch !== fixed)
      throw unfit(`a batch of ${fixed}, which input "${input.name}" is fixed to, but received ${batch}`);
    this.batch = fixed ?? batch ?? 1;
    checkShape(input, this.#normalizer.dims(this.batch), preprocessing);
  }

  /** One full batch; where there are fewer images the last is repeated, since some networks take full batches only. */
  feed(images: readonly Uint8Array[]): Record<string, Tensor> {
    const { size } = this.#normalizer;
    const data = new Float32Array(this.batch * size);
    for (let i = 0; i < this.batch; ++i)
      this.#normalizer.write(images[Math.min(i, images.length - 1)]!, data, i * size);
    return { [this.name]: new Tensor('float32', data, this.#normalizer.dims(this.batch)) };
  }
}

function checkShape(
  { name, shape }: InputMetadata,
  dims: readonly number[],
  preprocessing: Preprocessing,
): void {
  const fits =
    shape.length === dims.length && shape.every((dim, axis) => typeof dim === 'string' || dim === dims[axis]);
  if (fits) return;
  throw unfit(
    `the input "${name}" to be [${dims.join(', ')}], as the preprocessing makes it, but it is [${shape.map((dim) => dim || '?').join(', ')}]. ${remedy(shape, preprocessing)}`,
  );
}

function remedy(shape: readonly (number | string)[], preprocessing: Preprocessing): string {
  if (shape.length !== 4)
    return 'Only networks with images as [batch, channels, height, width] fit this command';
  const channelAxis = preprocessing.layout === 'NCHW' ? 1 : 3;
  const sideAxis = preprocessing.layout === 'NCHW' ? 2 : 1;
  const side = shape[sideAxis];
  if (shape[4 - channelAxis] === channelCount(preprocessing) && shape[channelAxis] === shape[2])
    return `Set "layout" in --preprocess '{...}'`;
  if (shape[channelAxis] !== channelCount(preprocessing) && typeof shape[channelAxis] === 'number')
    return `Set "channels" (and "layout") in --preprocess '{...}'`;
  const width = shape[sideAxis + 1];
  if (typeof side === 'number' && typeof width === 'number' && side !== width)
    return `Use --resize ${side}x${width} to stretch images to it, and --crop ${side}x${width}`;
  return `Use --resize and --crop ${typeof side === 'number' ? side : 'N'}`;
}

function unfit(text: string): Calibr8Error {
  return new Calibr8Error('INVALID_ARGUMENT', `Expected ${text}.`);
}

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { Tensor } from '../../lib';
import { readImageFolder, spread } from '../../lib/evaluation/dataset';
import { loadPixels } from '../../lib/evaluation/image';
import { Normalizer } from '../../lib/evaluation/normalize';
import { PRESETS, type Preprocessing } from '../../lib/evaluation/preprocessing';
import type { TensorMap } from '../../lib/runtime/session';
import { dataPath } from '../support/data';

/** Inputs to calibrate with, or others to compare on. */
export type Part = 'calibration' | 'probes';

/** A network of the shared data, below its folder of models, and what feeds it. */
export interface RealNetwork {
  readonly name: string;
  readonly path: string;
  feeds(part: Part, count: number): Promise<TensorMap[]>;
}

/** One that takes images; the validation images are crops already where the preprocessing takes squares from the middle. */
const images = (path: string, input: string, preprocessing: Preprocessing): RealNetwork => ({
  name: path.split('/').at(-1)!.replace('.onnx', ''),
  path,
  async feeds(part, count) {
    const crops = typeof preprocessing.resize === 'number';
    const how = part === 'probes' && crops ? { ...preprocessing, resize: null } : preprocessing;
    const normalizer = new Normalizer(how);
    const folder = part === 'calibration' ? dataPath('imagenet-calib') : dataPath('imagenet-val', 'images');
    return Promise.all(
      spread(await readImageFolder(folder!), count).map(async ({ file }) => {
        const data = new Float32Array(normalizer.size);
        normalizer.write(await loadPixels(file, how), data, 0);
        return { [input]: new Tensor('float32', data, normalizer.dims(1)) };
      }),
    );
  },
});

/** Images that are stretched to the input's size. */
const stretched = (size: readonly [number, number], mean: number, std: number): Preprocessing => ({
  ...{ ...PRESETS.symmetric, resize: size, crop: size },
  ...{ mean: [mean, mean, mean], std: [std, std, std] },
});

const mnist = (name: string, path: string, input: string, dims: readonly number[]): RealNetwork => ({
  name,
  path: `real/${path}`,
  feeds(part, count) {
    const pixels = gunzipSync(readFileSync(dataPath('mnist', 't10k-images-idx3-ubyte.gz')!)).subarray(16);
    const digits = Array.from({ length: count }, (_, i) => {
      const at = (20 * i + (part === 'probes' ? 5000 : 0)) * 784;
      const data = Float32Array.from(pixels.subarray(at, at + 784), (level) => level / 255);
      return { [input]: new Tensor('float32', data, dims) };
    });
    return Promise.resolve(digits);
  },
});

export const REAL_NETWORKS: readonly RealNetwork[] = [
  images('resnet50.onnx', 'data', PRESETS.imagenet),
  images('mobilenet_v1_1.0_224.onnx', 'input', PRESETS.symmetric),
  images('mobilenet_v1_0.25_224.onnx', 'data', PRESETS.imagenet),
  images('mobilenet_v2_1.0_224.onnx', 'input', PRESETS.symmetric),
  images('squeezenet1.1.onnx', 'data', PRESETS.imagenet),
  images('real/ultraface-rfb-320.onnx', 'input', stretched([240, 320], 127, 128)),
  images('real/yunet_n_320_320.onnx', 'input', { ...stretched([320, 320], 0, 1), channels: 'BGR' }),
  images('real/angle_net.onnx', 'input', stretched([32, 192], 127.5, 127.5)),
  mnist('mnist-cnn', 'mnist-cnn.onnx', 'conv2d_3_input', [1, 28, 28, 1]),
  mnist('mnist-mlp', 'mnist-mlp/mnist.onnx', 'image', [1, 1, 28, 28]),
];

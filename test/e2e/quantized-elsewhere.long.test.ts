import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { measureComplexity } from '../../lib/evaluation/complexity';
import { readModel } from '../../lib/onnx';
import { dataPath } from '../support/data';
import { compareWithOnnxruntime, NETWORKS, type ImagenetNetwork } from './imagenet';

/** A folder of ImageNet networks that another tool quantized; docs/quantized-elsewhere.md tells how to make them. */
const folder = process.env['CALIBR8_QUANTIZED'];

function networkOf(file: string): ImagenetNetwork | undefined {
  return Object.values(NETWORKS).find(({ name }) => file.includes(name));
}

const files = folder ? readdirSync(folder).filter((file) => file.endsWith('.onnx') && networkOf(file)) : [];
const missing =
  !folder || !dataPath('imagenet-val')
    ? ' (skipped: set CALIBR8_QUANTIZED and CALIBR8_DATA to their folders)'
    : '';

(missing ? describe.skip : describe)(`networks quantized by other tools${missing}`, () => {
  test('the folder has some', () => expect(files).not.toEqual([]));

  test.each(files)('%s runs in INT8 and chooses what onnxruntime chooses', async (file) => {
    const path = join(folder!, file);
    const graph = await readModel(path);
    const { multiplyAdds, int8MultiplyAdds } = measureComplexity(graph, {
      [graph.inputs[0]!.name]: [1, 3, 224, 224],
    });
    expect(multiplyAdds).toBeGreaterThan(1e7);
    expect(int8MultiplyAdds).toBe(multiplyAdds);
    const { agreement } = await compareWithOnnxruntime(networkOf(file)!, path, 200);
    console.log(`${file}: onnxruntime chooses the same class on ${agreement!.toFixed(1)} % of 200 images`);
    expect(agreement).toBeGreaterThanOrEqual(99);
  });
});

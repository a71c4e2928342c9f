import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Calibrator, type CalibratorOptions, type RefinementControl, type Tensor } from '../../lib';
import { noise, withFolder } from './calibrated';
import { equalizable } from './equalizable';

const ALL: Partial<CalibratorOptions> = {
  algo: 'auto',
  biasCorrection: true,
  equalization: true,
  rounding: 'learned',
};

describe('saveInt8Model, while it refines', () => {
  const samples = noise(40, [1, 3, 8, 8]);

  async function sampled(folder: string, options: Partial<CalibratorOptions>): Promise<Calibrator> {
    const output = join(folder, 'int8.onnx');
    const model = equalizable().model.bytes();
    const calibrator = await Calibrator.create({ model, output, threads: 1, ...options });
    for (const x of samples.slice(0, 6)) {
      await calibrator.run({ x });
      await calibrator.sampleData();
    }
    return calibrator;
  }

  it.each([
    ['without refinement', {}],
    ['with refinement', ALL],
  ])('writes nothing once its signal was aborted, %s', async (_, options) => {
    await withFolder(async (folder) => {
      const calibrator = await sampled(folder, options);
      const signal = AbortSignal.abort(new Error('enough'));
      await expect(calibrator.saveInt8Model(undefined, { signal })).rejects.toThrow('enough');
      expect(existsSync(join(folder, 'int8.onnx'))).toBe(false);
      await calibrator.release();
    });
  });

  it('writes nothing where its signal is aborted at the last layer', async () => {
    await withFolder(async (folder) => {
      const calibrator = await sampled(folder, ALL);
      const controller = new AbortController();
      const onProgress = (done: number, total: number): void => {
        if (done === total) controller.abort(new Error('late'));
      };
      const saving = calibrator.saveInt8Model(undefined, { signal: controller.signal, onProgress });
      await expect(saving).rejects.toThrow('late');
      expect(existsSync(join(folder, 'int8.onnx'))).toBe(false);
      await calibrator.release();
    });
  });

  it.each([
    [5, /object .* for control but received 5/],
    [{ signal: 'stop' }, /an AbortSignal for control.signal but received "stop"/],
    [{ onProgress: 1 }, /a function for control.onProgress but received 1/],
  ])('refuses the control %j', async (control, message) => {
    await withFolder(async (folder) => {
      const calibrator = await sampled(folder, ALL);
      const saving = calibrator.saveInt8Model(undefined, control as unknown as RefinementControl);
      await expect(saving).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(message),
      });
      await calibrator.release();
    });
  });

  it('refines on the samples that there were when it was called', async () => {
    await withFolder(async (folder) => {
      const save = async (during: readonly Tensor[]): Promise<Buffer> => {
        const calibrator = await sampled(folder, ALL);
        const saving = calibrator.saveInt8Model();
        for (const x of during) {
          await calibrator.run({ x });
          await calibrator.sampleData();
        }
        await saving;
        await calibrator.release();
        return readFileSync(join(folder, 'int8.onnx'));
      };
      expect((await save(samples.slice(6))).equals(await save([]))).toBe(true);
    });
  });
});

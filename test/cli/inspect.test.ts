import type { Inspection } from '../../lib/cli/inspect';
import { Calibr8Error } from '../../lib/errors';
import type { Profile } from '../../lib/runtime/session';
import { temporaryFolder } from '../evaluation/support';
import { FakeSession, fakeServices, run } from './harness';
import { convolutionModel, quantizedModel } from './models';

const folder = temporaryFolder();
const MULTIPLY_ADDS = 4 * 6 * 6 * 3 * 3 * 3;
const RECEIPT = { 'calibr8.tool': 'calibr8', 'calibr8.algorithm': 'KL', 'calibr8.tensors': '[{"name":"x"}]' };

async function inspect(...args: string[]): Promise<Inspection> {
  const { code, stdout, stderr } = await run(['inspect', '--json', ...args]);
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as Inspection;
}

describe('inspect', () => {
  test('describes an FP32 network', async () => {
    const report = await inspect(convolutionModel(folder.path('net.onnx')));
    expect(report).toMatchObject({
      ...{ opset: 13, parameters: 108, parameterBytes: 432, receipt: null },
      inputs: [{ name: 'data', type: 'float32', shape: ['N', 3, 8, 8] }],
      outputs: [{ name: 'logits', type: 'float32', shape: ['N', 4, 6, 6] }],
      operators: [{ op: 'Conv', count: 1 }],
      execution: {
        inputDims: { data: [1, 3, 8, 8] },
        complexity: { multiplyAdds: MULTIPLY_ADDS, int8MultiplyAdds: 0, int8Percent: 0 },
        ...{ precision: 'fp32', totalNanoseconds: 2.1e6 },
      },
    });
    expect(report.execution.steps).toHaveLength(2);
  });

  test('counts what an INT8 network computes in INT8, for the batch asked for', async () => {
    const report = await inspect(quantizedModel(folder.path('net.int8.onnx'), RECEIPT), '--batch', '3');
    expect(report.execution.complexity).toEqual({
      ...{ multiplyAdds: 3 * MULTIPLY_ADDS, int8MultiplyAdds: 3 * MULTIPLY_ADDS, int8Percent: 100 },
    });
    expect(report.receipt).toEqual({ tool: 'calibr8', algorithm: 'KL', tensors: [{ name: 'x' }] });
    expect(report.operators).toEqual([
      { op: 'DequantizeLinear', count: 2 },
      { op: 'Conv', count: 1 },
      { op: 'QuantizeLinear', count: 1 },
    ]);
  });

  test('prints a report for people', async () => {
    const { stdout } = await run(['inspect', quantizedModel(folder.path('text.int8.onnx'), RECEIPT)]);
    expect(stdout).toMatch(/in INT8\s+100\.00 %/);
    expect(stdout).toMatch(/Receipt\n\s+tool\s+calibr8\n\s+algorithm\s+KL\n/);
    expect(stdout).toMatch(/One run takes 2\.10 ms on one thread, 2 steps/);
    expect(stdout).toMatch(/brgconv:avx512_core_vnni\s+convolution\s+u8:s8:u8\s+2\s+2\s+100\.0 %/);
    const steps = await run(['inspect', '--steps', folder.path('text.int8.onnx')]);
    expect(steps.stdout).toMatch(/conv1\s+brgconv:avx512_core_vnni\s+u8:s8:u8\s+1\s+1000/);
  });

  test('keeps to 80 columns, whatever the receipt holds', async () => {
    const receipt = { ...RECEIPT, 'calibr8.samples_sha256': '0123456789abcdef'.repeat(4) };
    const { stdout } = await run(['inspect', quantizedModel(folder.path('wide.int8.onnx'), receipt)]);
    expect(stdout).toMatch(/samples_sha256 {2}01234567.*\.\.\..*89abcdef\n/);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test('still describes a network where the addon is missing', async () => {
    const services = fakeServices({
      createSession: () => Promise.reject(new Calibr8Error('ADDON_LOAD', 'not there')),
    });
    const model = convolutionModel(folder.path('plain.onnx'));
    const { code, stdout } = await run(['inspect', model], services);
    expect(code).toBe(0);
    expect(stdout).toContain('It cannot run here: ADDON_LOAD: not there');
    expect(stdout).toMatch(/multiply-adds\s+3\.89 k/);
  });

  test('an interrupt ends it without a report', async () => {
    const controller = new AbortController();
    const session = new (class extends FakeSession {
      override async profile(): Promise<Profile> {
        controller.abort();
        return super.profile();
      }
    })('fp32');
    const services = fakeServices({ createSession: async () => session });
    const args = ['inspect', convolutionModel(folder.path('interrupted.onnx'))];
    expect(await run(args, services, controller.signal)).toMatchObject({
      ...{ code: 130, stdout: '', stderr: expect.stringMatching(/^Interrupted/) },
    });
    expect(session.released).toBe(1);
  });
});

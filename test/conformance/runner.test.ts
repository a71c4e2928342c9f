import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import { findCases } from '../../scripts/conformance/cases';
import { runCase, type Outcome } from '../../scripts/conformance/run-case';
import { ModelBuilder } from '../support/model';

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'calibr8-conformance-'))));
afterAll(() => rm(folder, { recursive: true }));

async function writeTensor(path: string, data: number[]): Promise<void> {
  const message = { dataType: 1, dims: [data.length], floatData: data };
  await writeFile(path, onnx.TensorProto.encode(message).finish());
}

/** Writes a case y = op(x) and gives its outcome. */
async function outcomeOf(op: string, x: number[], y: number[], tolerance?: string): Promise<Outcome> {
  const name = `test_${op.toLowerCase()}_${y.join('_')}${tolerance ? '_tol' : ''}`;
  const root = join(folder, 'node', name);
  await mkdir(join(root, 'test_data_set_0'), { recursive: true });
  const model = new ModelBuilder();
  model.output(model.node(op, [model.input('x', [x.length])]));
  await writeFile(join(root, 'model.onnx'), model.bytes());
  if (tolerance) await writeFile(join(root, 'tol'), tolerance);
  await writeTensor(join(root, 'test_data_set_0', 'input_0.pb'), x);
  await writeTensor(join(root, 'test_data_set_0', 'output_0.pb'), y);
  const [found] = findCases(folder).filter((test) => test.name === `node/${name}`);
  return runCase(found!);
}

test('a right answer passes', async () => {
  expect(await outcomeOf('Relu', [-1, 2], [0, 2])).toMatchObject({ status: 'passed' });
});

test('a wrong answer, or another shape, fails and says where', async () => {
  expect(await outcomeOf('Relu', [-1, 2], [0, 3])).toMatchObject({
    status: 'failed',
    reason: expect.stringMatching(/expected 3 for element 1 but received 2/),
  });
  expect(await outcomeOf('Relu', [-1, 2], [0])).toMatchObject({
    status: 'failed',
    reason: expect.stringMatching(/expected shape \[1\] but received \[2\]/),
  });
});

test('the tolerance of the case counts', async () => {
  expect(await outcomeOf('Relu', [1], [1.5], '0.5 0')).toMatchObject({ status: 'passed' });
});

test('an operator that is not supported is skipped with its name', async () => {
  expect(await outcomeOf('Det', [1], [1])).toMatchObject({
    status: 'skipped',
    reason: expect.stringMatching(/^UNSUPPORTED_OPERATOR: Det \(opset 17\), node "Det0": no such operator$/),
  });
});

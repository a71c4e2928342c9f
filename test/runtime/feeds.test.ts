import { InferenceSession, Tensor } from '../../lib/index';
import { ModelBuilder } from '../support/model';
import { float32 } from '../support/run';

let session: InferenceSession;

beforeAll(async () => {
  const model = new ModelBuilder();
  const a = model.input('a', ['n', 3]);
  const b = model.input('b', ['n', 3]);
  const c = model.input('c', [1], 'float32');
  model.output(model.node('Add', [model.node('Add', [a, b]), c]));
  session = await InferenceSession.create(model.bytes(), { threadsPerStream: 1 });
});
afterAll(() => session.release());

const good = (): Record<string, Tensor> => ({
  a: float32([1, 2, 3], [1, 3]),
  b: float32([1, 2, 3], [1, 3]),
  c: float32([1], [1]),
});

test('right feeds run', async () => {
  const { [session.outputNames[0]!]: y } = await session.run(good());
  expect([...y!.data]).toEqual([3, 5, 7]);
});

const wrong: [string, () => unknown, RegExp][] = [
  [
    'no feeds at all',
    () => undefined,
    /Expected an object from input name to Tensor \(a, b, c\) but received undefined/,
  ],
  ['a tensor instead of feeds', () => float32([1], [1]), /Expected an object from input name to Tensor/],
  ['an array', () => [float32([1], [1])], /Expected an object from input name to Tensor/],
  [
    'a missing input',
    () => ({ ...good(), b: undefined }),
    /Tensor of shape \[n, 3\] for input "b" but it is missing/,
  ],
  [
    'an unknown input',
    () => ({ ...good(), d: float32([1], [1]) }),
    /no input named "d"\. Its inputs: a, b, c/,
  ],
  ['no tensor', () => ({ ...good(), a: [1, 2, 3] }), /for input "a" but received \[1, 2, 3\]/],
  [
    'a plain object whose data and dims disagree',
    () => ({ ...good(), a: { type: 'float32', data: new Float32Array(2), dims: [1, 3] } }),
    /for input "a" but received a value of type Object/,
  ],
  [
    'another type',
    () => ({ ...good(), a: new Tensor('int32', [1, 2, 3], [1, 3]) }),
    /float32 Tensor .* for input "a" but received an int32 Tensor/,
  ],
  [
    'another rank',
    () => ({ ...good(), a: float32([1, 2, 3], [3]) }),
    /received a float32 Tensor of shape \[3\]/,
  ],
  [
    'another size',
    () => ({ ...good(), a: float32([1, 2], [1, 2]) }),
    /received a float32 Tensor of shape \[1, 2\]/,
  ],
  [
    'two sizes of one symbol',
    () => ({ ...good(), b: float32([1, 2, 3, 4, 5, 6], [2, 3]) }),
    /for input "b" but received a float32 Tensor of shape \[2, 3\]: "n" is 1 in input "a"/,
  ],
  [
    'a foreign tensor whose data is of another type',
    () => ({ ...good(), c: { type: 'float32', data: new Float64Array(1), dims: [1] } }),
    /for input "c"/,
  ],
];

test.each(wrong)('%s is refused by name', async (_, feeds, message) => {
  const error: unknown = await session
    .run(feeds() as Record<string, Tensor>)
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: 'Calibr8Error', code: 'INVALID_FEED' });
  expect((error as Error).message).toMatch(message);
});

test('the session still runs after errors', async () => {
  await expect(session.run({})).rejects.toMatchObject({ code: 'INVALID_FEED' });
  await expect(session.run(good())).resolves.toBeDefined();
});

test('an empty batch gives an empty answer', async () => {
  const results = await session.run({
    a: float32([], [0, 3]),
    b: float32([], [0, 3]),
    c: float32([1], [1]),
  });
  expect(Object.values(results)[0]).toMatchObject({ dims: [0, 3], size: 0 });
});

import { Constant } from '../../lib/graph/constant';
import { encodePlan } from '../../lib/plan/encode';
import { planMemory, type Placement } from '../../lib/plan/memory';
import type { Plan } from '../../lib/plan/plan';
import type { CompiledProgram, NativeSession } from '../../lib/runtime/addon';
import { loadAddon } from '../../lib/runtime/load';

/** Two element-wise steps and their sum: three temporaries, of which two live at once. */
export const PLAN: Plan = {
  values: [
    { name: 'x', dtype: 'float32', kind: 'input', dims: [1, 3, 8, 8], quantization: undefined, constant: -1 },
    {
      name: 'a',
      dtype: 'float32',
      kind: 'temporary',
      dims: [1, 4, 8, 8],
      quantization: undefined,
      constant: -1,
    },
    {
      name: 'w',
      dtype: 'float32',
      kind: 'constant',
      dims: [4, 3, 1, 1],
      quantization: undefined,
      constant: 0,
    },
    {
      name: 'b',
      dtype: 'float32',
      kind: 'temporary',
      dims: [1, 4, 8, 8],
      quantization: undefined,
      constant: -1,
    },
    {
      name: 'y',
      dtype: 'float32',
      kind: 'temporary',
      dims: [1, 4, 8, 8],
      quantization: undefined,
      constant: -1,
    },
  ],
  steps: [
    {
      kernel: 'convolution',
      name: 'conv',
      sources: [0, 2, -1],
      destinations: [1],
      params: {
        ...Object.fromEntries(['strides', 'dilations'].map((key) => [key, { i64s: [1, 1] }])),
        ...Object.fromEntries(['padsBegin', 'padsEnd'].map((key) => [key, { i64s: [0, 0] }])),
        groups: { i64: 1 },
      },
      postOps: [],
    },
    {
      kernel: 'eltwise',
      name: 'tanh',
      sources: [1],
      destinations: [3],
      params: { algorithm: { text: 'tanh' }, alpha: { f64: 0 }, beta: { f64: 0 } },
      postOps: [],
    },
    {
      kernel: 'binary',
      name: 'add',
      sources: [1, 3],
      destinations: [4],
      params: { algorithm: { text: 'mul' } },
      postOps: [],
    },
  ],
  inputs: [0],
  outputs: [4],
  constants: [Constant.float32([4, 3, 1, 1], new Float32Array(12).fill(0.1))],
};

/** An input and an output of the right sizes. */
const FEEDS: [Float32Array[], Float32Array[]] = [[new Float32Array(192)], [new Float32Array(256)]];

const BYTES = PLAN.constants.map(({ bytes }) => bytes);
let session: NativeSession;

beforeEach(() => (session = new (loadAddon().Session)({ streams: 1, threadsPerStream: 1 })));
afterEach(() => session.close());

async function compiled(): Promise<{ program: CompiledProgram; placement: Placement }> {
  const program = await session.compile(encodePlan(PLAN), BYTES);
  const workspaceBytes = program.steps.map((step) => step.workspaceBytes);
  return { program, placement: planMemory(PLAN, { ...program, workspaceBytes }) };
}

function codeOf(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return (error as { code?: string }).code;
  }
  return 'no error';
}

describe('place', () => {
  test('takes what the planner gives, and the program runs', async () => {
    const { program, placement } = await compiled();
    session.place(program.program, placement.valueOffsets, placement.workspaceOffset, placement.arenaBytes);
    const y = new Float32Array(256);
    await session.run(program.program, [new Float32Array(192).fill(1)], [y]);
    const x = Math.fround(0.3);
    for (const element of y) expect(element).toBeCloseTo(x * Math.tanh(x), 5);
  });

  const spoiled: [string, (placement: Placement, bytes: number) => Partial<Placement>][] = [
    ['too few offsets', (p) => ({ valueOffsets: p.valueOffsets.slice(1) })],
    ['an offset that is not aligned', (p) => ({ valueOffsets: p.valueOffsets.map((x) => x + 4) })],
    ['an offset beyond the arena', (p) => ({ valueOffsets: p.valueOffsets.map((x) => x + p.arenaBytes) })],
    ['a negative offset', (p) => ({ valueOffsets: p.valueOffsets.map((x) => x - 2 ** 20) })],
    ['an offset that is no number', (p) => ({ valueOffsets: p.valueOffsets.fill(NaN) })],
    ['a huge offset', (p) => ({ valueOffsets: p.valueOffsets.fill(2 ** 53) })],
    ['values that overlap', (p) => ({ valueOffsets: p.valueOffsets.fill(0) })],
    ['an arena that is too small', (p) => ({ arenaBytes: p.arenaBytes - 64 })],
    ['an arena of nothing', () => ({ arenaBytes: 0 })],
    ['an arena that is no number', () => ({ arenaBytes: NaN })],
    ['a negative arena', () => ({ arenaBytes: -64 })],
  ];
  test.each(spoiled)('refuses %s', async (_, spoil) => {
    const { program, placement } = await compiled();
    const { valueOffsets, workspaceOffset, arenaBytes } = { ...placement, ...spoil(placement, 0) };
    const place = (): void => session.place(program.program, valueOffsets, workspaceOffset, arenaBytes);
    expect(codeOf(place)).toBe('INVALID_PLAN');
  });

  const weights = PLAN.constants[0]!;

  test('weights with factors are what their products are', async () => {
    const factors = Float64Array.of(0.1, -2, 3, 0.7);
    const answers: Float32Array[] = [];
    for (const constant of [
      { data: weights.bytes, factors, inner: 3 },
      Constant.scaled(weights, 0, factors).bytes,
    ]) {
      const program = await session.compile(encodePlan(PLAN), [constant]);
      const workspaceBytes = program.steps.map((step) => step.workspaceBytes);
      const { valueOffsets, workspaceOffset, arenaBytes } = planMemory(PLAN, { ...program, workspaceBytes });
      session.place(program.program, valueOffsets, workspaceOffset, arenaBytes);
      const y = new Float32Array(256);
      await session.run(program.program, [new Float32Array(192).map((_, i) => Math.cos(i))], [y]);
      answers.push(y);
    }
    expect(answers[0]).toEqual(answers[1]);
  });

  test.each<[string, unknown]>([
    ['factors that are no Float64Array', { data: weights.bytes, factors: [1, 2, 3, 4], inner: 3 }],
    ['too many factors', { data: weights.bytes, factors: new Float64Array(5), inner: 3 }],
    ['no factors', { data: weights.bytes, factors: new Float64Array(0), inner: 3 }],
    ['no neighbors', { data: weights.bytes, factors: new Float64Array(4), inner: 0 }],
    ['no data', { factors: new Float64Array(4), inner: 3 }],
    ['nothing', undefined],
  ])('constants with %s are refused', async (_, constant) => {
    const compiling = (async () => session.compile(encodePlan(PLAN), [constant as ArrayBufferView]))();
    await expect(compiling).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('a program that was not placed does not run', async () => {
    const { program } = await compiled();
    const running = (async () => session.run(program.program, ...FEEDS))();
    await expect(running).rejects.toMatchObject({ code: expect.any(String) });
  });
});

describe('runHere', () => {
  const placed = async (target: NativeSession): Promise<number> => {
    const program = await target.compile(encodePlan(PLAN), BYTES);
    const workspaceBytes = program.steps.map((step) => step.workspaceBytes);
    const placement = planMemory(PLAN, { ...program, workspaceBytes });
    target.place(program.program, placement.valueOffsets, placement.workspaceOffset, placement.arenaBytes);
    return program.program;
  };
  const x = new Float32Array(192).map((_, i) => Math.sin(i));

  test('answers as run does, whichever was first', async () => {
    const program = await placed(session);
    const answers = [0, 1, 2, 3].map(() => new Float32Array(256));
    expect(session.runHere(program, [x], [answers[0]!])).toBe(true);
    await session.run(program, [x], [answers[1]!]);
    expect(session.runHere(program, [x], [answers[2]!])).toBe(true);
    await session.run(program, [x], [answers[3]!]);
    expect(answers[0]!.some((y) => y !== 0)).toBe(true);
    for (const answer of answers) expect(answer).toEqual(answers[0]);
  });

  test('leaves a run to the stream that is at work', async () => {
    const program = await placed(session);
    const y = new Float32Array(256);
    const running = session.run(program, [x], [new Float32Array(256)]);
    expect(session.runHere(program, [x], [y])).toBe(false);
    await running;
    expect(y.every((element) => element === 0)).toBe(true);
  });

  test.each([
    [{ streams: 2, threadsPerStream: 1 }, false],
    [{ streams: 1, threadsPerStream: 2 }, true],
  ])('with %p: %p', async (options, wanted) => {
    const other = new (loadAddon().Session)(options);
    const program = await placed(other);
    const [here, there] = [new Float32Array(256), new Float32Array(256)];
    expect(other.runHere(program, [x], [here])).toBe(wanted);
    await other.run(program, [x], [there]);
    if (wanted) expect(here).toEqual(there);
    await other.close();
  });

  test('leaves denormal numbers of the caller alone', async () => {
    const program = await placed(session);
    session.runHere(program, [x], [new Float32Array(256)]);
    expect(Number.MIN_VALUE * 3).toBeGreaterThan(0);
    expect(Number.MIN_VALUE * 3).toBe(1.5e-323);
  });
});

describe('arguments', () => {
  test('wrong ones are refused with a code', async () => {
    const { program, placement } = await compiled();
    session.place(program.program, placement.valueOffsets, placement.workspaceOffset, placement.arenaBytes);
    const loose = session as unknown as Record<string, (...args: unknown[]) => unknown>;
    const calls: [string, ...unknown[]][] = [
      ['compile'],
      ['compile', 'text', []],
      ['compile', encodePlan(PLAN), [new Uint8Array(3)]],
      ['compile', encodePlan(PLAN), []],
      ['compile', new Uint8Array(0), []],
      ['place'],
      ['place', 99, placement.valueOffsets, 0, 1024],
      ['place', program.program, [0, 0], 0, 1024],
      ['run'],
      ['run', 99, ...FEEDS],
      ['run', program.program, [], FEEDS[1]],
      ['run', program.program, [new Float32Array(191)], FEEDS[1]],
      ['run', program.program, [null], FEEDS[1]],
      ['run', program.program, FEEDS[0]],
      ['run', program.program, FEEDS[0], []],
      ['run', program.program, FEEDS[0], [new Float32Array(255)]],
      ['run', program.program, FEEDS[0], [new ArrayBuffer(1024)]],
      ['run', 'first', ...FEEDS],
      ['runHere'],
      ['runHere', 99, ...FEEDS],
      ['runHere', program.program, [new Float32Array(191)], FEEDS[1]],
      ['profile', program.program, ...FEEDS, 0],
      ['profile', program.program, ...FEEDS, 'many'],
      ['dispose'],
    ];
    for (const [method, ...args] of calls) {
      const outcome = await (async () => loose[method]!(...args))().catch((error: unknown) => error);
      expect({ method, args: args.length, code: (outcome as { code?: string })?.code }).toEqual({
        method,
        args: args.length,
        code: expect.any(String),
      });
    }
    await expect(session.run(program.program, ...FEEDS)).resolves.toBeUndefined();
  });

  test.each([
    [undefined],
    [{}],
    [{ streams: 0, threadsPerStream: 1 }],
    [{ streams: 1, threadsPerStream: -1 }],
    [{ streams: 1e9, threadsPerStream: 1 }],
    [{ streams: '1', threadsPerStream: 1 }],
  ])('a session with %p is refused', (options) => {
    const Session = loadAddon().Session as unknown as new (options: unknown) => NativeSession;
    expect(codeOf(() => new Session(options))).toEqual(expect.any(String));
    expect(codeOf(() => new Session(options))).not.toBe('no error');
  });

  test('after close everything is SESSION_CLOSED, and close may be repeated', async () => {
    const { program, placement } = await compiled();
    await session.close();
    await session.close();
    const place = (): void => session.place(program.program, placement.valueOffsets, 0, placement.arenaBytes);
    expect(codeOf(place)).toBe('SESSION_CLOSED');
    expect(codeOf(() => session.runHere(program.program, ...FEEDS))).toBe('SESSION_CLOSED');
    const running = (async () => session.run(program.program, ...FEEDS))();
    await expect(running).rejects.toMatchObject({ code: 'SESSION_CLOSED' });
  });
});

import fc from 'fast-check';
import { planMemory, type MemoryNeeds } from '../../lib/plan/memory';
import type { Plan, PlanStep, PlanValue } from '../../lib/plan/plan';

const value = (index: number): PlanValue => ({
  name: `v${index}`,
  dtype: 'float32',
  kind: index === 0 ? 'input' : 'temporary',
  dims: [1],
  quantization: undefined,
  constant: -1,
});

function step(sources: readonly number[], destination: number): PlanStep {
  return {
    kernel: 'k',
    name: `s${destination}`,
    sources,
    destinations: [destination],
    params: {},
    postOps: [],
  };
}

/** Value 0 is the input; step i makes value i + 1 from earlier values. */
function planOf(sources: readonly (readonly number[])[], outputs: readonly number[]): Plan {
  return {
    values: Array.from({ length: sources.length + 1 }, (_, index) => value(index)),
    steps: sources.map((list, index) => step(list, index + 1)),
    inputs: [0],
    outputs,
    constants: [],
  };
}

const network = fc.integer({ min: 1, max: 25 }).chain((steps) =>
  fc.record({
    sources: fc.tuple(
      ...Array.from({ length: steps }, (_, index) =>
        fc.array(fc.integer({ min: -1, max: index }), { minLength: 1, maxLength: 3 }),
      ),
    ),
    bytes: fc.array(fc.integer({ min: 1, max: 100000 }), { minLength: steps, maxLength: steps }),
    // A step may write over its first source, as a reshape does.
    inPlace: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: steps, maxLength: steps }),
    workspace: fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: steps, maxLength: steps }),
    outputs: fc.array(fc.integer({ min: 1, max: steps }), { minLength: 1, maxLength: 3 }),
  }),
);

function needsOf(
  sources: readonly (readonly number[])[],
  bytes: readonly number[],
  inPlace: readonly number[],
  workspaceBytes: readonly number[],
): MemoryNeeds {
  const valueBytes = [0, ...bytes];
  const valueAlias = valueBytes.map(() => -1);
  inPlace.forEach((dice, index) => {
    const source = sources[index]![0]!;
    if (dice > 0 || source < 1) return;
    valueAlias[index + 1] = source;
    valueBytes[index + 1] = 0;
  });
  return { valueBytes, valueAlias, workspaceBytes };
}

/** First and last step that touch each storage, worked out from the definition alone. */
function lives(plan: Plan, { valueAlias }: MemoryNeeds): Map<number, [number, number]> {
  const root = (index: number): number => (valueAlias[index]! < 0 ? index : root(valueAlias[index]!));
  const result = new Map<number, [number, number]>();
  const touch = (index: number, time: number): void => {
    if (index < 0) return;
    const [first, last] = result.get(root(index)) ?? [time, time];
    result.set(root(index), [Math.min(first, time), Math.max(last, time)]);
  };
  plan.steps.forEach(({ sources, destinations }, time) =>
    [...sources, ...destinations].forEach((index) => touch(index, time)),
  );
  plan.outputs.forEach((index) => touch(index, plan.steps.length));
  return result;
}

describe('planMemory', () => {
  test('never lets two live values share bytes, aligns all, and needs no more than the sum', () => {
    fc.assert(
      fc.property(network, ({ sources, bytes, inPlace, workspace, outputs }) => {
        const plan = planOf(sources, outputs);
        const needs = needsOf(sources, bytes, inPlace, workspace);
        const { valueOffsets, workspaceOffset, arenaBytes } = planMemory(plan, needs);
        const blocks = [...lives(plan, needs)]
          .filter(([index]) => needs.valueBytes[index]! > 0)
          .map(([index, [first, last]]) => {
            const offset = valueOffsets[index]!;
            return { first, last, offset, end: offset + needs.valueBytes[index]! };
          });
        const align = (size: number): number => Math.ceil(size / 64) * 64;
        for (const block of blocks) {
          expect(block.offset % 64).toBe(0);
          expect(block.end).toBeLessThanOrEqual(workspaceOffset);
          for (const other of blocks) {
            if (other === block || other.first > block.last || block.first > other.last) continue;
            expect(other.offset >= block.end || block.offset >= other.end).toBe(true);
          }
        }
        needs.workspaceBytes.forEach((size) =>
          expect(workspaceOffset + size).toBeLessThanOrEqual(arenaBytes),
        );
        expect(workspaceOffset % 64).toBe(0);
        const sum = blocks.reduce((total, { offset, end }) => total + align(end - offset), 0);
        expect(arenaBytes).toBeLessThanOrEqual(sum + align(Math.max(0, ...workspace)));
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  test('an alias lies where its value lies', () => {
    const plan = planOf([[0], [1], [2]], [3]);
    const { valueOffsets } = planMemory(plan, {
      valueBytes: [0, 128, 0, 64],
      valueAlias: [-1, -1, 1, -1],
      workspaceBytes: [0, 0, 0],
    });
    expect(valueOffsets[2]).toBe(valueOffsets[1]);
  });

  test('a chain needs two buffers, however long it is', () => {
    const sources = Array.from({ length: 20 }, (_, index) => [index]);
    const bytes = [0, ...sources.map(() => 640)];
    const { arenaBytes } = planMemory(planOf(sources, [20]), {
      valueBytes: bytes,
      valueAlias: bytes.map(() => -1),
      workspaceBytes: sources.map(() => 0),
    });
    expect(arenaBytes).toBe(2 * 640);
  });

  test('outputs live to the end', () => {
    const { valueOffsets } = planMemory(planOf([[0], [0], [2]], [1, 3]), {
      valueBytes: [0, 64, 64, 64],
      valueAlias: [-1, -1, -1, -1],
      workspaceBytes: [0, 0, 0],
    });
    expect(new Set([...valueOffsets].slice(1)).size).toBe(3);
  });
});

import type { Plan } from './plan';

const ALIGNMENT = 64;

/** Where each value lies in the arena. */
export interface Placement {
  valueOffsets: Float64Array;
  workspaceOffset: number;
  arenaBytes: number;
}

/** What the addon says of a compiled plan's memory. */
export interface MemoryNeeds {
  /** Bytes of each value; 0 for what lies elsewhere or shares another's storage. */
  valueBytes: ArrayLike<number>;
  /** The value whose storage a value shares, or -1. */
  valueAlias: ArrayLike<number>;
  /** Bytes that each step needs while it runs. */
  workspaceBytes: readonly number[];
}

interface Block {
  bytes: number;
  first: number;
  last: number;
  offset: number;
}

/**
 * Places values so that those whose lives overlap never share bytes: largest first, each at the lowest offset that is free for
 * its whole life (greedy by size, as in Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020).
 */
export function planMemory(plan: Plan, needs: MemoryNeeds): Placement {
  const roots = plan.values.map((_, index) => rootOf(index, needs.valueAlias));
  const blocks = liveBlocks(plan, needs, roots);
  const placed: Block[] = [];
  let end = 0;
  for (const block of [...blocks.values()].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    block.offset = lowestFree(placed, block);
    end = Math.max(end, block.offset + block.bytes);
    placed.push(block);
  }
  const workspace = align(Math.max(0, ...needs.workspaceBytes));
  return {
    valueOffsets: Float64Array.from(roots, (root) => blocks.get(root)?.offset ?? 0),
    workspaceOffset: end,
    arenaBytes: end + workspace,
  };
}

function rootOf(index: number, alias: ArrayLike<number>): number {
  let root = index;
  while (alias[root]! >= 0) root = alias[root]!;
  return root;
}

/** A block for every storage, alive from its first writer to its last reader; outputs live to the end. */
function liveBlocks(plan: Plan, needs: MemoryNeeds, roots: readonly number[]): Map<number, Block> {
  const blocks = new Map<number, Block>();
  const touch = (index: number, time: number): void => {
    const root = roots[index]!;
    const bytes = align(needs.valueBytes[root]!);
    if (bytes === 0) return;
    const block = blocks.get(root);
    if (block) block.last = Math.max(block.last, time);
    else blocks.set(root, { bytes, first: time, last: time, offset: 0 });
  };
  plan.steps.forEach((step, time) => {
    for (const index of [...step.sources, ...step.destinations]) if (index >= 0) touch(index, time);
  });
  for (const index of plan.outputs) touch(index, plan.steps.length);
  return blocks;
}

function lowestFree(placed: readonly Block[], block: Block): number {
  const rivals = placed
    .filter((other) => other.first <= block.last && block.first <= other.last)
    .sort((a, b) => a.offset - b.offset);
  let offset = 0;
  for (const rival of rivals) {
    if (offset + block.bytes <= rival.offset) break;
    offset = Math.max(offset, rival.offset + rival.bytes);
  }
  return offset;
}

function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

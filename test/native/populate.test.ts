import { loadAddon } from '../../lib/runtime/load';

const { populate } = loadAddon();

test('memory keeps its contents when its pages are asked for', () => {
  const memory = new Uint8Array(3 * 2 ** 20 + 5).subarray(3);
  memory.fill(7);
  populate(memory);
  expect(memory.every((byte) => byte === 7)).toBe(true);
  const fresh = new Float32Array(2 ** 20);
  populate(new Uint8Array(fresh.buffer));
  expect(fresh.every((value) => value === 0)).toBe(true);
  populate(new Uint8Array(0));
});

test.each([undefined, 4096, 'memory', {}])('%p is no memory', (memory) => {
  expect(() => populate(memory as Uint8Array)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
});

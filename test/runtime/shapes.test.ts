import { resolve } from 'node:path';
import { runScript } from '../support/child';

interface Outcome {
  /** How often the addon compiled a plan. */
  compilations: number;
  /** Whether the known shapes had their first answers at the end too. */
  sameAnswers: boolean;
  /** The most programs that were in being at once. */
  mostKept: number;
  /** Bytes of the process, with 500 shapes seen and with 1,000 more. */
  resident: [number, number];
}

const LOAD = JSON.stringify(resolve(__dirname, '../../lib/runtime/load.ts'));

/** In a process of its own, whose memory nothing else uses: 1,500 shapes in no order, and three known ones after each of them. */
const SCRIPT = `
const addon = require(${LOAD}).loadAddon();
let compilations = 0;
let kept = 0;
let mostKept = 0;
addon.Session = class extends addon.Session {
  compile(...given) {
    ++compilations;
    mostKept = Math.max(mostKept, ++kept);
    return super.compile(...given);
  }
  dispose(...given) {
    --kept;
    return super.dispose(...given);
  }
};
const input = (height, width) => {
  const data = Float32Array.from({ length: 3 * height * width }, (_, i) => (i % 7) / 7);
  return { image: new Tensor('float32', data, [1, 3, height, width]) };
};
const known = [input(60, 4), input(70, 5), input(80, 6)];
const resident = [];
const measure = async () => {
  gc();
  await new Promise((next) => setTimeout(next, 20));
  gc();
  resident.push(process.memoryUsage().rss);
};
(async () => {
  const session = await InferenceSession.create(smallNetwork().bytes(), { threadsPerStream: 1 });
  const answers = async () => {
    const results = [];
    for (const feeds of known) results.push(...Object.values(await session.run(feeds)).map(({ data }) => data.join()));
    return results.join();
  };
  const first = await answers();
  let sameAnswers = true;
  for (let i = 0; i < 1500; ++i) {
    const shuffled = (i * 37) % 1521;
    await session.run(input(4 + (shuffled % 39), 4 + Math.floor(shuffled / 39)));
    if ((await answers()) !== first) sameAnswers = false;
    if (i === 499) await measure();
  }
  await measure();
  await session.release();
  console.log(JSON.stringify({ compilations, sameAnswers, mostKept, resident }));
})();`;

test('1,000 more shapes neither leak nor cost the known ones their programs', async () => {
  const { stdout, stderr } = await runScript(SCRIPT, ['--expose-gc']);
  if (stdout === '') throw new Error(stderr);
  const { compilations, sameAnswers, mostKept, resident } = JSON.parse(stdout) as Outcome;
  // Each shape once, the known ones too.
  expect(compilations).toBe(1500 + 3);
  expect(sameAnswers).toBe(true);
  // Eight, and one that is being made before another goes.
  expect(mostKept).toBeLessThanOrEqual(9);
  // oneDNN keeps the 1,024 primitives that were made last, which 500 shapes fill. 1,000 programs that stayed took 370 MB.
  expect(resident[1] - resident[0]).toBeLessThan(60 * 2 ** 20);
});

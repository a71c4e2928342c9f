import { PREAMBLE, runScript } from '../support/child';

/** The child must end by itself, without a signal, and print what is wanted. */
async function expectOutput(body: string, wanted: string, code = 0, flags: string[] = []): Promise<void> {
  const result = await runScript(body, flags);
  expect({ ...result, stderr: result.stderr.slice(0, 2000) }).toMatchObject({
    code,
    signal: null,
    stdout: `${wanted}\n`,
  });
}

describe('a session in a process of its own', () => {
  test('does not keep the process alive once it was released, or when it is idle', () =>
    expectOutput(
      `(async () => {
        const session = await InferenceSession.create(smallNetwork().bytes());
        await session.run({ image: image(1) });
        console.log('done');
      })();`,
      'done',
    ));

  test('process.exit during a run', () =>
    expectOutput(
      `(async () => {
        const session = await InferenceSession.create(slowNetwork().bytes(), { threadsPerStream: 2 });
        const run = session.run({ x: slowInput() });
        run.catch(() => {});
        setTimeout(() => { console.log('leaving'); process.exit(7); }, 15);
      })();`,
      'leaving',
      7,
    ));

  test('an exception that nobody catches, during a run', async () => {
    const { code, signal, stderr } = await runScript(`(async () => {
      const session = await InferenceSession.create(slowNetwork().bytes(), { threadsPerStream: 2 });
      session.run({ x: slowInput() }).catch(() => {});
      setTimeout(() => { throw new Error('on purpose'); }, 15);
    })();`);
    expect({ code, signal }).toEqual({ code: 1, signal: null });
    expect(stderr).toContain('on purpose');
  });

  test('sessions that were dropped without release are collected with their threads', () =>
    expectOutput(
      `const { readFileSync } = require('node:fs');
      const threads = () => Number(/Threads:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
      const bytes = smallNetwork().bytes();
      const use = async () => {
        const session = await InferenceSession.create(bytes, { streams: 2, threadsPerStream: 1 });
        await session.run({ image: image(1) });
      };
      (async () => {
        await use();
        const before = threads();
        for (let i = 0; i < 50; ++i) {
          await use();
          if (i % 5 === 4) { gc(); await new Promise((next) => setTimeout(next, 5)); }
        }
        for (let i = 0; i < 20 && threads() > before + 10; ++i) { gc(); await new Promise((next) => setTimeout(next, 20)); }
        console.log(threads() <= before + 10 ? 'few threads' : 'threads: ' + before + ' then ' + threads());
      })();`,
      'few threads',
      0,
      ['--expose-gc'],
    ));

  test('sessions that were released leave neither threads nor memory behind', () =>
    expectOutput(
      `const { readFileSync } = require('node:fs');
      const status = (key) => Number(new RegExp(key + ':\\\\s+(\\\\d+)').exec(readFileSync('/proc/self/status', 'utf8'))[1]);
      const bytes = slowNetwork().bytes();
      const use = async () => {
        const session = await InferenceSession.create(bytes, { threadsPerStream: 1 });
        await session.release();
      };
      (async () => {
        for (let i = 0; i < 10; ++i) await use();
        gc();
        const [threads, memory] = [status('Threads'), status('VmRSS')];
        for (let i = 0; i < 30; ++i) await use();
        gc();
        const grown = (status('VmRSS') - memory) / 1024;
        const more = status('Threads') - threads;
        console.log(more <= 2 && grown < 40 ? 'nothing left' : more + ' threads and ' + grown + ' MiB');
      })();`,
      'nothing left',
      0,
      ['--expose-gc'],
    ));
});

describe('worker threads', () => {
  const worker = `
    const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
    const sum = (tensor) => tensor.data.reduce((a, b) => a + b, 0);
    const work = async () => {
      ${PREAMBLE.replaceAll('\n', ' ')}
      const session = await InferenceSession.create(smallNetwork().bytes(), { threadsPerStream: 1 });
      const results = [];
      for (let i = 0; i < 5; ++i) results.push(sum(Object.values(await session.run({ image: image(1, 9, i) }))[0]));
      await session.release();
      return results.join();
    };`;

  test('give the same answers as the main thread, several at once, and end', () =>
    expectOutput(
      `${worker}
      if (isMainThread) (async () => {
        const answers = await Promise.all([work(), ...[1, 2, 3].map(() => new Promise((settle, fail) => {
          const thread = new Worker(__filename);
          let answer;
          thread.on('message', (message) => (answer = message));
          thread.on('error', fail);
          thread.on('exit', () => settle(answer));
        }))]);
        console.log(new Set(answers).size === 1 && answers[0].length > 10 ? 'equal' : answers.join(' | '));
      })();
      else work().then((answer) => parentPort.postMessage(answer));`,
      'equal',
    ));

  test('may be terminated during a run', () =>
    expectOutput(
      `const { Worker, isMainThread, parentPort } = require('node:worker_threads');
      if (isMainThread) (async () => {
        for (let i = 0; i < 3; ++i) {
          const thread = new Worker(__filename);
          await new Promise((next) => thread.once('message', next));
          await thread.terminate();
        }
        console.log('terminated');
      })();
      else (async () => {
        const session = await InferenceSession.create(slowNetwork().bytes(), { threadsPerStream: 1 });
        const run = session.run({ x: slowInput() });
        parentPort.postMessage('running');
        await run;
      })();`,
      'terminated',
    ));
});

import { writeFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { endWithReader } from '../../lib/cli/io';
import { temporaryFolder } from '../evaluation/support';
import { fakeServices, run } from './harness';

const folder = temporaryFolder();
const COMMANDS: Record<string, string[]> = {
  calibrate: [
    '--data',
    '--samples',
    '--algo',
    '--preprocess',
    '--resize',
    '--crop',
    '--output',
    '--first-conv',
  ],
  evaluate: ['--data', '--labels', '--label-offset', '--against', '--streams', '--threads', '--logits'],
  compare: ['--data', '--samples', '--labels', '--preprocess', '--html', '--threads', '--verbose'],
  benchmark: ['--batch', '--streams', '--threads', '--seconds'],
  inspect: ['--batch', '--size', '--steps'],
  doctor: [],
};

describe('--help', () => {
  test.each(Object.entries(COMMANDS))(
    '%s shows its options and examples in 80 columns',
    async (command, options) => {
      const { code, stdout, stderr } = await run([command, '--help']);
      expect(code).toBe(0);
      expect(stderr).toBe('');
      for (const option of [...options, '--json', '--debug', 'Examples:', `$ calibr8 ${command}`])
        expect(stdout).toContain(option);
      expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    },
  );

  test('of the program lists every command', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    for (const command of Object.keys(COMMANDS)) expect(stdout).toContain(`  ${command} `);
  });

  test('--version prints the version', async () => {
    expect(await run(['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+/) as string,
    });
  });
});

describe('wrong usage ends with code 2 and nothing on stdout', () => {
  test.each([
    [[], /Usage:/],
    [['calibrat'], /unknown command 'calibrat'.*Did you mean calibrate\?/s],
    [['evaluate'], /missing required argument 'model'/],
    [['benchmark'], /missing required argument 'models'/],
    [['calibrate', 'x.onnx'], /--data DIR, .*, or --table TABLE, .* received neither/],
    [['calibrate', 'x.onnx', '--data', 'd', '--bogus'], /unknown option '--bogus'/],
    [['calibrate', 'x.onnx', 'y.onnx', '--data', 'd'], /too many arguments/],
    [
      ['calibrate', 'x.onnx', '--data', 'd', '--algo', 'kl'],
      /Expected one of "max", "KL", .* for --algo but received "kl"/,
    ],
    [
      ['calibrate', 'x.onnx', '--data', 'd', '--algo', 'percentile:101'],
      /up to 100 percent.* but received "101"/,
    ],
    [['calibrate', 'x.onnx', '--data', 'd', '--override', '{'], /--override: Expected JSON .* but \{: /],
    [['calibrate', 'x.onnx', '--data', 'd', '--override', '@nothing.json'], /a file at "nothing\.json"/],
    [
      ['calibrate', 'x.onnx', '--data', 'd', '--table', 't'],
      /'--table <TABLE>' cannot be used with .*'--data/,
    ],
    [
      ['calibrate', 'x.onnx', '--table', 't', '--crop', '8'],
      /'--table <TABLE>' cannot be used with .*--crop/,
    ],
    [['calibrate', 'x.onnx', '--data', 'd', '--shard', '1/2'], /--shard: Expected --save-table TABLE/],
    [
      ['calibrate', 'x.onnx', '--table', 't.json', '--bias-correction'],
      /--bias-correction: Expected --data DIR, .*--table alone/,
    ],
    [
      ['calibrate', 'x.onnx', '--data', 'd', '--save-table', 't.json', '--equalization'],
      /--equalization: Expected -o OUT/,
    ],
    [['calibrate', 'x.onnx', '--table', 't', '--rounding', 'learned'], /--rounding: Expected --data DIR/],
    [['calibrate', 'x.onnx', '--data', 'd', '--rounding', 'up'], /'up' is invalid.* nearest, learned/],
    [['calibrate', 'x.onnx', '--data', 'd', '--residuals', 'none'], /'none' is invalid.* rounded, exact/],
    [['calibrate', 'x.onnx', '--data', 'd', '--shard', '0/2'], /Expected INDEX\/COUNT .* as in 2\/8/],
    [['calibrate', 'x.onnx', '--data', 'd', '--shard', '3/2'], /Expected INDEX\/COUNT/],
    [['merge', '-o', 't.json'], /missing required argument 'tables'/],
    [['merge', 'a.json'], /required option '-o, --output <TABLE>' not specified/],
    [['calibrate', 'x.onnx', '--data', 'd', '--samples', '0'], /an integer of at least 1/],
    [['calibrate', 'x.onnx', '--data', 'd', '--samples', '1.5'], /an integer of at least 1/],
    [
      ['calibrate', 'x.onnx', '--data', 'd', '--resize', 'all'],
      /'--resize <N\|HxW\|none>' argument 'all' is invalid/,
    ],
    [['calibrate', 'x.onnx', '--data', 'd', '--first-conv', 'fp16'], /Allowed choices are int8, fp32/],
    [
      ['calibrate', 'x.onnx', '--data', 'd', '--preprocess', 'vgg'],
      /--preprocess: Expected imagenet, symmetric/,
    ],
    [['calibrate', 'x.onnx', '--data', 'd', '--crop', '300'], /"resize": expected at least the crop/],
    [['evaluate', 'x.onnx', '--data', 'd', '--preprocess', '{"crop":'], /not valid JSON/],
    [['evaluate', 'x.onnx'], /--data DIR or --labels LIST is needed/],
    [['evaluate', 'x.onnx', '--data', 'd', '--label-offset', 'one'], /Expected an integer\./],
    [['benchmark', 'x.onnx', '--threads', '2000'], /an integer from 1 to 1024/],
    [['benchmark', 'x.onnx', '--streams', '300'], /an integer from 1 to 256/],
    [['benchmark', 'x.onnx', '--seconds', '-1'], /a number greater than 0/],
    [['inspect', 'x.onnx', '--json=yes'], /json/],
  ])('%j', async (args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
    if (args.length > 0) expect(stderr).toMatch(/^error \[INVALID_ARGUMENT\]: /);
  });
});

describe('failures end with code 1 and one line', () => {
  test.each(['calibrate', 'evaluate', 'benchmark', 'inspect'])(
    '%s with a model that is not there',
    async (command) => {
      const args = [
        command,
        folder.path('none.onnx'),
        ...(/ate$/.test(command) ? ['--data', folder.path()] : []),
      ];
      const { code, stdout, stderr } = await run(args);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(
        /^error \[FILE_ACCESS\]: Expected an ONNX model at ".*none\.onnx" but there is none\..*\n$/,
      );
    },
  );

  test('a folder is no model', async () => {
    const { code, stderr } = await run(['inspect', folder.path()]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/it is not a file/);
  });

  test('a file that is not ONNX', async () => {
    writeFileSync(folder.path('text.onnx'), 'just text');
    const { code, stderr } = await run(['inspect', folder.path('text.onnx')]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error \[INVALID_MODEL\]: .*text\.onnx.*\n$/);
  });

  test('an unexpected error says so, and --debug shows where', async () => {
    writeFileSync(folder.path('any.onnx'), '');
    const services = fakeServices({
      readGraph: () => Promise.reject(new TypeError('line one\nline two', { cause: new Error('deeper') })),
    });
    const plain = await run(['inspect', folder.path('any.onnx')], services);
    expect(plain.code).toBe(1);
    expect(plain.stderr).toMatch(/^error \[UNEXPECTED\]: line one line two\n.*--debug.*\n$/);
    const debug = await run(['inspect', folder.path('any.onnx'), '--debug'], services);
    expect(debug.stderr).toMatch(/TypeError: line one.*at .*usage\.test\.ts.*Caused by: Error: deeper/s);
  });
});

describe('a reader that goes away', () => {
  afterEach(() => jest.restoreAllMocks());

  test.each([
    ['EPIPE', 0, 0],
    ['EPIPE', 1, 1],
    ['EIO', 0, 1],
  ])('%s, where unread is %i, ends the process with code %i', (code, unread, exitCode) => {
    const exit = jest.spyOn(process, 'exit').mockImplementation(() => undefined as never);
    const stdout = new PassThrough();
    endWithReader(stdout, unread);
    stdout.emit('error', Object.assign(new Error(code), { code }));
    expect(exit).toHaveBeenCalledWith(exitCode);
  });
});

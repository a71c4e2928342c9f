import { renderReport } from '../../lib';
import type { Comparison, TensorComparison } from '../../lib/report/comparison';

const HOSTILE = `<script>alert("1")</script>&'</title>`;
const VOID = new Set(['meta', 'br', 'hr', 'img', 'link', 'input']);

function tensor(index: number, name = `tensor ${index}`): TensorComparison {
  const range = { low: -1, high: 1 + index / 100 };
  return {
    name,
    layer: index === 0 ? undefined : { name: `layer ${name}`, op: 'Conv', weighted: true, input: undefined },
    grid: { dtype: 'int8', scale: 0.01, zeroPoint: 0, bits: 8 },
    range: [-1.28, 1.27],
    count: 1000,
    sqnrDb: index === 3 ? Infinity : 40 - index / 10,
    ownSqnrDb: 30 + (index % 7),
    clippedPercent: 0.5,
    levelsUsedPercent: 60,
    systematicPercent: 40,
    channelSpread: 9,
    equalized: index === 2,
    histogram: { low: -1, high: 1, counts: Array.from({ length: 128 }, (_, bin) => bin ** 2) },
    observers: ['max', 'KL'].map((observer) => ({ observer, ...range, sqnrDb: 38 })),
    rangeSqnrDb: index === 2 ? undefined : 33,
  };
}

function comparison(tensors: readonly TensorComparison[]): Comparison {
  const channels = 600;
  const pairs = Array.from({ length: 40 }, (_, i) => ({ fp32: i, int8: i + (i % 2), count: 40 - i }));
  return {
    samples: 50,
    tensors,
    unmatched: [{ name: HOSTILE, reason: 'unknown' }],
    outputs: [
      {
        name: 'logits',
        size: 1000,
        sqnrDb: 20,
        agreementPercent: 50,
        top1: { fp32: 70, int8: 69 },
        pairs,
        differences: [{ name: HOSTILE, label: 3, fp32: 1, int8: 2, margin: 0.25 }],
        whereDifferent: { fp32Right: 2, int8Right: 1, neither: 0 },
      },
    ],
    layers: [
      {
        name: HOSTILE,
        op: 'Conv',
        dims: [channels, 3, 3, 3],
        storedAs: 'int8',
        low: new Float32Array(channels).fill(-1),
        high: Float32Array.from({ length: channels }, (_, c) => c / channels),
        sqnrDb: 35,
      },
    ],
    precision: 'int8',
    int8Percent: 100,
    speed: {
      threads: 1,
      batch: 1,
      fp32Milliseconds: 4,
      int8Milliseconds: 1,
      steps: [
        {
          name: HOSTILE,
          kernel: 'k',
          implementation: 'brgconv',
          reorders: [],
          dataTypes: 'u8',
          ...{ bytesMoved: 1, operations: 2, arithmetic: 'int8' },
          nanoseconds: 5,
        },
      ],
    },
    receipt: { tool: 'calibr8', tensors: [{ name: HOSTILE, threshold: 1 }] },
    seconds: 1,
  };
}

const page = renderReport(
  comparison([tensor(0), tensor(1, HOSTILE), ...Array.from({ length: 8 }, (_, i) => tensor(i + 2))]),
  { fp32: 'net.onnx', int8: HOSTILE, inputs: 'some images' },
);

/** Names of elements that are opened and not closed, or closed and not opened, in order. */
function unbalanced(html: string): string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [, closing, name, selfClosing] of html.matchAll(
    /<(\/?)([a-zA-Z][\w-]*)(?:[^>"]|"[^"]*")*?(\/?)>/g,
  )) {
    if (closing) {
      if (open.pop() !== name) wrong.push(name!);
    } else if (!selfClosing && !VOID.has(name!)) open.push(name!);
  }
  return [...wrong, ...open];
}

test('the page needs nothing but itself: no script, no address, no file', () => {
  expect(page).not.toMatch(/https?:|\/\/[a-z]|@import|url\((?!#)/i);
  expect(page).not.toMatch(/<(?:script|link|img|iframe|object|embed)\b/i);
  expect(page).not.toMatch(/\son\w+=/i);
});

test('names from models and files are text, wherever they stand', () => {
  expect(page).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;&lt;/title&gt;');
  expect(page.match(/<title>/g)).toHaveLength(1 + page.match(/<svg /g)!.length);
});

test('elements are balanced, ids are unique, links lead somewhere', () => {
  expect(unbalanced(page)).toEqual([]);
  const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [, target] of page.matchAll(/(?:href="#|url\(#|labelledby=")([^")]*)/g))
    expect(ids).toContain(target);
});

test('every part is there, with a heading, and every plot says what it shows', () => {
  for (const id of ['summary', 'along', 'tensors', 'activations', 'weights', 'choices', 'speed', 'receipt'])
    expect(page).toMatch(
      new RegExp(`<section id="${id}" aria-labelledby="${id}-heading">\\s*<h2 id="${id}-heading">`),
    );
  expect(page.match(/<h1>/g)).toHaveLength(1);
  expect(page).toContain('<html lang="en">');
  // Twice along the network, for wide and narrow screens; a histogram a tensor; a band a layer.
  const plots = [...page.matchAll(/<svg ([^>]*)>/g)].map(([, attributes]) => attributes!);
  expect(plots).toHaveLength(2 + 10 + 1);
  for (const plot of plots) expect(plot).toMatch(/role="img" aria-label="[^"]+"/);
});

test('colors come from the style sheet, so that they fit light, dark and paper', () => {
  for (const scheme of ['prefers-color-scheme: dark', '@media print', 'max-width: 640px'])
    expect(page).toContain(scheme);
  const body = page.slice(page.indexOf('<body>'));
  expect(body.match(/(?:fill|stroke)="#[0-9a-f]{3,8}"/gi) ?? []).toEqual([]);
});

test('the same comparison gives the same page', () => {
  const again = comparison([tensor(0), tensor(1)]);
  const context = { fp32: 'a', int8: 'b' };
  expect(renderReport(again, context)).toBe(renderReport(again, context));
});

test('a page for 150 tensors stays below 3 MB', () => {
  const large = renderReport(comparison(Array.from({ length: 150 }, (_, i) => tensor(i))), {
    fp32: 'a',
    int8: 'b',
  });
  expect(Buffer.byteLength(large)).toBeLessThan(3e6);
});

test('nothing to choose from, no receipt and a single tensor make a page too', () => {
  const { outputs, ...rest } = comparison([tensor(0)]);
  const maps = outputs.map((output) => ({
    ...output,
    agreementPercent: undefined,
    top1: undefined,
    pairs: [],
  }));
  const small = renderReport({ ...rest, outputs: maps, receipt: undefined }, { fp32: 'a', int8: 'b' });
  expect(unbalanced(small)).toEqual([]);
  expect(small).toContain('records nothing');
});

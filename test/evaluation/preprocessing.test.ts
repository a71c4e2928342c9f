import { formatPreprocessing, parsePreprocessing, PRESETS } from '../../lib/evaluation/preprocessing';

const JSON_FORM = '{"crop":32,"mean":[0,0,0],"std":[1,1,1]}';

describe('parsePreprocessing', () => {
  test('knows the presets', () => {
    expect(parsePreprocessing('imagenet')).toEqual(PRESETS.imagenet);
    expect(parsePreprocessing('symmetric')).toEqual(PRESETS.symmetric);
  });

  test('fills in what JSON leaves out', () => {
    expect(parsePreprocessing(JSON_FORM)).toEqual({
      ...{ resize: null, crop: 32, scale: 1, mean: [0, 0, 0], std: [1, 1, 1] },
      ...{ layout: 'NCHW', channels: 'RGB' },
    });
  });

  test('begins from a preset in JSON too', () => {
    expect(parsePreprocessing('{"preset":"symmetric","crop":96}')).toEqual({
      ...PRESETS.symmetric,
      crop: 96,
    });
    expect(() => parsePreprocessing('{"preset":"vgg"}')).toThrow(/one of imagenet, symmetric for "preset"/);
  });

  test('overrides resize and crop, also with "none"', () => {
    const { resize, crop } = parsePreprocessing('imagenet', { resize: null, crop: 192 });
    expect([resize, crop]).toEqual([null, 192]);
    expect(parsePreprocessing('imagenet', { resize: undefined }).resize).toBe(256);
  });

  test('takes height and width in the place of one side', () => {
    const { resize, crop } = parsePreprocessing('imagenet', { resize: [240, 320], crop: [200, 320] });
    expect([resize, crop]).toEqual([
      [240, 320],
      [200, 320],
    ]);
    expect(() => parsePreprocessing('imagenet', { resize: [240, 320], crop: [241, 320] })).toThrow(
      /"resize": expected at least the crop/,
    );
  });

  test.each([
    ['imagenett', /Expected imagenet, symmetric or a JSON object .* received "imagenett"/],
    ['{"crop":', /not valid JSON/],
    ['{"crop":32}', /"mean": .*"std": /],
    ['{"crop":0,"mean":[0,0,0],"std":[1,1,1]}', /"crop"/],
    ['{"crop":[2],"mean":[0,0,0],"std":[1,1,1]}', /"crop"/],
    ['{"crop":[2,0],"mean":[0,0,0],"std":[1,1,1]}', /"crop.1"/],
    ['{"crop":2.5,"mean":[0,0,0],"std":[1,1,1]}', /"crop"/],
    ['{"crop":32,"mean":[0,0],"std":[1,1,1]}', /"mean": expected 3 numbers/],
    ['{"crop":32,"mean":[0,0,0],"std":[1,0,1]}', /"std": expected numbers greater than 0/],
    ['{"crop":32,"mean":[0,0,0],"std":[1,1,1],"size":3}', /"size"/],
    ['{"crop":32,"mean":[0,0,0],"std":[1,1,1],"layout":"HWC"}', /"layout".*NHWC/],
    ['{"crop":32,"resize":16,"mean":[0,0,0],"std":[1,1,1]}', /"resize": expected at least the crop/],
    ['{"crop":32,"mean":[0],"std":[1,1,1],"channels":"gray"}', /Expected 1 number .*"std"/],
    ['{"crop":32,"mean":[0],"std":[1,1,1]}', /Expected 3 numbers .*"mean"/],
  ])('refuses %s', (text, message) => {
    expect(() => parsePreprocessing(text)).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(message) as string,
      }),
    );
  });

  test("refuses a crop beyond the preset's resize", () => {
    expect(() => parsePreprocessing('imagenet', { crop: 300 })).toThrow(
      /"resize": expected at least the crop/,
    );
  });
});

test('formatPreprocessing gives a text that reads back the same', () => {
  expect(formatPreprocessing(parsePreprocessing('symmetric'))).toBe('symmetric');
  expect(formatPreprocessing(parsePreprocessing('imagenet', { resize: null }))).toBe(
    '{"preset":"imagenet","resize":null}',
  );
  for (const preprocessing of [
    parsePreprocessing('imagenet', { crop: 192 }),
    parsePreprocessing(JSON_FORM),
    parsePreprocessing('{"resize":[32,192],"crop":[32,192],"mean":[0,0,0],"std":[1,1,1]}'),
    parsePreprocessing('{"crop":28,"mean":[0],"std":[255],"channels":"gray","layout":"NHWC"}'),
  ])
    expect(parsePreprocessing(formatPreprocessing(preprocessing))).toEqual(preprocessing);
});

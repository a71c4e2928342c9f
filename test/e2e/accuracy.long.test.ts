import type { CalibratorOptions } from '../../lib';
import { describeWithData } from '../support/data';
import { calibrateAndCompare, NETWORKS } from './imagenet';

/** The same for every network. */
const SETTINGS = { algo: 'auto', biasCorrection: true, equalization: true, threads: 2 } as const;
const LEARNED = { ...SETTINGS, rounding: 'learned' } as const;

type Case = readonly [network: (typeof NETWORKS)[keyof typeof NETWORKS], agreement: number, sqnr: number];

/** Least agreement with FP32 in percent and least SQNR of the logits in dB, over all 650 validation images. */
const NEAREST: readonly Case[] = [
  [NETWORKS.resnet50, 97, 25],
  [NETWORKS.mobilenetV1, 98, 28],
  [NETWORKS.mobilenetV1Quarter, 94.5, 26],
  [NETWORKS.mobilenetV2, 97.5, 18.5],
  [NETWORKS.squeezenet, 96.5, 34],
];
const ROUNDED_TOGETHER: readonly Case[] = [
  [NETWORKS.resnet50, 97, 26],
  [NETWORKS.mobilenetV1, 98, 30],
  [NETWORKS.mobilenetV1Quarter, 95, 28],
  [NETWORKS.mobilenetV2, 97.5, 20.5],
  [NETWORKS.squeezenet, 96.5, 36],
];

const named = (cases: readonly Case[]) =>
  cases.map(([network, agreement, sqnr]) => ({ network, agreement, sqnr }));

async function check(
  options: Omit<CalibratorOptions, 'model'>,
  { network, agreement, sqnr }: ReturnType<typeof named>[0],
) {
  const { fp32, onnxruntime, drop } = await calibrateAndCompare(network, options, 650, 250);
  console.log(
    `${network.name}: top-1 ${fp32.reference!.top1!.toFixed(2)} -> ${fp32.top1!.toFixed(2)}, agreement ` +
      `${fp32.agreement!.toFixed(2)} %, SQNR ${fp32.sqnrDb!.toFixed(1)} dB, onnxruntime agrees on ${onnxruntime.agreement!.toFixed(2)} %`,
  );
  expect(fp32.agreement).toBeGreaterThanOrEqual(agreement);
  expect(fp32.sqnrDb).toBeGreaterThanOrEqual(sqnr);
  expect(drop).toBeLessThanOrEqual(0.6);
  expect(onnxruntime.agreement).toBeGreaterThanOrEqual(98);
}

describeWithData('every ImageNet network, refined on 250 images', () => {
  it.each(named(NEAREST))(
    '$network.name agrees with FP32 on $agreement % of the images, $sqnr dB',
    async (one) => {
      await check(SETTINGS, one);
    },
  );

  it.each(named(ROUNDED_TOGETHER))(
    '$network.name, its rounding learned, on $agreement %, $sqnr dB',
    async (one) => {
      await check(LEARNED, one);
    },
  );
});

import type { CalibratorOptions } from '../../lib';
import { describeWithData } from '../support/data';
import { calibrateAndCompare, NETWORKS } from './imagenet';

/** The same for every network. */
const SETTINGS: Omit<CalibratorOptions, 'model'> = {
  algo: 'auto',
  biasCorrection: true,
  equalization: true,
  residuals: 'exact',
  threads: 2,
};

/** Least agreement with FP32 in percent and least SQNR of the logits in dB, over all 650 validation images. */
const CASES = [
  { network: NETWORKS.resnet50, agreement: 97, sqnr: 25 },
  { network: NETWORKS.mobilenetV1, agreement: 98, sqnr: 28 },
  { network: NETWORKS.mobilenetV1Quarter, agreement: 94.5, sqnr: 26 },
  { network: NETWORKS.mobilenetV2, agreement: 97.5, sqnr: 18.5 },
  { network: NETWORKS.squeezenet, agreement: 96.5, sqnr: 34 },
] as const;

describeWithData('every ImageNet network, refined on 250 images', () => {
  it.each(CASES)(
    '$network.name agrees with FP32 on $agreement % of the images, $sqnr dB',
    async ({ network, agreement, sqnr }) => {
      const { fp32, onnxruntime, drop } = await calibrateAndCompare(network, SETTINGS, 650, 250);
      console.log(
        `${network.name}: top-1 ${fp32.reference!.top1!.toFixed(2)} -> ${fp32.top1!.toFixed(2)}, agreement ` +
          `${fp32.agreement!.toFixed(2)} %, SQNR ${fp32.sqnrDb!.toFixed(1)} dB, onnxruntime agrees on ${onnxruntime.agreement!.toFixed(2)} %`,
      );
      expect(fp32.agreement).toBeGreaterThanOrEqual(agreement);
      expect(fp32.sqnrDb).toBeGreaterThanOrEqual(sqnr);
      expect(drop).toBeLessThanOrEqual(0.6);
      expect(onnxruntime.agreement).toBeGreaterThanOrEqual(98);
    },
  );
});

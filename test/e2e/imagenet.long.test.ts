import { describeWithData } from '../support/data';
import { calibrateAndCompare, NETWORKS } from './imagenet';

/** Least agreement with FP32 in percent, over all 650 validation images. */
const CASES = [
  { network: NETWORKS.resnet50, algo: 'max', agreement: 93 },
  { network: NETWORKS.resnet50, algo: 'KL', agreement: 93 },
  { network: NETWORKS.mobilenetV1, algo: 'max', agreement: 94 },
  { network: NETWORKS.mobilenetV1Quarter, algo: 'max', agreement: 89 },
  { network: NETWORKS.mobilenetV1Quarter, algo: 'KL', agreement: 90 },
  { network: NETWORKS.mobilenetV2, algo: 'max', agreement: 93 },
  { network: NETWORKS.squeezenet, algo: 'max', agreement: 94 },
] as const;

describeWithData('every ImageNet network, calibrated with 50 images', () => {
  it.each(CASES)(
    '$network.name with $algo agrees with FP32 on $agreement % of the images',
    async ({ network, algo, agreement }) => {
      const { fp32, onnxruntime, drop } = await calibrateAndCompare(network, { algo }, 650);
      console.log(
        `${network.name} ${algo}: top-1 ${fp32.reference!.top1!.toFixed(2)} -> ${fp32.top1!.toFixed(2)}, agreement ` +
          `${fp32.agreement!.toFixed(2)} %, SQNR ${fp32.sqnrDb!.toFixed(1)} dB, onnxruntime agrees on ${onnxruntime.agreement!.toFixed(2)} %`,
      );
      expect(fp32.agreement).toBeGreaterThanOrEqual(agreement);
      expect(drop).toBeLessThanOrEqual(1.5);
      expect(onnxruntime.agreement).toBeGreaterThanOrEqual(98);
    },
  );
});

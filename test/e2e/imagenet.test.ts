import { describeWithData } from '../support/data';
import { calibrateAndCompare, NETWORKS } from './imagenet';

/** The two quickest networks on a part of the images; imagenet.long.test.ts has them all. */
describeWithData('a real network, calibrated with 50 images', () => {
  it('MobileNet-V1 0.25 with KL keeps its choices, and onnxruntime makes the same ones', async () => {
    const { fp32, onnxruntime } = await calibrateAndCompare(NETWORKS.mobilenetV1Quarter, { algo: 'KL' }, 130);
    expect(fp32.agreement).toBeGreaterThanOrEqual(86);
    expect(fp32.sqnrDb).toBeGreaterThanOrEqual(18);
    expect(onnxruntime.agreement).toBeGreaterThanOrEqual(97);
  });

  it('SqueezeNet with max keeps its choices, and onnxruntime makes the same ones', async () => {
    const { fp32, onnxruntime } = await calibrateAndCompare(NETWORKS.squeezenet, { algo: 'max' }, 130);
    expect(fp32.agreement).toBeGreaterThanOrEqual(92);
    expect(fp32.sqnrDb).toBeGreaterThanOrEqual(30);
    expect(onnxruntime.agreement).toBeGreaterThanOrEqual(98);
  });
});

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import { buildMobileNetV1, composeMobileNetV1 } from '../../examples/networks/mobilenet-v1';
import { composeResNet50 } from '../../examples/networks/resnet50';

const NETWORKS = join(__dirname, '../../examples/networks');

function countOperators(model: onnx.ModelProto): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const node of model.graph?.node ?? [])
    counts[String(node.opType)] = (counts[String(node.opType)] ?? 0) + 1;
  return counts;
}

describe('networks of published shape', () => {
  test('ResNet-50 has the published parameters and operations', () => {
    const net = composeResNet50();
    expect(net.parameters).toBe(25_557_032);
    expect(net.macs).toBe(3_857_973_248);
    const model = onnx.ModelProto.decode(net.build());
    expect(countOperators(model)).toEqual({
      Conv: 53,
      BatchNormalization: 53,
      Relu: 49,
      Add: 16,
      MaxPool: 1,
      GlobalAveragePool: 1,
      Flatten: 1,
      Gemm: 1,
    });
  });

  test('MobileNet-V1 has the published parameters and operations', () => {
    const net = composeMobileNetV1();
    expect(net.parameters).toBe(4_231_976);
    expect(net.macs).toBe(568_740_352);
    const model = onnx.ModelProto.decode(net.build());
    expect(countOperators(model)).toMatchObject({ Conv: 27, BatchNormalization: 27, Relu: 27, Gemm: 1 });
  });

  test('a seed fixes the weights', () => {
    const first = Buffer.from(buildMobileNetV1(5));
    expect(first.equals(buildMobileNetV1(5))).toBe(true);
    expect(first.equals(buildMobileNetV1(6))).toBe(false);
  });
});

describe('trained networks', () => {
  test.each([
    ['shapes-resnet.onnx', { BatchNormalization: 15, Add: 6, Relu: 13, MaxPool: 1 }],
    ['shapes-mobilenet.onnx', { BatchNormalization: 15, Clip: 15 }],
  ])('%s is small, float and unfolded', (file, operators) => {
    const path = join(NETWORKS, file);
    expect(statSync(path).size).toBeLessThan(1.5e6);
    const model = onnx.ModelProto.decode(readFileSync(path));
    expect(countOperators(model)).toMatchObject({ Conv: 15, Gemm: 1, ...operators });
    expect(
      model.graph?.initializer?.every((tensor) => tensor.dataType === onnx.TensorProto.DataType.FLOAT),
    ).toBe(true);
    expect(model.graph?.input?.map((input) => input.name)).toEqual(['data']);
    expect(model.graph?.output?.map((output) => output.name)).toEqual(['logits']);
  });
});

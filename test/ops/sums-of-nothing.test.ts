import { expectAgreement } from '../support/agree';
import { ModelBuilder } from '../support/model';
import { float32 } from '../support/run';

// Products of rows without elements are zeros, and what follows them counts all the same.
test.each<[string, (m: ModelBuilder) => void]>([
  [
    'a residual',
    (m) => {
      const product = m.node('MatMul', [m.input('a', [1, 0]), m.constant([], [0, 3])]);
      m.output(m.node('Add', [product, m.input('b', [1, 3])]));
    },
  ],
  [
    'what is not added',
    (m) => {
      const product = m.node('MatMul', [m.input('a', [1, 0]), m.constant([], [0, 3])]);
      m.output(m.node('Relu', [m.node('Sub', [m.input('b', [1, 3]), m.node('Neg', [product])])]));
    },
  ],
  [
    'parts that are joined, one of them empty',
    (m) => {
      const joined = m.node('Concat', [m.input('b', [1, 3]), m.input('a', [1, 0])], { axis: 1 });
      m.output(m.node('MatMul', [joined, m.constant([1, 2, 3], [3, 1])]));
    },
  ],
])('a product of nothing with %s', async (_, build) => {
  const m = new ModelBuilder();
  build(m);
  await expectAgreement(m, {
    a: float32(new Float32Array(0), [1, 0]),
    b: float32(Float32Array.of(1, 2, 3), [1, 3]),
  });
});

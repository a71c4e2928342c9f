/** 1.5 x 2^52: adding it leaves no bits for a fraction, so the processor rounds half to even. */
const NO_FRACTION = 6755399441055744;

/** The nearest whole number, half to even as ONNX's QuantizeLinear. For |x| < 2^51. */
export function roundHalfEven(x: number): number {
  return x + NO_FRACTION - NO_FRACTION;
}

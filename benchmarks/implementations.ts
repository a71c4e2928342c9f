import type { StepFacts } from './protocol';

const PRODUCTS = new Set(['convolution', 'inner_product', 'matmul']);

/**
 * Convolutions and matrix products of an INT8 network that do not run on VNNI (or AMX) instructions: reference code, or
 * products that stayed FP32.
 */
export function withoutVnni(steps: readonly StepFacts[]): StepFacts[] {
  return steps.filter(
    ({ kernel, implementation }) => PRODUCTS.has(kernel) && !/vnni|amx/.test(implementation),
  );
}

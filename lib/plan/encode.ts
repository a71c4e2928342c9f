import { DATA_TYPES } from '../graph/data-type';
import type { Param } from '../ops/definition';
import { ByteWriter } from './byte-writer';
import type { Plan } from './plan';

const VERSION = 1;
const KINDS = { temporary: 0, input: 1, constant: 2 } as const;

/** A plan as the bytes that docs/plan.md describes. */
export function encodePlan(plan: Plan): Uint8Array {
  const out = new ByteWriter();
  out.ascii('C8PL');
  out.u32(VERSION);
  out.list(plan.values, (value) => {
    out.text(value.name);
    out.u8(DATA_TYPES[value.dtype].onnx);
    out.u8(KINDS[value.kind]);
    out.list(value.dims, (dim) => out.i64(dim));
    out.list(value.quantization?.scale ?? [], (scale) => out.f32(scale));
    out.list(value.quantization?.zeroPoint ?? [], (zero) => out.i32(zero));
    out.i32(value.quantization?.axis ?? -1);
    out.i32(value.constant);
  });
  out.list(plan.steps, (step) => {
    out.text(step.kernel);
    out.text(step.name);
    out.list(step.sources, (source) => out.i32(source));
    out.list(step.destinations, (destination) => out.i32(destination));
    writeParams(out, step.params);
    out.list(step.postOps, (postOp) => {
      out.text(postOp.kind);
      writeParams(out, postOp.params);
    });
  });
  out.list(plan.inputs, (index) => out.i32(index));
  out.list(plan.outputs, (index) => out.i32(index));
  return out.finish();
}

function writeParams(out: ByteWriter, params: Readonly<Record<string, Param>>): void {
  out.list(Object.entries(params), ([key, param]) => {
    out.text(key);
    writeParam(out, param);
  });
}

function writeParam(out: ByteWriter, param: Param): void {
  if ('i64' in param) {
    out.u8(0);
    out.i64(param.i64);
  } else if ('f64' in param) {
    out.u8(1);
    out.f64(param.f64);
  } else if ('i64s' in param) {
    out.u8(2);
    out.list(param.i64s, (value) => out.i64(value));
  } else if ('f32s' in param) {
    out.u8(3);
    out.list(param.f32s, (value) => out.f32(value));
  } else {
    out.u8(4);
    out.text(param.text);
  }
}

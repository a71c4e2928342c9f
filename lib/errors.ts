/** Stable codes of every error that calibr8 throws on purpose. A code never changes its meaning. */
export type ErrorCode =
  /** An argument or option has the wrong type, range or combination. */
  | 'INVALID_ARGUMENT'
  /** A file cannot be opened, read or written. */
  | 'FILE_ACCESS'
  /** The bytes are not a usable ONNX model: not protobuf, truncated, cyclic, or a reference that leads nowhere. */
  | 'INVALID_MODEL'
  /** The model is valid ONNX but uses an operator, attribute or type that calibr8 does not run. */
  | 'UNSUPPORTED_OPERATOR'
  /** Shapes or types of a node's inputs do not fit its operator. */
  | 'INVALID_SHAPE'
  /** A feed is missing, unknown, or has the wrong type or shape. */
  | 'INVALID_FEED'
  /** The session or calibrator was released. */
  | 'SESSION_CLOSED'
  /** A call came in the wrong order, for example saveInt8Model() before any sampleData(). */
  | 'INVALID_STATE'
  /** A tensor holds NaN or Infinity where finite numbers are needed. */
  | 'NON_FINITE_VALUE'
  /** The model to calibrate already holds QuantizeLinear/DequantizeLinear. */
  | 'ALREADY_QUANTIZED'
  /** A pass left the graph inconsistent: a defect in calibr8. */
  | 'INTERNAL_GRAPH'
  /** The native addon refused a plan: a defect in calibr8. */
  | 'INVALID_PLAN'
  /** The native addon could not be loaded. */
  | 'ADDON_LOAD'
  /** oneDNN reported a failure. */
  | 'ONEDNN'
  /** A data set folder, label list or image cannot be used. */
  | 'INVALID_DATASET';

/** The one error class of calibr8. `code` is stable; `message` says what was expected, what came and what to do. */
export class Calibr8Error extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Calibr8Error';
    this.code = code;
  }
}

/** Formats 'Expected X for NAME but received Y', the wording of every argument error. */
export function expected(what: string, name: string, received: unknown): Calibr8Error {
  return new Calibr8Error(
    'INVALID_ARGUMENT',
    `Expected ${what} for ${name} but received ${describe(received)}.`,
  );
}

/** A short readable form of a value for error messages. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'string')
    return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value);
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value);
  if (Array.isArray(value))
    return `[${value.slice(0, 8).map(describe).join(', ')}${value.length > 8 ? ', ...' : ''}]`;
  if (typeof value === 'function') return 'a function';
  const name = (value as object).constructor?.name ?? 'object';
  return `a value of type ${name}`;
}

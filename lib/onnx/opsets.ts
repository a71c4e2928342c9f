import { describe } from '../errors';
import type { onnx } from 'onnx-proto';
import { invalid, toNumber, unsupported } from './proto';

/** The oldest default operator set that is read: the first one. */
export const MIN_OPSET = 1;

/** The newest default operator set whose operators are known here (ONNX 1.23). */
export const MAX_OPSET = 28;

/** ONNX's own name for the default domain, which files may also write as ''. */
export function normalizeDomain(domain: string | null | undefined): string {
  return !domain || domain === 'ai.onnx' ? '' : domain;
}

/** The versions of the operator sets that a model imports, by normalized domain, checked for the default one. */
export function readOpsets(model: onnx.IModelProto): Map<string, number> {
  const versions = new Map<string, number>();
  for (const entry of model.opsetImport ?? []) {
    const domain = normalizeDomain(entry.domain);
    const version = toNumber(entry.version ?? 0);
    const earlier = versions.get(domain);
    if (earlier !== undefined && earlier !== version) {
      throw invalid(
        `Expected one version of operator set ${describe(domain || 'ai.onnx')} but the model imports ${earlier} and ${version}.`,
      );
    }
    versions.set(domain, version);
  }
  const opset = versions.get('');
  const supported = `Operator sets ${MIN_OPSET} to ${MAX_OPSET} are supported`;
  if (opset === undefined) {
    throw invalid(
      `Expected an opset_import of the default domain but the model has none. ${supported}; the file may be truncated, else export the model again.`,
    );
  }
  if (opset < MIN_OPSET || opset > MAX_OPSET) {
    const age = opset < MIN_OPSET ? 'too old' : 'newer than this version of calibr8 knows';
    throw unsupported(
      `The model uses operator set ${opset}, which is ${age}. ${supported}; export the model again for one of them (17 is a good choice) or convert it with onnx.version_converter.`,
    );
  }
  return versions;
}

/** [operator set, first IR version that ONNX released it with], newest first. */
const IR_VERSIONS: readonly (readonly [number, number])[] = [
  [28, 14],
  [25, 13],
  [24, 12],
  [23, 11],
  [21, 10],
  [19, 9],
];

/** The IR version to write for an operator set: never below 8, which every reader of the last years takes. */
export function irVersionFor(opset: number): number {
  return IR_VERSIONS.find(([first]) => opset >= first)?.[1] ?? 8;
}

import type { Shape } from '../graph/graph';
import type { ProfiledStep } from '../runtime/session';
import { bytes, count, facts, fixed, GUTTER, percent, shorten, table, WIDTH, wrap } from './format';
import type { Execution, Inspection, ValueReport } from './inspect';

/** The report of `inspect` for people. */
export function inspectionText(inspection: Inspection, listSteps: boolean): string {
  const { execution, receipt } = inspection;
  const sections = [
    facts([
      ['model', inspection.model],
      ['size', bytes(inspection.bytes)],
      ['opset', String(inspection.opset)],
      ...inspection.inputs.map((value) => ['input', valueText(value)] as const),
      ...inspection.outputs.map((value) => ['output', valueText(value)] as const),
      ['parameters', `${count(inspection.parameters)} (${bytes(inspection.parameterBytes)})`],
      ...complexityFacts(execution),
    ]),
    table(
      ['operator', 'count'],
      inspection.operators.map((operator) => [operator.op, String(operator.count)]),
    ),
    receipt ? `Receipt\n${receiptText(receipt)}` : 'No receipt: not calibrated by calibr8.',
  ];
  if (execution.steps) sections.push(executionText(execution, execution.steps, listSteps));
  if (execution.problem) sections.push(`It cannot run here: ${execution.problem}`);
  return sections.join('\n\n');
}

function valueText({ name, type, shape }: ValueReport): string {
  return `${name}: ${type} ${shapeText(shape)}`;
}

function shapeText(shape: Shape): string {
  return `[${shape.map((dim) => dim ?? '?').join(', ')}]`;
}

function complexityFacts({ complexity, precision, inputDims }: Execution): [string, string][] {
  if (!complexity) return [];
  const shapes = Object.values(inputDims).map(shapeText).join(' ');
  const lines: [string, string][] = [
    ['multiply-adds', `${count(complexity.multiplyAdds)} for ${shapes}`],
    ['in INT8', percent(complexity.int8Percent)],
  ];
  return precision ? [...lines, ['precision', precision]] : lines;
}

function receiptText(receipt: object): string {
  // Lists, one entry a tensor, are for --json.
  const entries = Object.entries(receipt).filter(([, value]) => !Array.isArray(value));
  const width = Math.max(...entries.map(([key]) => key.length));
  return entries
    .map(([key, value]) => {
      const lead = `  ${key.padEnd(width)}${GUTTER}`;
      if (typeof value === 'string') return lead + shorten(value, Math.max(8, WIDTH - lead.length));
      return wrap(entryText(value), lead);
    })
    .join('\n');
}

/** Plain text; objects as `field value` pairs. */
function entryText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return Object.entries(value)
    .map(([field, one]) => `${field} ${entryText(one)}`)
    .join(', ');
}

function executionText(execution: Execution, steps: readonly ProfiledStep[], listSteps: boolean): string {
  const total = execution.totalNanoseconds ?? 0;
  const heading = `One run takes ${fixed(total / 1e6, 2)} ms on one thread, ${steps.length} steps`;
  return `${heading}\n${listSteps ? stepTable(steps) : implementationTable(steps)}`;
}

function stepTable(steps: readonly ProfiledStep[]): string {
  return table(
    ['step', 'implementation', 'types', 'reorders', 'us'],
    steps.map((step) => [
      step.name,
      // A step that only changes the shape has no implementation.
      step.implementation === 'none' ? step.kernel : step.implementation,
      step.dataTypes,
      String(step.reorders.length),
      fixed(step.nanoseconds / 1000, 0),
    ]),
    { left: [0, 1, 2] },
  );
}

/** Steps that run the same way, as one line. */
function implementationTable(steps: readonly ProfiledStep[]): string {
  const groups = new Map<string, { step: ProfiledStep; count: number; reorders: number; time: number }>();
  for (const step of steps) {
    const key = [step.kernel, step.implementation, step.dataTypes].join('\n');
    const group = groups.get(key) ?? { step, count: 0, reorders: 0, time: 0 };
    group.count += 1;
    group.reorders += step.reorders.length;
    group.time += step.nanoseconds;
    groups.set(key, group);
  }
  const total = Math.max(
    1,
    steps.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0),
  );
  return table(
    ['implementation', 'kernel', 'types', 'steps', 'reorders', 'time'],
    [...groups.values()]
      .sort((a, b) => b.time - a.time)
      .map(({ step, count: steps, reorders, time }) => [
        step.implementation,
        step.kernel,
        step.dataTypes,
        String(steps),
        String(reorders),
        percent((100 * time) / total, 1),
      ]),
    { left: [0, 1, 2] },
  );
}

import { expected } from '../errors';
import type { Graph, Value } from '../graph/graph';
import { formatShape } from '../ops/support/shapes';

/** Sizes are int32 in the addon. */
const GREATEST = 2 ** 31 - 1;

/**
 * A shape for each input of the graph: the one given by its name, else its own with 1 for what varies. Throws INVALID_ARGUMENT
 * for names that are none of its inputs and shapes that they cannot have.
 */
export function checkShapes(graph: Graph, shapes: unknown): (readonly number[])[] {
  const names = graph.inputs.map(({ name }) => name).join(', ');
  if (typeof shapes !== 'object' || shapes === null || Array.isArray(shapes))
    throw expected(`an object from input name (${names}) to shape`, 'shapes', shapes);
  const given = shapes as Record<string, unknown>;
  for (const name in given)
    if (!graph.inputs.some((value) => value.name === name))
      throw expected(`one of ${names}`, 'the name of an input in shapes', name);
  return graph.inputs.map((value) => {
    const shape = given[value.name];
    if (shape === undefined) return (value.shape ?? []).map((dim) => (typeof dim === 'number' ? dim : 1));
    if (!isShapeOf(value, shape))
      throw expected(
        `an array of whole numbers that fits ${formatShape(value.shape)}`,
        `the shape of "${value.name}"`,
        shape,
      );
    return shape;
  });
}

function isShapeOf({ shape: own }: Value, shape: unknown): shape is number[] {
  if (!Array.isArray(shape) || !shape.every((dim) => Number.isInteger(dim) && dim >= 0 && dim <= GREATEST))
    return false;
  if (!own) return true;
  return (
    own.length === shape.length && own.every((dim, axis) => typeof dim !== 'number' || dim === shape[axis])
  );
}

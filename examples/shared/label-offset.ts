import { InferenceSession } from '../../lib/runtime/session';

/** What to add to ImageNet's labels for a network: 1 where it has a background class in front, so 1001 classes, else 0. */
export async function labelOffsetOf(model: string): Promise<number> {
  const session = await InferenceSession.create(model, { threadsPerStream: 1 });
  const classes = session.outputMetadata[0]?.shape.at(-1);
  await session.release();
  return classes === 1001 ? 1 : 0;
}

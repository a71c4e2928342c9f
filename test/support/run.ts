import { InferenceSession, Tensor } from '../../lib/index';
import type { SessionOptions } from '../../lib/runtime/options';
import type { TensorMap } from '../../lib/runtime/session';
import type { ModelBuilder } from './model';

/** Runs a model once and releases the session. */
export async function runModel(
  model: ModelBuilder | Uint8Array,
  feeds: TensorMap,
  options: SessionOptions = { threadsPerStream: 1 },
): Promise<Tensor[]> {
  return withSession(
    model,
    async (session) => {
      const outputs = await session.run(feeds);
      return session.outputNames.map((name) => outputs[name]!);
    },
    options,
  );
}

/** Calls back with a session that is released afterwards. */
export async function withSession<T>(
  model: ModelBuilder | Uint8Array,
  use: (session: InferenceSession) => Promise<T>,
  options: SessionOptions = { threadsPerStream: 1 },
): Promise<T> {
  const bytes = model instanceof Uint8Array ? model : model.bytes();
  const session = await InferenceSession.create(bytes, { ...options });
  try {
    return await use(session);
  } finally {
    await session.release();
  }
}

export function float32(data: ArrayLike<number>, dims: readonly number[]): Tensor<'float32'> {
  return new Tensor('float32', data instanceof Float32Array ? data : Float32Array.from(data), dims);
}

import { profileLayers, type NetworkProfile } from '../lib/evaluation/layer-profile';
import { syntheticFeeds } from '../lib/evaluation/synthetic-feeds';
import { loadAddon } from '../lib/runtime/load';
import { InferenceSession } from '../lib/runtime/session';

/** Times every layer of a network, and what the processors it runs on can do at most. */
export async function measureLayers(options: {
  model: string;
  batch: number;
  threads: number;
  seconds: number;
}): Promise<NetworkProfile> {
  const { model, batch, threads, seconds } = options;
  const { measurePeaks } = loadAddon();
  const session = await InferenceSession.create(model, { streams: 1, threadsPerStream: threads });
  const { feeds } = syntheticFeeds(session.inputMetadata, { batch });
  return profileLayers({ session, feeds, measurePeaks: () => measurePeaks(threads), seconds });
}

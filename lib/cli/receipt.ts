import { receiptIn } from '../report/receipt';
import type { Services } from './services';

/** How the samples of a calibrated model were preprocessed, where its receipt says so. */
export async function recordedPreprocessing(services: Services, model: string): Promise<string | undefined> {
  const text = receiptIn((await services.readGraph(model)).metadata)?.['preprocessing'];
  // A preprocessing in JSON was parsed with the rest.
  if (typeof text === 'object' && text !== null) return JSON.stringify(text);
  return typeof text === 'string' && text !== 'not recorded' ? text : undefined;
}

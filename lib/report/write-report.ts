import { replaceFiles } from '../onnx/replace-files';
import type { Comparison } from './comparison';
import { renderReport, type ReportContext } from './html/page';

/**
 * Writes {@link renderReport}'s page; a file that stands there is replaced only by a whole one.
 * @throws FILE_ACCESS
 */
export async function writeReport(
  path: string,
  comparison: Comparison,
  context: ReportContext,
): Promise<void> {
  const bytes = Buffer.from(renderReport(comparison, context));
  await replaceFiles([{ path, pieces: [{ position: 0, bytes }] }]);
}

/** What other files begin with: [offset, bytes as Latin-1, name]. */
const SIGNATURES: readonly (readonly [number, string, string])[] = [
  [0, '\xff\xd8\xff', 'a JPEG image'],
  [0, '\x89PNG', 'a PNG image'],
  [0, 'PK\x03\x04', 'a ZIP archive (perhaps a PyTorch checkpoint or Keras model; export it to ONNX first)'],
  [0, '\x1f\x8b', 'compressed with gzip; unpack it first'],
  [0, '\x89HDF', 'an HDF5 file (perhaps a Keras model; export it to ONNX first)'],
  [4, 'TFL3', 'a TensorFlow Lite model; convert it to ONNX first'],
  [4, 'ORTM', "a model in onnxruntime's own format; use the ONNX file it was made from"],
  [0, 'version https://git-lfs', 'a Git LFS pointer, not the file itself; run "git lfs pull"'],
  [0, '<', 'an HTML or XML page, perhaps of a failed download'],
  [0, '{', 'a JSON text'],
];

/** A sentence about what the bytes seem to be, where they are plainly something else than ONNX; '' otherwise. */
export function fileKindHint(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.subarray(0, 64)).toString('latin1');
  const match = SIGNATURES.find(([offset, text]) => head.startsWith(text, offset));
  if (match) return ` It looks like ${match[2]}.`;
  return /^[\t\n\r\x20-\x7e]{16,}$/.test(head) ? ' It looks like text.' : '';
}

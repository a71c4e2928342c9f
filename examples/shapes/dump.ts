import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLASS_NAMES, IMAGE_SIZE, SPLIT_SIZES, renderImage, type Split } from './index';

/**
 * Writes a split as raw bytes for programs in other languages: `SPLIT.rgb` holds the images one after another, each
 * IMAGE_SIZE x IMAGE_SIZE x 3 bytes; `SPLIT.labels` holds one byte an image. Returns the number of images.
 */
export function dumpSplit(folder: string, split: Split): number {
  const count = SPLIT_SIZES[split];
  const imageBytes = IMAGE_SIZE * IMAGE_SIZE * 3;
  const images = new Uint8Array(count * imageBytes);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const { pixels, label } = renderImage(split, i);
    images.set(pixels, i * imageBytes);
    labels[i] = label;
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${split}.rgb`), images);
  writeFileSync(join(folder, `${split}.labels`), labels);
  return count;
}

function main(): void {
  const folder = process.argv[2];
  if (folder === undefined) {
    console.error('Usage: node dist/examples/shapes/dump.js FOLDER');
    process.exitCode = 2;
    return;
  }
  for (const split of Object.keys(SPLIT_SIZES) as Split[]) {
    console.log(`${split}: ${dumpSplit(folder, split)} images`);
  }
  console.log(`classes: ${CLASS_NAMES.join(' ')}`);
}

if (require.main === module) main();

import type { Inside } from './classes';

/** Red, green, blue, each nominally in 0..255. */
export type Color = readonly [number, number, number];

/** Where and how a figure's own plane lies on the image. */
export interface Placement {
  readonly centerX: number;
  readonly centerY: number;
  /** The direction of the figure's x axis, a vector of length one. */
  readonly cosine: number;
  readonly sine: number;
  /** Pixels per unit along the figure's two axes. */
  readonly scaleX: number;
  readonly scaleY: number;
}

/** Samples per pixel and axis: nine samples make an edge smooth enough for 8-bit images of this size. */
const SAMPLES = 3;

/** A square image of unrounded RGB values, in which figures are painted one over another. */
export class Canvas {
  readonly values: Float64Array;

  constructor(readonly size: number) {
    this.values = new Float64Array(size * size * 3);
  }

  /**
   * Paints a figure with anti-aliased edges. `reach` bounds the figure: its points lie at most that many pixels from
   * the center. `color` is asked once a pixel, in the figure's own coordinates.
   */
  paint(inside: Inside, place: Placement, reach: number, color: (x: number, y: number) => Color): void {
    const top = Math.max(0, Math.floor(place.centerY - reach));
    const bottom = Math.min(this.size, Math.ceil(place.centerY + reach));
    const left = Math.max(0, Math.floor(place.centerX - reach));
    const right = Math.min(this.size, Math.ceil(place.centerX + reach));
    for (let row = top; row < bottom; row++) {
      for (let column = left; column < right; column++) {
        const covered = coverage(inside, place, column, row);
        if (covered === 0) continue;
        const x = figureX(place, column + 0.5, row + 0.5);
        const y = figureY(place, column + 0.5, row + 0.5);
        this.blend(column, row, color(x, y), covered);
      }
    }
  }

  private blend(column: number, row: number, color: Color, opacity: number): void {
    const at = (row * this.size + column) * 3;
    for (let channel = 0; channel < 3; channel++) {
      const below = this.values[at + channel] as number;
      this.values[at + channel] = below + ((color[channel] as number) - below) * opacity;
    }
  }
}

/** The share of a pixel that the figure covers. */
function coverage(inside: Inside, place: Placement, column: number, row: number): number {
  let hits = 0;
  for (let i = 0; i < SAMPLES; i++) {
    const y = row + (i + 0.5) / SAMPLES;
    for (let j = 0; j < SAMPLES; j++) {
      const x = column + (j + 0.5) / SAMPLES;
      if (inside(figureX(place, x, y), figureY(place, x, y))) hits++;
    }
  }
  return hits / (SAMPLES * SAMPLES);
}

function figureX(place: Placement, x: number, y: number): number {
  return ((x - place.centerX) * place.cosine + (y - place.centerY) * place.sine) / place.scaleX;
}

function figureY(place: Placement, x: number, y: number): number {
  return ((y - place.centerY) * place.cosine - (x - place.centerX) * place.sine) / place.scaleY;
}

import type { Random } from '../random';
import type { Canvas, Color, Placement } from './canvas';
import type { Inside } from './classes';

/** A direction without sine and cosine: (1 - t^2, 2t) / (1 + t^2) lies exactly on the circle, to rounding. */
function direction(random: Random): [number, number] {
  const t = random.range(-1, 1);
  const side = random.chance(0.5) ? 1 : -1;
  return [(side * (1 - t * t)) / (1 + t * t), (side * 2 * t) / (1 + t * t)];
}

function place(random: Random, centerX: number, centerY: number, scaleX: number, scaleY: number): Placement {
  const [cosine, sine] = direction(random);
  return { centerX, centerY, cosine, sine, scaleX, scaleY };
}

function anyColor(random: Random): Color {
  return [random.range(20, 235), random.range(20, 235), random.range(20, 235)];
}

function brightness(color: Color): number {
  return color[0] + color[1] + color[2];
}

/** Shapes are brighter than what is behind them, which lets small networks learn the task in minutes. */
function brighterColor(random: Random, background: Color): Color {
  let color = anyColor(random);
  while (brightness(color) < brightness(background) + 110) color = anyColor(random);
  return color;
}

function shift(color: Color, amount: number): Color {
  return [color[0] + amount, color[1] + amount, color[2] + amount];
}

/** Fills the canvas with soft patches around one color, which it returns. */
export function paintBackground(canvas: Canvas, random: Random): Color {
  const cells = 4;
  const base: Color = [random.range(20, 150), random.range(20, 150), random.range(20, 150)];
  const spread = random.range(5, 25);
  const grid = Float64Array.from({ length: (cells + 1) * (cells + 1) * 3 }, () => spread * random.noise());
  for (let row = 0; row < canvas.size; row++) {
    for (let column = 0; column < canvas.size; column++) {
      const x = (column / canvas.size) * cells;
      const y = (row / canvas.size) * cells;
      for (let channel = 0; channel < 3; channel++) {
        const value = (base[channel] as number) + interpolate(grid, cells + 1, x, y, channel);
        canvas.values[(row * canvas.size + column) * 3 + channel] = value;
      }
    }
  }
  return base;
}

function interpolate(grid: Float64Array, width: number, x: number, y: number, channel: number): number {
  const column = Math.floor(x);
  const row = Math.floor(y);
  const at = (r: number, c: number): number => grid[(r * width + c) * 3 + channel] as number;
  const upper = at(row, column) + (at(row, column + 1) - at(row, column)) * (x - column);
  const lower = at(row + 1, column) + (at(row + 1, column + 1) - at(row + 1, column)) * (x - column);
  return upper + (lower - upper) * (y - row);
}

const box: Inside = (x, y) => x > -1 && x < 1 && y > -1 && y < 1;
const dot: Inside = (x, y) => x * x + y * y < 1;

/** Small bars and dots anywhere: edges and corners that mean nothing. */
export function paintClutter(canvas: Canvas, random: Random): void {
  const count = 1 + random.integer(4);
  for (let i = 0; i < count; i++) {
    const bar = random.chance(0.6);
    const length = bar ? random.range(2, 6) : random.range(1, 3);
    const width = bar ? random.range(0.7, 1.8) : length;
    const where = place(random, random.range(0, canvas.size), random.range(0, canvas.size), length, width);
    const color = anyColor(random);
    canvas.paint(bar ? box : dot, where, length + width, () => color);
  }
}

/** Where the shape ended up, for what is painted over it. */
export interface Painted {
  readonly centerX: number;
  readonly centerY: number;
  readonly radius: number;
}

/** The labeled shape: anywhere within the image, turned, stretched, plain or striped, in a brighter color. */
export function paintShape(canvas: Canvas, random: Random, inside: Inside, background: Color): Painted {
  const radius = random.range(0.23, 0.4) * canvas.size;
  const centerX = random.range(radius, canvas.size - radius);
  const centerY = random.range(radius, canvas.size - radius);
  const where = place(
    random,
    centerX,
    centerY,
    radius * random.range(0.85, 1),
    radius * random.range(0.85, 1),
  );
  const color = brighterColor(random, background);
  const stripe = random.chance(0.4) ? shift(color, random.range(-30, 30)) : color;
  const stripes = random.range(1.5, 4);
  canvas.paint(inside, where, radius * 1.35, (x) => (Math.floor(x * stripes) % 2 === 0 ? color : stripe));
  return { centerX, centerY, radius };
}

/** A bar across a part of the shape, in some of the images. */
export function paintOccluder(canvas: Canvas, random: Random, shape: Painted): void {
  if (!random.chance(0.5)) return;
  const x = shape.centerX + random.range(-0.8, 0.8) * shape.radius;
  const y = shape.centerY + random.range(-0.8, 0.8) * shape.radius;
  const width = random.range(0.08, 0.18) * shape.radius;
  const length = random.range(0.8, 2) * shape.radius;
  const color = anyColor(random);
  canvas.paint(box, place(random, x, y, length, width), length + width, () => color);
}

/** Whether a point of the shape's own plane, where the shape reaches about one unit from the origin, is inside. */
export type Inside = (x: number, y: number) => boolean;

/** A class of the task: what it is called and what it looks like. */
export interface ShapeClass {
  readonly name: string;
  readonly inside: Inside;
}

type Point = readonly [number, number];

/** A polygon by the even-odd rule. Vertices are literals rather than sines, so that they are the same everywhere. */
function polygon(vertices: readonly Point[]): Inside {
  // Flat numbers, not pairs: this is the innermost loop of the rendering.
  const xs = Float64Array.from(vertices, ([x]) => x);
  const ys = Float64Array.from(vertices, ([, y]) => y);
  const count = vertices.length;
  return (x, y) => {
    let inside = false;
    let x0 = xs[count - 1] as number;
    let y0 = ys[count - 1] as number;
    for (let i = 0; i < count; i++) {
      const x1 = xs[i] as number;
      const y1 = ys[i] as number;
      if (y0 > y !== y1 > y && x < x0 + ((x1 - x0) * (y - y0)) / (y1 - y0)) inside = !inside;
      x0 = x1;
      y0 = y1;
    }
    return inside;
  };
}

function disk(centerX: number, centerY: number, radius: number): Inside {
  return (x, y) => (x - centerX) * (x - centerX) + (y - centerY) * (y - centerY) < radius * radius;
}

const outer = disk(0, 0, 0.95);
const hole = disk(0, 0, 0.52);
const bite = disk(0.45, 0, 0.72);

/** The curve (x^2 + y^2 - 1)^3 = x^2 y^3, scaled to reach about one unit. */
function heart(x: number, y: number): boolean {
  const u = x * 1.2;
  const v = -y * 1.2;
  const w = u * u + v * v - 1;
  return w * w * w < u * u * v * v * v;
}

// prettier-ignore
const pentagon: readonly Point[] = [[0, -1], [0.95106, -0.30902], [0.58779, 0.80902], [-0.58779, 0.80902], [-0.95106, -0.30902]];

// prettier-ignore
const star: readonly Point[] = [
  [0, -1.1], [0.26, -0.36], [1.05, -0.34], [0.42, 0.14], [0.65, 0.89],
  [0, 0.44], [-0.65, 0.89], [-0.42, 0.14], [-1.05, -0.34], [-0.26, -0.36],
];

// prettier-ignore
const cross: readonly Point[] = [
  [-0.3, -1], [0.3, -1], [0.3, -0.3], [1, -0.3], [1, 0.3], [0.3, 0.3],
  [0.3, 1], [-0.3, 1], [-0.3, 0.3], [-1, 0.3], [-1, -0.3], [-0.3, -0.3],
];

// prettier-ignore
const arrow: readonly Point[] = [
  [0, -1.1], [0.85, -0.1], [0.3, -0.1], [0.3, 1], [-0.3, 1], [-0.3, -0.1], [-0.85, -0.1],
];

// prettier-ignore
const tee: readonly Point[] = [
  [-0.9, -0.95], [0.9, -0.95], [0.9, -0.35], [0.3, -0.35], [0.3, 0.95], [-0.3, 0.95], [-0.3, -0.35], [-0.9, -0.35],
];

// prettier-ignore
const ell: readonly Point[] = [[-0.7, -1], [-0.1, -1], [-0.1, 0.4], [0.8, 0.4], [0.8, 1], [-0.7, 1]];

/** The twelve classes; a label is an index into this list. */
export const SHAPE_CLASSES: readonly ShapeClass[] = [
  { name: 'disk', inside: outer },
  { name: 'ring', inside: (x, y) => outer(x, y) && !hole(x, y) },
  { name: 'crescent', inside: (x, y) => outer(x, y) && !bite(x, y) },
  { name: 'heart', inside: heart },
  { name: 'triangle', inside: polygon([[0, -1.1], [0.95, 0.6], [-0.95, 0.6]]) }, // prettier-ignore
  { name: 'square', inside: (x, y) => x > -0.8 && x < 0.8 && y > -0.8 && y < 0.8 },
  { name: 'pentagon', inside: polygon(pentagon) },
  { name: 'star', inside: polygon(star) },
  { name: 'cross', inside: polygon(cross) },
  { name: 'arrow', inside: polygon(arrow) },
  { name: 'tee', inside: polygon(tee) },
  { name: 'ell', inside: polygon(ell) },
];

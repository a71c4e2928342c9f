import { createHash } from 'node:crypto';
import type { EChartsOption } from 'echarts';
import { escape, Markup } from './markup';

/** Colors by role; the style sheet defines them for light and dark. */
export const COLORS = {
  text: 'var(--text)',
  muted: 'var(--muted)',
  line: 'var(--line)',
  fill: 'var(--fill)',
  total: 'var(--total)',
  own: 'var(--own)',
  good: 'var(--good)',
  bad: 'var(--bad)',
} as const;

export interface ChartFrame {
  /** Pixels of the drawing; it shrinks with its place. */
  readonly width: number;
  readonly height: number;
  /** Says what is to be seen, for those who do not see it. */
  readonly title: string;
  /** Class of the svg element. */
  readonly className?: string;
}

/** Axis parts that every chart draws alike. */
export const AXIS = {
  axisLine: { lineStyle: { color: COLORS.line } },
  axisTick: { show: false },
  axisLabel: { color: COLORS.muted, fontSize: 11 },
  splitLine: { lineStyle: { color: COLORS.line } },
  nameTextStyle: { color: COLORS.muted, fontSize: 11 },
} as const;

/** Draws a chart as inline SVG, which needs no script, scales, prints, and takes its colors from the page. */
export function chart(option: EChartsOption, { width, height, title, className }: ChartFrame): Markup {
  // Loaded here, since only who writes a report needs it.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { init } = require('echarts') as typeof import('echarts');
  const instance = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    instance.setOption({ animation: false, textStyle: { fontFamily: 'inherit' }, ...option });
    return new Markup(tidy(instance.renderToSVGString(), title, className));
  } finally {
    instance.dispose();
  }
}

/** Leaves out what only scripts and the mouse use, gives ids of the page's own, and says what the picture is. */
function tidy(svg: string, title: string, className = ''): string {
  // The library's own numbers depend on what was drawn before.
  const id = `c${createHash('sha256').update(`${title} ${className}`).digest('hex').slice(0, 10)}`;
  return svg
    .replace(/<style\s*>[\s\S]*?<\/style>/g, '')
    .replace(/<path [^>]*fill-opacity="0"[^>]*stroke-width="0"[^>]*><\/path>/g, '')
    .replace(/<(defs|g)\s*>/g, '<$1>')
    .replace(/<defs>\s*<\/defs>/g, '')
    .replace(/ (?:class|ecmeta_\w+|pointer-events|xml:space)="[^"]*"/g, '')
    .replace(/ xmlns(?::\w+)?="[^"]*"| version="[^"]*"| baseProfile="[^"]*"/g, '')
    .replace(/ fill="#000"/g, ' fill="none"') // of lines and of what clips, where it is not seen
    .replace(/\bzr\d+-/g, `${id}-`)
    .replace(/\n\s*/g, '')
    .replace(
      /<svg /,
      `<svg class="${escape(`chart ${className}`.trim())}" role="img" aria-label="${escape(title)}" `,
    )
    .replace(/>/, `><title>${escape(title)}</title>`);
}

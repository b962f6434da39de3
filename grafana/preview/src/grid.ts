/** Where Grafana puts panels. */
import type { GridPos } from './model';

const COLUMNS = 24;
const UNIT = 30;
const GAP = 8;
/** The dashboard's width on a picture, and what is left free around its panels. */
export const PAGE_WIDTH = 1600;
export const MARGIN = 16;
/** What the bar above the panels takes at most. */
const BAR_HEIGHT = 200;

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** The place of a panel in pixels. */
export function place({ x, y, w, h }: GridPos): Box {
  const column = (PAGE_WIDTH - 2 * MARGIN - (COLUMNS - 1) * GAP) / COLUMNS;
  return {
    left: Math.round(x * (column + GAP)),
    top: y * (UNIT + GAP),
    width: Math.round(w * (column + GAP) - GAP),
    height: h * (UNIT + GAP) - GAP,
  };
}

/** How high a page with these panels is at most. */
export function heightOf(panels: Array<{ gridPos: GridPos }>): number {
  const bottoms = panels
    .map(({ gridPos }) => place(gridPos))
    .map(({ top, height }) => top + height);
  return BAR_HEIGHT + Math.max(...bottoms) + 2 * MARGIN;
}

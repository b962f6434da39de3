/** What state timeline and heat map share: a plot of rows over time, without any lines. */
import type { GrafanaTheme2 } from '@grafana/data';
import { AxisPlacement, ScaleDirection, ScaleOrientation, UPlotConfigBuilder } from '@grafana/ui';

import type { Span } from '../../model';
import { TIME_ZONE } from '../fields';

export const ROWS = 'rows';

export interface Ticks {
  /** Where on the axis, counted in rows from below. */
  at: number[];
  labels: string[];
}

/** The plot's axes: time below, as many rows as there are at the left. */
export function rowsConfig(
  span: Span,
  count: number,
  ticks: Ticks,
  theme: GrafanaTheme2,
): UPlotConfigBuilder {
  const builder = new UPlotConfigBuilder(TIME_ZONE);
  builder.addScale({
    scaleKey: 'x',
    isTime: true,
    orientation: ScaleOrientation.Horizontal,
    direction: ScaleDirection.Right,
    range: () => [span.from, span.to],
  });
  builder.addScale({
    scaleKey: ROWS,
    orientation: ScaleOrientation.Vertical,
    direction: ScaleDirection.Up,
    range: () => [0, count],
  });
  builder.addAxis({
    scaleKey: 'x',
    isTime: true,
    placement: AxisPlacement.Bottom,
    timeZone: TIME_ZONE,
    theme,
  });
  builder.addAxis({
    scaleKey: ROWS,
    placement: AxisPlacement.Left,
    splits: ticks.at,
    values: ticks.labels,
    grid: { show: false },
    theme,
  });
  // A plot has at least one series; this one has nothing to draw.
  builder.addSeries({ scaleKey: ROWS, pathBuilder: () => null, pointsBuilder: () => false, theme });
  return builder;
}

/** Data for the series that draws nothing. */
export function rowsData({ from, to }: Span): [number[], null[]] {
  return [
    [from, to],
    [null, null],
  ];
}

import { type GrafanaTheme2, formattedValueToString, getValueFormat } from '@grafana/data';
import { UPlotChart, type UPlotConfigBuilder, VizLayout, useTheme2 } from '@grafana/ui';
import { useMemo } from 'react';

import type { Sheet } from '../../model';
import type { VizProps } from '../panelData';
import { type Cells, cellsOf } from './heatCells';
import { heatColors } from './heatColors';
import { ROWS, type Ticks, rowsConfig, rowsData } from './rows';

/** How much of the height a label needs. */
const LABEL_HEIGHT = 15;

/** Buckets over time. @grafana/ui has no heat map, so its cells are drawn here. */
export function HeatmapViz({ sheet, panel, data, width, height }: VizProps & { sheet: Sheet }) {
  const theme = useTheme2();
  const { options } = panel;
  const cells = useMemo(
    () => cellsOf(data[0], options.filterValues?.le ?? -Infinity),
    [data, options],
  );
  const colors = useMemo(() => heatColors(options.color, theme), [options, theme]);
  const config = useMemo(() => {
    const ticks = boundTicks(cells.bounds, options.yAxis.unit, height);
    const builder = rowsConfig(sheet.span, cells.bounds.length, ticks, theme);
    drawCells(builder, cells, colors, options.cellGap);
    return builder;
  }, [cells, colors, height, options, sheet, theme]);
  const rows = useMemo(() => rowsData(sheet.span), [sheet]);
  const legend = options.legend.show ? (
    <VizLayout.Legend placement="bottom">
      <ColorScale cells={cells} colors={colors} unit={options.cellValues.unit} theme={theme} />
    </VizLayout.Legend>
  ) : null;
  return (
    <VizLayout width={width} height={height} legend={legend}>
      {(width, height) => <UPlotChart config={config} data={rows} width={width} height={height} />}
    </VizLayout>
  );
}

/** Bounds at the upper edges of their rows, as many as there is room for. */
function boundTicks(bounds: string[], unit: string, height: number): Ticks {
  const format = getValueFormat(unit);
  const every = Math.ceil((LABEL_HEIGHT * bounds.length) / (height * 0.75));
  const at = bounds.map((_, i) => i).filter((i) => (bounds.length - 1 - i) % every === 0);
  const label = (bound: string): string =>
    bound === '+Inf' ? bound : formattedValueToString(format(Number(bound)));
  return { at: at.map((i) => i + 1), labels: at.map((i) => label(bounds[i])) };
}

function extent({ cells }: Cells): [number, number] {
  const values = cells.map(({ value }) => value);
  return [Math.min(...values), Math.max(...values)];
}

function drawCells(builder: UPlotConfigBuilder, all: Cells, colors: string[], gap: number): void {
  const [min, max] = extent(all);
  builder.addHook('draw', ({ ctx, bbox, valToPos }) => {
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const { row, time, value } of all.cells) {
      const share = max > min ? (value - min) / (max - min) : 1;
      ctx.fillStyle = colors[Math.round(share * (colors.length - 1))];
      // A rate is of the time before its point.
      const left = Math.round(valToPos(time - all.step, 'x', true));
      const right = Math.round(valToPos(time, 'x', true));
      const top = Math.round(valToPos(row + 1, ROWS, true));
      const bottom = Math.round(valToPos(row, ROWS, true));
      ctx.fillRect(left, top, Math.max(1, right - left - gap), Math.max(1, bottom - top - gap));
    }
    ctx.restore();
  });
}

interface ColorScaleProps {
  cells: Cells;
  colors: string[];
  unit: string;
  theme: GrafanaTheme2;
}

function ColorScale({ cells, colors, unit, theme }: ColorScaleProps) {
  const format = getValueFormat(unit);
  const ends = extent(cells).map((value) => formattedValueToString(format(value, 2)));
  return (
    <div style={{ width: 300, padding: theme.spacing(0.5, 1), ...theme.typography.bodySmall }}>
      <div style={{ height: 9, background: `linear-gradient(90deg, ${colors.join()})` }} />
      <div style={{ display: 'flex', justifyContent: 'space-between' }}>
        {ends.map((end, i) => (
          <span key={i}>{end}</span>
        ))}
      </div>
    </div>
  );
}

import {
  type Field,
  FieldType,
  colorManipulator,
  formattedValueToString,
  getFieldDisplayName,
} from '@grafana/data';
import {
  UPLOT_AXIS_FONT_SIZE,
  UPlotChart,
  type UPlotConfigBuilder,
  VizLayout,
  VizLegend,
  useTheme2,
} from '@grafana/ui';
import { useMemo } from 'react';

import type { Sheet } from '../../model';
import type { VizProps } from '../panelData';
import { ROWS, rowsConfig, rowsData } from './rows';
import { runsOf } from './runs';

interface Line {
  name: string;
  times: number[];
  field: Field;
}

/** A bar for each series, coloured by its state. @grafana/ui has none, so the bars are drawn here. */
export function StateTimelineViz({
  sheet,
  panel,
  data,
  width,
  height,
}: VizProps & { sheet: Sheet }) {
  const theme = useTheme2();
  const lines = useMemo(
    () =>
      data.flatMap((frame): Line[] => {
        const times = frame.fields.find(({ type }) => type === FieldType.time)?.values ?? [];
        return frame.fields
          .filter(({ type }) => type === FieldType.number)
          .map((field) => ({ name: getFieldDisplayName(field, frame, data), times, field }));
      }),
    [data],
  );
  const config = useMemo(() => {
    // Rows are counted from below, and the first one is above.
    const at = lines.map((_, i) => lines.length - i - 0.5);
    const ticks = { at, labels: lines.map(({ name }) => name) };
    const builder = rowsConfig(sheet.span, lines.length, ticks, theme);
    drawBars(builder, lines, panel.options.rowHeight, sheet.span.to, theme.typography.fontFamily);
    return builder;
  }, [lines, panel, sheet, theme]);
  const rows = useMemo(() => rowsData(sheet.span), [sheet]);
  const { displayMode, placement, showLegend } = panel.options.legend;
  const legend = showLegend ? (
    <VizLayout.Legend placement={placement}>
      <VizLegend items={states(lines)} displayMode={displayMode} placement={placement} />
    </VizLayout.Legend>
  ) : null;
  return (
    <VizLayout width={width} height={height} legend={legend}>
      {(width, height) => <UPlotChart config={config} data={rows} width={width} height={height} />}
    </VizLayout>
  );
}

/** Every state that occurs, once. */
function states(lines: Line[]): Array<{ label: string; color?: string; yAxis: number }> {
  const shown = lines.flatMap(({ field }) => field.values.map((value) => field.display?.(value)));
  const colors = new Map(
    shown.map((value) => [value && formattedValueToString(value), value?.color]),
  );
  return [...colors].map(([label = '', color]) => ({ label, color, yAxis: 1 }));
}

function drawBars(
  builder: UPlotConfigBuilder,
  lines: Line[],
  rowHeight: number,
  end: number,
  fontFamily: string,
): void {
  builder.addHook('draw', ({ ctx, bbox, valToPos }) => {
    const padding = 4 * devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.font = `${UPLOT_AXIS_FONT_SIZE * devicePixelRatio}px ${fontFamily}`;
    ctx.textAlign = 'left';
    ctx.textBaseline = 'middle';
    lines.forEach(({ times, field }, i) => {
      const middle = valToPos(lines.length - i - 0.5, ROWS, true);
      const tall = (bbox.height / lines.length) * rowHeight;
      const alpha = (field.config.custom?.fillOpacity ?? 100) / 100;
      for (const run of runsOf(times, field.values, end)) {
        const shown = field.display?.(run.value);
        const left = valToPos(run.from, 'x', true);
        const wide = valToPos(run.to, 'x', true) - left;
        ctx.fillStyle = colorManipulator.alpha(shown?.color ?? '', alpha);
        ctx.fillRect(left, middle - tall / 2, wide, tall);
        const text = shown ? formattedValueToString(shown) : '';
        if (ctx.measureText(text).width + 2 * padding < wide) {
          ctx.fillStyle =
            colorManipulator.getContrastRatio('#fff', shown?.color ?? '') > 2 ? '#fff' : '#000';
          ctx.fillText(text, left + padding, middle);
        }
      }
    });
    ctx.restore();
  });
}

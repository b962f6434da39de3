import { colorManipulator } from '@grafana/data';
import { REGION_FILL_ALPHA, type UPlotConfigBuilder, useTheme2 } from '@grafana/ui';
import { useLayoutEffect } from 'react';

import type { Mark } from '../../model';

const DASH = [5, 5];
/** The size of the triangle under a moment, and the height of the bar under a time. */
const FOOT = 5;

/** Draws what annotations mark over a graph, as Grafana does: dashed lines, and a foot below. */
export function Marks({ config, marks }: { config: UPlotConfigBuilder; marks: Mark[] }) {
  const theme = useTheme2();
  // The plot is made after effects of its children, so that it has this hook.
  useLayoutEffect(() => {
    config.addHook('draw', (plot) => {
      const { ctx, bbox } = plot;
      const bottom = bbox.top + bbox.height;
      const at = (time: number): number => {
        const x = plot.valToPos(time, 'x', true);
        return Math.min(Math.max(x, bbox.left), bbox.left + bbox.width);
      };
      // Moments last, or the end of a time may hide one.
      const moments = marks.filter(({ timeEnd }) => timeEnd === undefined);
      const spans = marks.filter(({ timeEnd }) => timeEnd !== undefined);
      ctx.save();
      for (const mark of [...spans, ...moments]) {
        const color = theme.visualization.getColorByName(mark.color);
        const left = at(mark.time);
        const right = at(mark.timeEnd ?? mark.time);
        ctx.strokeStyle = color;
        ctx.setLineDash(DASH);
        ctx.beginPath();
        for (const x of new Set([left, right])) {
          ctx.moveTo(x, bbox.top);
          ctx.lineTo(x, bottom);
        }
        ctx.stroke();
        if (mark.timeEnd !== undefined) {
          ctx.fillStyle = colorManipulator.alpha(color, REGION_FILL_ALPHA);
          ctx.fillRect(left, bbox.top, right - left, bbox.height);
        }
        ctx.fillStyle = color;
        ctx.beginPath();
        ctx.moveTo(left, bottom);
        ctx.lineTo(right, bottom);
        ctx.lineTo(right + FOOT, bottom + FOOT);
        ctx.lineTo(left - FOOT, bottom + FOOT);
        ctx.fill();
      }
      ctx.restore();
    });
  }, [config, marks, theme]);
  return null;
}

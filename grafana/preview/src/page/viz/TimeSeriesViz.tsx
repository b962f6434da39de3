import { TimeSeries } from '@grafana/ui';
import { useMemo } from 'react';

import type { Sheet } from '../../model';
import { TIME_ZONE } from '../fields';
import type { VizProps } from '../panelData';
import { timeRange } from '../timeRange';
import { finite } from './finite';
import { Marks } from './Marks';

/** Lines over time, with what annotations mark. */
export function TimeSeriesViz({ sheet, panel, data, width, height }: VizProps & { sheet: Sheet }) {
  const range = timeRange(sheet.span);
  const frames = useMemo(() => finite(data, sheet.span), [data, sheet]);
  return (
    <TimeSeries
      frames={frames}
      width={width}
      height={height}
      timeRange={range}
      timeZone={TIME_ZONE}
      legend={panel.options.legend}
      options={panel.options}
    >
      {(config) => <Marks config={config} marks={sheet.marks} />}
    </TimeSeries>
  );
}

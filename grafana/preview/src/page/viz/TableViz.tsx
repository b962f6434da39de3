import { TableNG } from '@grafana/ui/unstable';

import type { Sheet } from '../../model';
import type { VizProps } from '../panelData';
import { timeRange } from '../timeRange';

/** A table. */
export function TableViz({
  sheet,
  panel,
  data,
  fieldConfig,
  width,
  height,
}: VizProps & { sheet: Sheet }) {
  const { options } = panel;
  return (
    <TableNG
      data={data[options.frameIndex]}
      width={width}
      height={height}
      noHeader={!options.showHeader}
      cellHeight={options.cellHeight}
      sortBy={options.sortBy}
      fieldConfig={fieldConfig}
      timeRange={timeRange(sheet.span)}
      resizable
    />
  );
}

import {
  type DisplayValueAlignmentFactors,
  type FieldDisplay,
  getDisplayValueAlignmentFactors,
} from '@grafana/data';
import { BigValue, BigValueGraphMode, VizRepeater, useTheme2 } from '@grafana/ui';

import type { Sheet } from '../../model';
import type { VizProps } from '../panelData';
import { timeRange } from '../timeRange';
import { valuesOf } from './values';

/** Big numbers, each with a small graph if the panel wants one. */
export function StatViz({ sheet, width, height, ...panelData }: VizProps & { sheet: Sheet }) {
  const theme = useTheme2();
  const { options } = panelData.panel;
  const graph = options.graphMode !== BigValueGraphMode.None;
  return (
    <VizRepeater<FieldDisplay, DisplayValueAlignmentFactors>
      source={panelData.data}
      getValues={() => valuesOf(panelData, theme, graph)}
      getAlignmentFactors={(values) => getDisplayValueAlignmentFactors(values)}
      autoGrid
      width={width}
      height={height}
      orientation={options.orientation}
      renderCounter={0}
      renderValue={({ value, alignmentFactors, width, height, count }) => (
        <BigValue
          value={value.display}
          count={count}
          sparkline={value.sparkline && { ...value.sparkline, timeRange: timeRange(sheet.span) }}
          colorMode={options.colorMode}
          graphMode={options.graphMode}
          justifyMode={options.justifyMode}
          textMode={options.textMode}
          percentChangeColorMode={options.percentChangeColorMode}
          text={options.text}
          alignmentFactors={alignmentFactors}
          width={width}
          height={height}
          theme={theme}
        />
      )}
    />
  );
}

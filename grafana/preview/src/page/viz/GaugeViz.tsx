import type { FieldDisplay } from '@grafana/data';
import { VizRepeater, useTheme2 } from '@grafana/ui';

import type { VizProps } from '../panelData';
import { Dial } from './Dial';
import { valuesOf } from './values';

/** Dials, one for each series that share the panel's room. */
export function GaugeViz({ width, height, ...panelData }: VizProps) {
  const theme = useTheme2();
  const { options } = panelData.panel;
  return (
    <VizRepeater<FieldDisplay>
      source={panelData.data}
      getValues={() => valuesOf(panelData, theme)}
      width={width}
      height={height}
      minVizWidth={options.minVizWidth}
      minVizHeight={options.minVizHeight}
      orientation={options.orientation}
      renderCounter={0}
      renderValue={({ value, width, height, count }) => (
        <Dial
          value={value}
          named={count > 1}
          markers={options.showThresholdMarkers}
          width={width}
          height={height}
        />
      )}
    />
  );
}

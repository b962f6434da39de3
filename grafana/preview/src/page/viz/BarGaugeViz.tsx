import {
  type DisplayValueAlignmentFactors,
  type FieldDisplay,
  getDisplayValueAlignmentFactors,
} from '@grafana/data';
import { BarGauge, VizRepeater, useTheme2 } from '@grafana/ui';

import type { VizProps } from '../panelData';
import { valuesOf } from './values';

const SPACING = 10;

/** Bars, one for each series. */
export function BarGaugeViz({ width, height, ...panelData }: VizProps) {
  const theme = useTheme2();
  const { options } = panelData.panel;
  return (
    <VizRepeater<FieldDisplay, DisplayValueAlignmentFactors>
      source={panelData.data}
      getValues={() => valuesOf(panelData, theme)}
      getAlignmentFactors={(values) => getDisplayValueAlignmentFactors(values)}
      width={width}
      height={height}
      minVizWidth={options.minVizWidth}
      minVizHeight={options.minVizHeight}
      maxVizHeight={options.sizing === 'manual' ? options.maxVizHeight : undefined}
      itemSpacing={SPACING}
      orientation={options.orientation}
      renderCounter={0}
      renderValue={({ value, alignmentFactors, width, height, count, orientation }) => (
        <BarGauge
          value={
            // As Grafana has it: who needs no name to be told from others has none, unless it is given.
            count === 1 && !value.field.displayName
              ? { ...value.display, title: undefined }
              : value.display
          }
          field={value.field}
          display={value.view?.getFieldDisplayProcessor(value.colIndex ?? 0)}
          alignmentFactors={count > 1 ? alignmentFactors : undefined}
          displayMode={options.displayMode}
          valueDisplayMode={options.valueMode}
          namePlacement={options.namePlacement}
          showUnfilled={options.showUnfilled}
          text={options.text}
          itemSpacing={SPACING}
          orientation={orientation}
          width={width}
          height={height}
          theme={theme}
        />
      )}
    />
  );
}

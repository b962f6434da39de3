import { PanelChrome } from '@grafana/ui';
import type { ComponentType } from 'react';

import { place } from '../grid';
import type { Sheet } from '../model';
import { type Trace, traced } from './blank';
import { type PanelData, type VizProps, emptyText } from './panelData';
import { BarGaugeViz } from './viz/BarGaugeViz';
import { Empty } from './viz/Empty';
import { GaugeViz } from './viz/GaugeViz';
import { HeatmapViz } from './viz/HeatmapViz';
import { StatViz } from './viz/StatViz';
import { StateTimelineViz } from './viz/StateTimelineViz';
import { TableViz } from './viz/TableViz';
import { TimeSeriesViz } from './viz/TimeSeriesViz';

interface Kind {
  Viz: ComponentType<VizProps & { sheet: Sheet }>;
  /** What there is when it has drawn something. */
  leaves: Trace;
  /** Whether it shows by itself that there is no data. */
  showsEmpty?: boolean;
  /** Whether it reaches up to the panel's edges. */
  wide?: boolean;
}

const KINDS: Record<string, Kind> = {
  bargauge: { Viz: BarGaugeViz, leaves: 'text', showsEmpty: true },
  gauge: { Viz: GaugeViz, leaves: 'text', showsEmpty: true },
  heatmap: { Viz: HeatmapViz, leaves: 'canvas' },
  stat: { Viz: StatViz, leaves: 'text', showsEmpty: true },
  'state-timeline': { Viz: StateTimelineViz, leaves: 'canvas' },
  table: { Viz: TableViz, leaves: 'text', wide: true },
  timeseries: { Viz: TimeSeriesViz, leaves: 'canvas' },
};

/** A panel in its place: frame, title, and what it shows. */
export function PanelBox({ sheet, ...data }: PanelData & { sheet: Sheet }) {
  const { panel } = data;
  const kind = KINDS[panel.type];
  if (!kind) {
    throw new Error(`${panel.title}: no drawing is known for a panel of type ${panel.type}`);
  }
  const { left, top, width, height } = place(panel.gridPos);
  const empty = kind.showsEmpty ? undefined : emptyText(data);
  return (
    <div style={{ position: 'absolute', left, top, width, height }}>
      <PanelChrome
        width={width}
        height={height}
        title={panel.title}
        description={panel.description}
        padding={kind.wide ? 'none' : 'md'}
      >
        {(innerWidth, innerHeight) =>
          empty === undefined ? (
            <div {...traced(panel.title, kind.leaves)}>
              <kind.Viz sheet={sheet} {...data} width={innerWidth} height={innerHeight} />
            </div>
          ) : (
            <Empty text={empty} height={innerHeight} />
          )
        }
      </PanelChrome>
    </div>
  );
}

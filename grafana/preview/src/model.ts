/** What of a dashboard's JSON is drawn, and what is handed to the page that draws it. */
import type { DataTransformerConfig, FieldConfigSource } from '@grafana/data';

export interface GridPos {
  x: number;
  y: number;
  w: number;
  h: number;
}

export interface Target {
  refId: string;
  expr: string;
  legendFormat: string;
  format: 'time_series' | 'table' | 'heatmap';
  instant: boolean;
}

export interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: GridPos;
  interval?: string;
  targets?: Target[];
  transformations?: DataTransformerConfig[];
  fieldConfig: FieldConfigSource;
  // Each kind of panel has its own options, which its own drawing knows.
  options: Record<string, any>;
}

export interface Variable {
  name: string;
  label: string;
  allValue?: string;
  current: { text: string | string[]; value: string | string[] };
}

export interface Annotation {
  name: string;
  enable: boolean;
  iconColor: string;
  target?: { expr: string };
  titleFormat?: string;
  textFormat?: string;
  useValueForTime?: boolean;
}

export interface Dashboard {
  title: string;
  uid: string;
  tags: string[];
  panels: Panel[];
  templating: { list: Variable[] };
  annotations: { list: Annotation[] };
}

/** A span of time in milliseconds since the epoch. */
export interface Span {
  from: number;
  to: number;
}

/** What Prometheus says of one series. Values are text there, as they may be NaN. */
export interface Series {
  labels: Record<string, string>;
  points: Array<[seconds: number, value: string]>;
}

/** A target and what became of it. */
export interface Answer {
  target: Target;
  /** The query as it was asked. */
  expr: string;
  /** How far apart points are, in milliseconds. */
  step: number;
  series: Series[];
}

/** Something that an annotation marks: a moment, or a time with an end. */
export interface Mark {
  name: string;
  title: string;
  color: string;
  time: number;
  timeEnd?: number;
}

/** A dashboard with everything that is needed to draw it. */
export interface Sheet {
  title: string;
  variables: Array<{ label: string; text: string }>;
  span: Span;
  marks: Mark[];
  panels: Array<{ panel: Panel; answers: Answer[] }>;
}

/** What the page says of a panel that it has drawn. */
export interface Drawn {
  title: string;
  /** The text shown in place of data, if so. */
  noData?: string;
  /** Whether all its data is NaN. */
  onlyNaN: boolean;
}

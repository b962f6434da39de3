import { type DataFrame, type FieldConfigSource, FieldType } from '@grafana/data';

import type { Answer, Panel } from '../model';

/** A panel with its data, ready to be drawn. */
export interface PanelData {
  panel: Panel;
  answers: Answer[];
  data: DataFrame[];
  fieldConfig: FieldConfigSource;
}

/** What a drawing is given. */
export interface VizProps extends PanelData {
  width: number;
  height: number;
}

/** The text that a panel without data shows in its place, if it has none. */
export function emptyText({ data, fieldConfig }: PanelData): string | undefined {
  return data.some(({ length }) => length > 0)
    ? undefined
    : (fieldConfig.defaults.noValue ?? 'No data');
}

/** Whether there is data, but no number in it. */
export function onlyNaN({ data }: PanelData): boolean {
  const fields = data.flatMap(({ fields }) => fields.filter(({ type }) => type !== FieldType.time));
  const values = fields.flatMap((field): unknown[] => field.values);
  return values.length > 0 && values.every(Number.isNaN);
}

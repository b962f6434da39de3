import { type DataFrame, FieldType } from '@grafana/data';

export interface Cell {
  /** The bucket, counted from the least. */
  row: number;
  time: number;
  value: number;
}

export interface Cells {
  /** Each bucket's upper bound. */
  bounds: string[];
  cells: Cell[];
  /** How long a cell is, in milliseconds. */
  step: number;
}

/** The cells of a frame of buckets, without those up to a value that are not worth showing. */
export function cellsOf(frame: DataFrame, hideUpTo: number): Cells {
  const time = frame.fields.find(({ type }) => type === FieldType.time);
  const buckets = frame.fields.filter(({ type }) => type === FieldType.number);
  const cells = buckets.flatMap(({ values }, row) =>
    values
      .map((value, i) => ({ row, time: time?.values[i], value }))
      .filter(({ value }) => value > hideUpTo),
  );
  return { bounds: buckets.map(({ name }) => name), cells, step: time?.config.interval ?? 0 };
}

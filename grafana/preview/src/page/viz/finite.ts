import { type DataFrame, type Field, FieldType } from '@grafana/data';

/** Frames with gaps where there is no finite number: Grafana's panel does so before it draws lines. */
export function finite(frames: DataFrame[]): DataFrame[] {
  return frames.map((frame) => ({ ...frame, fields: frame.fields.map(finiteField) }));
}

function finiteField(field: Field): Field {
  if (field.type !== FieldType.number) {
    return field;
  }
  return { ...field, values: field.values.map((value) => (Number.isFinite(value) ? value : null)) };
}

import { type DataFrame, type Field, FieldType, applyNullInsertThreshold } from '@grafana/data';

import type { Span } from '../../model';

/**
 * Frames with gaps where points are missing or are no finite number: Grafana's panel sees to both before
 * it draws lines, and the lines alone would be broken in the first frame only.
 */
export function finite(frames: DataFrame[], { from, to }: Span): DataFrame[] {
  return frames.map((frame) => {
    const whole = applyNullInsertThreshold({
      frame,
      refFieldPseudoMin: from,
      refFieldPseudoMax: to,
    });
    return { ...whole, fields: whole.fields.map(finiteField) };
  });
}

function finiteField(field: Field): Field {
  if (field.type !== FieldType.number) {
    return field;
  }
  return { ...field, values: field.values.map((value) => (Number.isFinite(value) ? value : null)) };
}

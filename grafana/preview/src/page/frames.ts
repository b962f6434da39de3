/** Makes data frames of Prometheus' answers, as Grafana's Prometheus source does. */
import { type DataFrame, type Field, FieldType } from '@grafana/data';

import { nameOf } from '../legend';
import type { Answer, Series } from '../model';

/** The frames of one target. */
export function framesOf(answer: Answer): DataFrame[] {
  switch (answer.target.format) {
    case 'time_series':
      return answer.series.map((series) => seriesFrame(answer, series));
    case 'table':
      return answer.series.length === 0 ? [] : [tableFrame(answer)];
    case 'heatmap':
      return answer.series.length === 0 ? [] : [bucketsFrame(answer)];
    default:
      throw new Error(`no frames are known for the format ${answer.target.format}`);
  }
}

function seriesFrame({ target, expr, step }: Answer, { labels, points }: Series): DataFrame {
  const displayNameFromDS = nameOf(target.legendFormat, labels, expr);
  const values = points.map(([, value]) => number(value));
  const field: Field = { ...numbers('Value', values), labels, config: { displayNameFromDS } };
  return frame(target.refId, [timeField(points, step), field]);
}

/** One row for each series, one column for each label, and the value last. */
function tableFrame({ target, series, step }: Answer): DataFrame {
  const names = [...new Set(series.flatMap(({ labels }) => Object.keys(labels)))].sort();
  const columns = names.map((name): Field => {
    const values = series.map(({ labels }) => labels[name] ?? '');
    return { name, type: FieldType.string, config: {}, values };
  });
  const rows = series.flatMap(({ points }) => points.slice(-1));
  const values = numbers(
    'Value',
    rows.map(([, value]) => number(value)),
  );
  return frame(target.refId, [timeField(rows, step), ...columns, values]);
}

/** One field for each bucket, from the least bound up, of what is in that bucket and in none below. */
function bucketsFrame({ target, series, step }: Answer): DataFrame {
  const bound = ({ labels }: Series): number => number(labels.le);
  const buckets = [...series].sort((a, b) => bound(a) - bound(b));
  const times = [...new Set(buckets.flatMap(({ points }) => points.map(([time]) => time)))].sort();
  let below = times.map(() => 0);
  const fields = buckets.map((bucket) => {
    const at = new Map(bucket.points);
    const upTo = times.map((time, i) => (at.has(time) ? number(at.get(time) ?? '') : below[i]));
    const within = upTo.map((value, i) => Math.max(0, value - below[i]));
    below = upTo;
    return { ...numbers(bucket.labels.le, within), labels: bucket.labels };
  });
  const points = times.map((time): [number, string] => [time, '']);
  return frame(target.refId, [timeField(points, step), ...fields]);
}

function frame(refId: string, fields: Field[]): DataFrame {
  return { refId, fields, length: fields[0].values.length };
}

function timeField(points: Series['points'], step: number): Field {
  const values = points.map(([seconds]) => seconds * 1e3);
  // Lines are broken where points are further apart than this.
  return { name: 'Time', type: FieldType.time, config: { interval: step }, values };
}

function numbers(name: string, values: number[]): Field {
  return { name, type: FieldType.number, config: {}, values };
}

/** A number as Prometheus writes it. NaN stays what it is, as it does in Grafana. */
function number(text: string): number {
  return text.endsWith('Inf') ? Number(`${text}inity`) : Number(text);
}

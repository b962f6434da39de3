import { type TimeRange, dateTimeForTimeZone } from '@grafana/data';

import type { Span } from '../model';
import { TIME_ZONE } from './fields';

/** A span as Grafana's components want it. */
export function timeRange(span: Span): TimeRange {
  const from = dateTimeForTimeZone(TIME_ZONE, span.from);
  const to = dateTimeForTimeZone(TIME_ZONE, span.to);
  return { from, to, raw: { from, to } };
}

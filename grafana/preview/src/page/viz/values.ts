import { type FieldDisplay, type GrafanaTheme2, getFieldDisplayValues } from '@grafana/data';

import { TIME_ZONE } from '../fields';
import type { PanelData } from '../panelData';

/** The values of a panel that reduces each series to one. */
export function valuesOf(
  { panel, data, fieldConfig }: PanelData,
  theme: GrafanaTheme2,
  sparkline = false,
): FieldDisplay[] {
  return getFieldDisplayValues({
    fieldConfig,
    reduceOptions: panel.options.reduceOptions,
    replaceVariables: (text) => text,
    theme,
    data,
    sparkline,
    timeZone: TIME_ZONE,
  });
}

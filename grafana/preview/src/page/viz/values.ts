import {
  type FieldDisplay,
  type GrafanaTheme2,
  type ScopedVars,
  getFieldDisplayValues,
} from '@grafana/data';

import { TIME_ZONE } from '../fields';
import type { PanelData } from '../panelData';

/** A text with the labels of the field that it is of. */
function withLabels(text: string, variables?: ScopedVars): string {
  const labels = variables?.__dataContext?.value.field.labels ?? {};
  return text.replace(/\$\{__field\.labels\.(\w+)\}/g, (_, label) => labels[label] ?? '');
}

/** The values of a panel that reduces each series to one. */
export function valuesOf(
  { panel, data, fieldConfig }: PanelData,
  theme: GrafanaTheme2,
  sparkline = false,
): FieldDisplay[] {
  return getFieldDisplayValues({
    fieldConfig,
    reduceOptions: panel.options.reduceOptions,
    replaceVariables: withLabels,
    theme,
    data,
    sparkline,
    timeZone: TIME_ZONE,
  });
}

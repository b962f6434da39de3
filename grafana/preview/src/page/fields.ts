/** Applies what a panel says of its fields, and its transformations. */
import {
  type DataFrame,
  FieldConfigOptionsRegistry,
  type FieldConfigPropertyItem,
  type FieldConfigSource,
  FieldType,
  type GrafanaTheme2,
  applyFieldOverrides,
  cacheFieldDisplayNames,
  identityOverrideProcessor,
  standardTransformers,
  standardTransformersRegistry,
  transformDataFrame,
} from '@grafana/data';
import { firstValueFrom } from 'rxjs';

import type { Panel } from '../model';

/** The time zone of pictures: they are made and looked at in different places. */
export const TIME_ZONE = 'utc';

const ANY = ['unit', 'displayName', 'noValue', 'mappings', 'links', 'filterable'];
const OF_NUMBERS = ['min', 'max', 'fieldMinMax', 'decimals', 'thresholds', 'color'];

/** Makes those transformations known that @grafana/data brings with it. */
export function registerTransformers(): void {
  // Some are there under two names.
  const all = new Map(Object.values(standardTransformers).map((each) => [each.id, each]));
  standardTransformersRegistry.setInit(() =>
    [...all.values()].map((transformer) => ({
      id: transformer.id,
      name: transformer.name,
      transformation: async () => transformer,
      // What is only needed to edit them.
      editor: () => null,
      imageDark: '',
      imageLight: '',
    })),
  );
}

/** A panel's frames, transformed and with each field's units, colours and so on. */
export async function prepare(
  panel: Panel,
  frames: DataFrame[],
  theme: GrafanaTheme2,
): Promise<{ data: DataFrame[]; fieldConfig: FieldConfigSource }> {
  const transformations = panel.transformations ?? [];
  for (const { id } of transformations) {
    if (!standardTransformersRegistry.getIfExists(id)) {
      throw new Error(`${panel.title}: no transformation ${id} is known`);
    }
  }
  const transformed = await firstValueFrom(
    transformDataFrame(transformations, frames, { interpolate: (text) => text }),
  );
  const fieldConfig = withLeastThreshold(panel.fieldConfig);
  const data = applyFieldOverrides({
    data: transformed,
    fieldConfig,
    fieldConfigRegistry: registryFor(panel.title, fieldConfig),
    replaceVariables: (text) => text,
    theme,
    timeZone: TIME_ZONE,
  });
  // Tables know a field's name only from here.
  cacheFieldDisplayNames(data);
  return { data, fieldConfig };
}

/** JSON has no infinity: a threshold without a value is the one that everything is above. */
function withLeastThreshold({ defaults, overrides }: FieldConfigSource): FieldConfigSource {
  const { thresholds } = defaults;
  const steps = thresholds?.steps.map((step) => ({ ...step, value: step.value ?? -Infinity }));
  return {
    defaults:
      thresholds && steps ? { ...defaults, thresholds: { ...thresholds, steps } } : defaults,
    overrides,
  };
}

/** Grafana's own registry is filled by its editors; this one has what the panel's JSON names. */
function registryFor(
  title: string,
  { defaults, overrides }: FieldConfigSource,
): FieldConfigOptionsRegistry {
  const overridden = overrides.flatMap(({ properties }) => properties.map(({ id }) => id));
  const custom = new Set([
    ...Object.keys(defaults.custom ?? {}),
    ...overridden.filter((id) => id.startsWith('custom.')).map((id) => id.slice('custom.'.length)),
  ]);
  const known = [...ANY, ...OF_NUMBERS, ...[...custom].map((path) => `custom.${path}`)];
  const strange = [...Object.keys(defaults), ...overridden].find(
    (id) => id !== 'custom' && !known.includes(id),
  );
  if (strange !== undefined) {
    throw new Error(`${title}: no field option ${strange} is known`);
  }
  return new FieldConfigOptionsRegistry(() => known.map(property));
}

function property(id: string): FieldConfigPropertyItem {
  const isCustom = id.startsWith('custom.');
  const nothing = (): null => null;
  return {
    id,
    path: isCustom ? id.slice('custom.'.length) : id,
    name: id,
    isCustom,
    process: identityOverrideProcessor,
    shouldApply: ({ type }) =>
      OF_NUMBERS.includes(id) ? type === FieldType.number : !isCustom || type !== FieldType.time,
    editor: nothing,
    override: nothing,
  };
}

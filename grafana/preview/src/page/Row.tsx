import { Icon, Text, useTheme2 } from '@grafana/ui';

import type { Box } from '../grid';

/** The heading of a row of panels. */
export function Row({ title, box }: { title: string; box: Box }) {
  const theme = useTheme2();
  const gap = theme.spacing(1);
  return (
    <div style={{ position: 'absolute', ...box, display: 'flex', alignItems: 'center', gap }}>
      <Icon name="angle-down" />
      <Text element="h2" variant="h5">
        {title}
      </Text>
    </div>
  );
}

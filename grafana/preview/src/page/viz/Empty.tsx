import { Text } from '@grafana/ui';

/** What a panel shows that has nothing to show. */
export function Empty({ text, height }: { text: string; height: number }) {
  return (
    <div style={{ height, display: 'flex', alignItems: 'center', justifyContent: 'center' }}>
      <Text color="secondary" variant="h5">
        {text}
      </Text>
    </div>
  );
}

// Entries are what a list of details says of a thing; one without a value is left out.
export function Entries({ of }: { of: [name: string, value: string | undefined][] }) {
  return (
    <>
      {of
        .filter(([, value]) => value)
        .map(([name, value]) => (
          <>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </>
        ))}
    </>
  );
}

import { useId } from "preact/hooks";

// DataSphere's table of machines, as spec.go has it; the server refuses others.
const specs = ["c1.4", "c1.8", "c1.32", "c1.80", "g1.1", "g1.2", "g1.4", "g2.1", "g2.2", "g2.4", "g2.8", "gt4.1", "gt4i.1"];

export function SpecInput({ value, set }: { value: string; set: (value: string) => void }) {
  const id = useId();
  return (
    <>
      <input name="spec" list={id} value={value} placeholder="default" onInput={(e) => set(e.currentTarget.value)} />
      <datalist id={id}>
        {specs.map((s) => (
          <option key={s} value={s} />
        ))}
      </datalist>
    </>
  );
}

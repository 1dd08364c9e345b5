// moment is a time as people here write it.
export function moment(time: string | undefined): string {
  return time ? new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" }) : "";
}

export function seconds(s: number): string {
  if (!(s >= 0)) return "";
  if (s < 60) return `${s.toFixed(s < 10 ? 2 : 1)} s`;
  const h = Math.floor(s / 3600);
  const m = Math.floor((s % 3600) / 60);
  return h ? `${h} h ${m} min` : `${m} min ${Math.floor(s % 60)} s`;
}

export function bytes(n: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let i = 0;
  for (; n >= 1024 && i < units.length - 1; i++) n /= 1024;
  return `${i === 0 ? n : n.toFixed(1)} ${units[i]}`;
}

// took is how long an execution has taken, until now if it has not ended.
export function took(e: { startedAt?: string; finishedAt?: string }): string {
  if (!e.startedAt) return "";
  const end = e.finishedAt ? Date.parse(e.finishedAt) : Date.now();
  return seconds((end - Date.parse(e.startedAt)) / 1000);
}

export function short(value: unknown): string {
  const text = JSON.stringify(value) ?? "";
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

// plain strips the colours of a terminal.
export function plain(text: string): string {
  return text.replace(/\u001b\[[0-9;]*[A-Za-z]/g, "");
}

export function ended(state: string | undefined): boolean {
  return state === "SUCCEEDED" || state === "FAILED" || state === "ABORTED";
}

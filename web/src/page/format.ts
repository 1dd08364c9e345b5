// moment is a time as people here write it.
export function moment(time: string | undefined): string {
  return time ? new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" }) : "";
}

// due is a due time as it is in the schedule's zone. A zone that the browser
// does not know is left to the browser's own.
export function due(time: string, zone: string): string {
  const options: Intl.DateTimeFormatOptions = { weekday: "short", year: "numeric", month: "short", day: "numeric", hour: "numeric", minute: "2-digit", timeZoneName: "short" };
  if (Date.parse(time) % 60_000) options.second = "2-digit";
  try {
    return new Date(time).toLocaleString(undefined, { ...options, timeZone: zone || "UTC" });
  } catch {
    return new Date(time).toLocaleString(undefined, options);
  }
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

const units: Record<string, number> = { d: 86_400, h: 3600, m: 60, s: 1 };

// durationOf reads a time as it is typed, 90s or 10m, as proto JSON has it.
export function durationOf(typed: string): string {
  const match = /^(-?\d+(?:\.\d+)?)\s*([smhd]?)$/.exec(typed.trim());
  if (!match) throw new Error(`${typed} must be a time such as 90s, 10m, 6h or 30d`);
  return `${Number(match[1]) * (units[match[2] || "s"] ?? 1)}s`;
}

// typedDuration is a duration of proto JSON as it is typed, in the largest unit
// that it is a whole number of.
export function typedDuration(duration: string | null | undefined): string {
  const s = Number.parseFloat(duration ?? "");
  if (!s) return "";
  const [unit, length] = Object.entries(units).find(([, length]) => s % length === 0) ?? ["s", 1];
  return `${s / length}${unit}`;
}

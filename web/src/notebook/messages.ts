import type { Event } from "./apply";

// What the page tells the frame. The notebook goes over as it came: reading it
// is the frame's work.
export type ToFrame =
  | { type: "show"; notebook: unknown; only?: number[]; dark: boolean }
  | { type: "events"; events: Event[] }
  | { type: "dark"; dark: boolean }
  | { type: "reveal"; cell: number };

// What the frame tells the page. A notebook's script can send the same, so the
// page does nothing on these words but ask its user.
export type FromFrame = { type: "ready" } | { type: "link"; url: string };

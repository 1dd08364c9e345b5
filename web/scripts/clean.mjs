// Empties the folder that is embedded, but for the file that holds its place.
import { readdirSync, rmSync } from "node:fs";

const dist = new URL("../../internal/web/dist/", import.meta.url);
for (const name of readdirSync(dist)) {
  if (name !== ".gitkeep") rmSync(new URL(name, dist), { recursive: true });
}

// A wire to a server that can be cut.
import { once } from "node:events";
import { connect, createServer } from "node:net";

export async function startWire(url) {
  const { hostname, port } = new URL(url);
  const ends = new Set();
  let whole = true;
  const server = createServer((near) => {
    if (!whole) return near.destroy();
    const far = connect(Number(port), hostname);
    for (const end of [near, far]) {
      ends.add(end);
      end.on("error", () => {}).on("close", () => (ends.delete(end), near.destroy(), far.destroy()));
    }
    near.pipe(far).pipe(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => {
    whole = false;
    for (const end of ends) end.destroy();
  };
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut,
    mend: () => (whole = true),
    async stop() {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}

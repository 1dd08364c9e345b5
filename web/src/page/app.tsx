import { useEffect, useRef, useState } from "preact/hooks";
import { api } from "./api";
import { Compare } from "./compare";
import { ExecutionPage } from "./execution";
import { Trouble, Wait } from "./load";
import { Preview } from "./preview";
import { ProjectPage } from "./project";
import { Projects } from "./projects";
import { useRoute } from "./route";
import type { Route } from "./route";
import { SchedulePage } from "./schedule";
import { EditSchedule } from "./schedule_form";
import { SignIn } from "./sign_in";
import { isWay, Start } from "./start";
import { SweepPage } from "./sweep";
import { ThemeButton } from "./theme";
import { WebhookPage } from "./webhook";

export function App() {
  const [subject, setSubject] = useState<string>();
  const [error, setError] = useState("");
  useEffect(() => {
    api.session().then(
      (s) => setSubject(s.subject),
      (e) => (e.status === 401 ? setSubject("") : setError(e.message)),
    );
    const signedOut = () => setSubject("");
    addEventListener("signed-out", signedOut);
    return () => removeEventListener("signed-out", signedOut);
  }, []);
  if (error) return <Trouble text={error} />;
  if (subject === undefined) return <Wait />;
  if (subject === "") return <SignIn done={setSubject} />;
  return <Signed subject={subject} out={() => setSubject("")} />;
}

function Signed({ subject, out }: { subject: string; out: () => void }) {
  const route = useRoute();
  const main = useRef<HTMLElement>(null);
  const path = route.parts.join("/");
  const first = useRef(true);
  // Who goes to another page by keyboard or ear begins at its top.
  useEffect(() => {
    if (first.current) first.current = false;
    else main.current?.focus();
    scrollTo(0, 0);
  }, [path]);
  return (
    <>
      <a class="skip" href="#main" onClick={(e) => (e.preventDefault(), main.current?.focus())}>
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href="#/">
          Quire
        </a>
        <nav aria-label="Main">
          <a href="#/" aria-current={route.parts.length === 0 ? "page" : undefined}>
            Projects
          </a>
        </nav>
        <span class="space" />
        <span class="soft who">{subject}</span>
        <ThemeButton />
        <button type="button" onClick={() => api.signOut().then(out, out)}>
          Sign out
        </button>
      </header>
      <main id="main" tabIndex={-1} ref={main} key={path}>
        <PageOf route={route} />
      </main>
    </>
  );
}

function PageOf({ route }: { route: Route }) {
  const [kind, id = "", what = "", ...rest] = route.parts;
  switch (kind) {
    case undefined:
      return <Projects />;
    case "projects":
      if (isWay(what)) return <Start way={what} project={id} notebook={rest.join("/")} from={route.query.get("from") ?? ""} />;
      if (what === "view") return <Preview project={id} path={rest.join("/")} />;
      return <ProjectPage id={id} tab={what || "executions"} />;
    case "executions":
      return <ExecutionPage id={id} />;
    case "schedules":
      if (what === "edit") return <EditSchedule id={id} notebook={route.query.get("notebook") ?? ""} />;
      return <SchedulePage id={id} />;
    case "sweeps":
      return <SweepPage id={id} />;
    case "webhooks":
      return <WebhookPage id={id} />;
    case "compare":
      return <Compare left={id} right={what} />;
    default:
      return <h1>There is no such page</h1>;
  }
}

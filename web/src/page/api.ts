import type { components } from "../gen/openapi";

type Schemas = components["schemas"];
export type Delivery = Schemas["Delivery"];
export type Execution = Schemas["Execution"];
export type Failure = Schemas["Failure"];
export type File = Schemas["File"];
export type Policy = Schemas["Policy"];
export type RunSettings = Schemas["RunSettings"];
export type Schedule = Schemas["Schedule"];
export type Sweep = Schemas["Sweep"];
export type SweepTable = Schemas["SweepTable"];
export type Variable = Schemas["Variable"];
export type Webhook = Schemas["Webhook"];

// DataSphere's messages, of which Quire's description says nothing; as much of
// them as is shown.
export interface Project {
  id: string;
  name: string;
  description?: string;
  createdAt: string;
  settings?: { defaultDedicatedSpec?: string };
  limits?: { maxUnitsPerHour?: string; maxUnitsPerExecution?: string };
}

interface Operation {
  id: string;
  done: boolean;
  error?: { code: number; message: string };
  response?: Record<string, unknown>;
}

// Problem is what the API said no with.
export class Problem extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

// call sends a request in the session's name: the header says that it is this
// page which asks.
export async function call(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("Quire-Page", "1");
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Problem(0, "The server cannot be reached.");
  }
  if (response.ok) return response;
  if (response.status === 401) dispatchEvent(new Event("signed-out"));
  const text = await response.text();
  throw new Problem(response.status, messageOf(text) ?? `The server answered ${response.status}.`);
}

function messageOf(text: string): string | undefined {
  try {
    return JSON.parse(text).message;
  } catch {
    return undefined;
  }
}

async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await call(path, signal ? { signal } : {})).json();
}

async function send<T>(verb: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<T> {
  const init = { method: verb, body: JSON.stringify(body), headers: { "Content-Type": "application/json", ...headers } };
  return (await call(path, init)).json();
}

const community = "default";
const projects = "/datasphere/v2/projects";
const quire = "/quire/v1";

// ExecutionFilter narrows a list of executions; what is empty does not.
export interface ExecutionFilter {
  state?: string;
  scheduleId?: string;
}

export interface Page<T> {
  items: T[];
  next: string;
}

function query(params: Record<string, string | number | undefined>): string {
  const q = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value) q.set(name, String(value));
  const text = q.toString();
  return text && `?${text}`;
}

// segments escapes each part of a path, and leaves the slashes.
export const segments = (path: string): string => path.split("/").map(encodeURIComponent).join("/");

// settled waits for an operation that is over in a moment.
async function settled(op: Operation): Promise<Operation> {
  for (let wait = 50; !op.done; wait = Math.min(wait * 2, 2000)) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    op = await get(`/operations/${op.id}`);
  }
  if (op.error) throw new Problem(400, op.error.message);
  return op;
}

export const api = {
  session: () => get<{ subject: string }>("/web/session"),
  signIn: (token: string) => send<{ subject: string }>("POST", "/web/session", { token }),
  signOut: () => call("/web/session", { method: "DELETE" }),

  async projects(token = ""): Promise<Page<Project>> {
    const page = await get<{ projects: Project[]; nextPageToken: string }>(`${projects}${query({ communityId: community, pageSize: 1000, pageToken: token })}`);
    return { items: page.projects, next: page.nextPageToken };
  },
  project: (id: string) => get<Project>(`${projects}/${id}`),
  async createProject(name: string, description: string): Promise<string> {
    const op = await settled(await send<Operation>("POST", projects, { communityId: community, name, description }));
    return String(op.response?.id);
  },
  async updateProject(id: string, mask: string, fields: object): Promise<void> {
    await settled(await send<Operation>("PATCH", `${projects}/${id}`, { updateMask: mask, ...fields }));
  },
  async deleteProject(id: string): Promise<void> {
    await settled(await (await call(`${projects}/${id}`, { method: "DELETE" })).json());
  },
  unitBalance: (id: string) => get<{ unitBalance?: string | null }>(`${projects}/${id}:unitBalance`),
  setUnitBalance: (id: string, balance: string | null) =>
    send("POST", `${projects}/${id}:unitBalance`, balance === null ? {} : { unitBalance: balance }),
  policy: (id: string) => get<Policy>(`${quire}/projects/${id}/policy`),
  setPolicy: (id: string, policy: Policy) => send<Policy>("PATCH", `${quire}/projects/${id}/policy`, policy),
  runSettings: (id: string) => get<RunSettings>(`${quire}/projects/${id}/runSettings`),
  setRunSettings: (id: string, settings: RunSettings) => send<RunSettings>("PATCH", `${quire}/projects/${id}/runSettings`, settings),

  async files(project: string, token = ""): Promise<Page<File>> {
    const page = await get<{ files: File[]; nextPageToken: string }>(`${quire}/projects/${project}/files${query({ pageSize: 1000, pageToken: token })}`);
    return { items: page.files, next: page.nextPageToken };
  },
  fileURL: (project: string, path: string) => `${quire}/projects/${project}/files/${segments(path)}`,
  putFile: (project: string, path: string, content: Blob) => call(api.fileURL(project, path), { method: "PUT", body: content }),
  deleteFile: (project: string, path: string) => call(api.fileURL(project, path), { method: "DELETE" }),
  readFile: async (project: string, path: string): Promise<unknown> => (await call(api.fileURL(project, path))).json(),

  async executions(project: string, filter: ExecutionFilter, token = "", size = 100): Promise<Page<Execution>> {
    const page = await get<{ executions: Execution[]; nextPageToken: string }>(
      `${quire}/projects/${project}/executions${query({ ...filter, pageSize: size, pageToken: token })}`,
    );
    return { items: page.executions, next: page.nextPageToken };
  },
  execution: (id: string, signal?: AbortSignal) => get<Execution>(`${quire}/executions/${id}`, signal),
  notebookURL: (id: string) => `${quire}/executions/${id}/notebook`,
  reportURL: (id: string) => `${quire}/executions/${id}/html`,
  notebook: (id: string, signal?: AbortSignal) => get<unknown>(`${quire}/executions/${id}/notebook`, signal),
  retry: (id: string) => send<Execution>("POST", `${quire}/executions/${id}:retry`, {}),
  cancel: (id: string) => send("POST", `/operations/${id}:cancel`, {}),
  async execute(project: string, request: object, priority: number): Promise<string> {
    const headers: Record<string, string> = priority ? { "Quire-Priority": String(priority) } : {};
    return (await send<Operation>("POST", `${projects}/${project}:execute`, request, headers)).id;
  },

  async schedules(project: string): Promise<Schedule[]> {
    return (await get<{ schedules: Schedule[] }>(`${quire}/projects/${project}/schedules${query({ pageSize: 1000 })}`)).schedules;
  },
  schedule: (id: string, signal?: AbortSignal) => get<Schedule>(`${quire}/schedules/${id}`, signal),
  createSchedule: (project: string, schedule: Schedule) => send<Schedule>("POST", `${quire}/projects/${project}/schedules`, schedule),
  // updateSchedule sets the fields of the mask; without one, all.
  updateSchedule: (id: string, schedule: Schedule, updateMask = "") => send<Schedule>("PATCH", `${quire}/schedules/${id}${query({ updateMask })}`, schedule),
  deleteSchedule: (id: string) => call(`${quire}/schedules/${id}`, { method: "DELETE" }),
  runSchedule: (id: string) => send<Execution>("POST", `${quire}/schedules/${id}:run`, {}),

  async sweeps(project: string, token = ""): Promise<Page<Sweep>> {
    const page = await get<{ sweeps: Sweep[]; nextPageToken: string }>(`${quire}/projects/${project}/sweeps${query({ pageSize: 100, pageToken: token })}`);
    return { items: page.sweeps, next: page.nextPageToken };
  },
  sweep: (id: string, signal?: AbortSignal) => get<Sweep>(`${quire}/sweeps/${id}`, signal),
  createSweep: (project: string, sweep: Sweep) => send<Sweep>("POST", `${quire}/projects/${project}/sweeps`, sweep),
  cancelSweep: (id: string) => send<Sweep>("POST", `${quire}/sweeps/${id}:cancel`, {}),
  sweepTableURL: (id: string) => `${quire}/sweeps/${id}/table`,
  sweepTable: (id: string, signal?: AbortSignal) => get<SweepTable>(api.sweepTableURL(id), signal),

  async webhooks(project: string): Promise<Webhook[]> {
    return (await get<{ webhooks: Webhook[] }>(`${quire}/projects/${project}/webhooks${query({ pageSize: 100 })}`)).webhooks;
  },
  webhook: (id: string, signal?: AbortSignal) => get<Webhook>(`${quire}/webhooks/${id}`, signal),
  createWebhook: (project: string, webhook: Webhook) => send<Webhook>("POST", `${quire}/projects/${project}/webhooks`, webhook),
  deleteWebhook: (id: string) => call(`${quire}/webhooks/${id}`, { method: "DELETE" }),
  async deliveries(id: string, token = "", signal?: AbortSignal): Promise<Page<Delivery>> {
    const page = await get<{ deliveries: Delivery[]; nextPageToken: string }>(`${quire}/webhooks/${id}/deliveries${query({ pageSize: 100, pageToken: token })}`, signal);
    return { items: page.deliveries, next: page.nextPageToken };
  },
};

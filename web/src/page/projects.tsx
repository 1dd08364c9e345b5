import { useState } from "preact/hooks";
import { api } from "./api";
import { moment } from "./format";
import { Trouble, useLoad, Wait } from "./load";
import { go, to } from "./route";

export function Projects() {
  const list = useLoad(() => api.projects(), []);
  return (
    <>
      <h1>Projects</h1>
      <Trouble text={list.error} />
      {list.value ? (
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col" class="wide">Description</th>
              <th scope="col">Created</th>
            </tr>
          </thead>
          <tbody>
            {list.value.items.map((p) => (
              <tr key={p.id}>
                <td>
                  <a href={to("projects", p.id)}>{p.name}</a>
                </td>
                <td class="wide">{p.description}</td>
                <td>{moment(p.createdAt)}</td>
              </tr>
            ))}
            {list.value.items.length === 0 && (
              <tr>
                <td colSpan={3} class="soft">
                  There are none yet.
                </td>
              </tr>
            )}
          </tbody>
        </table>
      ) : (
        !list.error && <Wait />
      )}
      {list.value?.next && <p class="soft">Only the first thousand are shown.</p>}
      <Create />
    </>
  );
}

function Create() {
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [error, setError] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    setError("");
    try {
      go(to("projects", await api.createProject(name, description), "files"));
    } catch (e) {
      setError((e as Error).message);
    }
  };
  return (
    <form class="card" onSubmit={submit}>
      <h2>New project</h2>
      <label>
        Name
        <input required value={name} onInput={(e) => setName(e.currentTarget.value)} />
      </label>
      <label>
        Description
        <input value={description} onInput={(e) => setDescription(e.currentTarget.value)} />
      </label>
      <Trouble text={error} />
      <button type="submit" class="primary">
        Create
      </button>
    </form>
  );
}

import { useState } from "preact/hooks";
import { api } from "./api";
import { Trouble } from "./load";

export function SignIn({ done }: { done: (subject: string) => void }) {
  const [token, setToken] = useState("");
  const [error, setError] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    setError("");
    try {
      done((await api.signIn(token)).subject);
    } catch (e) {
      setError((e as Error).message);
    }
  };
  return (
    <main class="sign-in">
      <h1>Quire</h1>
      <form onSubmit={submit} autocomplete="off">
        <label>
          Token
          <input type="password" name="token" required value={token} onInput={(e) => setToken(e.currentTarget.value)} autocomplete="off" />
        </label>
        <Trouble text={error} />
        <button class="primary" type="submit">
          Sign in
        </button>
        <p class="soft">
          The first start of the server writes a token to the file <code>token</code> in its data folder; <code>quire token create</code> makes more.
          You stay signed in for 12 hours.
        </p>
      </form>
    </main>
  );
}

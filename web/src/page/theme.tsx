import { useEffect, useState } from "preact/hooks";

const key = "quire-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

export function isDark(): boolean {
  const chosen = localStorage.getItem(key);
  return chosen ? chosen === "dark" : system.matches;
}

function show(): void {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  dispatchEvent(new Event("theme"));
}

show();
system.addEventListener("change", show);

export function useDark(): boolean {
  const [dark, setDark] = useState(isDark());
  useEffect(() => {
    const changed = () => setDark(isDark());
    addEventListener("theme", changed);
    return () => removeEventListener("theme", changed);
  }, []);
  return dark;
}

export function ThemeButton() {
  const dark = useDark();
  const flip = () => {
    localStorage.setItem(key, dark ? "light" : "dark");
    show();
  };
  return (
    <button type="button" onClick={flip} aria-label={dark ? "Light colours" : "Dark colours"}>
      {dark ? "Light" : "Dark"}
    </button>
  );
}

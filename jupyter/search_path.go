package jupyter

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
)

// SearchPath returns the folders in which Jupyter looks for kernelspecs, first
// match first: those of JUPYTER_PATH, of each prefix (an environment such as
// /opt/venv), of the user and of the system. As in Jupyter, an environment's
// come before the user's unless JUPYTER_PREFER_ENV_PATH says no. Env is in the
// form of os.Environ.
func SearchPath(env []string, prefixes ...string) []string {
	vars := environment(env)
	var data []string
	for dir := range strings.SplitSeq(vars["JUPYTER_PATH"], string(filepath.ListSeparator)) {
		data = append(data, strings.TrimRight(dir, "/"))
	}
	var environments []string
	for _, prefix := range prefixes {
		environments = append(environments, filepath.Join(prefix, "share", "jupyter"))
	}
	user := []string{userDataDir(vars)}
	if declined(vars["JUPYTER_PREFER_ENV_PATH"]) {
		data = slices.Concat(data, user, environments)
	} else {
		data = slices.Concat(data, environments, user)
	}
	data = append(data, "/usr/local/share/jupyter", "/usr/share/jupyter")

	var path []string
	for _, dir := range data {
		folder := filepath.Join(dir, "kernels")
		if dir != "" && !slices.Contains(path, folder) {
			path = append(path, folder)
		}
	}
	return path
}

// userDataDir is empty where env does not tell whose it is.
func userDataDir(vars map[string]string) string {
	if dir := vars["JUPYTER_DATA_DIR"]; dir != "" {
		return dir
	}
	if dir := vars["XDG_DATA_HOME"]; dir != "" {
		return filepath.Join(dir, "jupyter")
	}
	if home := vars["HOME"]; home != "" {
		return filepath.Join(home, ".local", "share", "jupyter")
	}
	return ""
}

// declined holds Jupyter's spellings of no.
func declined(value string) bool {
	return slices.Contains([]string{"no", "n", "false", "off", "0", "0.0"}, strings.ToLower(cmp.Or(value, "yes")))
}

// environment maps names to values; of several with one name the last counts,
// as for exec.Cmd.
func environment(env []string) map[string]string {
	vars := make(map[string]string, len(env))
	for _, entry := range env {
		if name, value, ok := strings.Cut(entry, "="); ok {
			vars[name] = value
		}
	}
	return vars
}

package handover_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"quire/internal/handover"
	"quire/internal/testenv"
	"quire/jupyter"
)

func TestRefusal(t *testing.T) {
	for name, tt := range map[string]struct {
		language, input string
		file            string // in the folder; with ~/ in the home; with ../ above the folder
		text            string
		want            string
	}{
		"plain":                        {language: "bash", input: "NUMBER=3"},
		"the loader's":                 {"bash", "LD_PRELOAD=x", "", "", "LD_PRELOAD"},
		"the language":                 {"r", "LANGUAGE=de", "", "", "LANGUAGE"},
		"a time zone":                  {"julia", "TZ=UTC", "", "", "TZ"},
		"threads":                      {"julia", "OPENBLAS_NUM_THREADS=1", "", "", "OPENBLAS_NUM_THREADS"},
		"Bash's own":                   {"bash", "UID=1", "", "", "UID"},
		"Bash's function":              {"bash", "BASH_FUNC_ls%%=() { id; }", "", "", "BASH_FUNC_ls%%"},
		"R's own":                      {"r", "R_LIBS=x", "", "", "R_LIBS"},
		"R's is plain to Bash":         {language: "bash", input: "R_LIBS=x"},
		"Julia's own":                  {"julia", "JULIA_NUM_THREADS=4", "", "", "JULIA_NUM_THREADS"},
		"Python's own":                 {"python", "PYTHONPATH=x", "", "", "PYTHONPATH"},
		"the kernelspec's":             {"python", "GIVEN=2", "", "", "GIVEN"},
		"R's profile in the folder":    {"r", "N=1", ".Rprofile", "", ".Rprofile"},
		"R's data in the folder":       {"r", "N=1", ".RData", "", ".RData"},
		"Julia's project above it":     {"julia", "N=1", "../Project.toml", "", "Project.toml"},
		"Julia's project is no R's":    {language: "r", input: "N=1", file: "Project.toml"},
		"a profile that reads it":      {"bash", "N=1", "~/.bashrc", "echo ${N:-0}", ".bashrc"},
		"a profile that does not":      {language: "bash", input: "N=1", file: "~/.bashrc", text: "echo $NN N1 _N"},
		"IPython is configured":        {"python", "N=1", "~/.ipython/profile_default/startup/00.py", "x = 1", "configured"},
		"IPython has its own database": {language: "python", input: "N=1", file: "~/.ipython/profile_default/history.sqlite"},
	} {
		t.Run(name, func(t *testing.T) {
			home, dir := t.TempDir(), filepath.Join(t.TempDir(), "project")
			path := filepath.Join(dir, tt.file)
			if rest, ok := strings.CutPrefix(tt.file, "~/"); ok {
				path = filepath.Join(home, rest)
			}
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if tt.file != "" {
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			from := []string{"PATH=/bin", "HOME=" + home, "GIVEN=1"}
			spec := jupyter.Kernelspec{Language: tt.language, Env: map[string]string{"GIVEN": "1"}}
			err := language(t, tt.language).Refusal(spec, handover.Change{From: from, To: append(from[:3:3], tt.input), Dir: dir})
			if (err == nil) != (tt.want == "") || (err != nil && !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestForkServersListIsKept: what C code reads of the environment of a forked
// kernel it reads of any.
func TestForkServersListIsKept(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(testenv.RepoRoot(t), "internal", "warm", "forkserver.py"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "\nREAD_BY_C = (")
	list, _, _ := strings.Cut(rest, ")")
	names := regexp.MustCompile(`"(\w+)"`).FindAllStringSubmatch(list, -1)
	if !ok || len(names) < 10 {
		t.Fatalf("got the list %q", list)
	}
	for _, name := range names {
		from := []string{"HOME=/nowhere"}
		if language(t, "bash").Refusal(jupyter.Kernelspec{}, handover.Change{From: from, To: append(from[:1:1], name[1]+"X=1"), Dir: "/"}) == nil {
			t.Errorf("%s is handed over", name[1])
		}
	}
}

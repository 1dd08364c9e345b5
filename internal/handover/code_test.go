package handover_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quire/internal/handover"
	"quire/internal/testenv"
	"quire/jupyter"
)

func language(t *testing.T, name string) handover.Language {
	t.Helper()
	l, err := handover.Of(jupyter.Kernelspec{Language: name})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// hostile is what would end a string, or be more than a letter in one.
var hostile = []string{`'`, `"`, "`id`", `$(id)`, `$x ${x} $$`, "line\nline\r\ttab\x1b[0m\x7f", `back\slash\`, `!! !id`, `%s %magic ?`, "naïve 日本 \U0001F600", `\u{1F600} \x41 \101`, `#{x} #`, `"); q("no`, "", " "}

func change(dir string) handover.Change {
	c := handover.Change{From: []string{"PATH=/bin", "KEPT=1", "GONE=1", "OTHER=a"}, To: []string{"PATH=/bin", "KEPT=1", "OTHER=b"}, Dir: dir}
	for i, value := range hostile {
		c.To = append(c.To, "V"+string(rune('A'+i))+"="+value)
	}
	return c
}

func TestCode(t *testing.T) {
	c := handover.Change{
		From: []string{"SAME=1", "GONE=1", "A=0"},
		To:   []string{"SAME=1", "A=0", "A=it's $x \"`q`\"\n!é"},
		Dir:  "/data/a b",
	}
	const a = `it\047s\040\044x\040\042\140q\140\042\012\041\303\251`
	for name, want := range map[string]string{
		"r": `base::local({ base::stopifnot(base::do.call(base::Sys.setenv, base::list("A" = "` + a + `")));` +
			` base::stopifnot(base::Sys.unsetenv("GONE")); base::setwd("/data/a\040b"); base::invisible(NULL) })`,
		"Julia": `let; Base.ENV["A"] = "` + a + `"; Base.delete!(Base.ENV, "GONE"); Base.cd("/data/a\040b"); end; nothing`,
	} {
		got, err := language(t, name).Code(c)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestCodeIsPlain: nothing of a value stands for itself but what no language
// gives a meaning within quotes.
func TestCodeIsPlain(t *testing.T) {
	quoted := regexp.MustCompile(`\$'(?:[\w./,:+-]|\\[0-7]{3})*'|"(?:[\w./,:+-]|\\[0-7]{3})*"`)
	for _, name := range []string{"bash", "julia", "python", "r"} {
		l := language(t, name)
		code, err := l.Code(change("/" + strings.Join(hostile[:5], "")))
		if err != nil {
			t.Fatal(err)
		}
		plain, err := l.Code(handover.Change{Dir: "/"})
		if err != nil {
			t.Fatal(err)
		}
		bare := quoted.ReplaceAllString(code, "")
		for i := range hostile {
			bare = strings.ReplaceAll(bare, " && export V"+string(rune('A'+i))+"=", "")
		}
		if strings.ContainsAny(code, "\n\r\t\x1b") || (name == "bash" && strings.TrimSuffix(bare, strings.TrimPrefix(quoted.ReplaceAllString(plain, ""), "[[ $- == *i* && -z ${PROMPT_COMMAND-} ]] && cd -P -- ")) != "[[ $- == *i* && -z ${PROMPT_COMMAND-} ]] && export OTHER= && unset -v GONE && cd -P -- ") {
			t.Errorf("%s: got %q\n%q", name, code, bare)
		}
		if name != "bash" && strings.ContainsAny(bare, "'`$\\%#?") {
			t.Errorf("%s: got %q", name, bare)
		}
	}
}

func TestCodeRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		language string
		change   handover.Change
		want     string
	}{
		"zero byte":         {"python", handover.Change{To: []string{"A=x\x00y"}, Dir: "/"}, "zero byte"},
		"zero byte, folder": {"r", handover.Change{Dir: "/\x00"}, "no name"},
		"no folder":         {"julia", handover.Change{}, "no name"},
		"no name":           {"julia", handover.Change{To: []string{"=x"}, Dir: "/"}, "no name"},
		"name":              {"bash", handover.Change{To: []string{"a b;id=x"}, Dir: "/"}, "no name of a variable"},
		"name that is gone": {"bash", handover.Change{From: []string{"f%%=x"}, Dir: "/"}, "no name of a variable"},
		"too much":          {"bash", handover.Change{To: []string{"A=" + strings.Repeat("x", 40<<10)}, Dir: "/"}, "too much"},
	} {
		if code, err := language(t, tt.language).Code(tt.change); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %q, %v", name, code, err)
		}
	}
	if _, err := handover.Of(jupyter.Kernelspec{Language: "cobol"}); err == nil || !strings.Contains(err.Error(), "bash, julia, python, r") {
		t.Errorf("got %v", err)
	}
}

// TestPythonRuns what it is told, and nothing else.
func TestPythonRuns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), `it's "$x" é`)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	c := change(dir)
	code, err := language(t, "python").Code(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), testenv.Python(t), "-I", "-c", "before = dir()\n"+code+"\nimport os, json\n"+
		"print(json.dumps([sorted(set(dir()) - set(before)), dict(os.environ), os.getcwd()]))")
	cmd.Env = c.From
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	var env map[string]string
	var cwd string
	if err := json.Unmarshal(out, &[]any{&names, &env, &cwd}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"before", "json", "os"}, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	delete(env, "LC_CTYPE") // Python's own
	want := map[string]string{}
	for _, entry := range c.To {
		name, value, _ := strings.Cut(entry, "=")
		want[name] = value
	}
	if diff := cmp.Diff(want, env); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if cwd != dir {
		t.Errorf("got %q, want %q", cwd, dir)
	}
}

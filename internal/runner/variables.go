package runner

import (
	"context"
	_ "embed" // for the reader that runs in a Python kernel
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"quire"
	"quire/jupyter"
)

// variablesMIME is the type under which a Python kernel publishes the output
// variables: it never reaches the notebook.
const variablesMIME = "application/vnd.quire.variables"

// readTimeout bounds the reading of output variables where no cell timeout
// does: a repr may never return.
const readTimeout = time.Minute

//go:embed variables.py
var pythonReader string

// variableReader asks a kernel of one language for its variables.
type variableReader struct {
	// code makes the kernel publish the values of names.
	code func(names []string, s quire.RunSettings) string
	// silent is the request's: IPython publishes all the same, bash_kernel does not.
	silent bool
	// reader returns a function that is given what the request publishes, and
	// returns the values once it has them.
	reader func(names []string) func(msg *jupyter.Message) []quire.Variable
}

var variableReaders = map[string]variableReader{
	"python": {code: pythonVariables, silent: true, reader: readPython},
	"bash":   {code: bashVariables, reader: readBash},
}

// variables reads the output variables from the kernel. What cannot be read is
// said to be so in its value; only a kernel that dies of it fails the run.
func (r *run) variables(ctx context.Context) ([]quire.Variable, *quire.Failure) {
	names := r.opts.OutputNames
	reader, ok := variableReaders[r.plan.language]
	if !ok {
		return unreadable(names, "variables of "+r.plan.language+" kernels cannot be read"), nil
	}
	if r.opts.Run.CellTimeout <= 0 {
		r.opts.Run.CellTimeout = readTimeout
	}
	var id string
	var vars []quire.Variable
	read := reader.reader(names)
	x, err := r.execute(ctx, executeRequest{Code: reader.code(names, r.opts.Run), Silent: reader.silent},
		func(msgID string) { id = msgID },
		func(msg *jupyter.Message) []quire.Event {
			if msg.Channel == jupyter.IOPub && msg.ParentHeader.MsgID == id && vars == nil {
				vars = read(msg)
			}
			return r.tr.translate(msg)
		})
	switch {
	case err != nil:
		return nil, &quire.Failure{Kind: quire.QuireFault, Message: "the output variables could not be recorded"}
	case r.stopped != nil && r.stopped.Kind == quire.Limited:
		return unreadable(names, "reading took longer than "+r.opts.Run.CellTimeout.String()), nil
	case r.stopped != nil:
		return nil, r.stopped
	case x.died != nil:
		x.died.Message += " while the output variables were read"
		return nil, x.died
	case vars == nil:
		return unreadable(names, "the kernel did not tell"), nil
	}
	for i, v := range vars {
		vars[i] = bounded(v, r.opts.Run.MaxVariableBytes)
	}
	return vars, nil
}

// bounded holds a variable to the limit, whatever the kernel made of it.
func bounded(v quire.Variable, limit int64) quire.Variable {
	if int64(len(v.Value)) <= limit {
		return v
	}
	v = unreadable([]string{v.Name}, "larger than the limit")[0]
	v.Truncated = true
	return v
}

// unreadable reports every name as an object that could not be read.
func unreadable(names []string, why string) []quire.Variable {
	vars := make([]quire.Variable, len(names))
	for i, name := range names {
		vars[i] = quire.Variable{
			Name: name, Type: quire.ObjectVariable,
			Value: encode(map[string]string{"type": "unknown", "repr": "<unreadable: " + why + ">"}),
		}
	}
	return vars
}

// pythonVariables runs the reader in a namespace of its own, so that it leaves
// nothing behind in the notebook's.
func pythonVariables(names []string, s quire.RunSettings) string {
	// The notebook may have given exec and globals other meanings.
	return fmt.Sprintf(`__import__("builtins").exec(__import__("base64").b64decode("%s"), {"__name__": "quire", "ns": __import__("builtins").globals(), "MIME": %q, "names": %s, "max_rows": %d, "max_bytes": %d})`,
		base64.StdEncoding.EncodeToString([]byte(pythonReader)), variablesMIME, encode(names), s.MaxVariableRows, s.MaxVariableBytes)
}

func readPython(names []string) func(*jupyter.Message) []quire.Variable {
	return func(msg *jupyter.Message) []quire.Variable {
		var c displayContent
		if msg.Header.MsgType != "display_data" || !decode(msg.Content, &c) {
			return nil
		}
		published, ok := c.Data[variablesMIME].(string)
		if !ok {
			return nil
		}
		var vars []quire.Variable
		if json.Unmarshal([]byte(published), &vars) != nil || !answers(vars, names) {
			return nil
		}
		return vars
	}
}

// answers reports whether vars are the names asked for, each with a type that
// the API knows: the notebook owns the kernel and may have told anything.
func answers(vars []quire.Variable, names []string) bool {
	if len(vars) != len(names) {
		return false
	}
	for i, v := range vars {
		if v.Name != names[i] || !v.Type.Known() || (v.Value == nil) != (v.Type == quire.MissingVariable) {
			return false
		}
	}
	return true
}

// bashVariables prints one line for each name: = and the value in base64, or
// a minus sign for a name that is not set.
func bashVariables(names []string, _ quire.RunSettings) string {
	var b strings.Builder
	for _, name := range names {
		if strings.ContainsFunc(name, func(r rune) bool { return r == '.' || r > '~' }) {
			b.WriteString("echo -\n") // no name of a Bash variable
			continue
		}
		fmt.Fprintf(&b, "if [[ -v %s ]]; then printf '=%%s\\n' \"$(printf %%s \"$%s\" | base64 -w0)\"; else echo -; fi\n", name, name)
	}
	return b.String()
}

// readBash gathers the lines, which may come in any pieces.
func readBash(names []string) func(*jupyter.Message) []quire.Variable {
	var printed strings.Builder
	return func(msg *jupyter.Message) []quire.Variable {
		var c streamContent
		if msg.Header.MsgType != "stream" || !decode(msg.Content, &c) {
			return nil
		}
		printed.WriteString(c.Text)
		lines := strings.Split(strings.TrimSuffix(printed.String(), "\n"), "\n")
		if len(lines) < len(names) || !strings.HasSuffix(c.Text, "\n") {
			return nil
		}
		vars := make([]quire.Variable, len(names))
		for i, name := range names {
			vars[i] = bashVariable(name, strings.TrimSpace(lines[i]))
		}
		return vars
	}
}

func bashVariable(name, line string) quire.Variable {
	encoded, set := strings.CutPrefix(line, "=")
	if !set {
		return quire.Variable{Name: name, Type: quire.MissingVariable}
	}
	value, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return unreadable([]string{name}, "the kernel told something else")[0]
	}
	return quire.Variable{Name: name, Type: quire.StringVariable, Value: encode(string(value))}
}

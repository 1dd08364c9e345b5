package journal

import (
	"encoding/json"
	"errors"
	"maps"

	"quire"
	"quire/nbformat"
)

// stamp is what Quire writes into an executed notebook as metadata.quire.
type stamp struct {
	State   quire.State   `json:"state"`   // as of the moment of the snapshot
	Attempt int           `json:"attempt"` // 0 before the first
	Failure *stampFailure `json:"failure,omitempty"`
}

// stampFailure says why the state is FAILED or ABORTED.
type stampFailure struct {
	Kind    quire.FailureKind `json:"kind"`
	Message string            `json:"message"`
	Cell    *int              `json:"cell,omitempty"` // index in this notebook
	CellID  string            `json:"cellId,omitempty"`
}

func (n *Notebook) stamp() stamp {
	s := stamp{State: n.progress.State, Attempt: n.progress.Attempt}
	if f := n.progress.Failure; f != nil {
		s.Failure = &stampFailure{Kind: f.Kind, Message: f.Message, Cell: f.Cell, CellID: f.CellID}
	}
	return s
}

// kernelReady takes over the kernel's language, as far as nbformat allows it.
func (n *Notebook) kernelReady(e *quire.KernelReady) error {
	if len(e.LanguageInfo) == 0 {
		return nil
	}
	language := objectOf(e.LanguageInfo)
	for _, key := range []string{"name", "file_extension", "mimetype", "pygments_lexer", "codemirror_mode"} {
		value, ok := language[key]
		text := len(value) > 0 && value[0] == '"'
		mode := key == "codemirror_mode" && len(value) > 0 && value[0] == '{'
		if ok && !text && !mode {
			delete(language, key)
		}
	}
	if language["name"] == nil {
		return errors.New("language_info without a name")
	}
	n.language = language
	return nil
}

// metadata returns the notebook's metadata. What cannot be made into JSON is
// left out; that does not happen, for all of it was JSON before.
func (n *Notebook) metadata() nbformat.Object {
	m := maps.Clone(n.input.Metadata)
	if m == nil {
		m = nbformat.Object{}
	}
	if n.language != nil {
		set(m, "language_info", n.language)
	}
	if _, ok := m["kernelspec"]; !ok && n.kernel != "" {
		set(m, "kernelspec", map[string]string{"name": n.kernel, "display_name": n.kernel})
	}
	if state, err := n.widgets.metadata(); err == nil && state != nil {
		all := objectOf(m["widgets"])
		all[widgetStateType] = state
		set(m, "widgets", all)
	}
	set(m, "quire", n.stamp())
	return m
}

func set(m nbformat.Object, key string, value any) {
	if raw, err := json.Marshal(value); err == nil {
		m[key] = raw
	}
}

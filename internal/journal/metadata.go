package journal

import (
	"errors"
	"fmt"
	"maps"

	"quire"
	"quire/nbformat"
)

// stamp is what Quire writes into an executed notebook as metadata.quire.
type stamp struct {
	State   quire.State    `json:"state"`   // as of the moment of the snapshot
	Attempt int            `json:"attempt"` // 0 before the first
	Failure *stampFailure  `json:"failure,omitempty"`
	Bounds  *quire.Bounds  `json:"bounds,omitempty"`
	Receipt *quire.Receipt `json:"receipt,omitempty"`
}

// stampFailure says why the state is FAILED or ABORTED.
type stampFailure struct {
	Kind    quire.FailureKind `json:"kind"`
	Message string            `json:"message"`
	Cell    *int              `json:"cell,omitempty"` // index in this notebook
	CellID  string            `json:"cellId,omitempty"`
}

func (n *Notebook) stamp() stamp {
	s := stamp{State: n.progress.State, Attempt: n.progress.Attempt, Bounds: n.progress.Bounds, Receipt: n.progress.Receipt}
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
	language, err := parseObject(e.LanguageInfo)
	if err != nil {
		return fmt.Errorf("language_info: %w", err)
	}
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

// metadata returns the notebook's metadata. Set cannot fail here: all of it was
// JSON before.
func (n *Notebook) metadata() nbformat.Object {
	m := maps.Clone(n.input.Metadata)
	if m == nil {
		m = nbformat.Object{}
	}
	if n.language != nil {
		_ = m.Set("language_info", n.language)
	}
	if n.input.KernelName() == "" && n.kernel != "" {
		_ = m.Set("kernelspec", map[string]string{"name": n.kernel, "display_name": n.kernel})
	}
	if states, ok := n.widgets.snapshot(); ok {
		all, _ := nbformat.Get[nbformat.Object](m, "widgets")
		_ = all.Set(widgetStateType, states)
		_ = m.Set("widgets", all)
	}
	_ = m.Set("quire", n.stamp())
	return m
}

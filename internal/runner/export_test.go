package runner

import (
	"quire"
	"quire/jupyter"
)

// Translator returns what turns messages that answer the request into events of
// the first cell.
func Translator(msgID string, settings quire.RunSettings) func(*jupyter.Message) []quire.Event {
	t := newTranslator(newBudget(settings))
	t.begin(msgID, 0)
	return t.translate
}

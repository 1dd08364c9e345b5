package journal_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"quire"
	"quire/internal/journal"
	"quire/nbformat"
)

// input is a notebook that was run before: cell 0 is text, 1 and 2 are code,
// 3 is code tagged skip-execution, 4 holds parameters, 5 those injected by an
// earlier run, 6 is code.
const input = `{
 "nbformat": 4, "nbformat_minor": 5, "future": {"kept": true},
 "metadata": {"title": "t", "language_info": {"name": "old"}, "widgets": {"other": 1}},
 "cells": [
  {"cell_type": "markdown", "id": "text", "metadata": {}, "source": "# Text"},
  {"cell_type": "code", "id": "one", "metadata": {"execution": {"iopub.status.busy": "old"}, "mine": 1}, "source": "1", "execution_count": 7,
   "outputs": [{"output_type": "stream", "name": "stdout", "text": "old"}]},
  {"cell_type": "code", "id": "two", "metadata": {}, "source": "2", "execution_count": 8, "outputs": []},
  {"cell_type": "code", "id": "skip", "metadata": {"tags": ["skip-execution"], "execution": {"iopub.status.busy": "old"}}, "source": "3", "execution_count": 9,
   "outputs": [{"output_type": "stream", "name": "stdout", "text": "kept"}]},
  {"cell_type": "code", "id": "parameters", "metadata": {"tags": ["parameters"]}, "source": "a = 1", "execution_count": null, "outputs": []},
  {"cell_type": "code", "id": "injected-parameters", "metadata": {"tags": ["injected-parameters"]}, "source": "a = 2", "execution_count": 10, "outputs": []},
  {"cell_type": "code", "id": "six", "metadata": {}, "source": "6", "execution_count": null, "outputs": []}
 ]
}`

func parse(t testing.TB, text string) *nbformat.Notebook {
	t.Helper()
	nb, err := nbformat.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return nb
}

func started() quire.Event { return quire.Event{Started: &quire.Started{Attempt: 1, Cells: 5}} }

func cellStarted(cell int32) quire.Event {
	return quire.Event{CellStarted: &quire.CellStarted{Cell: cell}}
}

func stdout(cell int32, text string) quire.Event {
	return quire.Event{Stream: &quire.Stream{Cell: cell, Name: "stdout", Text: text}}
}

func stderr(cell int32, text string) quire.Event {
	return quire.Event{Stream: &quire.Stream{Cell: cell, Name: "stderr", Text: text}}
}

func display(cell int32, id, text string) quire.Event {
	return quire.Event{Output: &quire.Output{Cell: cell, DisplayID: id, Output: json.RawMessage(
		fmt.Sprintf(`{"output_type":"display_data","data":{"text/plain":%q},"metadata":{}}`, text))}}
}

func result(cell int32, count int, text string) quire.Event {
	return quire.Event{Output: &quire.Output{Cell: cell, Output: json.RawMessage(
		fmt.Sprintf(`{"output_type":"execute_result","data":{"text/plain":%q},"metadata":{},"execution_count":%d}`, text, count))}}
}

func raised(cell int32, name string) quire.Event {
	return quire.Event{Output: &quire.Output{Cell: cell, Output: json.RawMessage(
		fmt.Sprintf(`{"output_type":"error","ename":%q,"evalue":"why","traceback":["line"]}`, name))}}
}

func cleared(cell int32, wait bool) quire.Event {
	return quire.Event{OutputCleared: &quire.OutputCleared{Cell: cell, Wait: wait}}
}

func updated(id, text string) quire.Event {
	return quire.Event{DisplayUpdated: &quire.DisplayUpdated{DisplayID: id, Data: json.RawMessage(fmt.Sprintf(`{"text/plain":%q}`, text))}}
}

func finished(cell int32, status quire.CellStatus, count int32) quire.Event {
	return quire.Event{CellFinished: &quire.CellFinished{Cell: cell, Status: status, ExecutionCount: count}}
}

func ended(state quire.State) quire.Event {
	return quire.Event{Finished: &quire.Finished{State: state}}
}

func widget(id, state string) quire.Event {
	return quire.Event{WidgetUpdated: &quire.WidgetUpdated{WidgetID: id, State: json.RawMessage(state)}}
}

func usage(seconds float64) quire.Event {
	return quire.Event{Usage: &quire.Usage{CPUSeconds: seconds, MemoryBytes: 1 << 20}}
}

// into directs an output event into an Output widget.
func into(id string, e quire.Event) quire.Event {
	switch {
	case e.Stream != nil:
		e.Stream.WidgetID = id
	case e.Output != nil:
		e.Output.WidgetID = id
	case e.OutputCleared != nil:
		e.OutputCleared.WidgetID = id
	}
	return e
}

const outputModel = `{"_model_name":"OutputModel","_model_module":"@jupyter-widgets/output","_model_module_version":"1.0.0","msg_id":"","outputs":[]}`

// scripts are whole executions of the input.
func scripts() map[string][]quire.Event {
	cell := 1
	return map[string][]quire.Event{
		"succeeds": {
			started(),
			{KernelStarting: &quire.KernelStarting{Kernel: "python3"}},
			{KernelReady: &quire.KernelReady{LanguageInfo: json.RawMessage(`{"name":"python","version":"3.11"}`)}},
			usage(0.5), cellStarted(1), stdout(1, "a\n"), usage(1.5), stdout(1, "b\r"), stdout(1, "c"), stderr(1, "w"), stdout(1, "d"), result(1, 1, "1"),
			{CellFinished: &quire.CellFinished{
				Cell: 1, Status: quire.CellOK, ExecutionCount: 1,
				Timing: map[string]string{"iopub.status.busy": "t1", "shell.execute_reply": "t2"},
			}},
			cellStarted(2), display(2, "d", "before"), display(2, "", "x"), updated("d", "after"), finished(2, quire.CellOK, 2),
			finished(3, quire.CellSkipped, 0),
			cellStarted(6), finished(6, quire.CellOK, 3),
			{OutputVariables: &quire.OutputVariables{Variables: []quire.Variable{{Name: "a", Type: quire.NullVariable}}}},
			usage(2), ended(quire.Succeeded),
		},
		"fails": {
			started(), cellStarted(1), stdout(1, "half"), raised(1, "ValueError"), finished(1, quire.CellError, 1),
			{Finished: &quire.Finished{State: quire.Failed, Failure: &quire.Failure{
				Kind: quire.CellFailed, Message: "the cell raised ValueError", Cell: &cell, CellID: "one", Traceback: []string{"long"},
			}}},
		},
		"injects": {
			{Started: &quire.Started{Attempt: 1, Cells: 5, Injected: &quire.InjectedCell{Index: 5, ID: "injected-parameters", Source: "a = 3"}}},
			cellStarted(5), finished(5, quire.CellOK, 1),
			cellStarted(6), stdout(6, "3"), finished(6, quire.CellOK, 2), ended(quire.Succeeded),
		},
		"is tried again": {
			started(), cellStarted(1), stdout(1, "first"),
			{Finished: &quire.Finished{State: quire.Failed, Retry: true}},
			{Started: &quire.Started{Attempt: 2, Cells: 5}},
			cellStarted(1), stdout(1, "second"), finished(1, quire.CellOK, 1),
			ended(quire.Aborted),
		},
		"clears": {
			started(), cellStarted(1), display(1, "d", "x"), cleared(1, true), stdout(1, "y"), cleared(1, false), updated("d", "z"),
			cleared(1, true), finished(1, quire.CellOK, 1), ended(quire.Succeeded),
		},
		"widgets": {
			started(), cellStarted(1), widget("out", outputModel), widget("slider", `{"_model_name":"IntSliderModel","value":1}`),
			into("out", stdout(1, "in")), into("out", display(1, "d", "before")), display(1, "d", "again"), widget("slider", `{"value":2}`),
			{WidgetUpdated: &quire.WidgetUpdated{WidgetID: "slider", Buffers: json.RawMessage(`[{"path":["v"],"data":"AA==","encoding":"base64"}]`)}},
			updated("d", "after"), into("out", cleared(1, true)), into("out", stdout(1, "new")),
			{WidgetUpdated: &quire.WidgetUpdated{WidgetID: "slider", Closed: true}},
			finished(1, quire.CellOK, 1), ended(quire.Succeeded),
		},
		"is cut": {
			started(), cellStarted(1), stdout(1, "much"),
			{OutputCut: &quire.OutputCut{Cell: 1, Limit: "cell", Bytes: "67108864"}},
			{CellFinished: &quire.CellFinished{Cell: 1, Status: quire.CellInterrupted, ErrorName: "Interrupted", ErrorValue: "cancelled"}},
			ended(quire.Aborted),
		},
	}
}

// describe renders what an execution leaves in the code cells, a line an output.
func describe(nb *nbformat.Notebook) string {
	var b strings.Builder
	for i, c := range nb.Cells {
		if c.Type != nbformat.Code {
			continue
		}
		fmt.Fprintf(&b, "%d [%d]", i, c.ExecutionCount)
		if raw, ok := c.Metadata["execution"]; ok {
			fmt.Fprintf(&b, " %s", raw)
		}
		b.WriteString("\n")
		describeOutputs(&b, c.Outputs)
	}
	return b.String()
}

func describeOutputs(b *strings.Builder, outputs []nbformat.Output) {
	for _, o := range outputs {
		switch o.Type {
		case nbformat.StreamOutput:
			fmt.Fprintf(b, "  %s %q\n", o.Name, o.Text)
		case nbformat.DisplayData:
			fmt.Fprintf(b, "  display %s\n", o.Data["text/plain"])
		case nbformat.ExecuteResult:
			fmt.Fprintf(b, "  result %d %s\n", o.ExecutionCount, o.Data["text/plain"])
		case nbformat.ErrorOutput:
			fmt.Fprintf(b, "  error %s: %s %q\n", o.ErrorName, o.ErrorValue, o.Traceback)
		}
	}
}

// reduce applies events that all make sense.
func reduce(t testing.TB, text string, events ...quire.Event) *journal.Notebook {
	t.Helper()
	n := journal.NewNotebook(parse(t, text))
	for i, e := range events {
		e.Seq = int32(i + 1)
		if err := n.Apply(e); err != nil {
			t.Error(err)
		}
	}
	return n
}

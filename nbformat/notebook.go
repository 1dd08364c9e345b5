// Package nbformat reads, validates, upgrades and writes Jupyter notebooks:
// nbformat 4.0 to 4.5 as they are, 2 and 3 upgraded to 4.5, a higher minor of 4
// kept. Fields that it does not know come out as they went in, on read as JSON
// on one line with its keys sorted. It executes nothing.
package nbformat

import "encoding/json"

// Object is a JSON object whose values are kept as they were read.
type Object map[string]json.RawMessage

// Notebook is an nbformat 4 notebook.
type Notebook struct {
	Major, Minor int // of the file that Write makes; Major is always 4
	Metadata     Object
	Cells        []*Cell
	Extra        Object // unknown fields of the notebook
}

// CellType is a cell's cell_type.
type CellType string

// The cell types of nbformat 4.
const (
	Code     CellType = "code"
	Markdown CellType = "markdown"
	Raw      CellType = "raw"
)

// Cell is one cell. Outputs and ExecutionCount belong to code cells only.
type Cell struct {
	Type           CellType
	ID             string // nbformat 4.5; empty before
	Source         string // lines joined
	Metadata       Object
	Outputs        []Output
	ExecutionCount int    // 0 is null: kernels count from 1
	Extra          Object // unknown fields, and attachments
}

// OutputType is an output's output_type.
type OutputType string

// The output types of nbformat 4.
const (
	StreamOutput  OutputType = "stream"
	DisplayData   OutputType = "display_data"
	ExecuteResult OutputType = "execute_result"
	ErrorOutput   OutputType = "error"
)

// Output is one output of a code cell; which fields are set follows from Type.
// Its JSON form is nbformat's.
type Output struct {
	Type           OutputType
	Name           string // stream: stdout or stderr
	Text           string // stream: lines joined
	Data           Object // display_data, execute_result: by MIME type
	Metadata       Object // display_data, execute_result
	ExecutionCount int    // execute_result
	ErrorName      string // error: ename, evalue, traceback
	ErrorValue     string
	Traceback      []string
	Extra          Object // unknown fields
}

package nbformat

import (
	"encoding/json"

	"quire"
	"quire/internal/rawjson"
)

// MarshalJSON returns nbformat's form of the output on one line, with every
// text in one string. It returns what Validate returns.
func (o Output) MarshalJSON() ([]byte, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	e := encoder{}
	e.output(&o)
	return e.buf, nil
}

// UnmarshalJSON reads nbformat's form of an output. An output of a type that
// this package does not know keeps all its fields in Extra.
func (o *Output) UnmarshalJSON(data []byte) error {
	if err := checkSyntax("the output", data); err != nil {
		return err
	}
	read, err := readOutput(newFields("output", data))
	if err != nil {
		return err
	}
	*o = read
	return nil
}

// ReadOutput is UnmarshalJSON for data that nobody changes afterwards: long
// texts of the output stay in its memory.
func ReadOutput(data []byte) (Output, error) {
	if err := checkSyntax("the output", data); err != nil {
		return Output{}, err
	}
	f := newFields("output", data)
	f.shared = true
	return readOutput(f)
}

// Validate returns an InvalidArgument error unless the output has what its
// type asks for and every value in it is JSON.
func (o *Output) Validate() error { return o.check("output", checkValue) }

func readOutput(f *fields) (Output, error) {
	f.require("output_type")
	o := Output{Type: OutputType(f.string("output_type"))}
	if f.err == nil && o.Type == "" {
		f.fail("output_type", "must not be empty")
	}
	switch o.Type {
	case StreamOutput:
		if !f.has("name") {
			o.Name = "stdout"
		} else {
			o.Name = f.string("name")
		}
		o.Text = f.multiline("text")
	case ExecuteResult:
		o.ExecutionCount = f.count("execution_count")
		o.Data, o.Metadata = f.bundle("data"), f.object("metadata")
	case DisplayData:
		o.Data, o.Metadata = f.bundle("data"), f.object("metadata")
	case ErrorOutput:
		o.ErrorName, o.ErrorValue = f.string("ename"), f.string("evalue")
		o.Traceback = f.strings("traceback")
	}
	o.Extra = f.rest()
	return o, f.err
}

// known reports whether nbformat 4.5 has the type.
func (t OutputType) known() bool {
	switch t {
	case StreamOutput, DisplayData, ExecuteResult, ErrorOutput:
		return true
	default:
		return false
	}
}

// output writes an output.
func (e *encoder) output(o *Output) {
	known := []field{{"output_type", func() { e.text(string(o.Type)) }}}
	switch o.Type {
	case StreamOutput:
		known = append(known,
			field{"name", func() { e.text(o.Name) }},
			field{"text", func() { e.multiline(o.Text) }})
	case DisplayData, ExecuteResult:
		known = append(known,
			field{"data", func() { e.bundle(o.Data) }},
			field{"metadata", func() { e.object(o.Metadata) }})
		if o.Type == ExecuteResult {
			known = append(known, field{"execution_count", func() { e.count(o.ExecutionCount) }})
		}
	case ErrorOutput:
		known = append(known,
			field{"ename", func() { e.text(o.ErrorName) }},
			field{"evalue", func() { e.text(o.ErrorValue) }},
			field{"traceback", func() { e.texts(o.Traceback) }})
	}
	e.object(o.Extra, known...)
}

// check validates the output at a place; value checks what is kept as JSON.
func (o *Output) check(at string, value func(json.RawMessage) error) error {
	if o.Type == "" {
		return invalidAt(join(at, "output_type"), "must not be empty")
	}
	if o.ExecutionCount < 0 {
		return invalidAt(join(at, "execution_count"), "must be null or a whole number from 0")
	}
	if err := checkObject(join(at, "data"), o.Data, value); err != nil {
		return err
	}
	if err := checkObject(join(at, "metadata"), o.Metadata, value); err != nil {
		return err
	}
	if err := checkObject(at, o.Extra, value); err != nil {
		return err
	}
	for mime, raw := range o.Data {
		if isJSON(mime) || kind(raw) == '"' {
			continue
		}
		if _, ok := joinLines(raw, ""); !ok {
			return invalidAt(join(at, "data"), "must hold strings or lists of strings where the MIME type is not JSON")
		}
	}
	return nil
}

// checkObject applies value to the values of an object.
func checkObject(at string, o Object, value func(json.RawMessage) error) error {
	for _, raw := range o {
		if err := value(raw); err != nil {
			return quire.Errorf(quire.InvalidArgument, "%s: %w", at, err)
		}
	}
	return nil
}

// checkValue returns an error unless raw is JSON that a notebook may hold.
func checkValue(raw json.RawMessage) error {
	if !rawjson.Valid(raw) && !json.Valid(raw) { // bytes that are no UTF-8 are replaced when they are written
		return quire.Errorf(quire.InvalidArgument, "a value is not JSON")
	}
	if tooDeep(raw) {
		return quire.Errorf(quire.InvalidArgument, "a value %s", tooDeepText)
	}
	return nil
}

package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// output is the form in which a command prints its result.
type output string

const (
	asText output = "text"
	asJSON output = "json"
)

func (o *output) String() string { return string(*o) }

// Set makes output a flag's value.
func (o *output) Set(s string) error {
	if s != string(asText) && s != string(asJSON) {
		return fmt.Errorf("must be %s or %s", asText, asJSON)
	}
	*o = output(s)
	return nil
}

// Type is the name of such a value in the help.
func (o *output) Type() string { return "format" }

// flag adds -o to the command and those below it.
func (o *output) flag(cmd *cobra.Command) {
	*o = asText
	cmd.PersistentFlags().VarP(o, "output", "o", "form of the result: text or json")
	completeWith(cmd, "output", cobra.FixedCompletions([]string{string(asText), string(asJSON)}, cobra.ShellCompDirectiveNoFileComp))
}

// printMessage prints an object of the API as its JSON.
func (a *app) printMessage(m proto.Message) error {
	loose, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	var b bytes.Buffer // protojson's own white space is random
	if err := json.Indent(&b, loose, "", "  "); err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	b.WriteByte('\n')
	_, err = a.stdout.Write(b.Bytes())
	return err
}

// printValue prints v as JSON.
func (a *app) printValue(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// printTable prints rows under a header, aligned.
func (a *app) printTable(header []string, rows [][]string) error {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{header}, rows...) {
		if err := writeRow(w, row); err != nil {
			return err
		}
	}
	return w.Flush()
}

// printFields prints the fields that have a value, one a line.
func (a *app) printFields(fields [][2]string) error {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, f := range fields {
		if f[1] == "" {
			continue
		}
		if err := writeRow(w, f[:]); err != nil {
			return err
		}
	}
	return w.Flush()
}

func writeRow(w *tabwriter.Writer, row []string) error {
	cells := make([]string, len(row))
	for i, cell := range row {
		cells[i] = printable(cell)
	}
	_, err := fmt.Fprintln(w, strings.Join(cells, "\t"))
	return err
}

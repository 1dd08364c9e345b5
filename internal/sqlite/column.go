package sqlite

import (
	"bytes"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// The types below stand for one column each. They wrap a pointer, so that the
// same list of fields serves as the arguments of an INSERT and as the
// destinations of a Scan and cannot get out of step.
var (
	_ sql.Scanner   = jsonText[int]{}
	_ driver.Valuer = jsonText[int]{}
	_ sql.Scanner   = moment{}
	_ driver.Valuer = moment{}
	_ sql.Scanner   = rawText{}
	_ driver.Valuer = rawText{}
)

// jsonText is a column that holds a value as JSON, nil as null. Numbers of no
// fixed type are read as json.Number.
type jsonText[T any] struct{ value *T }

func asJSON[T any](value *T) jsonText[T] { return jsonText[T]{value} }

func (j jsonText[T]) Value() (driver.Value, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // a json.RawMessage keeps its letters
	if err := enc.Encode(j.value); err != nil {
		return nil, err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

func (j jsonText[T]) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("JSON column holds a %T", src)
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	return dec.Decode(j.value)
}

// moment is a column of nanoseconds since 1970, 0 for the zero time.
type moment struct{ t *time.Time }

func (m moment) Value() (driver.Value, error) { return nanoseconds(*m.t), nil }

func (m moment) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("time column holds a %T", src)
	}
	*m.t = time.Time{}
	if n != 0 {
		*m.t = time.Unix(0, n).UTC()
	}
	return nil
}

func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// rawText is a column that holds JSON as it was given, nil as NULL.
type rawText struct{ raw *json.RawMessage }

func (r rawText) Value() (driver.Value, error) {
	if *r.raw == nil {
		return nil, nil
	}
	return string(*r.raw), nil
}

func (r rawText) Scan(src any) error {
	switch src := src.(type) {
	case nil:
		*r.raw = nil
	case string:
		*r.raw = json.RawMessage(src)
	default:
		return fmt.Errorf("raw JSON column holds a %T", src)
	}
	return nil
}

// fold makes texts that differ only in case equal. SQLite's own LIKE and lower
// know the case of ASCII letters only.
func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }

package runner

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"quire"
)

// literal writes a JSON value as a literal of a language.
type literal struct {
	null, yes, no           string
	list, listEnd           string
	dict, dictEnd, keyValue string // keyValue formats the quoted key and the value
	integer                 func(digits string) string
	quote                   func(s string) string
}

var (
	pythonLiteral = literal{
		null: "None", yes: "True", no: "False",
		list: "[", listEnd: "]", dict: "{", dictEnd: "}", keyValue: "%s: %s",
		integer: func(d string) string { return d }, quote: quoteASCII,
	}
	rLiteral = literal{
		null: "NULL", yes: "TRUE", no: "FALSE",
		list: "list(", listEnd: ")", dict: "list(", dictEnd: ")", keyValue: "%s = %s",
		integer: rInteger, quote: quoteASCII,
	}
	juliaLiteral = literal{
		null: "nothing", yes: "true", no: "false",
		list: "[", listEnd: "]", dict: "Dict(", dictEnd: ")", keyValue: "%s => %s",
		integer: func(d string) string { return d },
		// A dollar sign would interpolate.
		quote: func(s string) string { return strings.ReplaceAll(quoteASCII(s), "$", `\$`) },
	}
	scalaLiteral = literal{
		null: "None", yes: "true", no: "false",
		list: "Seq(", listEnd: ")", dict: "Map(", dictEnd: ")", keyValue: "%s -> %s",
		integer: scalaInteger, quote: quoteUTF16,
	}
)

// write returns v as a literal. Object keys are sorted.
func (l literal) write(v any) string {
	switch v := v.(type) {
	case nil:
		return l.null
	case bool:
		if v {
			return l.yes
		}
		return l.no
	case string:
		return l.quote(v)
	case json.Number, float64:
		return l.number(v)
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = l.write(item)
		}
		return l.list + strings.Join(items, ", ") + l.listEnd
	case map[string]any:
		items := make([]string, 0, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			items = append(items, fmt.Sprintf(l.keyValue, l.quote(key), l.write(v[key])))
		}
		return l.dict + strings.Join(items, ", ") + l.dictEnd
	}
	return l.quote(fmt.Sprint(v))
}

// number writes a JSON number in its shortest form, whole ones as the
// language's integers: 3.0 is 3, as it is in the environment.
func (l literal) number(v any) string {
	s := envValue(v)
	if strings.ContainsAny(s, ".eE") {
		return s
	}
	return l.integer(s)
}

// rInteger appends R's integer suffix where the number fits one.
func rInteger(d string) string {
	if n, err := strconv.ParseInt(d, 10, 32); err == nil && n > -1<<31 {
		return d + "L"
	}
	return d
}

// scalaInteger writes a Long where an Int is too small, and a BigInt beyond.
func scalaInteger(d string) string {
	if _, err := strconv.ParseInt(d, 10, 32); err == nil {
		return d
	}
	if _, err := strconv.ParseInt(d, 10, 64); err == nil {
		return d + "L"
	}
	return `BigInt("` + d + `")`
}

// quoteASCII returns s as a double-quoted literal of printable ASCII, in the
// escapes that Python, R and Julia share.
func quoteASCII(s string) string {
	return quoted(s, func(r rune) string { return fmt.Sprintf(`\U%08x`, r) })
}

// quoteUTF16 is quoteASCII for languages whose escapes are UTF-16 units, as JSON's are.
func quoteUTF16(s string) string {
	return quoted(s, func(r rune) string {
		high, low := utf16.EncodeRune(r)
		return fmt.Sprintf(`\u%04x\u%04x`, high, low)
	})
}

// quoted escapes what lies beyond 16 bits by astral.
func quoted(s string, astral func(r rune) string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r >= ' ' && r <= '~':
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(astral(r))
		}
	}
	b.WriteByte('"')
	return b.String()
}

// bashLiteral returns v in single quotes, in the form that input variables
// have in the environment.
func bashLiteral(v any) string {
	return "'" + strings.ReplaceAll(envValue(v), "'", `'\''`) + "'"
}

// envValue is quire.EnvValue for inputs that quire.CheckInputs has let pass.
func envValue(v any) string {
	s, err := quire.EnvValue(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return s
}

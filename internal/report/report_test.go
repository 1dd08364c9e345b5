package report_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"quire/internal/report"
	"quire/nbformat"
)

// write returns the report of a notebook of the given cells, as JSON.
func write(t *testing.T, o *report.Options, cells ...string) string {
	t.Helper()
	nb, err := nbformat.Parse([]byte(`{"nbformat":4,"nbformat_minor":5,"metadata":{"language_info":{"name":"python"},
		"quire":{"state":"FAILED","failure":{"kind":"cell","message":"a <cell> raised"}}},"cells":[` + strings.Join(cells, ",") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := report.Write(&b, nb, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func quote(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}

func code(source, metadata string, outputs ...string) string {
	return `{"cell_type":"code","id":"c` + regexp.MustCompile(`\W`).ReplaceAllString(source, "") + `","metadata":` + metadata +
		`,"execution_count":1,"source":` + quote(source) + `,"outputs":[` + strings.Join(outputs, ",") + `]}`
}

func display(mime, data string) string {
	return `{"output_type":"display_data","metadata":{},"data":{"` + mime + `":` + quote(data) + `}}`
}

func stream(text string) string {
	return `{"output_type":"stream","name":"stdout","text":` + quote(text) + `}`
}

func TestReportShows(t *testing.T) {
	t.Parallel()
	got := write(t, &report.Options{Title: "a & b.ipynb"},
		`{"cell_type":"markdown","id":"m","metadata":{},"source":"# Title\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n$a_1 + b_1$ ![p](attachment:p.png)","attachments":{"p.png":{"image/png":"aGk="}}}`,
		code("x = 1 < 2", "{}", stream("\x1b[1;31mred\x1b[0m <b>\n"), display("text/html", `<table style="color: red"><tr><td>42</td></tr></table>`)),
		code("draw()", "{}", display("image/png", "aGVs\nbG8="), display("image/svg+xml", "<svg/>"), display("application/json", "{}")),
		code("1/0", "{}", `{"output_type":"error","ename":"E","evalue":"v","traceback":["\u001b[91mE: v\u001b[0m"]}`),
	)
	for _, want := range []string{
		"<title>a &amp; b.ipynb</title>", "a &lt;cell&gt; raised", ">FAILED<", "Title</h1>", "<td>1</td>", "<code>a_1 + b_1</code>",
		`src="data:image/png;base64,aGk="`, `<span class="bold f1">red</span> &lt;b&gt;`, "<td>42</td>", `style="color: red"`,
		`src="data:image/png;base64,aGVsbG8="`, `src="data:image/svg+xml;base64,PHN2Zy8+"`, `<span class="f9">E: v</span>`, report.Policy,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

func TestReportHonoursTags(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		metadata      string
		hide          bool
		code, output  bool
		folded        bool
		cellIsRemoved bool
	}{
		"nothing said":           {metadata: "{}", code: true, output: true},
		"remove-input":           {metadata: `{"tags":["remove-input"]}`, output: true},
		"remove_input":           {metadata: `{"tags":["remove_input"]}`, output: true},
		"hide-input":             {metadata: `{"tags":["hide-input"]}`, code: true, output: true, folded: true},
		"remove-cell":            {metadata: `{"tags":["remove-cell"]}`},
		"hide-cell":              {metadata: `{"tags":["hide-cell"]}`, code: true, output: true, folded: true},
		"remove-output":          {metadata: `{"tags":["remove-output"]}`, code: true},
		"hide-output":            {metadata: `{"tags":["hide-output"]}`, code: true, output: true, folded: true},
		"papermill's report":     {metadata: `{"jupyter":{"source_hidden":true}}`, output: true},
		"outputs hidden":         {metadata: `{"jupyter":{"outputs_hidden":true}}`, code: true, output: true, folded: true},
		"the code is not wanted": {metadata: "{}", hide: true, output: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := write(t, &report.Options{HideCode: test.hide}, code("SOURCE", test.metadata, stream("PRINTED")))
			if strings.Contains(got, "SOURCE") != test.code {
				t.Errorf("code shown: got %v, want %v", !test.code, test.code)
			}
			if strings.Contains(got, "PRINTED") != test.output {
				t.Errorf("output shown: got %v, want %v", !test.output, test.output)
			}
			if strings.Contains(got, "<details>") != test.folded {
				t.Errorf("folded: got %v, want %v", !test.folded, test.folded)
			}
		})
	}
}

// TestReportIsHarmless: nothing of what a notebook brings runs, loads or leads
// where it may not.
func TestReportIsHarmless(t *testing.T) {
	t.Parallel()
	hostile := []string{
		`<script>alert(1)</script>`, `<img src=x onerror=alert(1)>`, `<img src="https://evil.test/p.png">`, `<a href="javascript:alert(1)">x</a>`,
		`<meta http-equiv="refresh" content="0;url=https://evil.test">`, `<form action="https://evil.test"><input name=a></form>`,
		`<iframe src="https://evil.test"></iframe>`, `<object data="https://evil.test"></object>`, `<base href="https://evil.test/">`,
		`<style>@import url(https://evil.test/a.css);</style>`, `<link rel=stylesheet href="https://evil.test/a.css">`,
		`<div style="background-image:url(https://evil.test/b)">x</div>`, `<div style="position:fixed;top:0">over all</div>`,
		`<svg onload=alert(1)><script>alert(1)</script></svg>`, `<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>`,
		`</main></body><script>alert(1)</script>`, `<a href="data:text/html,<script>alert(1)</script>">x</a>`, `<details ontoggle=alert(1) open>x</details>`,
	}
	forbidden := regexp.MustCompile(`(?i)<script|\son\w+\s*=|javascript:|<meta http-equiv="refresh|<form|<input|<iframe|<object|<base|<link|@import|url\(|position:|src="http|href="data:|<svg`)
	for _, given := range hostile {
		for _, cell := range []string{
			code("x", "{}", display("text/html", given)),
			code("x", "{}", display("text/markdown", given)),
			code("x", "{}", display("image/png", given)),
			code("x", "{}", display("image/png", `"><script>alert(1)</script>`)),
			code("x", "{}", stream(given)),
			`{"cell_type":"markdown","id":"m","metadata":{},"source":` + quote(given) + `}`,
			`{"cell_type":"markdown","id":"m","metadata":{},"source":` + quote("![a](https://evil.test/p.png) [b](javascript:alert(1)) ![c](attachment:c)") +
				`,"attachments":{"c":{"image/png":"\" onload=\"alert(1)"}}}`,
		} {
			whole := write(t, nil, cell)
			_, body, _ := strings.Cut(whole, "</header>")
			// What is shown as text has its brackets escaped.
			text := regexp.MustCompile(`&(lt|#34|quot|#39|gt|amp);`)
			shown := body
			if at := text.FindStringIndex(body); at != nil {
				shown = regexp.MustCompile(`(?s)<pre[^>]*>.*?</pre>|<p>[^<]*</p>`).ReplaceAllString(body, "")
			}
			if bad := forbidden.FindString(shown); bad != "" {
				t.Errorf("%q in the report of %s:\n%s", bad, cell, body)
			}
		}
	}
}

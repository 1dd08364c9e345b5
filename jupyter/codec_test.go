package jupyter_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"quire/jupyter"
)

func codec(t testing.TB, key string) *jupyter.Codec {
	t.Helper()
	c, err := jupyter.NewCodec(jupyter.ConnectionInfo{Key: key, SignatureScheme: "hmac-sha256"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCodecRoundTrip(t *testing.T) {
	t.Parallel()
	want := &jupyter.Message{
		Channel:      jupyter.Shell,
		Header:       jupyter.Header{MsgID: "2", Session: "s", Username: "u", Date: "yesterday", MsgType: "stream", Version: "5.4"},
		ParentHeader: jupyter.Header{MsgID: "1", MsgType: "execute_request"},
		Metadata:     json.RawMessage(`{"a":1}`),
		Content:      json.RawMessage(`{"text":"x"}`),
		Buffers:      [][]byte{[]byte("b"), {}},
	}
	for _, key := range []string{"", "secret"} {
		parts, err := codec(t, key).Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := codec(t, key).Decode(jupyter.Shell, append([][]byte{[]byte("identity")}, parts...))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("key %q (-want +got):\n%s", key, diff)
		}
	}
}

// TestSignature is against a signature made by Python's hmac.
func TestSignature(t *testing.T) {
	t.Parallel()
	const known = "bd27c4f96c6792886a73b448ac20703c6e0e1ba7046a01237c05cef1a53ce309"
	message := func(signature string) [][]byte {
		return [][]byte{
			[]byte("<IDS|MSG>"), []byte(signature),
			[]byte(`{"msg_type": "status"}`), []byte("{}"), []byte("{}"), []byte(`{"execution_state": "idle"}`),
		}
	}
	c := codec(t, "a0436f6c-1916-498b-8eb9-e81ab9368e84")
	if _, err := c.Decode(jupyter.IOPub, message(known)); err != nil {
		t.Errorf("got error %v for the right signature", err)
	}
	for _, wrong := range []string{"", "00", "1" + known[1:], known + "0"} {
		if _, err := c.Decode(jupyter.IOPub, message(wrong)); !errors.Is(err, jupyter.ErrBadMessage) {
			t.Errorf("got error %v for signature %q, want %v", err, wrong, jupyter.ErrBadMessage)
		}
	}
}

func TestDecodeOddHeaders(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		header, parent string
		want           *jupyter.Message // nil: refused
	}{
		"date is a number": {
			`{"msg_type": "status", "date": 12, "msg_id": "m"}`, `{}`,
			&jupyter.Message{Header: jupyter.Header{MsgType: "status", MsgID: "m"}},
		},
		"parent is null":     {`{"msg_type": "status"}`, `null`, &jupyter.Message{Header: jupyter.Header{MsgType: "status"}}},
		"parent is a list":   {`{"msg_type": "status"}`, `[1]`, &jupyter.Message{Header: jupyter.Header{MsgType: "status"}}},
		"parent is no JSON":  {`{"msg_type": "status"}`, `{`, nil},
		"header is no JSON":  {`<`, `{}`, nil},
		"header is a string": {`"x"`, `{}`, nil},
		"header is empty":    {``, `{}`, nil},
		"no type":            {`{}`, `{}`, nil},
	}
	for name, tt := range tests {
		got, err := codec(t, "").Decode("", [][]byte{
			[]byte("<IDS|MSG>"), nil, []byte(tt.header), []byte(tt.parent), nil, nil,
		})
		if tt.want == nil != errors.Is(err, jupyter.ErrBadMessage) {
			t.Errorf("%s: got error %v", name, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func FuzzParseMessage(f *testing.F) {
	seed := func(key string, m *jupyter.Message) {
		parts, err := codec(f, key).Encode(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(bytes.Join(parts, []byte("\x00")))
	}
	m := &jupyter.Message{Header: jupyter.Header{MsgID: "1", MsgType: "stream"}, Buffers: [][]byte{[]byte("b")}}
	seed("", m)
	seed("key", m)
	f.Add([]byte("id\x00<IDS|MSG>\x00\x00{\"msg_type\": 1}\x00null\x00{}\x00{}"))
	f.Add([]byte("<IDS|MSG>"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, wire []byte) {
		parts := bytes.Split(wire, []byte("\x00"))
		for _, key := range []string{"", "key"} {
			c := codec(t, key)
			got, err := c.Decode(jupyter.IOPub, parts)
			if err != nil {
				if !errors.Is(err, jupyter.ErrBadMessage) || got != nil {
					t.Fatalf("got message %v, error %v; want none, and %v", got, err, jupyter.ErrBadMessage)
				}
				continue
			}
			encoded, err := c.Encode(got)
			if err != nil {
				t.Fatalf("encode what was decoded: %v", err)
			}
			again, err := c.Decode(jupyter.IOPub, encoded)
			if err != nil {
				t.Fatalf("decode what was encoded: %v", err)
			}
			if got.Header != again.Header || got.ParentHeader != again.ParentHeader {
				t.Fatalf("got headers %v, then %v", got, again)
			}
		}
	})
}

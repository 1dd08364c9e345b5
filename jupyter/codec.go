package jupyter

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
)

// ErrBadMessage is wrapped by the errors of Codec.Decode.
var ErrBadMessage = errors.New("malformed message")

// delimiter stands between a message's routing prefix and its signature.
const delimiter = "<IDS|MSG>"

// signedParts are header, parent header, metadata and content.
const signedParts = 4

// Codec turns messages into the parts of the wire protocol and back. It is
// safe for concurrent use.
type Codec struct {
	key []byte // empty: nothing is signed
}

// NewCodec returns the codec for a connection's key and signature scheme.
func NewCodec(info ConnectionInfo) (*Codec, error) {
	if info.Key != "" && info.SignatureScheme != signatureScheme {
		return nil, fmt.Errorf("signature scheme %q is not supported, only %s", info.SignatureScheme, signatureScheme)
	}
	return &Codec{key: []byte(info.Key)}, nil
}

// Encode returns the parts of m, delimiter first; whatever routes the message
// goes before them. Absent metadata and content become empty objects.
func (c *Codec) Encode(m *Message) ([][]byte, error) {
	header, err := json.Marshal(m.Header)
	if err != nil {
		return nil, fmt.Errorf("encode header: %w", err)
	}
	parent := []byte("{}")
	if m.ParentHeader != (Header{}) {
		if parent, err = json.Marshal(m.ParentHeader); err != nil {
			return nil, fmt.Errorf("encode parent header: %w", err)
		}
	}
	signed := [signedParts][]byte{header, parent, orEmptyObject(m.Metadata), orEmptyObject(m.Content)}
	parts := make([][]byte, 0, 2+signedParts+len(m.Buffers))
	parts = append(parts, []byte(delimiter), c.signature(signed[:]))
	parts = append(parts, signed[:]...)
	return append(parts, m.Buffers...), nil
}

func orEmptyObject(raw json.RawMessage) []byte {
	if len(raw) == 0 {
		return []byte("{}")
	}
	return raw
}

// signature returns the hexadecimal signature, empty without a key.
func (c *Codec) signature(signed [][]byte) []byte {
	if len(c.key) == 0 {
		return nil
	}
	return sign(hmac.New(sha256.New, c.key), signed)
}

func sign(mac hash.Hash, signed [][]byte) []byte {
	for _, p := range signed {
		mac.Write(p)
	}
	var sum [sha256.Size]byte
	return hex.AppendEncode(make([]byte, 0, hex.EncodedLen(len(sum))), mac.Sum(sum[:0]))
}

// Decode parses a message's parts and checks its signature. The message
// shares memory with parts. Content and metadata are kept unparsed.
func (c *Codec) Decode(ch Channel, parts [][]byte) (*Message, error) {
	return newDecoder(c).decode(ch, parts, 0)
}

// decoder decodes message after message with little work for each: it keeps
// the signing hash, and the last parent header, which a cell's many outputs
// have in common.
type decoder struct {
	mac       hash.Hash // nil: unsigned
	parentRaw []byte
	parent    Header
}

func newDecoder(c *Codec) *decoder {
	d := &decoder{}
	if len(c.key) > 0 {
		d.mac = hmac.New(sha256.New, c.key)
	}
	return d
}

func (d *decoder) decode(ch Channel, parts [][]byte, skipped int64) (*Message, error) {
	start := 0
	for start < len(parts) && string(parts[start]) != delimiter {
		start++
	}
	parts = parts[min(start+1, len(parts)):]
	if len(parts) < 1+signedParts {
		return nil, fmt.Errorf("%w: too few parts", ErrBadMessage)
	}
	signed := parts[1 : 1+signedParts]
	m := &Message{Channel: ch, Skipped: skipped}
	if skipped == 0 {
		if !d.authentic(parts[0], signed) {
			return nil, fmt.Errorf("%w: wrong signature", ErrBadMessage)
		}
		m.Metadata, m.Content = signed[2], signed[3]
		m.Buffers = parts[1+signedParts:]
	}
	var err error
	if m.Header, err = parseHeader(signed[0]); err != nil {
		return nil, fmt.Errorf("%w: header: %w", ErrBadMessage, err)
	}
	if m.Header.MsgType == "" {
		return nil, fmt.Errorf("%w: header without msg_type", ErrBadMessage)
	}
	if m.ParentHeader, err = d.parentHeader(signed[1]); err != nil {
		return nil, fmt.Errorf("%w: parent header: %w", ErrBadMessage, err)
	}
	return m, nil
}

func (d *decoder) authentic(signature []byte, signed [][]byte) bool {
	if d.mac == nil {
		return true
	}
	d.mac.Reset()
	return hmac.Equal(signature, sign(d.mac, signed))
}

func (d *decoder) parentHeader(raw []byte) (Header, error) {
	if d.parentRaw != nil && bytes.Equal(raw, d.parentRaw) {
		return d.parent, nil
	}
	parent, err := parseHeader(raw)
	if err != nil {
		return Header{}, err
	}
	d.parentRaw, d.parent = bytes.Clone(raw), parent
	return parent, nil
}

// parseHeader is lenient with fields of other types: kernels in many languages
// write headers, and one odd field is no reason to lose an output.
func parseHeader(raw []byte) (Header, error) {
	var h Header
	err := json.Unmarshal(raw, &h)
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return h, nil
	}
	return h, err
}

package auth

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"quire"
)

// maxTokens bounds the list, which is read for every call that it has changed before.
const maxTokens = 1000

var tokenName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$`)

// Token is an API token as it is kept: without the token itself.
type Token struct {
	Name      string // the subject that it stands for
	CreatedAt time.Time

	digest digest
}

// snapshot is what tokensFile held when it had this state.
type snapshot struct {
	info   fs.FileInfo // nil: there was no file
	tokens []Token
}

// Create makes a token for the subject name and returns it. It is shown this
// once: only its digest is kept. A name in use is AlreadyExists.
func (t *Tokens) Create(name string) (string, error) {
	if !tokenName.MatchString(name) || name == Admin {
		return "", quire.Invalid("name", "%.100q is no name for a token: it takes up to 63 letters, digits, and . _ @ -, starts with a letter or digit, and is not %s", name, Admin)
	}
	token := newToken()
	err := t.change(func(tokens []Token) ([]Token, error) {
		if slices.ContainsFunc(tokens, func(k Token) bool { return k.Name == name }) {
			return nil, quire.Errorf(quire.AlreadyExists, "there is a token named %q already: revoke it first", name)
		}
		if len(tokens) >= maxTokens {
			return nil, quire.Errorf(quire.ResourceExhausted, "there are %d tokens, the most that there can be: revoke one first", len(tokens))
		}
		return append(tokens, Token{Name: name, CreatedAt: t.now().UTC().Truncate(time.Second), digest: digestOf(token)}), nil
	})
	if err != nil {
		return "", fmt.Errorf("create token: %w", err)
	}
	return token, nil
}

// List returns the API tokens, oldest first.
func (t *Tokens) List() ([]Token, error) {
	tokens, err := t.tokens()
	return slices.Clone(tokens), err
}

// Revoke makes the token of that name unknown, from the next call on. A name
// that has none is NotFound.
func (t *Tokens) Revoke(name string) error {
	err := t.change(func(tokens []Token) ([]Token, error) {
		left := slices.DeleteFunc(slices.Clone(tokens), func(k Token) bool { return k.Name == name })
		if len(left) == len(tokens) {
			return nil, quire.Errorf(quire.NotFound, "there is no token named %q", name)
		}
		return left, nil
	})
	if err != nil {
		return fmt.Errorf("revoke token: %w", err)
	}
	return nil
}

// tokens returns what the file holds at this moment. The slice is shared.
func (t *Tokens) tokens() ([]Token, error) {
	info, err := os.Stat(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read API tokens: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !sameState(t.known.info, info) {
		tokens, err := readTokens(t.path)
		if err != nil {
			return nil, fmt.Errorf("read API tokens: %w", err)
		}
		t.known = snapshot{info, tokens}
	}
	return t.known.tokens, nil
}

// sameState reports whether a file has not been replaced in between: every
// change puts a new file in its place.
func sameState(a, b fs.FileInfo) bool {
	return a != nil && os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// change replaces the file, one process at a time.
func (t *Tokens) change(f func([]Token) ([]Token, error)) error {
	lock, err := os.OpenFile(t.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close() // which unlocks
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return os.NewSyscallError("flock", err)
	}
	tokens, err := readTokens(t.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if tokens, err = f(tokens); err != nil {
		return err
	}
	return writeTokens(t.path, tokens)
}

// storedToken is a Token in the file.
type storedToken struct {
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"createdAt"`
	SHA256    string    `json:"sha256"`
}

func readTokens(path string) ([]Token, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var stored []storedToken
	if err := json.Unmarshal(data, &stored); err != nil {
		return nil, fmt.Errorf("decode %s: %w", tokensFile, err)
	}
	tokens := make([]Token, len(stored))
	for i, s := range stored {
		sum, err := hex.DecodeString(s.SHA256)
		if err != nil || len(sum) != len(digest{}) || s.Name == "" {
			return nil, fmt.Errorf("decode %s: entry %d is damaged", tokensFile, i)
		}
		tokens[i] = Token{Name: s.Name, CreatedAt: s.CreatedAt, digest: digest(sum)}
	}
	return tokens, nil
}

func writeTokens(path string, tokens []Token) error {
	stored := make([]storedToken, len(tokens))
	for i, k := range tokens {
		stored[i] = storedToken{Name: k.Name, CreatedAt: k.CreatedAt, SHA256: hex.EncodeToString(k.digest[:])}
	}
	data, err := json.MarshalIndent(stored, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(path, append(data, '\n'), os.Rename)
}

package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// prefix lets scanners of source code and logs recognise a token.
const prefix = "quire_"

// digest is the SHA-256 of a token: what is compared and what is stored. A
// token has 256 bits of randomness, so it needs no salt and no slow hash.
type digest [sha256.Size]byte

func digestOf(token string) digest { return sha256.Sum256([]byte(token)) }

// newToken returns a token that nobody can guess.
func newToken() string { return prefix + strings.ToLower(rand.Text()+rand.Text()) }

// adminToken reads the token at path, or makes one if there is none.
func adminToken(path string, log *slog.Logger) (string, error) {
	token, err := readToken(path, log)
	if !errors.Is(err, fs.ErrNotExist) {
		return token, err
	}
	token = newToken()
	err = writeFile(path, []byte(token+"\n"), os.Link)
	if errors.Is(err, fs.ErrExist) { // another process was first
		return readToken(path, log)
	}
	if err != nil {
		return "", fmt.Errorf("write admin token: %w", err)
	}
	return token, nil
}

func readToken(path string, log *slog.Logger) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if open := info.Mode().Perm() & 0o077; open != 0 {
		log.Warn("the admin token can be read by others on this machine: take the rights away with chmod 600", "path", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read admin token: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if len(token) < minToken {
		return "", fmt.Errorf("%s holds no token of %d characters or more: remove it to have a new one made", path, minToken)
	}
	return token, nil
}

// minToken refuses a token file that was cut short or filled by hand with a
// word: 32 characters can hold 128 bits.
const minToken = 32

// writeFile makes the file at path with mode 0600, whole or not at all, and
// durably. The new file comes to its name by place: os.Link, which fails if
// the name is taken, or os.Rename.
func writeFile(path string, data []byte, place func(from, to string) error) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if rm := os.Remove(f.Name()); rm != nil && !errors.Is(rm, fs.ErrNotExist) {
			err = errors.Join(err, rm)
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := place(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

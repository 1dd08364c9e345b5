package pyenv

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Settings are the operator's: where packages come from and what may be done
// to get them. No project can change them.
type Settings struct {
	Python          string   `json:"python"`                    // interpreter for declarations that ask for no version
	UV              string   `json:"uv,omitempty"`              // program; empty: the one on the PATH, or the store's own copy
	Index           string   `json:"index,omitempty"`           // URL of the package index; empty: PyPI
	ExtraIndexes    []string `json:"extraIndexes,omitempty"`    // URLs, asked before Index
	Credentials     string   `json:"credentials,omitempty"`     // netrc file of mode 0600 with the indexes' passwords
	FindLinks       []string `json:"findLinks,omitempty"`       // folders of wheels
	Offline         bool     `json:"offline,omitempty"`         // nothing is fetched
	AllowBuilds     bool     `json:"allowBuilds,omitempty"`     // source distributions may be built, which runs their code
	PythonDownloads bool     `json:"pythonDownloads,omitempty"` // uv may fetch a Python that the machine lacks
	Cache           string   `json:"cache,omitempty"`           // uv's cache; empty: the store's own
	Env             []string `json:"env,omitempty"`             // of uv: proxies and certificates, see NetworkEnv

	MaxUnused time.Duration `json:"maxUnused,omitempty"` // after which an environment is removed; 0: 30 days
	MaxKept   int           `json:"maxKept,omitempty"`   // environments that are kept; 0: 100
}

const (
	defaultMaxUnused = 30 * 24 * time.Hour
	defaultMaxKept   = 100
)

func (s Settings) check() error {
	for _, raw := range append([]string{s.Index}, s.ExtraIndexes...) {
		u, err := url.Parse(raw)
		switch {
		case err != nil: // whose text holds the URL
			return fmt.Errorf("the URL of a package index cannot be read")
		case u.User != nil:
			return fmt.Errorf("the URL of the package index at %s holds a password: put it into the file of credentials", u.Host)
		case raw != "" && u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "file" || strings.ContainsAny(raw, " \t\n"):
			return fmt.Errorf("%q is no URL of a package index", raw)
		}
	}
	for _, dir := range s.FindLinks {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() || !filepath.IsAbs(dir) {
			return fmt.Errorf("there is no folder of wheels %s", dir)
		}
	}
	if s.Credentials == "" {
		return nil
	}
	info, err := os.Stat(s.Credentials)
	if err != nil {
		return fmt.Errorf("read credentials of package indexes: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("the credentials in %s can be read by others: give the file mode 0600", s.Credentials)
	}
	return nil
}

// NetworkEnv picks from the server's environment what uv needs to reach an
// index from here: proxies and certificates.
func NetworkEnv(environ []string) []string {
	names := []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "UV_SYSTEM_CERTS", "UV_NATIVE_TLS"}
	var env []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if slices.Contains(names, strings.ToUpper(name)) {
			env = append(env, entry)
		}
	}
	return env
}

package files

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"quire"
)

// List returns a page of the project's files whose path starts with prefix,
// in the byte order of their paths, and the token of the next page: empty at
// the end. Links to files of the project are listed as those files, links to
// folders are not entered; what Open would refuse is left out, and so are
// folders without files. Memory grows with the page, not with the project.
//
// A page goes on where the one before ended, by path: files that come or go in
// between are seen or not, the others once each.
func (s *Store) List(ctx context.Context, id quire.ProjectID, prefix string, page quire.Page) ([]quire.File, string, error) {
	if err := validatePrefix(prefix); err != nil {
		return nil, "", err
	}
	if page.Size < 0 {
		return nil, "", quire.Invalid("page_size", "is %d; it must not be negative", page.Size)
	}
	after, err := parseToken(page.Token)
	if err != nil {
		return nil, "", err
	}
	root, err := s.root(ctx, id)
	if err != nil {
		return nil, "", err
	}
	defer root.Close()

	// One more than the page holds says whether there is a next one.
	l := &lister{root: root, prefix: prefix, after: after, want: page.Limit() + 1}
	if err := l.walk(ctx, ""); err != nil {
		return nil, "", err
	}
	if len(l.found) < l.want {
		return l.found, "", nil
	}
	files := l.found[:page.Limit()]
	return files, token(files[len(files)-1].Path), nil
}

// token hides the path after which a page starts.
func token(after string) string { return base64.RawURLEncoding.EncodeToString([]byte(after)) }

func parseToken(token string) (after string, err error) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil && len(b) > 0 {
		_, err = split(string(b))
	}
	if err != nil {
		return "", quire.Invalid("page_token", "was not given out by this list")
	}
	return string(b), nil
}

// lister collects up to want files after a path.
type lister struct {
	root   *os.Root
	prefix string
	after  string
	want   int
	found  []quire.File
}

// entry is a name in a folder. Its key has a slash at the end if it is a
// folder, so that the order of the keys is the order of the paths below them.
type entry struct {
	key    string
	folder bool
}

// walk lists the folder whose path is dir, which is empty or ends in a slash.
func (l *lister) walk(ctx context.Context, dir string) error {
	for last := ""; len(l.found) < l.want; {
		entries, err := l.scan(ctx, dir, last)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if len(l.found) == l.want {
				return nil
			}
			if !e.folder {
				l.add(e.key)
			} else if err := l.walk(ctx, e.key); err != nil {
				return err
			}
		}
		if len(entries) < l.want {
			return nil
		}
		last = entries[len(entries)-1].key
	}
	return nil
}

// add looks at the file at name and lists it if it is one.
func (l *lister) add(name string) {
	info, err := l.root.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return // gone by now, a link out of the project, a pipe …
	}
	l.found = append(l.found, quire.File{Path: name, Size: info.Size(), ModifiedAt: info.ModTime()})
}

// scan returns the first entries of a folder after the key last that can lead
// to files that are asked for, in order; fewer than l.want mean that there are
// no more. A folder that is no more, or that a notebook has closed, is empty.
func (l *lister) scan(ctx context.Context, dir, last string) ([]entry, error) {
	f, err := openFolder(l.root, path.Clean("./"+dir))
	if err != nil {
		return nil, nil //nolint:nilerr // it was a folder a moment ago
	}
	defer f.Close()
	var entries []entry
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		batch, err := f.ReadDir(1024)
		for _, d := range batch {
			if e, ok := l.entry(dir, d); ok && e.key > last {
				entries = append(entries, e)
			}
		}
		// More than twice the page is never held.
		if len(entries) >= 2*l.want || err != nil {
			slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.key, b.key) })
			entries = entries[:min(len(entries), l.want)]
		}
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, bare(err)
		}
	}
}

// entry returns what the walk makes of d, and false where no file that is
// asked for can be in it.
func (l *lister) entry(dir string, d fs.DirEntry) (entry, bool) {
	key := dir + d.Name()
	if _, err := split(key); err != nil {
		return entry{}, false // nobody could ask for it by this name
	}
	if !d.IsDir() {
		kind := d.Type()
		file := kind.IsRegular() || kind&fs.ModeSymlink != 0
		return entry{key, false}, file && key > l.after && strings.HasPrefix(key, l.prefix)
	}
	key += "/"
	passed := key < l.after && !strings.HasPrefix(l.after, key)
	below := strings.HasPrefix(key, l.prefix) || strings.HasPrefix(l.prefix, key)
	return entry{key, true}, below && !passed
}

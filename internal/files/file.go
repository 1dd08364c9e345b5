package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"quire"
	"quire/internal/crash"
)

// Put stores what r yields as the file at name, with the folders that it
// needs, over a file that is there. It is atomic: everyone sees the old file
// or the whole new one, which is on disk when Put returns, and if r or ctx
// fails nothing has changed. Memory does not grow with the file. A link at
// name is replaced, never followed.
func (s *Store) Put(ctx context.Context, id quire.ProjectID, name string, r io.Reader) (quire.File, error) {
	root, name, err := s.enter(ctx, id, name)
	if err != nil {
		return quire.File{}, err
	}
	defer root.Close()
	// Refused before a byte is taken in.
	if info, err := root.Lstat(name); err == nil && info.IsDir() {
		return quire.File{}, clientError(regular(info), name)
	} else if escapes(err) {
		return quire.File{}, clientError(err, name)
	}

	crash.At(crash.UploadBegin)
	f, scrap, err := s.projects.grow()
	if err != nil {
		return quire.File{}, clientError(err, name)
	}
	placed := false
	defer func() {
		if !placed { // what cannot be removed now goes at the next Open
			_ = s.projects.destroy(scrap)
		}
	}()
	source := &reader{ctx: ctx, r: r}
	info, err := write(f, source)
	if source.err != nil {
		return quire.File{}, fmt.Errorf("receive file: %w", source.err)
	}
	if err != nil {
		return quire.File{}, clientError(err, name)
	}

	crash.At(crash.UploadWritten)
	folder, err := makeFolders(root, path.Dir(name))
	if err != nil {
		return quire.File{}, clientError(err, name)
	}
	defer folder.Close()
	if err := s.projects.place(scrap, folder, path.Base(name)); err != nil {
		return quire.File{}, clientError(err, name)
	}
	placed = true
	crash.At(crash.UploadDone)
	return quire.File{Path: name, Size: info.Size(), ModifiedAt: info.ModTime()}, nil
}

// Open opens the file at name for reading. A link to a file is followed as
// long as it stays in the project. The caller closes the reader, which is an
// io.Seeker too.
func (s *Store) Open(ctx context.Context, id quire.ProjectID, name string) (io.ReadCloser, quire.File, error) {
	root, name, err := s.enter(ctx, id, name)
	if err != nil {
		return nil, quire.File{}, err
	}
	defer root.Close()
	f, info, err := openRegular(root, name)
	if err != nil {
		return nil, quire.File{}, clientError(err, name)
	}
	return f, quire.File{Path: name, Size: info.Size(), ModifiedAt: info.ModTime()}, nil
}

// Delete removes the file at name, or the link, pipe or socket that has its
// place; the folder that it was in stays.
func (s *Store) Delete(ctx context.Context, id quire.ProjectID, name string) error {
	root, name, err := s.enter(ctx, id, name)
	if err != nil {
		return err
	}
	defer root.Close()
	info, err := root.Lstat(name)
	if err != nil {
		return clientError(err, name)
	}
	if info.IsDir() {
		return clientError(regular(info), name)
	}
	if err := root.Remove(name); err != nil {
		return clientError(err, name)
	}
	return clientError(syncFolder(root, path.Dir(name)), name)
}

// Dir returns the absolute path on this machine, free of links, of the folder
// that the file at name is in: the place for a kernel to run. A folder that is
// not there is made: a notebook may be run again after its file has gone.
func (s *Store) Dir(ctx context.Context, id quire.ProjectID, name string) (string, error) {
	root, name, err := s.enter(ctx, id, name)
	if err != nil {
		return "", err
	}
	defer root.Close()
	folder, err := makeFolders(root, path.Dir(name))
	if err != nil {
		return "", clientError(err, name)
	}
	defer folder.Close()
	want, err := folder.Stat()
	if err != nil {
		return "", clientError(err, name)
	}

	top := filepath.Join(s.projects.dir, string(id))
	dir, err := filepath.EvalSymlinks(filepath.Join(top, filepath.FromSlash(path.Dir(name))))
	if err != nil {
		return "", clientError(err, name)
	}
	// The root has looked once and this is the second look: a notebook may
	// have put a link there in between.
	got, err := os.Stat(dir)
	if err != nil {
		return "", clientError(err, name)
	}
	if !os.SameFile(want, got) || dir != top && !strings.HasPrefix(dir, top+string(filepath.Separator)) {
		return "", quire.Invalid("path", "%q leaves the project by a link", name)
	}
	return dir, nil
}

// makeFolders makes the folder name with all above it, durably, and opens it.
func makeFolders(root *os.Root, name string) (*os.File, error) {
	folder, err := openFolder(root, name)
	if !errors.Is(err, fs.ErrNotExist) {
		return folder, err
	}
	above := "."
	for element := range strings.SplitSeq(name, "/") {
		next := path.Join(above, element)
		switch err := root.Mkdir(next, 0o755); {
		case err == nil:
			if err := syncFolder(root, above); err != nil {
				return nil, err
			}
		case !errors.Is(err, fs.ErrExist):
			return nil, err
		}
		above = next
	}
	folder, err = openFolder(root, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errDangling // it is there and it is not
	}
	return folder, err
}

// reader ends with its context, and remembers that it was the one that failed.
type reader struct {
	ctx context.Context //nolint:containedctx // io.Reader has no place for one, and a reader lives within one call
	r   io.Reader
	err error
}

func (r *reader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		r.err = context.Cause(r.ctx)
		return 0, r.err
	}
	n, err := r.r.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

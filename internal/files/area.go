package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"quire"
	"quire/internal/crash"
)

// area is a folder of folders that come and go as wholes: DATA/<name>/<id>. In
// DATA/tmp/<name>, on the same file system, things grow before they are moved
// to their place, and go to be removed: whatever a crash leaves there is rubbish.
type area struct {
	dir  string // absolute path of DATA/<name>, links resolved
	name string
	data *os.Root
	tmp  *os.File // DATA/tmp/<name>
}

func openArea(dir, name string) (*area, error) {
	for _, d := range []string{filepath.Join(dir, name), filepath.Join(dir, "tmp", name)} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("make data folder: %w", err)
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find data folder: %w", err)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, fmt.Errorf("find data folder: %w", err)
	}
	data, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open data folder: %w", err)
	}
	a := &area{dir: filepath.Join(dir, name), name: name, data: data}
	if a.tmp, err = data.Open(a.scrap("")); err != nil {
		return nil, errors.Join(fmt.Errorf("open data folder: %w", err), data.Close())
	}
	if err := a.empty(); err != nil {
		return nil, errors.Join(fmt.Errorf("empty %s: %w", a.scrap(""), err), a.Close())
	}
	// The folders themselves must outlast a power cut: what is in them does.
	if err := a.syncFolder("."); err != nil {
		return nil, errors.Join(fmt.Errorf("sync data folder: %w", bare(err)), a.Close())
	}
	return a, nil
}

// Close releases the folders; nothing is removed.
func (a *area) Close() error { return errors.Join(a.tmp.Close(), a.data.Close()) }

func (a *area) item(id string) string    { return path.Join(a.name, id) }
func (a *area) scrap(name string) string { return path.Join("tmp", a.name, name) }

// empty removes what an interrupted process left behind.
func (a *area) empty() error {
	names, err := a.tmp.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := a.destroy(name); err != nil {
			return err
		}
	}
	return nil
}

// discard removes the folder of id, of which nobody sees a half: it is moved
// away first. It is no error if there is none.
func (a *area) discard(id string) error {
	gone := quire.NewID()
	err := a.data.Rename(a.item(id), a.scrap(gone))
	if errors.Is(err, fs.ErrPermission) && a.data.Chmod(a.item(id), 0o700) == nil {
		// Moving a folder elsewhere needs the right to write into it.
		err = a.data.Rename(a.item(id), a.scrap(gone))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := a.syncFolder(a.name); err != nil {
		return err
	}
	crash.At(crash.DiscardMoved)
	return a.destroy(gone)
}

// destroy removes one entry of the scrap folder, even if the notebook whose it
// was took away its own rights to the folders.
func (a *area) destroy(name string) error {
	err := a.data.RemoveAll(a.scrap(name))
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	root, err := a.data.OpenRoot(a.scrap(""))
	if err != nil {
		return err
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), name, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return root.Chmod(p, 0o700) // before the walk reads it
	})
	if err != nil {
		return err
	}
	return root.RemoveAll(name)
}

// grow makes an empty file in the scrap folder.
func (a *area) grow() (f *os.File, name string, err error) {
	name = quire.NewID()
	f, err = a.data.OpenFile(a.scrap(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	return f, name, err
}

// place moves a file from the scrap folder into folder, over whatever file or
// link has that name, and makes that durable. Neither name follows a link.
func (a *area) place(scrap string, folder *os.File, name string) error {
	err := unix.Renameat(int(a.tmp.Fd()), scrap, int(folder.Fd()), name)
	runtime.KeepAlive(a.tmp)
	if err != nil {
		return err
	}
	crash.At(crash.UploadPlaced)
	return folder.Sync()
}

func (a *area) syncFolder(name string) error { return syncFolder(a.data, name) }

func syncFolder(root *os.Root, name string) error {
	f, err := openFolder(root, name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func openFolder(root *os.Root, name string) (*os.File, error) {
	return root.OpenFile(name, os.O_RDONLY|syscall.O_DIRECTORY, 0)
}

// openRegular opens a regular file. A pipe without a writer would block the
// caller for ever and a device may act on being opened: a notebook can plant
// either, and swap it in between the look and the opening.
func openRegular(root *os.Root, name string) (*os.File, fs.FileInfo, error) {
	info, err := root.Stat(name)
	if err != nil {
		return nil, nil, err
	}
	if err := regular(info); err != nil {
		return nil, nil, err
	}
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	if info, err = f.Stat(); err == nil {
		err = regular(info)
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

func regular(info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return syscall.EISDIR
	case !info.Mode().IsRegular():
		return errNotRegular
	}
	return nil
}

// write fills f from r, makes it durable and closes it, whatever happens.
func write(f *os.File, r io.Reader) (fs.FileInfo, error) {
	_, err := io.Copy(f, r)
	if err == nil {
		err = f.Sync()
	}
	var info fs.FileInfo
	if err == nil {
		info, err = f.Stat()
	}
	return info, errors.Join(err, f.Close())
}

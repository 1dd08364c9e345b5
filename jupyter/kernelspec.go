package jupyter

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"quire"
)

// Kernelspec says how a kernel is started. Argv and Env hold the
// placeholders of its kernel.json; Launch fills them in.
type Kernelspec struct {
	Name          string // the folder's name in lower case
	Dir           string // the folder, with kernel.json and other resources
	Argv          []string
	DisplayName   string
	Language      string
	InterruptMode string // signal or message
	Env           map[string]string
	Metadata      json.RawMessage
}

// specFile is kernel.json.
type specFile struct {
	Argv          []string          `json:"argv"`
	DisplayName   string            `json:"display_name"`
	Language      string            `json:"language"`
	InterruptMode string            `json:"interrupt_mode"`
	Env           map[string]string `json:"env"`
	Metadata      json.RawMessage   `json:"metadata"`
}

// maxSpecFile bounds a kernel.json, which is a few hundred bytes.
const maxSpecFile = 1 << 20

var validName = regexp.MustCompile(`^[a-z0-9._-]+$`)

// Kernels returns the kernelspecs found in the folders of path, by name. Of
// two with one name the first folder's counts. A spec that cannot be read is
// left out.
func Kernels(path []string) ([]Kernelspec, error) {
	dirs, err := kernelDirs(path)
	if err != nil {
		return nil, err
	}
	var specs []Kernelspec
	for _, name := range slices.Sorted(maps.Keys(dirs)) {
		if spec, err := readSpec(name, dirs[name]); err == nil {
			specs = append(specs, spec)
		}
	}
	return specs, nil
}

// DefaultKernel is the kernelspec of a notebook that names none.
const DefaultKernel = "python3"

// FindKernel returns the kernelspec of that name, whose case does not matter.
// An unknown name is InvalidArgument for the field "kernel" and lists the
// known ones.
func FindKernel(path []string, name string) (Kernelspec, error) {
	dirs, err := kernelDirs(path)
	if err != nil {
		return Kernelspec{}, err
	}
	folded := strings.ToLower(name)
	dir, ok := dirs[folded]
	if !ok {
		return Kernelspec{}, unknownKernel(name, slices.Sorted(maps.Keys(dirs)))
	}
	spec, err := readSpec(folded, dir)
	if err != nil {
		return Kernelspec{}, &quire.Error{
			Code: quire.InvalidArgument, Field: "kernel", Err: err,
			Message: fmt.Sprintf("kernel %q cannot be used: its kernelspec is not readable, or is not an object with an argv", name),
		}
	}
	return spec, nil
}

func unknownKernel(name string, known []string) error {
	if len(known) == 0 {
		return quire.Invalid("kernel", "unknown kernel %q: no kernels are installed", name)
	}
	return quire.Invalid("kernel", "unknown kernel %q; known are %s", name, strings.Join(known, ", "))
}

// kernelDirs returns the folder of each kernel by its name in lower case.
func kernelDirs(path []string) (map[string]string, error) {
	dirs := map[string]string{}
	for _, folder := range path {
		entries, err := os.ReadDir(folder)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list kernels: %w", err)
		}
		for _, e := range entries {
			name, dir := strings.ToLower(e.Name()), filepath.Join(folder, e.Name())
			if _, taken := dirs[name]; taken || !validName.MatchString(name) {
				continue
			}
			if _, err := os.Stat(filepath.Join(dir, "kernel.json")); err == nil {
				dirs[name] = dir
			}
		}
	}
	return dirs, nil
}

func readSpec(name, dir string) (Kernelspec, error) {
	path := filepath.Join(dir, "kernel.json")
	if info, err := os.Stat(path); err != nil {
		return Kernelspec{}, fmt.Errorf("read kernelspec: %w", err)
	} else if !info.Mode().IsRegular() || info.Size() > maxSpecFile {
		return Kernelspec{}, errors.New("read kernelspec: not a file of a kernelspec's size")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Kernelspec{}, fmt.Errorf("read kernelspec: %w", err)
	}
	var f specFile
	if err := json.Unmarshal(data, &f); err != nil {
		return Kernelspec{}, fmt.Errorf("read kernelspec: %w", err)
	}
	if len(f.Argv) == 0 || f.Argv[0] == "" {
		return Kernelspec{}, errors.New("read kernelspec: no argv")
	}
	return Kernelspec{
		Name: name, Dir: dir, Argv: f.Argv,
		DisplayName: cmp.Or(f.DisplayName, name), Language: f.Language,
		InterruptMode: cmp.Or(f.InterruptMode, "signal"), Env: f.Env, Metadata: f.Metadata,
	}, nil
}

// tcpPrograms and tcpLanguages are of kernels whose ZeroMQ has no Unix
// sockets: Deno's own, JeroMQ (all on the JVM) and NetMQ. Those of xeus have
// them, but no room for a socket's path of more than some 20 bytes.
var (
	xeusPrograms = []string{"xpython", "xr", "xcpp", "xsqlite", "xlua", "xpython_launcher"}
	tcpPrograms  = []string{"deno", "java", "dotnet", "coursier", "cs"}
	tcpLanguages = []string{"java", "kotlin", "scala", "groovy", "clojure", "c#", "f#"}
)

// Transport returns how to talk to the kernel: ipc, or tcp for a kernel that
// is known not to speak ipc, or whatever its metadata names as
// {"quire": {"transport": …}}.
func (k Kernelspec) Transport() string {
	var metadata struct {
		Quire struct {
			Transport string `json:"transport"`
		} `json:"quire"`
	}
	if json.Unmarshal(k.Metadata, &metadata) == nil {
		switch metadata.Quire.Transport {
		case transportIPC, transportTCP:
			return metadata.Quire.Transport
		}
	}
	program := len(k.Argv) > 0 && slices.Contains(tcpPrograms, filepath.Base(k.Argv[0]))
	for _, arg := range k.Argv {
		program = program || slices.Contains(xeusPrograms, filepath.Base(arg))
	}
	if program || slices.Contains(tcpLanguages, strings.ToLower(k.Language)) {
		return transportTCP
	}
	return transportIPC
}

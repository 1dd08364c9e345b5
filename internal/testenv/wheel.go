package testenv

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Wheel puts a wheel of the package into the folder dir: one module of its
// name, whose version is __version__, with what it requires.
func Wheel(tb testing.TB, dir, name, version string, requires ...string) {
	tb.Helper()
	writeWheel(tb, dir, name, version, requires, map[string]string{
		name + ".py": fmt.Sprintf("__version__ = %q\n", version),
	})
}

// RunningWheel puts a wheel into dir that runs a line of Python at the start of
// every Python that it is installed for.
func RunningWheel(tb testing.TB, dir, name, line string) {
	tb.Helper()
	writeWheel(tb, dir, name, "1.0", nil, map[string]string{name + ".py": "", name + ".pth": "import os; " + line + "\n"})
}

// KernelWheel puts a wheel into dir that is called ipykernel and brings a
// kernelspec along, but no kernel.
func KernelWheel(tb testing.TB, dir string) {
	tb.Helper()
	const data = "ipykernel-7.0.data/data/share/jupyter/kernels/python3/kernel.json"
	writeWheel(tb, dir, "ipykernel", "7.0", nil, map[string]string{
		"ipykernel.py": "",
		data:           `{"argv": ["python", "-m", "ipykernel", "-f", "{connection_file}"], "display_name": "Python 3", "language": "python"}`,
	})
}

func writeWheel(tb testing.TB, dir, name, version string, requires []string, files map[string]string) {
	tb.Helper()
	info := fmt.Sprintf("%s-%s.dist-info/", name, version)
	var metadata strings.Builder
	fmt.Fprintf(&metadata, "Metadata-Version: 2.1\nName: %s\nVersion: %s\n", name, version)
	for _, r := range requires {
		metadata.WriteString("Requires-Dist: " + r + "\n")
	}
	files[info+"METADATA"] = metadata.String()
	files[info+"WHEEL"] = "Wheel-Version: 1.0\nGenerator: quire\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
	var record strings.Builder
	for _, path := range slices.Sorted(maps.Keys(files)) {
		sum := sha256.Sum256([]byte(files[path]))
		fmt.Fprintf(&record, "%s,sha256=%s,%d\n", path, base64.RawURLEncoding.EncodeToString(sum[:]), len(files[path]))
	}
	record.WriteString(info + "RECORD,,\n")
	files[info+"RECORD"] = record.String()

	f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%s-%s-py3-none-any.whl", name, version)))
	if err != nil {
		tb.Fatal(err)
	}
	w := zip.NewWriter(f)
	for _, path := range slices.Sorted(maps.Keys(files)) {
		entry, err := w.Create(path)
		if err == nil {
			_, err = entry.Write([]byte(files[path]))
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
}

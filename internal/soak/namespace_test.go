package soak_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A run goes through three processes of this binary: the one that go test has
// started, the first process of the new namespaces, which mounts and reaps,
// and the tests.
const (
	stageVariable  = "QUIRE_SOAK_STAGE"
	folderVariable = "QUIRE_SOAK_FOLDER"
	stageInit      = "init"
	stageTest      = "test"

	diskSize = "256m" // of the data folder's file system
)

// isolate runs this program again in new namespaces and returns its status.
func isolate() int {
	program := os.Getenv("QUIRE_BIN")
	if _, err := os.Stat(program); program != "" && err != nil { // go test shows no old result of another program
		return complain(err)
	}
	dir, err := os.MkdirTemp("", "soak-")
	if err != nil {
		return complain(err)
	}
	if program == "" {
		program = filepath.Join(dir, "built")
		if out, err := exec.CommandContext(context.Background(), "go", "build", "-o", program, "quire/cmd/quire").CombinedOutput(); err != nil {
			return complain(fmt.Errorf("build quire: %w\n%s", err, out))
		}
	}
	cmd := exec.CommandContext(context.Background(), "/proc/self/exe", childArgs()...)
	cmd.Env = append(os.Environ(), stageVariable+"="+stageInit, folderVariable+"="+dir, "QUIRE_BIN="+program)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET,
		Pdeathsig:  syscall.SIGKILL,
	}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	err = cmd.Run()
	if _, kept := os.Stat(filepath.Join(dir, keptFolder)); kept != nil {
		_ = os.RemoveAll(dir)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return max(1, exit.ExitCode())
	}
	if err != nil {
		return complain(fmt.Errorf("enter new namespaces: %w", err))
	}
	return 0
}

// childArgs are this process's own, without the file in which go test is told
// what the outer process depends on.
func childArgs() []string {
	return slices.DeleteFunc(slices.Clone(os.Args[1:]), func(arg string) bool {
		return strings.HasPrefix(arg, "-test.testlogfile")
	})
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, "soak:", err)
	return 1
}

// initStage is the first process of the namespaces: it sets them up, starts
// the tests, and collects whatever dies in them.
func initStage() int {
	if err := settle(os.Getenv(folderVariable)); err != nil {
		return complain(err)
	}
	env := slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, stageVariable+"=") })
	tests, err := os.StartProcess("/proc/self/exe", os.Args, &os.ProcAttr{
		Env: append(env, stageVariable+"="+stageTest), Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
	})
	if err != nil {
		return complain(err)
	}
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, 0, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return complain(err)
		}
		if pid == tests.Pid {
			if status.Signaled() {
				return complain(fmt.Errorf("the tests were ended by %s", status.Signal()))
			}
			return status.ExitStatus()
		}
	}
}

// settle gives the namespaces a /proc, a loopback and a small disk.
func settle(dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	for _, name := range []string{dataFolder, tempFolder, marksFolder, gatesFolder} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			return err
		}
	}
	if err := unix.Mount("soak", filepath.Join(dir, dataFolder), "tmpfs", 0, "size="+diskSize); err != nil {
		return fmt.Errorf("mount the data folder's disk: %w", err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("set the loopback up: %w", err)
	}
	return nil
}

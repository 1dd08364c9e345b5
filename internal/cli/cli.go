// Package cli is the command line: one file a command. `quire run` runs a
// notebook here, through the executor; the other commands call a server's gRPC
// API, and the wiring of the server itself is handed in by main.
//
// Results go to standard output, progress and errors to standard error.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"quire"
)

// ServeOptions are the flags of `quire serve`.
type ServeOptions struct {
	Listen        string // host:port
	PublicAddress string // host:port that clients are told to call; empty: the one that they have called
	Data          string // folder
	Python        string // interpreter whose environment holds the kernels; empty: the one on the PATH
	TLSCert       string // PEM files, both or none
	TLSKey        string
	AddressFile   string         // where the address is written once the server listens; empty: nowhere
	MaxRunning    int            // executions at a time; 0: the server's choice
	MaxProcesses  int            // processes and threads of one execution; 0: the server's choice
	MaxQueued     int            // executions that wait; negative: no limit
	Policy        quire.Policy   // of projects that have none
	KernelEnv     []string       // names of the server's own variables that kernels may see
	CellTimeout   time.Duration  // 0: none
	RunTimeout    time.Duration  // 0: none
	WebhookAllow  []netip.Prefix // networks that webhooks may be in though they are private
	Cold          bool           // start every kernel anew
	Ready         int            // kernels that are kept started
	Prestart      map[string]int // the same of other kernels, by kernelspec
	Preload       []string       // modules that warm kernels have imported; empty: the server's choice
	NoLearn       bool           // nothing beside them that projects' notebooks were seen to import
	Environments  EnvironmentOptions
}

// EnvironmentOptions say how the server makes the Python environments that
// projects declare.
type EnvironmentOptions struct {
	Ignore          bool // declarations do not count
	UV              string
	Index           string
	ExtraIndexes    []string
	Credentials     string // netrc file
	FindLinks       []string
	Offline         bool
	Cache           string // uv's; empty: in the data folder
	AllowBuilds     bool
	PythonDownloads bool
	MaxUnused       time.Duration // 0: the store's default
	MaxKept         int
}

// Programs is what the commands need and only main can wire.
type Programs struct {
	Serve    func(ctx context.Context, o ServeOptions, stderr io.Writer) error
	Executor func(ctx context.Context, dir string) error // runs the job in dir
	Wait     func(ctx context.Context) error             // is given a job later
	Version  string
}

// The exit statuses. A command ended by a signal has interrupted's status.
const (
	statusOK     = 0
	statusFailed = 1 // the notebook failed or was stopped, or a call failed
	statusMisuse = 2 // the command is not right as it stands; nothing was done
	statusSignal = 128
)

// app is what all commands share.
type app struct {
	Programs
	stdin          io.Reader
	stdout, stderr io.Writer
	begun          bool // the command itself runs: its line of arguments was right
}

// Main runs the command that args, without the program's name, ask for. It
// returns the status to exit with, after everything was told to stderr. It
// handles SIGINT, SIGTERM and SIGHUP for the time that a command needs; the end
// of ctx counts as SIGTERM.
func Main(ctx context.Context, p Programs, args []string, stdin io.Reader, stdout, stderr io.Writer) (exitStatus int) {
	a := &app{Programs: p, stdin: stdin, stdout: stdout, stderr: stderr}
	root := a.root() //nolint:contextcheck // the commands take the context that ExecuteContextC gives them
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	return a.status(cmd, err)
}

// root returns the tree of all commands.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "quire",
		Short: "Run Jupyter notebooks, here or as a service",
		Long: "Quire runs Jupyter notebooks: one here and now (quire run), or many as a service\n" +
			"(quire serve) that other programs call.",
		Example: "  quire run report.ipynb -v year=2026 --output-variable total\n" +
			"  quire serve --data ./quire-data\n" +
			"  quire execute --project P report.ipynb --wait",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.AddCommand(
		a.runCommand(), a.serveCommand(), a.executorCommand(),
		a.projectCommand(), a.filesCommand(), a.executeCommand(), a.executionCommand(), a.operationCommand(), a.envCommand(),
		a.scheduleCommand(), a.sweepCommand(), a.webhookCommand(),
		a.tokenCommand(), a.versionCommand(),
	)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd("completion")
	describeBuiltins(root)
	a.watchStart(root)
	return root
}

// watchStart notes when a command itself begins: an error before that comes
// from cobra's reading of the arguments.
func (a *app) watchStart(cmd *cobra.Command) {
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			a.begun = true
			return run(cmd, args)
		}
	}
	for _, child := range cmd.Commands() {
		a.watchStart(child)
	}
}

// status tells the error and returns what to exit with.
func (a *app) status(cmd *cobra.Command, err error) int {
	if err == nil {
		return statusOK
	}
	about := strings.TrimPrefix(strings.TrimPrefix(cmd.CommandPath(), "quire"), " ")
	if end, ok := errors.AsType[*exitError](err); ok {
		if end.message != "" {
			a.complain(about, end.message)
		}
		return end.status
	}
	misuse, ok := errors.AsType[*usageError](err)
	if !ok && a.begun {
		a.complain(about, err.Error())
		return statusFailed
	}
	if ok {
		err = misuse
	}
	message := firstLine(err.Error())
	if !a.begun {
		message += "; see " + cmd.CommandPath() + " --help"
	}
	a.complain(about, message)
	return statusMisuse
}

// complain writes the one line that says what went wrong.
func (a *app) complain(about, message string) {
	line := "quire: "
	if about != "" {
		line += about + ": "
	}
	_, _ = fmt.Fprintln(a.stderr, line+printable(strings.TrimSpace(message)))
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

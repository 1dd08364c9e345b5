package cli

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"quire"
	"quire/jupyter"
)

const (
	defaultAddress = "127.0.0.1:8080"
	defaultData    = "./quire-data"
	maxReady       = 64
)

func (a *app) serveCommand() *cobra.Command {
	var o ServeOptions
	var allow, prestart []string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: "Runs the server: gRPC and REST on one address, its state in the data folder. The\n" +
			"first start makes an admin token in DATA/token.\n\n" +
			"SIGTERM or Ctrl-C stops it; executions that run go on, and the next server on the\n" +
			"same data folder takes them up again.",
		Example: "  quire serve --listen 127.0.0.1:8080 --data ./quire-data\n" +
			"  quire serve --listen :8443 --tls-cert server.pem --tls-key server.key --kernel-env AWS_REGION",
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (o.TLSCert == "") != (o.TLSKey == "") {
				return misuse("--tls-cert and --tls-key go together")
			}
			if o.Ready < 0 || o.Ready > maxReady {
				return misuse("--ready must be from 0 to %d", maxReady)
			}
			var err error
			if o.Prestart, err = prestarted(prestart); err != nil {
				return err
			}
			if o.Policy.MaxAttempts < 1 {
				return misuse("--max-attempts must be 1 at least")
			}
			if o.Environments.MaxUnused < 0 || o.Environments.MaxKept < 0 {
				return misuse("--env-max-unused and --env-max-kept must not be negative")
			}
			for _, network := range allow {
				prefix, err := netip.ParsePrefix(network)
				if err != nil {
					return misuse("--webhook-allow %q must be a network, such as 10.1.0.0/16", network)
				}
				o.WebhookAllow = append(o.WebhookAllow, prefix)
			}
			return a.Serve(cmd.Context(), o, a.stderr)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Listen, "listen", defaultAddress, "address to serve on, `host:port`; port 0 takes a free one")
	f.StringVar(&o.PublicAddress, "public-address", "", "address that clients are told to call, `host:port` (default: the one that they have called)")
	f.StringVar(&o.Data, "data", defaultData, "`folder` of the server's state and the projects' files")
	f.StringVar(&o.Python, "python", "", "Python `interpreter` whose environment holds the kernels (default: python3 on the PATH)")
	f.StringVar(&o.TLSCert, "tls-cert", "", "PEM `file` with the certificate chain; without it the server speaks plaintext")
	f.StringVar(&o.TLSKey, "tls-key", "", "PEM `file` with the certificate's private key")
	f.StringVar(&o.AddressFile, "address-file", "", "`file` that the server writes its address to once it listens")
	f.IntVar(&o.MaxRunning, "max-running", 0, "executions that run at a time (default: twice the processors, 4 at least)")
	f.IntVar(&o.MaxProcesses, "max-processes", 0, "processes and threads of one execution (default: 4096)")
	f.IntVar(&o.Policy.MaxRunning, "max-running-per-project", 0, "of one project, unless the project says otherwise (default: no limit)")
	f.IntVar(&o.MaxQueued, "max-queued", 100_000, "executions that wait; one more is refused; -1 for no limit")
	f.IntVar(&o.Policy.MaxAttempts, "max-attempts", quire.DefaultPolicy().MaxAttempts, "attempts of an execution that the server loses, unless the project says otherwise")
	f.DurationVar(&o.Policy.KeepFor, "keep-for", 0, "how long ended executions are kept, such as 720h, unless the project says otherwise (default: for ever)")
	f.IntVar(&o.Policy.KeepLast, "keep-last", 0, "how many ended executions of a project are kept, unless the project says otherwise (default: all)")
	f.StringArrayVar(&o.KernelEnv, "kernel-env", nil, "`name` of a variable of the server's environment that kernels may see; may be repeated")
	f.DurationVar(&o.CellTimeout, "cell-timeout", 0, "limit for each cell, such as 10m, unless the project says otherwise (default: none)")
	f.DurationVar(&o.RunTimeout, "run-timeout", 0, "limit for a whole run, such as 6h, unless the project says otherwise (default: none)")
	o.Environments.flags(cmd)
	f.BoolVar(&o.Cold, "cold", false, "start every kernel anew instead of forking it from one that is warm")
	f.StringArrayVar(&o.Preload, "preload", nil, "Python `module` that warm kernels have imported; may be repeated (default: numpy, pandas and others)")
	f.BoolVar(&o.NoLearn, "no-learn", false, "import nothing ahead that a project's notebooks were seen to import, only what --preload says")
	f.StringArrayVar(&allow, "webhook-allow", nil, "private `network` that webhooks may be in, such as 10.1.0.0/16; may be repeated")
	f.IntVar(&o.Ready, "ready", 0, "kernels of the default environment that are kept started, waiting for a notebook (default: none)")
	f.StringArrayVar(&prestart, "prestart", nil, "`KERNEL=N`: kernels of another kernelspec, of Bash, Julia, Python or R, that are kept started; may be repeated (default: none)")
	completeFiles(cmd, "python", "tls-cert", "tls-key", "address-file")
	completeFolders(cmd, "data")
	return cmd
}

// prestarted reads the values of --prestart.
func prestarted(values []string) (map[string]int, error) {
	kernels := map[string]int{}
	for _, value := range values {
		kernel, number, _ := strings.Cut(value, "=")
		kernel = strings.ToLower(kernel)
		n, err := strconv.Atoi(number)
		_, twice := kernels[kernel]
		switch {
		case kernel == "" || err != nil || n < 1 || n > maxReady:
			return nil, misuse("--prestart %q must be a kernelspec's name and a number from 1 to %d, such as bash=2", value, maxReady)
		case kernel == jupyter.DefaultKernel:
			return nil, misuse("--prestart %q: kernels of %s are kept started by --ready %d", value, kernel, n)
		case twice:
			return nil, misuse("--prestart names %s twice", kernel)
		}
		kernels[kernel] = n
	}
	return kernels, nil
}

func (o *EnvironmentOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.Ignore, "env-ignore", false, "run every notebook in the environment of --python, whatever its project declares")
	f.StringVar(&o.UV, "uv", "", "uv `program` that makes the environments that projects declare (default: uv on the PATH, or a copy that is installed into the data folder)")
	f.StringVar(&o.Index, "env-index-url", "", "`url` of the package index (default: PyPI)")
	f.StringArrayVar(&o.ExtraIndexes, "env-extra-index-url", nil, "`url` of a package index that is asked before that one; may be repeated")
	f.StringVar(&o.Credentials, "env-credentials", "", "netrc `file` of mode 0600 with the passwords of the indexes")
	f.StringArrayVar(&o.FindLinks, "env-find-links", nil, "`folder` of wheels; may be repeated")
	f.BoolVar(&o.Offline, "env-offline", false, "fetch nothing: packages come from folders of wheels and from what was fetched before")
	f.StringVar(&o.Cache, "env-cache", "", "`folder` of uv's cache, on the data folder's file system so that files can be shared (default: in the data folder)")
	f.BoolVar(&o.AllowBuilds, "env-allow-builds", false, "build packages that have no wheel, which runs their code with the server's rights")
	f.BoolVar(&o.PythonDownloads, "env-python-downloads", false, "let uv fetch a Python that a project asks for and the machine lacks")
	f.DurationVar(&o.MaxUnused, "env-max-unused", 0, "time after which an unused environment is removed (default: 720h)")
	f.IntVar(&o.MaxKept, "env-max-kept", 0, "environments that are kept, beside those in use (default: 100)")
	completeFiles(cmd, "uv", "env-credentials")
	completeFolders(cmd, "env-find-links", "env-cache")
}

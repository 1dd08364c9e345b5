package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/datasphere/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	quirev1 "quire/internal/gen/quire/v1"
)

const (
	addressVariable = "QUIRE_ADDRESS"
	tokenVariable   = "QUIRE_TOKEN" //nolint:gosec // its name
)

// maxMessage bounds one message from the server: an event holds an output of a
// cell, whole.
const maxMessage = 512 << 20

// remote is where a server is and how it is called.
type remote struct {
	address, tokenFile, ca, data string
}

const remoteHelp = "The server is the one at --address, else at QUIRE_ADDRESS, else at " + defaultAddress + ". The\n" +
	"token comes from --token-file, else from QUIRE_TOKEN, else from the file token in the data\n" +
	"folder of a server on this machine."

func (r *remote) flags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringVar(&r.address, "address", "", "server's address, `[http[s]://]host:port` (default: $QUIRE_ADDRESS, or "+defaultAddress+")")
	f.StringVar(&r.tokenFile, "token-file", "", "`file` that holds the token (default: $QUIRE_TOKEN, or DATA/token)")
	f.StringVar(&r.ca, "tls-ca", "", "PEM `file` with the certificates that a server's must be signed by (default: the system's)")
	f.StringVar(&r.data, "data", "", "data `folder` of a server on this machine (default: "+defaultData+")")
	completeFiles(cmd, "token-file", "tls-ca")
	completeFolders(cmd, "data")
}

// client is a connection to a server.
type client struct {
	*grpc.ClientConn
	address    string
	secure     bool // speaks TLS
	projects   datasphere.ProjectServiceClient
	operations operation.OperationServiceClient
	files      quirev1.FileServiceClient
	executions quirev1.ExecutionServiceClient
	settings   quirev1.RunSettingsServiceClient
	policies   quirev1.PolicyServiceClient
	schedules  quirev1.ScheduleServiceClient
	sweeps     quirev1.SweepServiceClient
	webhooks   quirev1.WebhookServiceClient

	environments quirev1.EnvironmentServiceClient
}

// call runs f with a connection, for as long as nobody interrupts it, and
// returns its error in words for a person.
func (r *remote) call(ctx context.Context, f func(context.Context, *client) error) error {
	ctx, release := interruptible(ctx, func(i *interruption) error { return i })
	defer release()
	c, err := r.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	return c.explain(ctx, f(ctx, c))
}

// dial prepares a connection, which is made with the first call.
func (r *remote) dial() (*client, error) {
	address, secure, err := r.server()
	if err != nil {
		return nil, err
	}
	token, err := r.token(address)
	if err != nil {
		return nil, err
	}
	transport := insecure.NewCredentials()
	if secure {
		if transport, err = r.tls(); err != nil {
			return nil, err
		}
	}
	conn, err := grpc.NewClient("dns:///"+address,
		grpc.WithTransportCredentials(transport),
		grpc.WithPerRPCCredentials(bearer(token)),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)),
		grpc.WithUserAgent("quire"))
	if err != nil {
		return nil, misuse("--address %s is no address of a server; it must be host:port", address)
	}
	return &client{
		ClientConn: conn, address: address, secure: secure,
		projects:   datasphere.NewProjectServiceClient(conn),
		operations: operation.NewOperationServiceClient(conn),
		files:      quirev1.NewFileServiceClient(conn),
		executions: quirev1.NewExecutionServiceClient(conn),
		settings:   quirev1.NewRunSettingsServiceClient(conn),
		policies:   quirev1.NewPolicyServiceClient(conn),
		schedules:  quirev1.NewScheduleServiceClient(conn),
		sweeps:     quirev1.NewSweepServiceClient(conn),
		webhooks:   quirev1.NewWebhookServiceClient(conn),

		environments: quirev1.NewEnvironmentServiceClient(conn),
	}, nil
}

// server returns the address and whether to speak TLS with it.
func (r *remote) server() (address string, secure bool, err error) {
	given, from := r.address, "--address"
	if given == "" {
		given, from = os.Getenv(addressVariable), addressVariable
	}
	if given == "" {
		return defaultAddress, r.ca != "", nil
	}
	address, secure = strings.CutPrefix(given, "https://")
	address, plaintext := strings.CutPrefix(address, "http://")
	address = strings.TrimSuffix(address, "/")
	host, port, err := net.SplitHostPort(address)
	if err != nil && address != "" && (secure || plaintext) { // the schemes have ports of their own
		if host, port, err = net.SplitHostPort(address + ":80"); secure {
			port = "443"
		}
	}
	if err != nil || port == "" || strings.Contains(address, "/") {
		return "", false, misuse("%s %q must be host:port, with http:// or https:// before it or without", from, given)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), secure || r.ca != "" && !plaintext, nil
}

// token finds the token for the server. That of a data folder which nobody
// named goes to this machine only.
func (r *remote) token(address string) (string, error) {
	if r.tokenFile != "" {
		return readToken("--token-file", r.tokenFile)
	}
	if r.data != "" {
		return readToken("--data", filepath.Join(r.data, "token"))
	}
	if token := strings.TrimSpace(os.Getenv(tokenVariable)); token != "" {
		return token, nil
	}
	if loopback(address) {
		token, err := readToken("--data", filepath.Join(defaultData, "token"))
		if !errors.Is(err, fs.ErrNotExist) {
			return token, err
		}
	}
	return "", misuse("no token: set %s, or name the file that holds it with --token-file, or the server's data folder with --data", tokenVariable)
}

// tokenFileError is a misuse with its cause.
type tokenFileError struct {
	*usageError
	err error
}

func (e *tokenFileError) Unwrap() []error { return []error{e.usageError, e.err} }

func readToken(flag, path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		text := &usageError{message: flag + ": " + path + " cannot be read: " + errors.Unwrap(err).Error()}
		return "", &tokenFileError{text, err}
	}
	token := strings.TrimSpace(string(data))
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", misuse("%s: %s holds no token", flag, path)
	}
	return token, nil
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (r *remote) tls() (credentials.TransportCredentials, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if r.ca != "" {
		pem, err := os.ReadFile(r.ca)
		if err != nil {
			return nil, misuse("--tls-ca: %s cannot be read: %v", r.ca, errors.Unwrap(err))
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, misuse("--tls-ca: %s holds no certificate in PEM form", r.ca)
		}
	}
	return credentials.NewTLS(config), nil
}

// bearer is a token as gRPC sends it, over plaintext too: whether the way is
// safe is decided by who names the address.
type bearer string

// GetRequestMetadata returns the header.
func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

// RequireTransportSecurity lets plaintext through.
func (bearer) RequireTransportSecurity() bool { return false }

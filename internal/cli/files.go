package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"

	"quire"
	quirev1 "quire/internal/gen/quire/v1"
)

// pieceSize is how much of a file goes in one message.
const pieceSize = 256 << 10

func (a *app) filesCommand() *cobra.Command {
	var r remote
	var format output
	cmd := group(&cobra.Command{
		Use:     "files",
		Short:   "Move files to and from a project",
		Long:    "Moves files to and from a project on a server.\n\n" + remoteHelp,
		Example: "  quire files put --project P report.ipynb",
	}, a.filesPut(&r, &format), a.filesGet(&r), a.filesList(&r, &format), a.filesRemove(&r))
	r.flags(cmd)
	format.flag(cmd)
	return cmd
}

func (a *app) filesPut(r *remote, format *output) *cobra.Command {
	var project string
	cmd := &cobra.Command{
		Use:   "put --project PROJECT LOCAL [REMOTE]",
		Short: "Write a file into a project",
		Long: "Writes a local file, or - for standard input, into a project, whole or not at all. REMOTE\n" +
			"is its path there, by default its own name; with a / at the end it is a folder.",
		Example: "  quire files put --project P report.ipynb\n" +
			"  quire files put --project P sales.csv data/\n" +
			"  generate | quire files put --project P - data/sales.csv",
		Args: arguments("LOCAL", "[REMOTE]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			to, err := remotePath(args)
			if err != nil {
				return err
			}
			in, err := a.open(args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				file, err := c.put(ctx, project, to, in)
				if err != nil {
					return err
				}
				if *format == asJSON {
					return a.printMessage(file)
				}
				return a.printLine(file.GetPath())
			})
		},
	}
	projectFlag(cmd, r, &project)
	return cmd
}

// remotePath returns where in the project a local file goes.
func remotePath(args []string) (string, error) {
	to := ""
	if len(args) > 1 {
		to = args[1]
	}
	if to != "" && !strings.HasSuffix(to, "/") {
		return to, nil
	}
	if args[0] == "-" {
		return "", misuse("REMOTE is missing: standard input has no name")
	}
	return to + filepath.Base(args[0]), nil
}

func (a *app) open(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(a.stdin), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, misuse("%s cannot be opened: %v", name, errors.Unwrap(err))
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, errors.Join(misuse("%s is a folder; name a file", name), f.Close())
	}
	return f, nil
}

// put sends a file in pieces. A file that cannot be read to its end is given
// up, and the project stays as it was.
func (c *client) put(ctx context.Context, project, to string, in io.Reader) (*quirev1.File, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.files.Put(ctx)
	if err != nil {
		return nil, err
	}
	piece := &quirev1.PutFileRequest{ProjectId: project, Path: to, Content: &httpbody.HttpBody{}}
	buffer := make([]byte, pieceSize)
	for {
		if err := stream.Send(piece); errors.Is(err, io.EOF) {
			return stream.CloseAndRecv() // the server wants no more, and says why
		} else if err != nil {
			return nil, err
		}
		n, err := io.ReadFull(in, buffer)
		if n == 0 && errors.Is(err, io.EOF) {
			return stream.CloseAndRecv()
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("read file: %w", err)
		}
		piece = &quirev1.PutFileRequest{Content: &httpbody.HttpBody{Data: buffer[:n]}}
	}
}

func (a *app) filesGet(r *remote) *cobra.Command {
	var project, to string
	cmd := &cobra.Command{
		Use:   "get --project PROJECT REMOTE",
		Short: "Fetch a file of a project",
		Example: "  quire files get --project P data/result.csv > result.csv\n" +
			"  quire files get --project P data/result.csv -O result.csv",
		Args: arguments("REMOTE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				stream, err := c.files.Get(ctx, &quirev1.GetFileRequest{ProjectId: project, Path: args[0]})
				if err != nil {
					return err
				}
				return a.save(stream, to)
			})
		},
	}
	projectFlag(cmd, r, &project)
	cmd.Flags().StringVarP(&to, "output-file", "O", "", "`file` to write it to (default: standard output)")
	completeFiles(cmd, "output-file")
	return cmd
}

// save writes what the stream brings to a file, or to standard output.
func (a *app) save(stream grpc.ServerStreamingClient[httpbody.HttpBody], to string) error {
	first, err := stream.Recv() // before a file is made: there may be nothing to fetch
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	receive := func(w io.Writer) error {
		for piece := first; err == nil; piece, err = stream.Recv() {
			if _, err := w.Write(piece.GetData()); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	if to == "" {
		return receive(a.stdout)
	}
	return writeFile(to, receive)
}

func (a *app) filesList(r *remote, format *output) *cobra.Command {
	var project string
	cmd := &cobra.Command{
		Use:     "list --project PROJECT [PREFIX]",
		Short:   "List a project's files",
		Long:    "Lists the files of a project in the order of their paths, those that start with PREFIX\nwhere it is given.",
		Example: "  quire files list --project P data/",
		Args:    arguments("[PREFIX]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			request := &quirev1.ListFilesRequest{ProjectId: project, Prefix: strings.Join(args, ""), PageSize: quire.MaxPageSize}
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				files, err := pages(0, func(token string) ([]*quirev1.File, string, error) {
					request.PageToken = token
					page, err := c.files.List(ctx, request)
					return page.GetFiles(), page.GetNextPageToken(), err
				})
				if err != nil {
					return err
				}
				if *format == asJSON {
					return a.printMessage(&quirev1.ListFilesResponse{Files: files})
				}
				rows := make([][]string, len(files))
				for i, f := range files {
					rows[i] = []string{strconv.FormatInt(f.GetSize(), 10), moment(f.GetModifiedAt()), f.GetPath()}
				}
				return a.printTable([]string{"BYTES", "MODIFIED", "PATH"}, rows)
			})
		},
	}
	projectFlag(cmd, r, &project)
	return cmd
}

func (a *app) filesRemove(r *remote) *cobra.Command {
	var project string
	cmd := &cobra.Command{
		Use:     "rm --project PROJECT REMOTE",
		Short:   "Remove a file of a project",
		Example: "  quire files rm --project P data/old.csv",
		Args:    arguments("REMOTE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.call(cmd.Context(), func(ctx context.Context, c *client) error {
				_, err := c.files.Delete(ctx, &quirev1.DeleteFileRequest{ProjectId: project, Path: path.Clean(args[0])})
				return err
			})
		},
	}
	projectFlag(cmd, r, &project)
	return cmd
}

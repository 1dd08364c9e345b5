package cli

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"quire"
	"quire/internal/auth"
)

func (a *app) tokenCommand() *cobra.Command {
	var data string
	var format output
	cmd := group(&cobra.Command{
		Use:   "token",
		Short: "Keep the API tokens of a server on this machine",
		Long: "Keeps the API tokens in a server's data folder, whether the server runs or not. A server\n" +
			"that runs notices at once.",
		Example: "  quire token create nightly --data ./quire-data",
	}, a.tokenCreate(&data, &format), a.tokenList(&data, &format), a.tokenRevoke(&data))
	cmd.PersistentFlags().StringVar(&data, "data", defaultData, "data `folder` of the server")
	completeFolders(cmd, "data")
	format.flag(cmd)
	return cmd
}

func (a *app) tokenCreate(data *string, format *output) *cobra.Command {
	return &cobra.Command{
		Use:     "create NAME",
		Short:   "Create a token and print it, this once",
		Example: "  quire token create nightly > nightly.token",
		Args:    arguments("NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			tokens, err := openTokens(*data)
			if err != nil {
				return err
			}
			token, err := tokens.Create(args[0])
			if err != nil {
				return tokenError(err)
			}
			if *format == asJSON {
				return a.printValue(struct {
					Name  string `json:"name"`
					Token string `json:"token"`
				}{args[0], token})
			}
			return a.printLine(token)
		},
	}
}

func (a *app) tokenList(data *string, format *output) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the tokens by name",
		Example: "  quire token list -o json",
		Args:    arguments(),
		RunE: func(*cobra.Command, []string) error {
			tokens, err := openTokens(*data)
			if err != nil {
				return err
			}
			list, err := tokens.List()
			if err != nil {
				return err
			}
			return a.printTokens(list, *format)
		},
	}
}

func (a *app) printTokens(list []auth.Token, format output) error {
	if format == asJSON {
		type token struct {
			Name      string    `json:"name"`
			CreatedAt time.Time `json:"createdAt"`
		}
		tokens := make([]token, len(list))
		for i, t := range list {
			tokens[i] = token{t.Name, t.CreatedAt}
		}
		return a.printValue(map[string][]token{"tokens": tokens})
	}
	rows := make([][]string, len(list))
	for i, t := range list {
		rows[i] = []string{t.Name, t.CreatedAt.Local().Format(time.DateTime)}
	}
	return a.printTable([]string{"NAME", "CREATED"}, rows)
}

func (a *app) tokenRevoke(data *string) *cobra.Command {
	return &cobra.Command{
		Use:     "revoke NAME",
		Short:   "Make a token worthless",
		Example: "  quire token revoke nightly",
		Args:    arguments("NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			tokens, err := openTokens(*data)
			if err != nil {
				return err
			}
			return tokenError(tokens.Revoke(args[0]))
		},
	}
}

func openTokens(data string) (*auth.Tokens, error) {
	if info, err := os.Stat(data); err != nil || !info.IsDir() {
		return nil, misuse("--data: there is no folder %s; name the data folder of a server", data)
	}
	tokens, err := auth.Open(data, nil)
	if err != nil {
		return nil, fmt.Errorf("open tokens: %w", err)
	}
	return tokens, nil
}

// tokenError leaves out the operation, which the command's name says.
func tokenError(err error) error {
	if e, ok := errors.AsType[*quire.Error](err); ok {
		return errors.New(e.Message)
	}
	return err
}

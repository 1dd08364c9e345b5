// Command generate compiles the protos under api/ and writes what is made of
// them under internal/gen: Go messages, gRPC stubs and the OpenAPI document.
// The protos that ours import come from the descriptors that their Go packages
// register, so there is no copy of any of them here. It runs in the tools
// folder and needs no protoc.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

const (
	protoRoot   = "../api"
	moduleRoot  = ".."
	openAPIRoot = "../internal/gen/openapi"
	goModule    = "module=quire"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	files, err := compile(ctx, protoRoot)
	if err != nil {
		return fmt.Errorf("compile the protos: %w", err)
	}
	for _, p := range []plugin{
		{"protoc-gen-go", goModule},
		{"protoc-gen-go-grpc", goModule},
	} {
		out, err := p.run(ctx, files)
		if err != nil {
			return err
		}
		for name, content := range out {
			if err := write(filepath.Join(moduleRoot, name), []byte(content)); err != nil {
				return err
			}
		}
	}
	doc, err := openAPI(ctx, files)
	if err != nil {
		return fmt.Errorf("make the OpenAPI document: %w", err)
	}
	if err := write(filepath.Join(openAPIRoot, "openapi.json"), doc); err != nil {
		return err
	}
	return write(filepath.Join(openAPIRoot, "openapi.go"), []byte(embedGo))
}

func write(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, content, 0o644)
}
